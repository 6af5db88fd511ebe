//! Lines that each tell of a failure of their own, and what was heard of them.

use jiff::tz::TimeZone;
use reach::logs::{Begin, Input, SourcePlan};
use reach_core::signal::{Origin, Signal, Word};
use reach_signal::log::{Kind, LogPlan};

/// A line that tells of a failure towards a host with this number.
pub(crate) fn line(number: u64) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    format!(
        "2024-03-11 09:{minute:02}:{second:02},000 ERROR [main] java.net.ConnectException: Failed to connect to \
         h{number}.example/203.0.113.7:443\n"
    )
}

/// The numbers of the hosts that signals name.
pub(crate) fn numbers(signals: &[Signal]) -> Vec<u64> {
    let number = |signal: &Signal| match &signal.word {
        Word::Failure(failure) => failure.host.as_ref()?.strip_prefix("h")?.split('.').next()?.parse().ok(),
        _ => None,
    };
    signals.iter().filter_map(number).collect()
}

/// To be followed from its beginning.
pub(crate) fn plan(input: Input) -> SourcePlan {
    let mut log = LogPlan::new(Origin { source: "test".to_owned(), ..Origin::default() }, TimeZone::UTC);
    log.kind = Kind::Application;
    SourcePlan { input, log, begin: Begin::Start, follows: true, kept: None }
}
