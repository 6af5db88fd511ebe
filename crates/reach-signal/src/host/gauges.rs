//! Levels that the kernel tells in small text files: memory, swap, load, stalls, descriptors, tables.

use reach_core::signal::{Gauge, Level};

/// A level of `used` out of `total`; `None` where there is nothing that could fill.
pub fn level(gauge: Gauge, of: &str, used: u64, total: u64) -> Option<Level> {
    (total > 0).then(|| Level {
        gauge,
        of: of.to_owned(),
        share: used as f64 / total as f64,
        used: Some(used),
        total: Some(total),
    })
}

/// A file of one number.
pub fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The value of a line `Name:   123 kB` or `name 123`.
pub fn named(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = rest.strip_prefix(':').or_else(|| rest.strip_prefix(' '))?;
        value.split_ascii_whitespace().next()?.parse().ok()
    })
}

/// Memory and swap of the host, from `/proc/meminfo` (proc_meminfo(5)), in bytes.
///
/// What can be given back at need is not in use: `MemAvailable`, which Linux reckons since 3.14.
pub fn memory(meminfo: &str) -> Vec<Level> {
    let bytes = |name| Some(named(meminfo, name)?.saturating_mul(1024));
    let fill = |gauge, total: Option<u64>, left: Option<u64>| {
        let total = total?;
        level(gauge, "", total.saturating_sub(left?), total)
    };
    let memory = fill(Gauge::Memory, bytes("MemTotal"), bytes("MemAvailable"));
    let swap = fill(Gauge::Swap, bytes("SwapTotal"), bytes("SwapFree"));
    memory.into_iter().chain(swap).collect()
}

/// The memory of a control group against its limit (cgroup v2): `memory.max`, `memory.current`, `memory.stat`. `None`
/// where it has no limit.
///
/// Pages of files that were not used lately do not count, as they go before anything is killed.
pub fn group_memory(of: &str, max: &str, current: &str, stat: &str) -> Option<Level> {
    let current = number(current)?;
    let idle = named(stat, "inactive_file").unwrap_or(0);
    level(Gauge::Memory, of, current.saturating_sub(idle), number(max)?)
}

/// The same of cgroup v1: `memory.limit_in_bytes`, `memory.usage_in_bytes`, `memory.stat`.
pub fn group_memory_v1(of: &str, limit: &str, usage: &str, stat: &str) -> Option<Level> {
    /// No limit is written as the largest number of whole pages.
    const NONE: u64 = 1 << 60;
    let limit = number(limit).filter(|limit| *limit < NONE)?;
    // With the groups below, as the usage has them.
    let idle = named(stat, "total_inactive_file").or_else(|| named(stat, "inactive_file")).unwrap_or(0);
    level(Gauge::Memory, of, number(usage)?.saturating_sub(idle), limit)
}

/// The group of a process in the hierarchy of a cgroup v1 controller, from `/proc/PID/cgroup`: `9:cpu,memory:/docker/0123…`.
pub fn group_v1<'a>(cgroup: &'a str, controller: &str) -> Option<&'a str> {
    cgroup.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_it = number != "0" && controllers.split(',').any(|known| known == controller);
        (is_it && path.starts_with('/')).then_some(path)
    })
}

/// The group of a process in the unified hierarchy, from `/proc/PID/cgroup`: `0::/system.slice/app.service`.
pub fn group(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::")).filter(|path| path.starts_with('/'))
}

/// A name for people: the container's short id or the unit, of a group's path.
///
/// `/system.slice/docker-<64 digits>.scope`, `/docker/<64 digits>`, `/kubepods…/cri-containerd-<64 digits>.scope`,
/// `/system.slice/app.service`, `/lxc.payload.web`. `None` of anything else: a login session is no unit.
pub fn unit(group: &str) -> Option<String> {
    let last = group.trim_end_matches('/').rsplit('/').next()?;
    let bare = last.strip_suffix(".scope").unwrap_or(last);
    let id = bare.rsplit('-').next().unwrap_or(bare);
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(id[..12].to_owned());
    }
    if let Some(name) = last.strip_prefix("lxc.payload.") {
        return Some(name.to_owned());
    }
    last.strip_suffix(".service").filter(|name| !name.starts_with("user@")).map(str::to_owned)
}

