//! The system's own look-up: what a client on this machine gets, through nsswitch, hosts file, search domains
//! and whatever daemon answers for them.
//!
//! The C library's `getaddrinfo` in this process would not do: a statically linked program has no NSS modules,
//! so it would answer from another configuration than everybody else's. `getent(1)` answers from theirs.

use std::{io, net::IpAddr, process::Stdio, time::Duration};

use reach_core::model::{Answer, Inability, Obstacle, Outcome, Silence, SystemAnswer, SystemLookup};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time::{Instant, timeout_at},
};

use crate::stamp::whole_micros;

/// More than any sane number of addresses needs, in bytes.
const OUTPUT_LIMIT: u64 = 256 * 1024;

/// `getent` exits with this when a key is not in the database (`getent(1)`, exit status).
const KEY_NOT_FOUND: i32 = 2;

/// What the system answers for a name, as `getent ahosts` gives it.
///
/// A name that is not known is an answer without addresses. A `getent` that has not answered by the time-out
/// is killed.
pub async fn system_lookup(probe: &SystemLookup) -> Outcome {
    let started = Instant::now();
    let mut child = match getent(&probe.name).spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::Unable(inability(&error)),
    };
    match timeout_at(started + probe.timeout, output(&mut child)).await {
        Ok(Ok((Some(0), text))) => answered(parse_ahosts(&text), whole_micros(started.elapsed())),
        Ok(Ok((Some(KEY_NOT_FOUND), _))) => answered(Vec::new(), whole_micros(started.elapsed())),
        Ok(Ok(_)) => Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None }),
        Ok(Err(error)) => Outcome::Unable(inability(&error)),
        Err(_) => {
            // A process that waits for nothing but a name server dies at once; if not, dropping it is enough.
            let _ = child.start_kill();
            let _ = tokio::time::timeout(Duration::from_millis(100), child.wait()).await;
            Outcome::Silent(Silence { packets: 1, refused_here: false })
        }
    }
}

/// The distinct addresses that `getent ahosts` printed, in the order of their `STREAM` lines.
///
/// A line is `ADDRESS TYPE [CANONICAL-NAME]`; the scope of a link-local address (`%eth0`) is dropped.
pub fn parse_ahosts(text: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(address), Some("STREAM")) = (words.next(), words.next()) else { continue };
        let address = address.split_once('%').map_or(address, |(address, _)| address);
        if let Ok(address) = address.parse::<IpAddr>()
            && !addresses.contains(&address.to_canonical())
        {
            addresses.push(address.to_canonical());
        }
    }
    addresses
}

fn getent(name: &str) -> Command {
    let mut command = Command::new("getent");
    // `--`: a name that begins with a hyphen is no option.
    command.args(["ahosts", "--", name]).env("LC_ALL", "C");
    // What speaks to the service manager is this process alone.
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// Exit status (`None` after a signal) and standard output.
async fn output(child: &mut Child) -> io::Result<(Option<i32>, String)> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // Dropping the pipe behind the limit ends whoever would write on.
        stdout.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await?;
    }
    let status = child.wait().await?;
    Ok((status.code(), String::from_utf8_lossy(&bytes).into_owned()))
}

fn answered(addresses: Vec<IpAddr>, took: Duration) -> Outcome {
    Outcome::Answered(Answer::System(SystemAnswer { addresses, took }))
}

fn inability(error: &io::Error) -> Inability {
    let why = match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM) => Obstacle::OutOfResources,
        Some(libc::EACCES | libc::EPERM) => Obstacle::NoPermission,
        _ => Obstacle::Unsupported,
    };
    Inability { why, errno: error.raw_os_error() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look_up(name: &str, timeout: Duration) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(system_lookup(&SystemLookup { name: name.to_owned(), timeout }))
    }

    #[test]
    fn stream_lines_give_the_addresses_in_order_and_once() {
        let text = "192.0.2.2       STREAM www.example.com\n192.0.2.2       DGRAM  \n192.0.2.2       RAW    \n\
                    192.0.2.1       STREAM \n2001:db8::1     STREAM \n192.0.2.2       STREAM \n\
                    fe80::1%eth0    STREAM \nnonsense        STREAM \n\n";
        let expected: Vec<IpAddr> = ["192.0.2.2", "192.0.2.1", "2001:db8::1", "fe80::1"]
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect();
        assert_eq!(parse_ahosts(text), expected);
    }

    #[test]
    fn an_address_is_its_own_answer_without_asking_anybody() {
        let Outcome::Answered(Answer::System(answer)) = look_up("127.0.0.1", Duration::from_secs(20)) else {
            panic!("no answer");
        };
        assert_eq!(answer.addresses, ["127.0.0.1".parse::<IpAddr>().expect("an address")]);
    }

    #[test]
    fn a_name_that_looks_like_an_option_is_a_name() {
        let command = getent("--help");
        let arguments: Vec<_> = command.as_std().get_args().collect();
        assert_eq!(arguments, ["ahosts", "--", "--help"]);
    }

    #[test]
    fn a_name_that_no_process_can_be_given_is_no_crash() {
        let outcome = look_up("a\0b", Duration::from_secs(20));
        assert!(
            matches!(outcome, Outcome::Unable(Inability { why: Obstacle::Unsupported, .. })),
            "{outcome:?}"
        );
    }

    proptest! {
        #[test]
        fn no_output_makes_it_panic(text in "\\PC{0,200}") {
            let _ = parse_ahosts(&text);
        }
    }
}
