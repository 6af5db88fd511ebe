//! The few sentences on standard error that an operator reads beside a result, English and Korean side by
//! side. Those of the result itself live in reach-report.

pub mod door;
pub mod korean;
pub mod live;
pub mod logs;
pub mod scouter;
pub mod session;

use std::{net::IpAddr, time::Duration};

use reach_core::survey::Phase;
use reach_net::sys::LeavingError;
use reach_report::Lang;

/// What a watching person is told while a run goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// How many targets are not done.
    pub targets_left: usize,
    /// How many targets there are.
    pub targets: usize,
    /// Addresses found so far.
    pub addresses: usize,
    /// Of these, tested.
    pub settled: u32,
    /// Of these, looking bad.
    pub failing: u32,
    /// What the slowest target is busy with.
    pub phase: Phase,
}

/// What is waited for between two rounds.
pub fn next_round(span: Duration, lang: Lang) -> String {
    let span = humantime::format_duration(span);
    match lang {
        Lang::En => format!("the second round begins in {span}; Ctrl-C ends it with what was found so far"),
        Lang::Ko => {
            format!("{span} 후 두 번째 확인을 시작합니다. Ctrl-C를 누르면 지금까지의 결과로 끝냅니다")
        }
    }
}

/// One line on a watch, for `systemctl status`.
pub fn watch_summary(targets: usize, incidents: usize, lang: Lang) -> String {
    match (lang, incidents) {
        (Lang::En, 0) => format!("{targets} targets, no incident"),
        (Lang::En, incidents) => format!("{targets} targets, incidents open: {incidents}"),
        (Lang::Ko, 0) => format!("대상 {targets}개, 장애 없음"),
        (Lang::Ko, incidents) => format!("대상 {targets}개, 진행 중인 장애 {incidents}건"),
    }
}

/// Why nothing is handed over: the incident is about no target.
pub const fn nothing_to_hand_over(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "this incident is not about a target; there is nothing to hand over to a network team",
        Lang::Ko => "이 장애는 접속 대상에 대한 것이 아니므로 네트워크 담당에게 전달할 자료가 없습니다",
    }
}

/// Why nothing is handed over: nothing was kept of it.
pub const fn no_survey_kept(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "no examination of this incident is kept; have the target examined while the incident lasts, and try again"
        }
        Lang::Ko => {
            "이 장애에 대해 보관된 점검 결과가 없습니다. 장애가 진행되는 동안 대상을 점검한 뒤 다시 시도하십시오"
        }
    }
}

/// Why nothing is handed over: the disk says no.
pub const fn memory_unreadable(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "what the watch remembers cannot be read at the moment; its log says why",
        Lang::Ko => "감시 기록을 지금 읽을 수 없습니다. 원인은 감시 로그를 확인하십시오",
    }
}

/// Why a survey is not made.
pub const fn no_such_target(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "no target of this id is watched",
        Lang::Ko => "이 번호의 대상은 감시하고 있지 않습니다",
    }
}

/// Why a survey is not made: the configuration allows none.
pub const fn no_surveys(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the configuration allows no surveys; set `surveys` to 1 or more",
        Lang::Ko => "설정에서 점검을 허용하지 않습니다. `surveys`를 1 이상으로 설정하십시오",
    }
}

/// Why a survey is not made: it would say nothing of the target.
pub const fn offline(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "the host of the watch reaches nothing at the moment; an examination would say nothing of the target"
        }
        Lang::Ko => "감시 서버의 네트워크가 끊겨 있어 지금은 점검해도 대상에 대해 알 수 없습니다",
    }
}

/// Why nobody waits for a survey any longer.
pub const fn survey_takes_too_long(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "the examination was not over within three minutes; `reach status` shows how the watch is"
        }
        Lang::Ko => "점검이 3분 안에 끝나지 않았습니다. 감시 상태는 `reach status`로 확인하십시오",
    }
}

/// What of a configuration was not taken up.
pub fn needs_restart(keys: &[&str], lang: Lang) -> String {
    let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    match lang {
        Lang::En => format!("what is new in {keys} takes effect with a restart only"),
        Lang::Ko => format!("{keys} 변경 사항은 다시 시작해야 적용됩니다"),
    }
}

