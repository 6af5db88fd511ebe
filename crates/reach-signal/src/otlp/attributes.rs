//! Attributes by name, the stable ones first.

use std::net::IpAddr;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};

/// Attributes of a resource, a span, an event or a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(pub &'a [KeyValue]);

/// A host's name is no longer than this (RFC 1035), and what is longer is none.
const HOST: usize = 253;

impl<'a> Attributes<'a> {
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|pair| pair.key == name)?.value.as_ref()?.value.as_ref()
    }

    /// The first of these that is a text, and not an empty one.
    pub(super) fn str(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| match self.value(name) {
            Some(Value::StringValue(text)) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        self.str(names).map(|text| text.chars().filter(|c| !c.is_control()).take(HOST).collect())
    }

    /// The first of these that is a whole number, also where it is written as a text.
    pub(super) fn number(&self, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| match self.value(name)? {
            Value::IntValue(number) => Some(*number),
            Value::StringValue(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// The destination's name: what the program asked for, not what it was resolved to.
    pub(super) fn host(&self) -> Option<String> {
        let named = self.str(&["server.address", "net.peer.name", "net.host.name.peer", "http.host"]);
        let from_url = || url_authority(self.str(&["url.full", "http.url"])?);
        let host = named.or_else(from_url)?;
        let host = split_port(host).0.trim_end_matches('.').to_lowercase();
        let is_name = !host.is_empty() && !host.contains(|c: char| c.is_control() || c.is_whitespace());
        let fits = host.len() <= HOST && is_name && host.parse::<IpAddr>().is_err();
        fits.then_some(host)
    }

    /// The destination's port.
    pub(super) fn port(&self) -> Option<u16> {
        let given = self.number(&["server.port", "net.peer.port", "network.peer.port", "net.sock.peer.port"]);
        let url = || self.str(&["url.full", "http.url"]);
        let written = || {
            let host =
                url().and_then(url_authority).or_else(|| self.str(&["server.address", "http.host"]))?;
            split_port(host).1.map(i64::from)
        };
        let by_scheme = || {
            let scheme =
                self.str(&["url.scheme", "http.scheme"]).or_else(|| url()?.split_once(':').map(|it| it.0));
            match scheme? {
                "https" => Some(443),
                "http" => Some(80),
                _ => None,
            }
        };
        let port = given.filter(|port| *port > 0).or_else(written).or_else(by_scheme)?;
        u16::try_from(port).ok()
    }

    /// The address that was tried.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let peer =
            ["network.peer.address", "net.sock.peer.addr", "net.peer.ip", "server.address", "net.peer.name"];
        peer.iter().find_map(|name| self.str(&[name])?.trim_matches(['[', ']']).parse().ok())
    }

    /// The status of an HTTP answer.
    pub(super) fn status(&self) -> Option<u16> {
        let status = self.number(&["http.response.status_code", "http.status_code"])?;
        u16::try_from(status).ok().filter(|status| (100..600).contains(status))
    }
}

/// `HOST` or `HOST:PORT` of a URL; what identifies a user before it, and what follows, is left where it is.
fn url_authority(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit_once('@').map_or(authority, |it| it.1))
}

fn split_port(host: &str) -> (&str, Option<u16>) {
    if let Some((inside, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (inside, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, port.parse().ok()),
        _ => (host, None),
    }
}
