//! Whether a failure is one that was told already: logged by who caught it, and again by who caught that.

use reach_core::signal::{Failure, FailureClass};

use super::conclude::Found;

/// A failure that was told, to recognise it when it is logged again.
#[derive(Debug)]
pub(super) struct Told {
    pub found: Found,
    pub thread: String,
    pub number: u64,
}

/// Whether a failure is one that was told already: logged by who caught it and again by who caught that.
pub(super) fn is_again(told: &Told, found: &Found, number: u64) -> bool {
    let (old, new) = (&told.found.failure, &found.failure);
    if old.class != new.class
        || !agrees(&old.host, &new.host)
        || !agrees(&old.address, &new.address)
        || !agrees(&old.port, &new.port)
    {
        return false;
    }
    const DAY: u32 = 24 * 3_600_000;
    let elapsed = match (told.found.stamp, found.stamp) {
        (Some(then), Some(now)) => Some((now + DAY - then) % DAY),
        _ => None,
    };
    let near = match elapsed {
        Some(elapsed) => elapsed < 1000,
        // Without clocks, only the very next record of the thread can be the same.
        None => number == told.number + 1,
    };
    if !near || number.saturating_sub(told.number) > 16 {
        return false;
    }
    // Two time-outs of one thread cannot end within a moment of each other.
    let waits = matches!(new.class, FailureClass::ConnectTimeout | FailureClass::ReadTimeout)
        || new.detail.as_deref() == Some("handshake-timeout");
    if waits
        && told.found.fine
        && found.fine
        && elapsed.is_some_and(|elapsed| elapsed < 200)
        && !told.thread.is_empty()
    {
        return true;
    }
    if digitless(&told.found.said) == digitless(&found.said) && !told.found.said.is_empty() {
        return wrapped(&told.found.chain, &found.chain) && told.found.said == found.said;
    }
    let root = |chain: &[String]| chain.last().cloned().unwrap_or_default();
    wrapped(&told.found.chain, &found.chain)
        || wrapped(&found.chain, &told.found.chain)
        || (elapsed.is_some()
            && (root(&told.found.chain) == root(&found.chain)
                || found.said.contains(&root(&told.found.chain))))
}

/// Whether the longer chain ends with the shorter one.
fn wrapped(shorter: &[String], longer: &[String]) -> bool {
    longer.len() > shorter.len() && longer.ends_with(shorter)
}

fn agrees<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// A message without its numbers: what the same statement of a program writes each time.
fn digitless(text: &str) -> String {
    text.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// Takes what the same failure's other text knows besides.
pub(super) fn complete(failure: &mut Failure, other: &Failure) {
    if failure.host.is_none() {
        failure.host.clone_from(&other.host);
        failure.host_from = other.host_from;
    }
    failure.address = failure.address.or(other.address);
    failure.port = failure.port.or(other.port);
    failure.timeout = failure.timeout.or(other.timeout);
    failure.local = failure.local.or(other.local);
    for (mine, theirs) in [
        (&mut failure.client, &other.client),
        (&mut failure.jdk, &other.jdk),
        (&mut failure.detail, &other.detail),
    ] {
        if mine.is_none() {
            mine.clone_from(theirs);
        }
    }
}
