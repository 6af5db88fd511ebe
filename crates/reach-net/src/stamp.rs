//! When a packet was sent, by both clocks, so that the kernel's time stamps of arrival can be used safely.

use std::time::{Duration, Instant, SystemTime};

/// The instant just before a packet was handed to the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    monotonic: Instant,
    wall: SystemTime,
}

impl Sent {
    /// Now.
    pub(crate) fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago that was.
    pub(crate) fn elapsed(&self) -> Duration {
        self.monotonic.elapsed()
    }

    /// Time from sending to an arrival that the kernel stamped: by the stamp where it can be trusted, else
    /// until now.
    ///
    /// The kernel stamps by the wall clock, which may be stepped; a stepped clock shows by disagreeing with the
    /// monotonic one. What the stamp spares is the time that this process took to look.
    pub(crate) fn until(&self, stamp: Option<SystemTime>) -> Duration {
        let elapsed = self.monotonic.elapsed();
        let slack = Duration::from_millis(2);
        let stepped = !matches!(self.wall.elapsed(), Ok(wall) if wall.abs_diff(elapsed) <= slack);
        stamp
            .filter(|_| !stepped)
            .and_then(|stamp| stamp.duration_since(self.wall).ok())
            .filter(|&span| span <= elapsed + slack)
            .map_or_else(|| whole_micros(elapsed), whole_micros)
    }
}

/// The span in whole microseconds, as a recording keeps it: whoever judges one has to see what the run saw.
pub(crate) fn whole_micros(span: Duration) -> Duration {
    Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_within_the_wait_is_the_arrival() {
        let sent = Sent::now();
        std::thread::sleep(Duration::from_millis(20));
        let arrival = sent.wall + Duration::from_millis(3);
        assert_eq!(sent.until(Some(arrival)), Duration::from_millis(3));
    }

    #[test]
    fn a_span_has_no_more_than_a_recording_keeps() {
        let sent = Sent::now();
        let arrival = sent.wall + Duration::from_nanos(1_999);
        assert_eq!(sent.until(Some(arrival)), Duration::from_micros(1));
        assert_eq!(sent.until(None).subsec_nanos() % 1_000, 0);
        assert_eq!(whole_micros(Duration::MAX), Duration::from_micros(u64::MAX));
    }

    #[test]
    fn an_impossible_stamp_is_not_used() {
        let sent = Sent::now();
        let before = sent.wall - Duration::from_secs(1);
        let after = sent.wall + Duration::from_secs(60);
        assert!(sent.until(Some(before)) < Duration::from_secs(1));
        assert!(sent.until(Some(after)) < Duration::from_secs(1));
        assert!(sent.until(None) < Duration::from_secs(1));
    }
}