/// The load over the last five minutes for each processor, from `/proc/loadavg`: short peaks are no news.
pub fn load(loadavg: &str, processors: u32) -> Option<Level> {
    let mean: f64 = loadavg.split_ascii_whitespace().nth(1)?.parse().ok()?;
    (mean.is_finite() && mean >= 0.0 && processors > 0).then(|| Level {
        gauge: Gauge::Load,
        of: String::new(),
        share: mean / f64::from(processors),
        used: None,
        total: Some(u64::from(processors)),
    })
}

/// How many processors there are, from `/proc/stat`.
pub fn processors(stat: &str) -> u32 {
    let is_one = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    stat.lines().filter(is_one).count() as u32
}

/// Processor time from the first line of `/proc/stat`: ticks in which something ran, and all ticks.
///
/// What a hypervisor gave to others counts as busy: it was wanted and is not there. Time of guests is in `user` and is
/// not counted twice.
pub fn processor_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> =
        line.split_ascii_whitespace().take(8).map_while(|column| column.parse().ok()).collect();
    let &[user, nice, system, idle, ..] = &ticks[..] else { return None };
    let later = |index: usize| ticks.get(index).copied().unwrap_or(0);
    let idle = idle.saturating_add(later(4));
    let busy = [user, nice, system, later(5), later(6), later(7)].into_iter().fold(0, u64::saturating_add);
    Some((busy, busy.saturating_add(idle)))
}

/// Stalls, from a file of `/proc/pressure` (PSI): the share of the last minute in which some task waited for the
/// resource, of which is named `resource`. `None` where the kernel does not tell.
pub fn pressure(resource: &str, text: &str) -> Option<Level> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let percent: f64 =
        some.split_ascii_whitespace().find_map(|part| part.strip_prefix("avg60="))?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then(|| Level {
        gauge: Gauge::Pressure,
        of: resource.to_owned(),
        share: percent / 100.0,
        used: None,
        total: None,
    })
}

/// Open files of the whole system against their maximum, from `/proc/sys/fs/file-nr`.
pub fn files(file_nr: &str) -> Option<Level> {
    let mut columns = file_nr.split_ascii_whitespace();
    let allocated: u64 = columns.next()?.parse().ok()?;
    let free: u64 = columns.next()?.parse().ok()?;
    let most: u64 = columns.next()?.parse().ok()?;
    level(Gauge::FileDescriptors, "", allocated.saturating_sub(free), most)
}

/// The soft limit of open files, from `/proc/PID/limits`; `None` where there is none.
pub fn file_limit(limits: &str) -> Option<u64> {
    let columns = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    columns.split_ascii_whitespace().next()?.parse().ok()
}

/// A value of a line like `TCP: inuse 5 orphan 0 tw 0`, from `/proc/net/sockstat`.
pub fn sockstat(text: &str, head: &str, name: &str) -> Option<u64> {
    let mut columns = text.lines().find_map(|line| line.strip_prefix(head))?.split_ascii_whitespace();
    columns.find(|column| *column == name)?;
    columns.next()?.parse().ok()
}

