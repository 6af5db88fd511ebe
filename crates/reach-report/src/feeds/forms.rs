//! Telling by its content which file it is.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use super::{
    Feed, FeedError, Kind, MOST_BYTES, MOST_RANGES, Range,
    document::{Document, Entry, Shape, TOO_MANY},
};
use crate::clean::clean;

/// The file in `bytes`, which somebody called `name`.
///
/// Its content decides what it is. The name helps where content does not say it: for the date of Azure's service tags,
/// and for lists that are nothing but networks.
///
/// # Errors
///
/// What is no list of ranges, or larger than any provider's: see [`FeedError`].
pub fn read(name: &str, bytes: &[u8]) -> Result<Feed, FeedError> {
    if bytes.len() > MOST_BYTES {
        return Err(FeedError::TooLarge { bytes: bytes.len() });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|_| FeedError::NoText)?;
    let of_name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let feed = if text.trim_start().starts_with(['{', '[']) {
        of_json(text, of_name)?
    } else {
        of_lines(text, of_name)?
    };
    if feed.ranges.is_empty() { Err(FeedError::Empty) } else { Ok(feed) }
}

fn of_json(text: &str, name: &str) -> Result<Feed, FeedError> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        if error.to_string().starts_with(TOO_MANY) {
            return FeedError::TooMany;
        }
        // Where it is stands in the error already.
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        FeedError::NoJson { line: error.line(), reason: clean(reason) }
    })?;
    let kind = kind(&document).ok_or_else(|| {
        let keys = document.keys.iter().map(|key| clean(key)).collect();
        FeedError::Unknown { keys }
    })?;
    let mut taking = Taking::default();
    for entry in &document.entries {
        for net in &entry.nets {
            taking.take(net, &entry.service, &entry.region)?;
        }
    }
    for (key, texts) in &document.lists {
        let service = match kind {
            // The keys of these say what the networks are for.
            Kind::GitHub | Kind::Stripe => key.as_str(),
            _ => "",
        };
        // Lists of names, keys and fingerprints stand beside those of networks.
        if kind == Kind::GitHub && !texts.iter().any(|text| net(text).is_some()) {
            continue;
        }
        for text in texts {
            taking.take(text, service, "")?;
        }
    }
    let of_date = document.date.as_deref().and_then(day_in);
    let of_token = document
        .token
        .as_deref()
        .filter(|_| matches!(kind, Kind::Google | Kind::GoogleCloud | Kind::Aws))
        .and_then(day_of_token);
    Ok(Feed {
        name: clean(name),
        kind,
        published: of_date.or(of_token).or_else(|| day_in(name)),
        token: document.token.or(document.change).map(|token| clean(&token)),
        ranges: taking.ranges,
        skipped: taking.skipped,
    })
}

fn kind(document: &Document) -> Option<Kind> {
    let has = |list: &str, shape: Shape| {
        document
            .entries
            .iter()
            .any(|entry| entry.list == list && entry.shape == shape && !entry.nets.is_empty())
    };
    let has_list =
        |wanted: &[&str]| wanted.iter().all(|key| document.lists.iter().any(|(list, _)| list == key));
    if document.is_array {
        let is_endpoint = |entry: &Entry| entry.shape == Shape::Microsoft365;
        let is_networks =
            document.lists.iter().any(|(_, texts)| texts.iter().any(|text| net(text).is_some()));
        return if document.entries.iter().any(is_endpoint) {
            Some(Kind::Microsoft365)
        } else {
            is_networks.then_some(Kind::Plain)
        };
    }
    if has("values", Shape::Azure) {
        return Some(Kind::Azure);
    }
    if has("prefixes", Shape::Aws) || has("ipv6_prefixes", Shape::Aws) {
        return Some(Kind::Aws);
    }
    if has("prefixes", Shape::Google) {
        let is_cloud =
            document.entries.iter().any(|entry| !entry.service.is_empty() || !entry.region.is_empty());
        return Some(if is_cloud { Kind::GoogleCloud } else { Kind::Google });
    }
    if has("items", Shape::Atlassian) {
        return Some(Kind::Atlassian);
    }
    if has("regions", Shape::Oracle) {
        return Some(Kind::Oracle);
    }
    if has_list(&["ipv4_cidrs"]) || has_list(&["ipv6_cidrs"]) {
        return Some(Kind::Cloudflare);
    }
    if has_list(&["addresses"]) {
        return Some(Kind::Fastly);
    }
    if has_list(&["hooks"]) && (has_list(&["web"]) || has_list(&["git"]) || has_list(&["api"])) {
        return Some(Kind::GitHub);
    }
    if ["API", "WEBHOOKS", "ARMADA_GATOR"].iter().any(|key| has_list(&[key])) {
        return Some(Kind::Stripe);
    }
    None
}

