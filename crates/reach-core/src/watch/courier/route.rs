//! Who wants to hear what.

use super::{ChannelPlan, thread::Thread};
use crate::watch::{Incident, Matcher, News, Notice};

/// Whether this is told there at all.
pub(super) fn wants(plan: &ChannelPlan, thread: Option<&Thread>, notice: &Notice) -> bool {
    let incident = &notice.incident;
    if incident.worst.max(incident.gravity) < plan.least || !matches(&plan.matcher, incident) {
        return false;
    }
    if plan.caps.program {
        // What is repeated has a beginning and an end; a pool that changes has neither.
        return plan.repeat.is_none() || !matches!(notice.news, News::Pool { .. });
    }
    if plan.caps.rings_only {
        return notice.rings;
    }
    match notice.news {
        // By whose hand and where is worth a message of its own, once; other details are not.
        News::Updated if !plan.caps.edits => {
            incident.diagnosis.is_some() && !thread.is_some_and(|thread| thread.diagnosis)
        }
        // One line among many has no details; the next message of its own tells them.
        News::Updated => !thread.is_some_and(|thread| thread.in_digest),
        _ => true,
    }
}

/// Whether an incident is what a matcher looks for.
pub(super) fn matches(matcher: &Matcher, incident: &Incident) -> bool {
    let target = matcher.target.as_deref().is_none_or(|pattern| is_like(pattern, &incident.title));
    let network = matcher.network.is_none_or(|network| {
        !incident.members.is_empty()
            && incident.members.iter().all(|member| network.contains(&member.address))
    });
    target && network && matcher.labels.iter().all(|(name, value)| incident.labels.get(name) == Some(value))
}

/// Whether a text is like a pattern, in which `*` stands for anything; letters of either case are alike.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [
            ("a.example", "A.example"),
            ("*", ""),
            ("*.example.com", "www.example.com"),
            ("fcm*", "fcm.googleapis.com:443"),
            ("*push*:443", "https://push.example:443"),
            ("a*b*c", "abbc"),
            ("a**c", "ac"),
        ] {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a.example", "a.example.com"), ("*.example.com", "example.com"), ("ab*ba", "aba"), ("", "a")]
        {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
    }
}
