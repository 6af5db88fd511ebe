//! The W3C's extended form, which says itself what its fields are: IIS, HTTP.sys, CloudFront, Exchange.
//!
//! Its times are in UTC.

use reach_core::Time;

use super::{Hit, leading_status};

/// Where the fields of interest stand, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    date: usize,
    time: usize,
    status: usize,
    method: Option<usize>,
    has_tabs: bool,
}

/// `#Fields: date time …`; any other directive says nothing of the fields.
///
/// Source: W3C Working Draft WD-logfile-960323.
pub(super) fn directive(line: &str) -> Option<Option<Layout>> {
    let (name, rest) = line.strip_prefix('#')?.split_once(':')?;
    match name {
        "Version" | "Software" | "Date" | "Start-Date" | "End-Date" | "Remark" => Some(None),
        "Fields" => {
            let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
            let at = |name: &str| fields.iter().position(|field| field.eq_ignore_ascii_case(name));
            let (Some(date), Some(time), Some(status)) = (at("date"), at("time"), at("sc-status")) else {
                return Some(None);
            };
            // CloudFront divides names by spaces and values by tabs: its name for where that was tells.
            let has_tabs = rest.contains("x-edge-location");
            Some(Some(Layout { date, time, status, method: at("cs-method"), has_tabs }))
        }
        _ => None,
    }
}

impl Layout {
    /// A request, if the line has these fields.
    pub(super) fn read(&self, line: &str, heard: Time) -> Option<Hit> {
        const MOST_FIELDS: usize = 64;
        let split = if self.has_tabs || line.contains('\t') { '\t' } else { ' ' };
        let values: Vec<&str> = line.split(split).take(MOST_FIELDS).collect();
        let of = |at: usize| values.get(at).copied();
        // Connections that HTTP.sys ended have neither.
        let method = self.method.and_then(of);
        let status = of(self.status)?;
        if method == Some("-") && status == "-" {
            return None;
        }
        let at = moment(of(self.date)?, of(self.time)?, heard)?;
        let status = leading_status(status.as_bytes()).filter(|_| status.len() <= 3)?;
        Some(Hit { at: Some(at), status, ..Hit::default() })
    }
}

/// A request of a log whose fields were told before anybody read it: those that IIS has by default end with the status,
/// two more, and how long it took.
pub(super) fn guess(line: &str, heard: Time) -> Option<Hit> {
    let bytes = line.as_bytes();
    let has_form = bytes.len() > 40
        && bytes.last().is_some_and(u8::is_ascii_digit)
        && (bytes[4], bytes[7], bytes[10], bytes[13], bytes[19]) == (b'-', b'-', b' ', b':', b' ');
    if !has_form {
        return None;
    }
    const METHODS: [&str; 9] =
        ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "CONNECT"];
    let values: Vec<&str> = line.split(' ').take(64).collect();
    let has_method = values.iter().skip(2).take(5).any(|value| METHODS.contains(value));
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let last = values.len().checked_sub(4).map(|from| &values[from..])?;
    if values.len() < 10 || !has_method || !last.iter().all(is_number) || last[0].len() != 3 {
        return None;
    }
    let at = moment(values[0], values[1], heard)?;
    Some(Hit { at: Some(at), status: leading_status(last[0].as_bytes())?, ..Hit::default() })
}

fn moment(date: &str, time: &str, heard: Time) -> Option<Time> {
    let mut stamps = crate::log::stamp::Stamps::new(jiff::tz::TimeZone::UTC);
    let text = format!("{date} {time} ");
    (text.len() <= 40).then(|| stamps.read(&text, heard)).flatten().map(|stamp| stamp.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARD: Time = Time::from_micros(1_710_117_000_000_000);
    const IIS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";
    const LINE: &str = "2024-03-11 00:12:33 203.0.113.7 GET /login user=secret 443 CORP\\kim 192.0.2.7 Mozilla/5.0+(Windows) - 503 0 64 1203";

    fn layout(line: &str) -> Layout {
        directive(line).flatten().unwrap_or_else(|| panic!("{line}"))
    }

    #[test]
    fn fields_are_where_the_log_says() {
        let hit = layout(IIS).read(LINE, HEARD).expect("a request");
        assert_eq!((hit.status, hit.at.map(Time::as_secs)), (503, Some(1_710_115_953)));
        let told = format!("{hit:?}");
        assert!(!told.contains("kim") && !told.contains("secret") && !told.contains("192.0.2.7"));
        let short = layout("#Fields: time date sc-status cs-uri");
        assert_eq!(short.read("00:12:33 2024-03-11 404 /x", HEARD).map(|hit| hit.status), Some(404));
        let cloudfront = layout(
            "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)",
        );
        let line = "2024-03-11\t00:12:33\tICN51-C1\t2390\t192.0.2.7\tGET\td1.example\t/a b\t502\t-";
        assert_eq!(cloudfront.read(line, HEARD).map(|hit| hit.status), Some(502));
    }

    #[test]
    fn directives_are_no_requests_and_connections_without_one_neither() {
        for line in
            ["#Version: 1.0", "#Software: Microsoft Internet Information Services 10.0", "#Fields: date time"]
        {
            assert_eq!(directive(line), Some(None), "{line}");
        }
        assert_eq!(directive("# a comment: x"), None);
        let errors = layout(
            "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename",
        );
        assert_eq!(
            errors.read(
                "2024-03-11 00:12:33 192.0.2.7 5 203.0.113.7 80 - - - - - Timer_ConnectionIdle -",
                HEARD
            ),
            None
        );
        let refused = errors.read(
            "2024-03-11 00:12:33 192.0.2.7 5 203.0.113.7 80 HTTP/1.1 GET / 503 1 AppOffline pool",
            HEARD,
        );
        assert_eq!(refused.map(|hit| hit.status), Some(503));
    }

    #[test]
    fn what_iis_writes_by_default_is_known_without_its_directive() {
        assert_eq!(guess(LINE, HEARD).map(|hit| hit.status), Some(503));
        for line in [
            "2024-03-11 00:12:33 INFO GET the result of it in 200 0 0 12 or so, whatever",
            "2024-03-11 00:12:33 WARN x took 503 0 0 12",
            "2024-03-11 00:12:33,123 ERROR [main] a b c d e f 503 0 0 12",
        ] {
            assert_eq!(guess(line, HEARD), None, "{line}");
        }
    }
}