fn of_lines(text: &str, name: &str) -> Result<Feed, FeedError> {
    let mut taking = Taking::default();
    let mut wrong: Option<(usize, &str)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        // The first cell of a table counts, in whatever quotes.
        let first = line.split([',', '\t', ' ']).next().unwrap_or_default().trim_matches(['"', '\'']);
        if first.is_empty() {
            continue;
        }
        let skipped = taking.skipped;
        taking.take(first, "", "")?;
        if taking.skipped > skipped {
            wrong = wrong.or(Some((number + 1, line)));
        }
    }
    match wrong {
        // One line that is none may be a head; more than networks are another kind of text.
        Some((line, text)) if taking.skipped > taking.ranges.len() => {
            return Err(FeedError::NoNetwork { line, text: clean(text) });
        }
        _ => {}
    }
    Ok(Feed {
        kind: kind_of_lines(&taking.ranges, name),
        name: clean(name),
        published: day_in(name),
        token: None,
        ranges: taking.ranges,
        skipped: taking.skipped,
    })
}

/// Whose list of networks it is: by networks that have always been the provider's, then by its name.
fn kind_of_lines(ranges: &[Range], name: &str) -> Kind {
    let has = |wanted: &[&str]| {
        wanted.iter().all(|wanted| ranges.iter().any(|range| range.net.to_string() == *wanted))
    };
    let name = name.to_lowercase();
    if has(&["149.154.160.0/20", "91.108.4.0/22"]) || name.contains("telegram") {
        Kind::Telegram
    } else if has(&["173.245.48.0/20", "103.21.244.0/22"])
        || has(&["2400:cb00::/32", "2606:4700::/32"])
        || name.starts_with("ips-v4")
        || name.starts_with("ips-v6")
        || name.contains("cloudflare")
    {
        Kind::Cloudflare
    } else {
        Kind::Plain
    }
}

/// Ranges while they are taken from a file.
#[derive(Default)]
struct Taking {
    ranges: Vec<Range>,
    skipped: usize,
}

impl Taking {
    fn take(&mut self, text: &str, service: &str, region: &str) -> Result<(), FeedError> {
        // A network of everything would say that every address is the provider's.
        let Some(net) = net(text).filter(|net| net.prefix_len() > 0) else {
            self.skipped += 1;
            return Ok(());
        };
        if self.ranges.len() >= MOST_RANGES {
            return Err(FeedError::TooMany);
        }
        self.ranges.push(Range { net, service: clean(service), region: clean(region) });
        Ok(())
    }
}

/// A network, or an address alone.
fn net(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.map(|net| net.trunc())
}

/// The first day that a text names: `2026-11-20…`, `…_20261120.json`.
fn day_in(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find_map(|at| {
        let is_inside = at > 0 && bytes[at - 1].is_ascii_digit();
        if is_inside || !bytes[at].is_ascii_digit() {
            return None;
        }
        let rest = &bytes[at..];
        let run = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (year, month, day) = match (run, rest.get(4), rest.get(7)) {
            (8, ..) => (&rest[..4], &rest[4..6], &rest[6..8]),
            (4, Some(b'-'), Some(b'-')) => (&rest[..4], &rest[5..7], rest.get(8..10)?),
            _ => return None,
        };
        let number = |digits: &[u8]| str::from_utf8(digits).ok()?.parse::<i16>().ok();
        let part = |digits: &[u8]| i8::try_from(number(digits)?).ok();
        plausible(Date::new(number(year)?, part(month)?, part(day)?).ok()?)
    })
}

/// The day of a token that is a time: seconds or milliseconds since the epoch.
fn day_of_token(token: &str) -> Option<Date> {
    let number: i64 = token.parse().ok()?;
    let seconds = if number > 100_000_000_000 { number / 1000 } else { number };
    let stamp = jiff::Timestamp::from_second(seconds).ok()?;
    plausible(jiff::tz::Offset::UTC.to_datetime(stamp).date())
}

/// Lists of ranges are from this century.
fn plausible(date: Date) -> Option<Date> {
    (2000..2200).contains(&date.year()).then_some(date)
}
