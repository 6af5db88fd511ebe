//! One JSON object a line, one question, one answer: `{"v":1,"do":"status"}`.
//!
//! Within one version fields may be added; whoever reads ignores those that it does not know.

use reach_core::{
    Time,
    model::{Case, Diagnosis},
    watch::{Order, Silence, SilenceId, Status, TargetId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of what is said.
pub const VERSION: u32 = 1;

/// The longest question, in bytes: an order with a long comment.
pub const LONGEST_REQUEST: usize = 64 * 1024;

/// The longest answer: the status of tens of thousands of addresses.
pub const LONGEST_ANSWER: usize = 256 * 1024 * 1024;

/// The longest name or comment that somebody may give, in characters.
const LONGEST_TEXT: usize = 500;

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// What is known at this moment.
    Status,
    /// The silences that are not over.
    Silences,
    /// Reads the configuration again, as SIGHUP does.
    Reload,
    /// Examines a target, and answers when that is over.
    Examine {
        /// Which.
        target: TargetId,
    },
    /// Writes down what somebody did who is asked for nothing by that: never from outside of the watch's own process.
    #[serde(skip)]
    Note {
        /// What, as a JSON object.
        did: Value,
    },
    /// Something to do. Whoever is left empty in it is filled in by the server, by who asks; the id of a new
    /// silence is given by the watch.
    Order {
        /// What.
        order: Order,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What is known at this moment.
    Status(Box<Status>),
    /// The silences that are not over.
    Silences(Vec<Silence>),
    /// What a survey found.
    Examined(Box<Examined>),
    /// The configuration was read again, and is in force.
    Reloaded {
        /// How many targets it has.
        targets: usize,
        /// What is worth telling whoever wrote it.
        remarks: Vec<String>,
    },
    /// It is done.
    Done {
        /// The silence that was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence: Option<SilenceId>,
    },
    /// It is not.
    Refused {
        /// A stable name of why: see [`Refusal`].
        code: Refusal,
        /// Why, in one sentence.
        why: String,
    },
}

/// What a survey found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// What it started from.
    pub case: Case,
    /// When it was over.
    pub finished: Time,
    /// What was concluded.
    pub diagnosis: Diagnosis,
}

impl Answer {
    /// It is done, and there is nothing to say of it.
    pub const DONE: Answer = Answer::Done { silence: None };

    /// It is not, and why.
    pub fn refused(code: Refusal, why: impl Into<String>) -> Answer {
        Answer::Refused { code, why: why.into() }
    }
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The question cannot be understood.
    BadRequest,
    /// The question is of another version.
    Version,
    /// There is no such incident, silence or target.
    NotFound,
    /// What is asked for makes no sense at the moment.
    Conflict,
    /// The new configuration is wrong; the old one stays in force.
    Configuration,
    /// Too many ask at the same time, or the watch is ending.
    Busy,
    /// The watch cannot do it at the moment.
    Unable,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u32,
    #[serde(flatten)]
    said: &'a T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct AnswerLine {
    v: u32,
    answer: Answer,
}

/// A question as a line, with its end.
pub fn write_request(request: &Request) -> String {
    line(&Versioned { v: VERSION, said: request })
}

/// An answer as a line, with its end.
pub fn write_answer(answer: &Answer) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        v: u32,
        answer: &'a Answer,
    }
    line(&Line { v: VERSION, answer })
}

fn line(value: &impl Serialize) -> String {
    // Nothing in these types can fail to be written: no map has other keys than texts.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Understands a question.
pub fn read_request(line: &[u8]) -> Result<Request, Answer> {
    let bad = |why: String| Answer::refused(Refusal::BadRequest, why);
    if line.len() > LONGEST_REQUEST {
        return Err(bad(format!("the question is longer than {LONGEST_REQUEST} bytes")));
    }
    let Version { v } = serde_json::from_slice(line).map_err(|error| {
        bad(format!("this is no JSON object with a version, like {{\"v\":1,\"do\":\"status\"}}: {error}"))
    })?;
    if v != VERSION {
        let why = format!(
            "version {v} is asked for and {VERSION} is spoken; use the same version of reach on both sides"
        );
        return Err(Answer::refused(Refusal::Version, why));
    }
    let request = serde_json::from_slice(line)
        .map_err(|error| bad(format!("this is no question of version {VERSION}: {error}")))?;
    sensible(&request).map_err(bad)?;
    Ok(request)
}

/// Understands an answer.
pub fn read_answer(line: &[u8]) -> Result<Answer, String> {
    let Version { v } =
        serde_json::from_slice(line).map_err(|error| format!("this is no answer: {error}"))?;
    if v != VERSION {
        return Err(format!("the watch speaks version {v}, and this reach speaks {VERSION}"));
    }
    let AnswerLine { answer, .. } = serde_json::from_slice(line)
        .map_err(|error| format!("this is no answer of version {VERSION}: {error}"))?;
    Ok(answer)
}

/// Bounds of what is kept and shown for as long as an incident or a silence.
pub(super) fn sensible(request: &Request) -> Result<(), String> {
    let Request::Order { order } = request else { return Ok(()) };
    let mut texts: Vec<&str> = Vec::new();
    texts.extend(order.author());
    match order {
        Order::Remark { text, .. } => texts.push(text),
        Order::Silence(silence) => {
            texts.push(&silence.comment);
            texts.extend(silence.matcher.target.as_deref());
            texts.extend(
                silence.matcher.labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]),
            );
            if silence.until <= silence.from {
                return Err("the silence ends before it begins".to_owned());
            }
            if silence.matcher.labels.len() > 32 {
                return Err("the silence names more than 32 labels".to_owned());
            }
        }
        Order::Acknowledge { .. } | Order::Mute { .. } | Order::Expire { .. } | Order::Examine(_) => {}
    }
    if texts.iter().any(|text| text.chars().count() > LONGEST_TEXT) {
        return Err(format!("a name or a comment is longer than {LONGEST_TEXT} characters"));
    }
    if texts.iter().any(|text| text.chars().any(crate::output::is_harmful)) {
        return Err("a name or a comment has characters that cannot be shown".to_owned());
    }
    Ok(())
}

