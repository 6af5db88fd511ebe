//! What a run does on the network, noted as it happens: which probes were sent, from which sockets, and what
//! became of them. By it a packet can be told to belong to a run ([`evidence`](crate::evidence)).
//!
//! A [`Network`](crate::drive::Network) with a journal begins a page for each probe. Whoever opens a socket in
//! the course of a probe calls [`note`], which finds the page of the probe by itself and does nothing where
//! there is none.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use reach_core::{
    Time,
    model::{Outcome, Probe, ProbeId},
};

tokio::task_local! {
    static PAGE: Page;
}

/// Takes notes; clones write into the same journal.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    notes: Arc<Mutex<Notes>>,
    about: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Notes {
    entries: Vec<Entry>,
    pages: u64,
}

/// Names an attempt to carry out a probe, in a whole run; in the order in which they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// One thing noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A probe is about to be sent.
    Begun {
        /// Names what follows.
        attempt: AttemptId,
        /// What the survey is about, where a run has several.
        about: Option<Arc<str>>,
        /// The probe's name within its survey.
        id: ProbeId,
        /// What is tried.
        probe: Probe,
        /// When.
        sent: Time,
    },
    /// A socket sends, or has just sent.
    Sends {
        /// For which probe.
        attempt: AttemptId,
        /// From where to where.
        flow: Flow,
    },
    /// What became of the probe.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// What.
        outcome: Outcome,
        /// When it was known.
        done: Time,
    },
    /// The probe was dropped before it ended.
    Abandoned {
        /// Which.
        attempt: AttemptId,
    },
}

/// A protocol with something like ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP echo: the identifier stands in for our port, 0 for the other's.
    Echo,
}

/// The two ends of what a socket sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What it speaks.
    pub protocol: Protocol,
    /// Our end.
    pub local: SocketAddr,
    /// The other's.
    pub remote: SocketAddr,
}

impl Flow {
    /// Of these ends, in the address family that is really spoken.
    pub fn new(protocol: Protocol, local: SocketAddr, remote: SocketAddr) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self { protocol, local: canonical(local), remote: canonical(remote) }
    }

    /// Of echo requests.
    pub fn echo(local: IpAddr, identifier: u16, remote: IpAddr) -> Self {
        Self::new(Protocol::Echo, SocketAddr::new(local, identifier), SocketAddr::new(remote, 0))
    }
}

impl Journal {
    /// The same journal, for probes about `what`.
    pub fn about(&self, what: &str) -> Self {
        Self { notes: Arc::clone(&self.notes), about: Some(what.into()) }
    }

    /// What was noted since the last time, in order.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().entries)
    }

    /// Carries out a probe, noting what it sends from where, what becomes of it and when that was known.
    pub(crate) async fn note_attempt(
        &self,
        (id, probe, sent): (ProbeId, Probe, Time),
        attempt: impl Future<Output = (Outcome, Time)>,
    ) -> (Outcome, Time) {
        let page = self.begin(id, probe, sent);
        let mut closing = Closing { page: page.clone(), last: Entry::Abandoned { attempt: page.attempt } };
        let attempt_id = page.attempt;
        let (outcome, done) = PAGE.scope(page, attempt).await;
        closing.last = Entry::Ended { attempt: attempt_id, outcome: outcome.clone(), done };
        (outcome, done)
    }

    fn begin(&self, id: ProbeId, probe: Probe, sent: Time) -> Page {
        let mut notes = self.lock();
        let attempt = AttemptId(notes.pages);
        notes.pages += 1;
        notes.entries.push(Entry::Begun { attempt, about: self.about.clone(), id, probe, sent });
        Page { journal: self.clone(), attempt }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        // A push does not panic half-way.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where to note what one probe does.
#[derive(Clone, Debug)]
struct Page {
    journal: Journal,
    attempt: AttemptId,
}

impl Page {
    fn write(&self, entry: Entry) {
        self.journal.lock().entries.push(entry);
    }
}

/// Writes the last note of a page when it goes, whether the probe ended or was dropped.
struct Closing {
    page: Page,
    last: Entry,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let abandoned = Entry::Abandoned { attempt: self.page.attempt };
        self.page.write(std::mem::replace(&mut self.last, abandoned));
    }
}

/// Notes that the probe in whose course this is called sends from a socket. `local` is asked only if somebody
/// takes notes.
pub(crate) fn note(local: impl FnOnce() -> Option<Flow>) {
    // Outside of any probe there is nobody to tell.
    let _ = PAGE.try_with(|page| {
        if let Some(flow) = local() {
            page.write(Entry::Sends { attempt: page.attempt, flow });
        }
    });
}

/// A future that goes on with the notes of the probe in whose course this is called, whatever task runs it.
pub(crate) fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let page = PAGE.try_with(Clone::clone).ok();
    async move {
        match page {
            Some(page) => PAGE.scope(page, future).await,
            None => future.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reach_core::model::{Silence, SystemLookup};

    use super::*;

    fn flow(port: u16) -> Flow {
        let end = |port| SocketAddr::from(([192, 0, 2, 1], port));
        Flow::new(Protocol::Tcp, end(port), end(443))
    }

    #[tokio::test]
    async fn flows_are_noted_with_their_probe_also_from_other_tasks() {
        let journal = Journal::default();
        let lookup = SystemLookup { name: "x.example".to_owned(), timeout: Duration::from_secs(1) };
        let probe = Probe::SystemLookup(lookup);
        let outcome = Outcome::Silent(Silence::default());
        let (id, sent, done) = (ProbeId(7), Time::from_micros(1), Time::from_micros(2));
        note(|| Some(flow(1)));
        let ended = (outcome.clone(), done);
        let attempt = async {
            note(|| Some(flow(2)));
            tokio::spawn(carried(async { note(|| Some(flow(3))) })).await.expect("no panic");
            tokio::spawn(async { note(|| Some(flow(4))) }).await.expect("no panic");
            ended
        };
        journal.about("x").note_attempt((id, probe.clone(), sent), attempt).await;
        let attempt = AttemptId(0);
        assert_eq!(
            journal.take(),
            [
                Entry::Begun { attempt, about: Some("x".into()), id, probe, sent },
                Entry::Sends { attempt, flow: flow(2) },
                Entry::Sends { attempt, flow: flow(3) },
                Entry::Ended { attempt, outcome, done },
            ]
        );
        assert!(journal.take().is_empty());
    }
}
