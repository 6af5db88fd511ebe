//! What a record means: the failure that its throwables and its words are, and where it happened.

use std::time::Duration;

use reach_core::signal::{Failure, FailureClass, HostFrom};

use super::{
    grammar,
    head::{self, Head, Role},
    header::Level,
    place::{self, Place},
    record::Record,
    rules::{self, Reading, Sense},
    scrub::scrub,
};

/// A failure, and what tells whether it is one that was told before.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub failure: Failure,
    /// The chain, outermost first.
    pub chain: Vec<String>,
    pub said: String,
    pub stamp: Option<u32>,
    pub fine: bool,
}

impl Record {
    /// The failure that it is, if it is one.
    pub(super) fn conclude(&self, asked: bool) -> Option<Found> {
        if !self.interesting || self.concluded {
            return None;
        }
        let (sense, deepest) = self.sense(asked)?;
        let mut place = self.place(&sense);
        let mut host_from = place.host.is_some().then_some(HostFrom::Message);
        let quiet = self.level == Some(Level::Quiet) && !self.own;
        if quiet && !asked {
            return None;
        }
        let by_proxy = place.proxy || sense.detail.as_deref() == Some("by-proxy");
        if !by_proxy {
            let mut near = Place::default();
            near.absorb(&self.around_heads(&sense));
            // Fields of the same record may name what its words have the address of.
            if near.host.is_none() {
                near.absorb(&self.fields);
            }
            if !near.is_somewhere() {
                near.absorb(&place::around(&self.before));
            }
            let known = place.host.is_some();
            // The line around names a URL, and the trace shows nobody who connects: the scheme's port is not told.
            let idle = self.frames.seen > 0
                && sense.class != FailureClass::Tls
                && !self.frames.connect
                && !self.frames.transfer
                && !self.frames.handshake
                && self.client("").is_none();
            if near.implied && idle {
                near.port = None;
            }
            if self.names_token_host(&place) {
                near = Place {
                    host: Some("oauth2.googleapis.com".to_owned()),
                    port: Some(443),
                    ..Place::default()
                };
            }
            // A reset of a local resolver's answer and the like: an address that stands elsewhere is no context.
            if !(known && near.host.is_some() && near.host != place.host) {
                place.absorb(&near);
            }
            if !known && place.host.is_some() {
                host_from = Some(HostFrom::Context);
            }
        } else if place.proxy {
            // The destination that the proxy was to reach did not fail.
        } else {
            place = Place::default();
            host_from = None;
        }
        let texts: Vec<String> = self.heads.iter().map(Head::text).collect();
        let all = texts.join("\n");
        let timeout = rules::timeout(&all).or_else(|| rules::timeout(&self.said));
        let mut detail = sense.detail.clone().map(|detail| detail.into_owned());
        if place.proxy && sense.class != FailureClass::Http {
            detail = Some("proxy".to_owned());
        }
        let text = match deepest {
            Some(at) => self.telling(at),
            None => self.said.clone(),
        };
        let one = (place.addresses.len() == 1).then(|| place.addresses.first().copied()).flatten();
        let failure = Failure {
            class: sense.class,
            detail,
            host: place.host,
            host_from,
            address: one,
            addresses: if one.is_some() { Default::default() } else { place.addresses },
            port: place.port,
            client: self.client(&all).map(str::to_owned),
            jdk: self.frames.jdk(&texts),
            status: sense.status,
            timeout,
            local: place.local,
            text: scrub(&text),
        };
        let mut chain: Vec<String> = self
            .heads
            .iter()
            .filter(|head| matches!(head.role, Role::Thrown | Role::Cause))
            .map(Head::text)
            .collect();
        chain.dedup();
        if chain.is_empty() {
            chain.push(self.said.clone());
        }
        Some(Found {
            failure,
            chain,
            said: format!("{} {}", self.logger, self.said),
            stamp: self.stamp,
            fine: self.fine,
        })
    }

