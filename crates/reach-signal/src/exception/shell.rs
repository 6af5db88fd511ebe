//! What an operator pastes: `telnet`, `nc`, `curl -v`, `dig` and what they print.
//!
//! These programs try one address after another, so that a session ends "Connected" although an address is blocked,
//! and say what failed in one line and where in another.

use std::{net::IpAddr, sync::LazyLock};

use reach_core::signal::{Failure, HostFrom};
use regex::Regex;

use super::{
    frames::Frames,
    grammar,
    place::{self, Place},
    rules::{self, Reading, Sense},
    scrub::scrub,
};

/// Addresses and failures of one command that are kept.
const MOST: usize = 64;

/// A command and what it has printed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    verb: String,
    place: Place,
    /// Tried, and nothing known of it yet.
    trying: Vec<IpAddr>,
    /// Failed, at an address that is not known yet.
    pending: Vec<String>,
    /// Addresses that `curl -v` could not connect to, with the words.
    passed: Vec<(IpAddr, String)>,
    /// What ended the command, where its last line has not come yet.
    ending: Option<String>,
    /// Something of it was reported.
    told: bool,
}

impl Session {
    /// Whether a line is of such a program. Whatever failed goes to `failures`.
    pub(super) fn line(&mut self, line: &str, failures: &mut Vec<Failure>) -> bool {
        if let Some((verb, place)) = command(line) {
            self.finish(failures);
            *self = Session { verb, place, ..Session::default() };
            return true;
        }
        self.output(line, failures).is_some()
    }

    /// The command is over.
    pub(super) fn finish(&mut self, failures: &mut Vec<Failure>) {
        for text in std::mem::take(&mut self.pending) {
            self.fail(&text, None, failures);
        }
        if let Some(text) = self.ending.take() {
            self.end(&text, failures);
        }
        for (address, text) in std::mem::take(&mut self.passed) {
            self.fail(&text, Some(address), failures);
        }
        self.trying.clear();
    }

    fn output(&mut self, line: &str, failures: &mut Vec<Failure>) -> Option<()> {
        let curl = line.strip_prefix("* ").map(str::trim_start);
        let said = curl.unwrap_or(line);
        if let Some(rest) = said.strip_prefix("Trying ") {
            let text = rest.trim_end_matches('.').trim();
            let text = text.strip_suffix("...").unwrap_or(text);
            let bare = match text.rsplit_once(':') {
                Some((host, port))
                    if port.bytes().all(|byte| byte.is_ascii_digit())
                        && (host.starts_with('[') || !host.contains(':')) =>
                {
                    host
                }
                _ => text,
            };
            let address = place::address(bare)?;
            if !self.pending.is_empty() {
                let text = self.pending.remove(0);
                self.fail(&text, Some(address), failures);
            } else if self.trying.len() < MOST {
                self.trying.push(address);
            }
            return Some(());
        }
        if said.starts_with("Connected to ") && (curl.is_some() || !self.verb.is_empty()) {
            self.trying.clear();
            self.ending = None;
            self.finish(failures);
            return Some(());
        }
        if curl.is_some() {
            return self.verbose(said);
        }
        if line.starts_with("curl: (") {
            self.ending = None;
            self.end(line, failures);
            self.trying.clear();
            return Some(());
        }
        if let Some(rest) = line.strip_prefix("telnet: connect to address ") {
            let (address, _) = rest.split_once(": ")?;
            let address = place::address(address)?;
            self.trying.retain(|&tried| tried != address);
            self.fail(line, Some(address), failures);
            return Some(());
        }
        if line.starts_with("Connection failed: ") && (self.verb == "telnet" || !self.trying.is_empty()) {
            match self.trying.pop() {
                Some(address) => self.fail(line, Some(address), failures),
                None if self.pending.len() < MOST => self.pending.push(line.to_owned()),
                None => {}
            }
            return Some(());
        }
        if line.starts_with("telnet: Unable to connect to remote host") {
            match self.trying.pop() {
                Some(address) => self.fail(line, Some(address), failures),
                None if !self.told => self.fail(line, None, failures),
                None => {}
            }
            return Some(());
        }
        if line.starts_with("Ncat: ") && !line.contains("Version") && !line.contains("Connected") {
            let text = if line.contains("TIMEOUT") { "Ncat: connect timed out" } else { line };
            self.fail(text, None, failures);
            return Some(());
        }
        if line.starts_with("nc: connect to ")
            || line.starts_with("nc: getaddrinfo")
            || line.starts_with("(UNKNOWN) [")
        {
            self.fail(line, None, failures);
            return Some(());
        }
        let own = !self.verb.is_empty()
            && line.strip_prefix(&self.verb[..]).is_some_and(|rest| rest.starts_with(": "));
        if own && grammar::is_telling(line) {
            self.fail(line, None, failures);
            return Some(());
        }
        // The shell says it twice: what, then where.
        if line.ends_with(|c: char| c.is_ascii_alphabetic()) && line.starts_with("bash: connect: ") {
            return Some(());
        }
        if line.starts_with(";; communications error to ") {
            return Some(());
        }
        if line.contains("no servers could be reached") || line.contains("server can't find ") {
            self.fail(line, None, failures);
            return Some(());
        }
        if line.starts_with("connect:errno=") {
            let text = match line.trim_end().rsplit('=').next() {
                Some("110") => "connect: Connection timed out",
                Some("111") => "connect: Connection refused",
                Some("113") => "connect: No route to host",
                Some("101") => "connect: Network is unreachable",
                _ => return None,
            };
            if !self.told {
                self.fail(text, None, failures);
            }
            return Some(());
        }
        let chatter =
            ["Escape character is", "Connection closed by foreign host", "Connection to ", "** TLS"];
        (!self.verb.is_empty()
            && chatter.iter().any(|start| line.starts_with(start))
            && !line.contains("failed"))
        .then_some(())
    }