/// Fills in who asks where nobody is named.
pub fn signed(request: Request, who: &str) -> Request {
    match request {
        Request::Order { mut order } => {
            if let Some(by) = order.author_mut().filter(|by| by.trim().is_empty()) {
                who.clone_into(by);
            }
            Request::Order { order }
        }
        request => request,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reach_core::{
        Time,
        watch::{IncidentId, Matcher, TargetId},
    };

    use super::*;

    fn silence(author: &str, comment: &str) -> Silence {
        Silence {
            id: SilenceId(0),
            matcher: Matcher { target: Some("fcm*".to_owned()), ..Matcher::default() },
            from: Time::from_micros(1),
            until: Time::from_micros(2),
            author: author.to_owned(),
            comment: comment.to_owned(),
            maintenance: false,
        }
    }

    fn requests() -> Vec<Request> {
        let by = || "kim".to_owned();
        let orders = [
            Order::Acknowledge { incident: IncidentId(17), by: by() },
            Order::Mute { incident: IncidentId(17), until: Time::from_micros(5), by: by() },
            Order::Remark {
                incident: IncidentId(17), text: "방화벽팀에 문의함".to_owned(), by: by()
            },
            Order::Silence(silence("kim", "패치")),
            Order::Expire { silence: SilenceId(3), by: by() },
            Order::Examine(TargetId(1)),
        ];
        let orders = orders.map(|order| Request::Order { order });
        let examine = Request::Examine { target: TargetId(1) };
        [Request::Status, Request::Silences, Request::Reload, examine].into_iter().chain(orders).collect()
    }

    #[test]
    fn questions_and_answers_survive_the_way() {
        assert_eq!(write_request(&Request::Status), "{\"v\":1,\"do\":\"status\"}\n");
        for request in requests() {
            let line = write_request(&request);
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(read_request(line.trim_end().as_bytes()), Ok(request));
        }
        for answer in [
            Answer::DONE,
            Answer::Done { silence: Some(SilenceId(4)) },
            Answer::refused(Refusal::NotFound, "there is no incident #17"),
            Answer::Silences(vec![silence("kim", "")]),
            Answer::Status(Box::default()),
            Answer::Reloaded { targets: 3, remarks: vec!["zone".to_owned()] },
        ] {
            assert_eq!(read_answer(write_answer(&answer).as_bytes()), Ok(answer));
        }
    }

    #[test]
    fn what_is_no_question_is_refused_with_what_would_be_one() {
        let code = |line: &str| match read_request(line.as_bytes()) {
            Err(Answer::Refused { code, .. }) => code,
            other => panic!("{line}: {other:?}"),
        };
        for line in ["", "{}", "[]", "status", "{\"v\":\"1\"}", "{\"v\":1}", "{\"v\":1,\"do\":\"explode\"}"] {
            assert_eq!(code(line), Refusal::BadRequest, "{line}");
        }
        assert_eq!(code("{\"v\":2,\"do\":\"anything\"}"), Refusal::Version);
        let order = |order| write_request(&Request::Order { order });
        assert_eq!(code(&order(Order::Silence(silence("a\u{1b}[2J", "")))), Refusal::BadRequest);
        assert_eq!(code(&order(Order::Silence(silence("", &"x".repeat(501))))), Refusal::BadRequest);
        let backwards = Silence { until: Time::from_micros(1), ..silence("", "") };
        assert_eq!(code(&order(Order::Silence(backwards))), Refusal::BadRequest);
        assert_eq!(code(&" ".repeat(LONGEST_REQUEST + 1)), Refusal::BadRequest);
    }

    #[test]
    fn a_newer_watch_may_refuse_for_reasons_unknown_here() {
        let line =
            "{\"v\":1,\"answer\":{\"refused\":{\"code\":\"moon-phase\",\"why\":\"not today\"}},\"new\":1}";
        assert_eq!(read_answer(line.as_bytes()), Ok(Answer::refused(Refusal::Other, "not today")));
    }

    #[test]
    fn who_asks_signs_what_nobody_signed() {
        let order = |by: &str| Order::Acknowledge { incident: IncidentId(1), by: by.to_owned() };
        let signed_by = |by: &str| signed(Request::Order { order: order(by) }, "lee");
        assert_eq!(signed_by(""), Request::Order { order: order("lee") });
        assert_eq!(signed_by("kim"), Request::Order { order: order("kim") });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_request(&bytes);
            let _ = read_answer(&bytes);
        }

        #[test]
        fn changed_questions_are_read_without_harm(
            which in 0_usize..10,
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut line = write_request(&requests()[which]).into_bytes();
            let at = at.index(line.len());
            line[at] = byte;
            if let Ok(request) = read_request(&line) {
                let again = write_request(&request);
                prop_assert_eq!(read_request(again.trim_end().as_bytes()), Ok(request));
            }
        }
    }
}