    /// The text of the throwable that names most of the destination: the outermost whose words have the class.
    fn telling(&self, at: usize) -> String {
        let text = self.heads[at].text();
        let first = self.heads.iter().find(|head| {
            let text = head.text();
            head.role != Role::Suppressed && place::named(&text).is_somewhere() && grammar::is_telling(&text)
        });
        first.map_or(text, Head::text)
    }

    /// What the chain means, and which throwable says so.
    fn sense(&self, asked: bool) -> Option<(Sense, Option<usize>)> {
        let mut best: Option<(Sense, usize)> = None;
        let order: Vec<usize> = if self.root_first {
            (0..self.heads.len()).rev().collect()
        } else {
            (0..self.heads.len()).collect()
        };
        for main in [true, false] {
            for &at in &order {
                let head = &self.heads[at];
                if (matches!(head.role, Role::Thrown | Role::Cause)) != main {
                    continue;
                }
                match self.read(head) {
                    Reading::Inbound => return None,
                    Reading::Nothing => {}
                    // The deepest of the strongest.
                    Reading::Failed(sense) => {
                        if best.as_ref().is_none_or(|(known, _)| sense.strength >= known.strength) {
                            best = Some((sense, at));
                        }
                    }
                }
            }
            if best.is_some() {
                break;
            }
        }
        if best.as_ref().is_none_or(|(sense, _)| sense.strength < 3) {
            let words = self.words(asked);
            if let Some(sense) = words
                && best.as_ref().is_none_or(|(known, _)| sense.strength > known.strength)
            {
                let at = best.map(|(_, at)| at).filter(|_| self.said.is_empty());
                return Some((self.finished(sense), at));
            }
        }
        let (sense, at) = best?;
        Some((self.finished(sense), Some(at)))
    }

    fn read(&self, head: &Head) -> Reading {
        let first = head.message.split('\n').next().unwrap_or_default();
        match rules::read(head.name(), first, &self.frames) {
            Reading::Nothing if first.len() < head.message.len() => {
                // Cut by a terminal between words, or a message of several lines.
                rules::read(head.name(), &head.message.replace('\n', " "), &self.frames)
            }
            Reading::Failed(sense) if sense.strength < 3 && first.len() < head.message.len() => {
                match rules::read(head.name(), &head.message.replace('\n', " "), &self.frames) {
                    Reading::Failed(whole) if whole.strength > sense.strength => Reading::Failed(whole),
                    _ => Reading::Failed(sense),
                }
            }
            Reading::Failed(mut sense)
                if sense.class == FailureClass::Http && first.len() < head.message.len() =>
            {
                if let Reading::Failed(whole) = rules::read(head.name(), &head.message, &self.frames) {
                    sense.detail = sense.detail.or(whole.detail);
                }
                Reading::Failed(sense)
            }
            other => other,
        }
    }

    /// What words without a throwable mean.
    fn words(&self, asked: bool) -> Option<Sense> {
        if self.level == Some(Level::Quiet) && !asked {
            return None;
        }
        let somewhere = asked || place::around(&self.said).is_somewhere();
        let said = if grammar::is_telling(&self.said) || (somewhere && grammar::is_plain(&self.said)) {
            Some(self.said.clone())
        } else {
            self.loose.lines().find(|line| grammar::is_telling(line)).map(str::to_owned)
        }?;
        match rules::read("", &said, &self.frames) {
            Reading::Failed(sense) => Some(sense),
            _ => None,
        }
    }