/// The connection tracking table, from `nf_conntrack_count` and `nf_conntrack_max`.
pub fn conntrack(count: &str, max: &str) -> Option<Level> {
    level(Gauge::Conntrack, "", number(count)?, number(max)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn memory_that_can_be_given_back_is_not_in_use() {
        let text = "MemTotal:       1000 kB\nMemFree:          50 kB\nMemAvailable:    600 kB\nSwapTotal:       0 kB\nSwapFree:        0 kB\n";
        let levels = memory(text);
        let [memory] = &levels[..] else { panic!("no swap, no level: {levels:?}") };
        assert_eq!((memory.used, memory.total, memory.share), (Some(400 * 1024), Some(1000 * 1024), 0.4));
    }

    #[test]
    fn a_group_without_a_limit_has_no_level() {
        assert_eq!(group_memory("/a", "max\n", "5", ""), None);
        let level =
            group_memory("/a", "1000\n", "900\n", "anon 1\ninactive_file 300\nfile 2\n").expect("a level");
        assert_eq!((level.used, level.share), (Some(600), 0.6));
    }

    #[test]
    fn the_first_version_of_control_groups_is_read_too() {
        let cgroup = "12:cpuset:/\n9:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n";
        assert_eq!(group_v1(cgroup, "memory"), Some("/docker/ab"));
        assert_eq!(group_v1(cgroup, "cpuacct"), Some("/docker/ab"));
        assert_eq!(group_v1(cgroup, "name=systemd"), Some("/system.slice/a.service"));
        assert_eq!(group_v1(cgroup, "pids"), None);
        assert_eq!(group_v1("0::/a\n:memory:\nx", "memory"), None);
        let stat = "cache 5\ninactive_file 1\ntotal_inactive_file 300\n";
        let level = group_memory_v1("/a", "1000\n", "900\n", stat).expect("a level");
        assert_eq!((level.used, level.total), (Some(600), Some(1000)));
        assert_eq!(group_memory_v1("/a", "9223372036854771712\n", "900\n", ""), None);
    }

    #[test]
    fn groups_have_names_for_people() {
        let id = "0123456789abcdef".repeat(4);
        for (path, name) in [
            (format!("/system.slice/docker-{id}.scope"), Some("0123456789ab")),
            (format!("/docker/{id}"), Some("0123456789ab")),
            (format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"), Some("0123456789ab")),
            ("/system.slice/app.service".to_owned(), Some("app")),
            ("/lxc.payload.web".to_owned(), Some("web")),
            ("/user.slice/user-1.slice/user@1.service".to_owned(), None),
            ("/user.slice/session-3.scope".to_owned(), None),
            ("/".to_owned(), None),
        ] {
            assert_eq!(unit(&path).as_deref(), name, "{path}");
        }
        assert_eq!(group("9:name=systemd:/x\n0::/system.slice/a.service\n"), Some("/system.slice/a.service"));
        assert_eq!(group("9:name=systemd:/x\n"), None);
    }

    #[test]
    fn load_is_shared_by_the_processors() {
        let stat = "cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 5 0\ncpu1 5 0\nintr 5\n";
        assert_eq!(processors(stat), 2);
        assert_eq!(processor_ticks(stat), Some((20, 100)));
        assert_eq!(processor_ticks("cpu  1 2\n"), None);
        assert_eq!(load("4.00 3.00 2.00 1/2 3\n", 2).map(|level| level.share), Some(1.5));
        assert_eq!(load("nan nan", 2), None);
        assert_eq!(load("1 1", 0), None);
    }

    #[test]
    fn stalls_are_the_share_of_a_minute() {
        let text = "some avg10=1.00 avg60=25.50 avg300=0.00 total=1\nfull avg10=0.00 avg60=1.00 avg300=0.00 total=1\n";
        assert_eq!(pressure("io", text).map(|level| level.share), Some(0.255));
        assert_eq!(pressure("io", ""), None);
    }

    #[test]
    fn descriptors_and_tables_have_their_limits() {
        assert_eq!(files("1184\t0\t9223372036854775807\n").and_then(|level| level.used), Some(1184));
        assert_eq!(
            file_limit(
                "Limit x\nMax open files            1024                 524288               files\n"
            ),
            Some(1024)
        );
        assert_eq!(
            file_limit("Max open files            unlimited            unlimited            files\n"),
            None
        );
        assert_eq!(conntrack("95\n", "100\n").map(|level| level.share), Some(0.95));
        assert_eq!(conntrack("95\n", "0\n"), None);
        assert_eq!(sockstat("sockets: used 9\nTCP: inuse 5 orphan 3 tw 0\n", "TCP:", "orphan"), Some(3));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String, more: String) {
            let _ = (memory(&text), group_memory("x", &text, &more, &more), group(&text), unit(&text));
            let _ = (group_memory_v1("x", &text, &more, &more), group_v1(&text, &more));
            let _ = sockstat(&format!("TCP:{text}"), "TCP:", &more);
            let _ = (load(&text, 3), processors(&text), processor_ticks(&format!("cpu {text}")));
            let _ = (pressure("cpu", &format!("some {text}")), files(&text), file_limit(&text), conntrack(&text, &more));
        }
    }
}
