//! What a proxy tells of the servers behind it, as signals.

use reach_core::signal::{Attempt, Failure, FailureClass, HostFrom, Word};

use crate::log::access::{Connection, Try};

/// What a proxy's try of a server says. The proxy's own 502 or 504 does not tell whether the connection came about: that
/// is only said where the log has it.
pub(super) fn word_of(tried: &Try, served: bool) -> Option<Word> {
    let class = match (tried.connection, tried.status) {
        (Connection::TimedOut, _) | (Connection::Failed, Some(504)) => Some(FailureClass::ConnectTimeout),
        (Connection::Refused, _) => Some(FailureClass::Refused),
        (Connection::Made, Some(504)) => Some(FailureClass::ReadTimeout),
        _ => None,
    };
    let is_failed = tried.is_failed();
    if let (Some(address), Some(port)) = (tried.address, tried.port)
        && (class.is_some() || !is_failed)
    {
        return Some(Word::Attempt(Attempt {
            host: tried.name.clone(),
            address,
            port,
            elapsed: tried.elapsed,
            failed: class,
            served: Some(served),
        }));
    }
    if !is_failed {
        return None;
    }
    let (address, name, port) = (tried.address, tried.name.as_deref(), tried.port);
    let whom = match (address, name, port) {
        (Some(address), _, Some(port)) => std::net::SocketAddr::new(address, port).to_string(),
        (Some(address), _, None) => address.to_string(),
        (None, Some(name), Some(port)) => format!("{name}:{port}"),
        (None, name, _) => name?.to_owned(),
    };
    let status = tried.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    Some(Word::Failure(Failure {
        detail: Some("upstream".to_owned()),
        host: tried.name.clone(),
        host_from: tried.name.is_some().then_some(HostFrom::Message),
        address,
        addresses: address.into_iter().collect(),
        port,
        status: tried.status,
        ..Failure::new(
            class.unwrap_or(FailureClass::Http),
            format!("upstream_addr={whom} upstream_status={status}"),
        )
    }))
}