    /// Sets right what a sense cannot know of the rest of its record.
    fn finished(&self, mut sense: Sense) -> Sense {
        let all: String = self.heads.iter().map(|head| head.text() + "\n").collect();
        if sense.class == FailureClass::Http
            && sense.detail.as_deref() == Some("by-proxy")
            && sense.status.is_none()
        {
            sense.status = rules::proxy_status(&all).or_else(|| rules::proxy_status(&self.said));
        }
        if sense.class == FailureClass::Http && sense.detail.is_none() {
            let body = rules::body(&format!("{}{}", self.said, self.loose).to_ascii_lowercase());
            sense.detail = body;
        }
        if sense.detail.as_deref() == Some("connect-or-handshake") && self.frames.handshake {
            sense.class = FailureClass::Tls;
            sense.detail = Some("handshake-timeout".into());
        }
        // A refusal takes one round trip; whoever waited longer was not refused.
        if sense.detail.as_deref() == Some("reason-lost")
            && [&self.said, &self.loose]
                .into_iter()
                .find_map(|text| waited(text))
                .is_some_and(|waited| waited >= Duration::from_secs(1))
        {
            sense.class = FailureClass::ConnectTimeout;
            sense.detail = Some("ETIMEDOUT".into());
        }
        sense
    }

    /// Where it happened, by the words of the failure itself.
    fn place(&self, sense: &Sense) -> Place {
        let mut place = Place::default();
        for head in self.heads.iter().filter(|head| head.role != Role::Suppressed) {
            let named = place::named(&head.text().replace('\n', " "));
            if named.proxy {
                return named;
            }
            place.absorb(&named);
        }
        for head in self.heads.iter().filter(|head| head.role == Role::Suppressed) {
            let beside = place::named(&head.text());
            if place.host == beside.host || beside.host.is_none() {
                place.absorb(&beside);
            }
        }
        let (preamble, _) = head::inline(&self.said);
        if grammar::is_telling(&self.said) {
            place.absorb(&place::named(&self.said));
        } else if place.is_empty() && !preamble.is_empty() && self.heads.is_empty() {
            place = place::named(&self.said);
        }
        for line in self.loose.lines().filter(|line| grammar::is_telling(line)) {
            place.absorb(&place::named(line));
        }
        if sense.class != FailureClass::Dns {
            place.absorb(&Place { host: None, ..self.properties.clone() });
        }
        place.absorb(&self.properties);
        // `UnknownHostException: h: …` and the like name what was not found.
        place
    }

    /// What the record says around its throwables.
    fn around_heads(&self, sense: &Sense) -> Place {
        let (preamble, heads) = head::inline(&self.said);
        let said = if heads.is_empty() { &self.said } else { preamble };
        let mut place = place::around(said);
        if !place.is_somewhere() && heads.is_empty() {
            place = place::around(&self.said);
        }
        // The request that an answer belongs to, printed behind it.
        if !place.is_somewhere() && (sense.class == FailureClass::Http || !self.loose.is_empty()) {
            place = place::around(&self.loose);
        }
        if !place.is_somewhere() {
            for head in &self.heads {
                place = place::around(&head.message);
                if place.is_somewhere() {
                    break;
                }
            }
        }
        place
    }

    /// Google's token host fails, whatever service the token was for; the text of the library does not name it.
    fn names_token_host(&self, place: &Place) -> bool {
        let token = |text: &str| text.contains("Error getting access token for service account");
        place.host.is_none() && (token(&self.said) || self.heads.iter().any(|head| token(&head.message)))
    }

    fn client(&self, all: &str) -> Option<&'static str> {
        // What lies over urllib3 names itself in its exceptions only.
        let library = self.frames.client();
        let over = if library == Some("urllib3") { grammar::client(all) } else { None };
        over.or(library)
            .or_else(|| grammar::client(all))
            .or_else(|| grammar::client(&self.said))
            .or_else(|| grammar::client(&self.loose))
            .or(self.frames.script)
    }
}

/// How long the line says that it took.
fn waited(said: &str) -> Option<Duration> {
    let words: Vec<&str> = said.split_whitespace().take(64).collect();
    words.windows(2).find_map(|pair| {
        let number: u64 = pair[0].trim_start_matches(['(', '[', ',']).parse().ok()?;
        let unit = pair[1].trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        (unit == "ms").then_some(Duration::from_millis(number))
    })
}