    /// `* connect to A port P failed: …`, which may yet turn out well at another address.
    fn verbose(&mut self, said: &str) -> Option<()> {
        if let Some(rest) = said.strip_prefix("connect to ")
            && rest.contains(" failed: ")
        {
            let address = place::address(rest.split(' ').next().unwrap_or_default())?;
            self.trying.retain(|&tried| tried != address);
            if self.passed.len() < MOST {
                self.passed.push((address, said.to_owned()));
            }
            return Some(());
        }
        let ends = [
            "Failed to connect to ",
            "Could not resolve ",
            "Connection timed out after",
            "Operation timed out after",
            "connect to ",
            "Closing connection",
            "OpenSSL SSL_connect",
            "SSL certificate problem",
        ];
        if ends.iter().any(|end| said.starts_with(end)) {
            if !said.starts_with("Closing") {
                self.ending = Some(said.to_owned());
            }
            return Some(());
        }
        // `* …` of other origin is none of this program's.
        (self.verb == "curl").then_some(())
    }

    /// The failure of a whole command, with every address that it tried.
    fn end(&mut self, text: &str, failures: &mut Vec<Failure>) {
        let tried: Vec<IpAddr> =
            self.passed.drain(..).map(|(address, _)| address).chain(self.trying.drain(..)).collect();
        let from = failures.len();
        self.fail(text, None, failures);
        if let Some(failure) = failures.get_mut(from) {
            match tried[..] {
                [one] => failure.address = failure.address.or(Some(one)),
                [] => {}
                _ => failure.addresses.extend(tried),
            }
        }
    }

    fn fail(&mut self, text: &str, address: Option<IpAddr>, failures: &mut Vec<Failure>) {
        let Reading::Failed(Sense { class, detail, status, .. }) = rules::read("", text, &Frames::default())
        else {
            return;
        };
        let mut place = place::named(text);
        let proxy = text.contains("proxy") && self.place.host != place.host;
        let named = place.host.is_some();
        if !proxy {
            place.absorb(&Place { addresses: Default::default(), ..self.place.clone() });
        }
        if let Some(address) = address {
            place.addresses = [address].into();
        } else if place.addresses.is_empty() && place.host.is_none() && !proxy {
            place.addresses.clone_from(&self.place.addresses);
        }
        self.told = true;
        let one = (place.addresses.len() == 1).then(|| place.addresses.first().copied()).flatten();
        failures.push(Failure {
            detail: if proxy { Some("proxy".to_owned()) } else { detail.map(|detail| detail.into_owned()) },
            host_from: place.host.is_some().then_some(if named {
                HostFrom::Message
            } else {
                HostFrom::Context
            }),
            host: place.host,
            address: one,
            addresses: if one.is_some() { Default::default() } else { place.addresses },
            port: place.port,
            client: Some(
                if self.verb.is_empty() {
                    text.split([':', ' ']).next().unwrap_or_default()
                } else {
                    &self.verb[..]
                }
                .to_owned(),
            )
            .filter(|client| CLIENTS.contains(&&client[..])),
            status,
            timeout: rules::timeout(text),
            ..Failure::new(class, scrub(text))
        });
    }
}

const CLIENTS: [&str; 12] =
    ["telnet", "nc", "ncat", "netcat", "curl", "wget", "ssh", "openssl", "dig", "nslookup", "host", "ping"];

/// A prompt, one of the programs, and where it is to go.
fn command(line: &str) -> Option<(String, Place)> {
    static PROMPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:\[[^\]]+\]\s?|[A-Za-z0-9_.@~:/()-]+\s?)?[$#>%]\s+(?:sudo |time )*(?P<verb>telnet|ncat|netcat|nc|curl|wget|ssh|openssl|dig|nslookup|host|ping)\s+(?P<rest>.*)$")
            .expect("a pattern")
    });
    if !line.as_bytes().iter().take(120).any(|byte| matches!(byte, b'$' | b'#' | b'>' | b'%')) {
        return None;
    }
    let found = PROMPT.captures(line)?;
    let rest = found["rest"].split(" #").next().unwrap_or_default();
    let mut place = place::around(rest);
    let words: Vec<&str> = rest.split_whitespace().take(40).collect();
    if !place.is_somewhere() {
        let takes_value =
            ["-w", "-p", "-i", "-s", "-o", "-X", "-H", "-m", "--connect-timeout", "-t", "-c", "-l", "-b"];
        let mut skip = false;
        let plain: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| {
                let value = std::mem::replace(&mut skip, takes_value.contains(word));
                !value && !word.starts_with('-') && !word.starts_with('@') && !word.starts_with('+')
            })
            .collect();
        let host = plain
            .iter()
            .find(|word| word.contains('.') || word.contains(':'))
            .or(plain.first())
            .copied()
            .unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or(host);
        place = match place::address(host) {
            Some(address) => Place { addresses: [address].into(), ..Place::default() },
            None => place::named(&format!("host name \"{host}\" to address")),
        };
        place.port =
            plain.iter().skip_while(|word| !word.contains(host)).nth(1).and_then(|word| word.parse().ok());
    }
    if &found["verb"] == "ssh" {
        place.port = place.port.or(Some(22));
    }
    Some((found["verb"].to_owned(), place))
}
