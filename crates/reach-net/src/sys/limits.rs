//! What this process may do: open files, capabilities.

#![expect(unsafe_code, reason = "limits and capabilities have no safe wrapper among our dependencies")]

use std::io;

/// The bit of `CAP_NET_RAW` (capabilities(7)).
const CAP_NET_RAW: u32 = 13;

/// The bits of `CAP_DAC_READ_SEARCH` and `CAP_SYS_PTRACE`: without them the kernel shows what a process has open to its
/// own user only.
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_PTRACE: u32 = 19;

/// The number of the last capability that any kernel may know: the sets have 64 bits.
const LAST_CAPABILITY: libc::c_ulong = 63;

/// `_LINUX_CAPABILITY_VERSION_3`: two words for each set (capget(2)).
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Raises the soft limit of open files to the hard one (`RLIMIT_NOFILE`), since every probe under way holds a
/// descriptor. Gives the limit then in force.
pub fn raise_file_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the struct, which lives longer than the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the kernel only reads the struct.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

/// Gives up every capability but `CAP_NET_RAW`, also for programs started later, where the process has more:
/// started by root, or from a file with capabilities. Does nothing for an ordinary user.
///
/// Capabilities belong to threads, so this comes before any thread is started. After it root reads only files
/// that root may read by their permissions, and can bind no source port below 1024.
pub fn drop_privileges() -> io::Result<()> {
    keep(1 << CAP_NET_RAW)
}

/// The same for a thread that looks at processes and sends nothing: it keeps the right to see what those of others have
/// open, if it has it. Call it at the beginning of the thread, which has to be started before [`drop_privileges`] to have
/// anything to keep.
pub fn keep_rights_to_look() -> io::Result<()> {
    keep(1 << CAP_DAC_READ_SEARCH | 1 << CAP_SYS_PTRACE)
}

/// Gives up every capability that is not in this mask of the first 32.
fn keep(mask: u32) -> io::Result<()> {
    let mut sets = capabilities()?;
    if sets.iter().all(|set| set.effective == 0 && set.permitted == 0 && set.inheritable == 0) {
        return Ok(());
    }
    let is_kept = |number: libc::c_ulong| number < 32 && mask & (1 << number) != 0;
    for capability in (0..=LAST_CAPABILITY).filter(|&number| !is_kept(number)) {
        // Fails without CAP_SETPCAP, and for numbers that this kernel does not know; both are fine, because
        // the bounding set only limits what a later execve could add, and without CAP_SETPCAP it was never ours.
        // SAFETY: takes plain numbers and touches no memory of ours.
        let _ = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: as above. A kernel before 4.3 knows no ambient set, and then there is nothing to clear.
    let _ = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    for (word, set) in sets.iter_mut().enumerate() {
        let keep = if word == 0 { mask } else { 0 };
        set.effective &= keep;
        set.permitted &= keep;
        set.inheritable = 0;
    }
    set_capabilities(&sets)
}

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    process: libc::c_int,
}

/// `struct __user_cap_data_struct`: 32 capabilities of each set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilitySet {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn capabilities() -> io::Result<[CapabilitySet; 2]> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION, process: 0 };
    let mut sets = [CapabilitySet::default(); 2];
    // SAFETY: version 3 makes the kernel write exactly two sets, and both pointers outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(sets) }
}

fn set_capabilities(sets: &[CapabilitySet; 2]) -> io::Result<()> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION, process: 0 };
    // SAFETY: version 3 makes the kernel read exactly two sets, and both pointers outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_raw_sockets_are_left_and_it_can_be_said_twice() {
        // Capabilities belong to threads, and this test has one of its own.
        drop_privileges().expect("dropped");
        drop_privileges().expect("nothing more to drop");
        let sets = capabilities().expect("known");
        assert_eq!(sets[0].permitted & !(1 << CAP_NET_RAW), 0);
        assert_eq!(sets[0].effective & !(1 << CAP_NET_RAW), 0);
        assert_eq!((sets[1].permitted, sets[1].effective), (0, 0));
        assert!(sets.iter().all(|set| set.inheritable == 0));
    }

    #[test]
    fn who_looks_keeps_the_right_to_look_and_no_other() {
        keep_rights_to_look().expect("dropped");
        let sets = capabilities().expect("known");
        assert_eq!(sets[0].permitted & !(1 << CAP_SYS_PTRACE | 1 << CAP_DAC_READ_SEARCH), 0);
        assert_eq!((sets[1].permitted, sets[1].effective), (0, 0));
    }
}