/// One line of progress.
pub fn progress(overview: &Overview, elapsed: Duration, lang: Lang) -> String {
    let Overview { targets_left, targets, addresses, settled, failing, phase } = overview;
    let seconds = elapsed.as_secs_f64();
    let mut parts = vec![match lang {
        Lang::En => format!("{seconds:.1} s"),
        Lang::Ko => format!("{seconds:.1}초"),
    }];
    if *targets > 1 {
        let done = targets - targets_left;
        parts.push(match lang {
            Lang::En => format!("{done} of {targets} targets done"),
            Lang::Ko => format!("대상 {targets}개 중 {done}개 완료"),
        });
    }
    if *addresses > 0 {
        parts.push(match lang {
            Lang::En => format!("{settled} of {addresses} addresses tested"),
            Lang::Ko => format!("주소 {addresses}개 중 {settled}개 확인"),
        });
    }
    if *failing > 0 {
        parts.push(match (lang, failing) {
            (Lang::En, 1) => "1 looks bad".to_owned(),
            (Lang::En, _) => format!("{failing} look bad"),
            (Lang::Ko, _) => format!("이상 {failing}개"),
        });
    }
    parts.push(
        match (phase, lang) {
            (Phase::Resolving, Lang::En) => "asking for addresses",
            (Phase::Resolving, Lang::Ko) => "주소 조회 중",
            (Phase::Testing, Lang::En) => "testing",
            (Phase::Testing, Lang::Ko) => "시험 중",
            (Phase::Locating, Lang::En) => "looking for the place",
            (Phase::Locating, Lang::Ko) => "막힌 지점을 찾는 중",
            (Phase::Tracing, Lang::En) => "following the paths",
            (Phase::Tracing, Lang::Ko) => "경로 추적 중",
        }
        .to_owned(),
    );
    parts.join(" | ")
}

/// Somebody stopped the run.
pub fn interrupted(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "interrupted; the result tells what was seen until then",
        Lang::Ko => "중단되었습니다. 그때까지 관찰한 것만으로 판정한 결과입니다",
    }
}

/// The recording has no last line.
pub fn cut_short(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the recording has no end; the result tells what was seen until it breaks off",
        Lang::Ko => "녹화가 끝까지 기록되지 않았습니다. 끊긴 데까지 관찰한 것만으로 판정한 결과입니다",
    }
}

/// Writing a recording failed.
pub fn recording_trouble(error: &std::io::Error, lang: Lang) -> String {
    match lang {
        Lang::En => format!("recording stops here, the run goes on: {error}"),
        Lang::Ko => format!("녹화는 여기서 멈추고 검사는 계속합니다: {error}"),
    }
}

/// Packets cannot be captured, so they are made up.
pub fn packets_synthesised(file: &str, why: &std::io::Error, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "--pcap: packets cannot be captured without CAP_NET_RAW ({why}); those in `{file}` are synthesised \
             from what is known, and each is marked so"
        ),
        Lang::Ko => format!(
            "--pcap: CAP_NET_RAW 권한이 없어 패킷을 캡처할 수 없습니다({why}). `{file}`에는 알려진 사실로 합성한 패킷이 \
             들어가며, 패킷마다 SYNTHESISED라고 표시합니다"
        ),
    }
}

/// The kernel dropped captured packets.
pub fn packets_dropped(file: &str, dropped: u64, lang: Lang) -> String {
    match (lang, dropped) {
        (Lang::En, 1) => {
            format!("--pcap: 1 packet came too fast to be captured and may be missing from `{file}`")
        }
        (Lang::En, _) => {
            format!("--pcap: {dropped} packets came too fast to be captured and may be missing from `{file}`")
        }
        (Lang::Ko, _) => format!(
            "--pcap: 패킷 {dropped}개가 너무 빨리 들어와 캡처하지 못했습니다. `{file}`에 빠진 패킷이 있을 수 있습니다"
        ),
    }
}

/// How many packets were written.
pub fn packets_written(file: &str, written: u64, lang: Lang) -> String {
    match (lang, written) {
        (Lang::En, 1) => format!("--pcap: 1 packet in `{file}`"),
        (Lang::En, _) => format!("--pcap: {written} packets in `{file}`"),
        (Lang::Ko, _) => format!("--pcap: `{file}`에 패킷 {written}개를 기록했습니다"),
    }
}

/// The packets could not be written.
pub fn packets_unwritten(file: &str, error: &std::io::Error, lang: Lang) -> String {
    match lang {
        Lang::En => format!("--pcap `{file}` is not complete, it could not be written: {error}"),
        Lang::Ko => format!("--pcap `{file}` 파일을 끝까지 기록하지 못했습니다: {error}"),
    }
}

