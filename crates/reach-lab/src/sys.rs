//! The system calls that no safe wrapper covers, and the steps between fork and exec.

#![expect(unsafe_code, reason = "pre_exec hooks, capset, ethtool and packet sockets have no safe wrapper")]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setpgid, setuid, write};

/// What a child does to itself between fork and exec. Everything is prepared before the fork, since a child
/// of a threaded process may only make system calls there.
pub(crate) struct ChildSetup {
    /// The network namespace to enter.
    pub(crate) network: Option<Arc<File>>,
    /// Files to put over others in a mount namespace of the child's own.
    pub(crate) mounts: Vec<(CString, CString)>,
    /// The namespaces to make first.
    pub(crate) isolation: Option<Isolation>,
    /// Whether to give up every privilege.
    pub(crate) unprivileged: Option<Unprivileged>,
    /// Descriptors that the program shall inherit.
    pub(crate) inherit: Vec<RawFd>,
    /// Whether the child leads a process group of its own.
    pub(crate) own_group: bool,
}

/// How a child makes namespaces of its own.
pub(crate) struct Isolation {
    /// The lines for `uid_map` and `gid_map` if a user namespace is needed.
    pub(crate) user_maps: Option<(String, String)>,
}

/// How a child gives up its privileges.
pub(crate) struct Unprivileged {
    /// The user and group to become, where there is one to become.
    pub(crate) become_id: Option<u32>,
}

impl ChildSetup {
    /// A child that only dies with its parent.
    pub(crate) fn new() -> Self {
        ChildSetup {
            network: None,
            mounts: Vec::new(),
            isolation: None,
            unprivileged: None,
            inherit: Vec::new(),
            own_group: false,
        }
    }

    /// Makes `command`'s child run these steps.
    pub(crate) fn apply(self, command: &mut Command) {
        let step = move || self.run().map_err(io::Error::from);
        // SAFETY: `run` makes system calls on prepared data and neither allocates nor takes a lock.
        unsafe { command.pre_exec(step) };
    }

    fn run(&self) -> Result<(), Errno> {
        if self.own_group {
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        }
        for &descriptor in &self.inherit {
            // SAFETY: fcntl with F_SETFD takes no pointer.
            Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) })?;
        }
        if let Some(isolation) = &self.isolation {
            isolation.enter()?;
        }
        if let Some(network) = &self.network {
            setns(network, CloneFlags::CLONE_NEWNET)?;
        }
        if !self.mounts.is_empty() {
            unshare(CloneFlags::CLONE_NEWNS)?;
            private_mounts()?;
            for (source, target) in &self.mounts {
                let none: Option<&CStr> = None;
                mount(Some(source.as_c_str()), target.as_c_str(), none, MsFlags::MS_BIND, none)?;
            }
        }
        if let Some(unprivileged) = &self.unprivileged {
            unprivileged.enter()?;
        }
        // After the change of user, which clears it.
        prctl::set_pdeathsig(Signal::SIGKILL)
    }
}

impl Isolation {
    /// Moves this process, which must have one thread only if a user namespace is asked for, into new
    /// namespaces.
    pub(crate) fn enter(&self) -> Result<(), Errno> {
        let namespaces = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
        match &self.user_maps {
            None => unshare(namespaces)?,
            Some((users, groups)) => {
                unshare(CloneFlags::CLONE_NEWUSER | namespaces)?;
                write_file(c"/proc/self/setgroups", b"deny")?;
                write_file(c"/proc/self/uid_map", users.as_bytes())?;
                write_file(c"/proc/self/gid_map", groups.as_bytes())?;
            }
        }
        private_mounts()
    }
}

impl Unprivileged {
    fn enter(&self) -> Result<(), Errno> {
        for capability in 0..64 {
            // SAFETY: this prctl takes numbers only.
            if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
                break;
            }
        }
        if let Some(id) = self.become_id {
            setgroups(&[])?;
            setgid(Gid::from_raw(id))?;
            setuid(Uid::from_raw(id))?;
        }
        drop_capabilities()?;
        prctl::set_no_new_privs()
    }
}

/// Empties the effective, permitted and inheritable sets, and with them the ambient one.
fn drop_capabilities() -> Result<(), Errno> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0_u32; 6];
    // SAFETY: version 3 reads one header and two sets of three words, which is what the pointers lead to.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) }).map(drop)
}

fn private_mounts() -> Result<(), Errno> {
    let none: Option<&CStr> = None;
    mount(none, c"/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
}

fn write_file(path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(&file, text).map(drop)
}

/// Makes the network device hand over packets with complete checksums and no larger than the MTU, as a wire
/// would.
pub(crate) fn disable_offload(interface: &str) -> io::Result<()> {
    const ETHTOOL_STXCSUM: u32 = 0x17;
    const ETHTOOL_STSO: u32 = 0x1f;
    const ETHTOOL_SGSO: u32 = 0x24;
    #[repr(C)]
    struct Value {
        command: u32,
        data: u32,
    }
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    for command in [ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM] {
        let mut value = Value { command, data: 0 };
        // SAFETY: ifreq is plain data, for which all zeroes is a value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes().take(libc::IFNAMSIZ - 1)) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: SIOCETHTOOL reads an ifreq whose data points to an ethtool_value; both live until it
        // returns.
        Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) })?;
    }
    Ok(())
}

/// A socket that receives every frame which arrives at the interface, and sends frames out of it.
pub(crate) fn packet_socket(interface: &str) -> io::Result<OwnedFd> {
    const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
    let everything = (libc::ETH_P_ALL as u16).to_be();
    let index = nix::net::if_::if_nametoindex(interface)?;
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket takes numbers only; the descriptor it returns is new and nobody else's.
    let socket = unsafe {
        let descriptor = Errno::result(libc::socket(libc::AF_PACKET, kind, 0))?;
        OwnedFd::from_raw_fd(descriptor)
    };
    let yes: libc::c_int = 1;
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option's value is the int that is pointed to.
    Errno::result(unsafe {
        let descriptor = socket.as_raw_fd();
        libc::setsockopt(
            descriptor,
            libc::SOL_PACKET,
            PACKET_IGNORE_OUTGOING,
            (&raw const yes).cast(),
            length,
        )
    })?;
    // SAFETY: sockaddr_ll is plain data, for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = everything;
    address.sll_ifindex = index.cast_signed();
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the address is a sockaddr_ll of the stated length.
    Errno::result(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
    Ok(socket)
}
