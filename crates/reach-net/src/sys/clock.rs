//! Time that goes on while the host sleeps.

#![expect(unsafe_code, reason = "the clock has no safe wrapper among our dependencies' enabled features")]

use std::time::Duration;

/// Time since the host was started, in which it slept included (`CLOCK_BOOTTIME`, clock_gettime(2)): never goes back,
/// whatever is done to the wall clock.
pub fn since_boot() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills the struct, which lives longer than the call. Linux has had this clock since 2.6.39,
    // so that the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now) };
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back() {
        let first = since_boot();
        assert!(first > Duration::ZERO);
        assert!(since_boot() >= first);
    }
}