/// Privileges could not be given up.
pub fn privileges_kept(error: &std::io::Error, lang: Lang) -> String {
    match lang {
        Lang::En => format!("privileges that are not needed could not be given up: {error}"),
        Lang::Ko => format!("필요 없는 권한을 내려놓지 못했습니다: {error}"),
    }
}

/// ICMP echo is not allowed here.
pub fn echo_not_permitted(lang: Lang) -> String {
    match lang {
        Lang::En => echo_needs("ping by TCP with --tcp", lang),
        Lang::Ko => echo_needs("--tcp로 TCP ping을 사용하십시오", lang),
    }
}

/// ICMP echo is not allowed here, and a trace wanted it.
pub fn icmp_trace_not_permitted(lang: Lang) -> String {
    match lang {
        Lang::En => echo_needs("trace by TCP or UDP with -T or -U", lang),
        Lang::Ko => echo_needs("-T나 -U로 TCP 또는 UDP 경로 추적을 사용하십시오", lang),
    }
}

fn echo_needs(instead: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "this user may not send ICMP echo requests here; ask an administrator for \
             `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"`, run it with CAP_NET_RAW, or {instead}"
        ),
        Lang::Ko => format!(
            "이 사용자는 여기서 ICMP 에코 요청을 보낼 수 없습니다. 관리자에게 \
             `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` 설정을 요청하거나, CAP_NET_RAW 권한으로 실행하거나, \
             {instead}"
        ),
    }
}

/// Packets cannot leave from where they are wanted to.
pub fn cannot_leave(option: &str, error: &LeavingError, lang: Lang) -> String {
    match (error, lang) {
        (LeavingError::NoInterface(name), Lang::En) => {
            format!("{option} `{name}`: this host has no such interface; `ip -brief link` lists those it has")
        }
        (LeavingError::NoInterface(name), Lang::Ko) => {
            format!(
                "{option} `{name}`: 이 서버에 없는 인터페이스입니다. `ip -brief link`로 목록을 확인하십시오"
            )
        }
        (LeavingError::InterfaceForbidden(name), Lang::En) => {
            format!("{option} `{name}`: no permission to bind to the interface; give its address instead")
        }
        (LeavingError::InterfaceForbidden(name), Lang::Ko) => {
            format!(
                "{option} `{name}`: 인터페이스를 지정할 권한이 없습니다. 대신 그 인터페이스의 주소를 지정하십시오"
            )
        }
        (LeavingError::NoSource(address), Lang::En) => {
            format!("{option} `{address}` is no address of this host; `ip -brief address` lists those it has")
        }
        (LeavingError::NoSource(address), Lang::Ko) => {
            format!(
                "{option} `{address}`: 이 서버의 주소가 아닙니다. `ip -brief address`로 목록을 확인하십시오"
            )
        }
        (LeavingError::Other(_), Lang::En) => format!("{option}: {error}"),
        (LeavingError::Other(_), Lang::Ko) => format!("{option}: 지정한 곳에서 보낼 수 없습니다({error})"),
    }
}

/// A name has no address that is wanted.
pub fn no_address(host: &str, lang: Lang) -> String {
    let host = crate::output::shown(host);
    match lang {
        Lang::En => format!("`{host}` gives no address; `reach resolve {host}` says why"),
        Lang::Ko => {
            format!("`{host}`의 주소를 찾지 못했습니다. 이유는 `reach resolve {host}`로 확인하십시오")
        }
    }
}

/// No two paths can be compared: those that were asked for, or an open one and a blocked one.
pub fn nothing_to_compare(wanted: Option<(IpAddr, IpAddr)>, known: &str, lang: Lang) -> String {
    match (wanted, lang) {
        (Some((a, b)), Lang::En) => {
            format!("{a} and {b} are not both addresses of one target; it has {known}")
        }
        (Some((a, b)), Lang::Ko) => {
            format!("{a}, {b}: 둘 다 같은 대상의 주소여야 합니다. 대상의 주소: {known}")
        }
        (None, Lang::En) => format!(
            "there is no open and no blocked address of one family to compare ({known}); name two after --compare"
        ),
        (None, Lang::Ko) => format!(
            "비교할 정상 주소와 막힌 주소가 같은 주소 체계에 함께 있지 않습니다({known}). --compare 뒤에 두 주소를 적어 주세요"
        ),
    }
}

/// What the demo does, in two lines.
pub fn demo(stage: Stage<'_>, lang: Lang) -> [String; 2] {
    let first = match (stage, lang) {
        (Stage::Real { means }, Lang::En) => format!(
            "demo: a network of kernel namespaces; the firewall at 10.70.1.2 drops three of the eight addresses \
             of {} ({means}).",
            reach_lab::story::NAME
        ),
        (Stage::Real { means }, Lang::Ko) => format!(
            "데모: 커널 네임스페이스로 만든 네트워크입니다. 10.70.1.2의 방화벽이 {}의 주소 여덟 개 중 세 개를 막습니다({}).",
            reach_lab::story::NAME,
            korean::in_korean(means)
        ),
        (Stage::Pretend, Lang::En) => format!(
            "demo: a simulated network, nothing is sent; a firewall at 10.70.1.2 drops three of the eight \
             addresses of {}.",
            reach_lab::story::NAME
        ),
        (Stage::Pretend, Lang::Ko) => format!(
            "데모: 모의 네트워크라서 실제로 보내는 것은 없습니다. 10.70.1.2의 방화벽이 {}의 주소 여덟 개 중 세 개를 막습니다.",
            reach_lab::story::NAME
        ),
    };
    let second = match (stage, lang) {
        (Stage::Real { .. }, Lang::En) => {
            "demo: now `reach check` runs in it, as an ordinary user would; it knows nothing of the firewall."
        }
        (Stage::Real { .. }, Lang::Ko) => {
            "데모: 이제 그 안에서 일반 사용자 권한으로 `reach check`를 실행합니다. 방화벽에 대해서는 아무것도 모르는 상태입니다."
        }
        (Stage::Pretend, Lang::En) => {
            "demo: now the survey and the judge of `reach check` run in it; they know nothing of the firewall."
        }
        (Stage::Pretend, Lang::Ko) => {
            "데모: 이제 그 안에서 `reach check`의 조사와 판정을 실행합니다. 방화벽에 대해서는 아무것도 모르는 상태입니다."
        }
    };
    [first, second.to_owned()]
}

/// Where the demo takes place.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// In kernel namespaces, with addresses blocked by these means.
    Real {
        /// Packet filter or routes.
        means: &'a str,
    },
    /// In the simulator.
    Pretend,
}

/// A running watch examines targets.
pub fn examining(left: usize, elapsed: Duration, lang: Lang) -> String {
    let seconds = elapsed.as_secs_f64();
    match (lang, left) {
        (Lang::En, 0 | 1) => format!("{seconds:.1} s | the watch examines it"),
        (Lang::En, left) => format!("{seconds:.1} s | the watch examines {left} targets"),
        (Lang::Ko, left) => format!("{seconds:.1}초 | 감시 프로그램이 대상 {left}개 점검 중"),
    }
}

/// The demo is under way.
pub fn waiting(elapsed: Duration, lang: Lang) -> String {
    let seconds = elapsed.as_secs_f64();
    match lang {
        Lang::En => format!("{seconds:.1} s | checking"),
        Lang::Ko => format!("{seconds:.1}초 | 검사 중"),
    }
}

/// The demo found another result than the story tells.
pub fn demo_differs(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the demo did not go as planned: the addresses found blocked are not the three that are",
        Lang::Ko => "데모가 계획대로 되지 않았습니다. 막혔다고 판정된 주소가 실제로 막은 세 개와 다릅니다",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_only_what_is_known() {
        let begin = Overview { targets_left: 1, targets: 1, ..Overview::default() };
        let elapsed = Duration::from_millis(140);
        assert_eq!(progress(&begin, elapsed, Lang::En), "0.1 s | asking for addresses");
        let later = Overview {
            targets_left: 1,
            targets: 3,
            addresses: 8,
            settled: 5,
            failing: 3,
            phase: Phase::Locating,
        };
        assert_eq!(
            progress(&later, Duration::from_secs(4), Lang::En),
            "4.0 s | 2 of 3 targets done | 5 of 8 addresses tested | 3 look bad | looking for the place"
        );
        assert_eq!(
            progress(&later, Duration::from_secs(4), Lang::Ko),
            "4.0초 | 대상 3개 중 2개 완료 | 주소 8개 중 5개 확인 | 이상 3개 | 막힌 지점을 찾는 중"
        );
    }
}
