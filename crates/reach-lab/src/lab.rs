//! A network that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use crate::authority::Authority;
use crate::cell::{Tool, can_isolate};
use crate::command::ClientFiles;
use crate::description::{Description, Fault, Name, Relay};
use crate::directory::{Directory, write_for_all};
use crate::dns::{QuerySeen, Resolvers};
use crate::error::LabError;
use crate::faults::{Action, actions, table_name};
use crate::node::Node;
use crate::plan::{Plan, PlannedLink, PlannedNode, Ways};
use crate::relay::RelayThread;
use crate::server_thread::ServerThread;
use crate::services::{ServiceCounts, Services};
use crate::sys::disable_offload;
use crate::wording::WordingThread;

/// A network built from a [`Description`]; it is gone when this is dropped.
pub struct Lab {
    // Dropped in this order: what uses the namespaces, then the namespaces, and last the files.
    _servers: ServerThread,
    _relays: Vec<RelayThread>,
    _wordings: Vec<WordingThread>,
    nodes: Vec<Node>,
    plan: Plan,
    faults: Mutex<Faults>,
    resolvers: Resolvers,
    services: Services,
    authority: PathBuf,
    directory: Directory,
}

/// A fault that was imposed on a running lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(usize);

#[derive(Default)]
struct Faults {
    next: usize,
    active: BTreeMap<FaultId, Vec<Action>>,
}

impl Lab {
    /// Builds the network. When this returns every server listens and every address is usable.
    ///
    /// # Errors
    ///
    /// [`LabError::BadDescription`], [`LabError::MissingTool`], [`LabError::ToolFailed`] and
    /// [`LabError::System`] as they say, and [`LabError::NamespacesForbidden`] where this process may not
    /// make network namespaces: use [`crate::isolate`] or [`crate::isolated`].
    pub fn build(description: &Description) -> Result<Lab, LabError> {
        let plan = Plan::new(description)?;
        Tool::Ip.find()?;
        let directory = Directory::new().map_err(LabError::system("making a directory for the lab"))?;
        let mut nodes = make_nodes(&plan)?;
        let files = write_files(description, directory.path())?;
        nodes[0].set_files(files);
        let relays = make_links(&plan, &nodes)?;
        configure(&plan, &nodes, description)?;
        let wordings = give_words(&plan, &nodes)?;
        let authority = Authority::new()?;
        let authority_path = directory.path().join("authority.pem");
        write_file(&authority_path, &authority.pem())?;
        let mut server = ServerThread::builder();
        let services = Services::start(description, &plan, &nodes, &authority, &mut server)?;
        let resolvers = Resolvers::start(description, &plan, &nodes, &mut server)?;
        let lab = Lab {
            plan,
            nodes,
            faults: Mutex::default(),
            authority: authority_path,
            resolvers,
            services,
            _servers: server.run()?,
            _relays: relays,
            _wordings: wordings,
            directory,
        };
        for fault in &description.faults {
            lab.impose(fault)?;
        }
        Ok(lab)
    }

    /// The node from which everything is looked at.
    #[must_use]
    pub fn client(&self) -> &Node {
        &self.nodes[0]
    }

    /// A node by its name.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> &Node {
        let index = self.plan.node(name).unwrap_or_else(|| panic!("the lab has no node `{name}`"));
        &self.nodes[index]
    }

    /// The IPv4 and IPv6 addresses with which a router answers.
    ///
    /// # Panics
    ///
    /// If there is no router of that name.
    #[must_use]
    pub fn router_address(&self, name: &str) -> (Ipv4Addr, Ipv6Addr) {
        let node = self.plan.node(name).and_then(|index| self.plan.nodes[index].faces);
        node.unwrap_or_else(|| panic!("the lab has no router `{name}`"))
    }

    /// The smallest TTL with which a packet from the client reaches the host that owns the address.
    #[must_use]
    pub fn distance(&self, address: IpAddr) -> Option<u8> {
        self.plan.ways.get(&address).map(|ways| ways.distance)
    }

    /// The names of the nodes that packets from the client to the address meet with each TTL, from 1 on. Only
    /// branches of unequal length have the host at more than one.
    #[must_use]
    pub fn nodes_on_the_way(&self, address: IpAddr) -> Vec<BTreeSet<String>> {
        self.ways(address).nodes
    }

    /// The addresses that answer packets from the client to the address with each TTL, from 1 on, faults aside.
    #[must_use]
    pub fn responders(&self, address: IpAddr) -> Vec<BTreeSet<IpAddr>> {
        self.ways(address).responders
    }

    /// The neighbours on the ways to the address, as [`Lab::responders`] shows them: the TTL of the farther
    /// one, the nearer one (`None` for the client), the farther one. A router that keeps silent is `None`.
    #[must_use]
    pub fn links(&self, address: IpAddr) -> BTreeSet<(u8, Option<IpAddr>, Option<IpAddr>)> {
        self.ways(address).links
    }

    fn ways(&self, address: IpAddr) -> Ways {
        self.plan.ways.get(&address).cloned().unwrap_or_default()
    }

    /// The lab's own certification authority, a PEM file for `SSL_CERT_FILE`. Every user can read it.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// A directory that every user can enter and that goes with the lab.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Brings a fault about while the lab runs.
    ///
    /// # Errors
    ///
    /// [`LabError::BadDescription`] if the fault has no meaning here, [`LabError::MissingTool`] and
    /// [`LabError::ToolFailed`].
    pub fn impose(&self, fault: &Fault) -> Result<FaultId, LabError> {
        let mut faults = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        faults.next += 1;
        let id = FaultId(faults.next);
        let actions = actions(&self.plan, fault, id.0)?;
        for action in &actions {
            let node = &self.nodes[action.node];
            if let Some(text) = &action.filter {
                node.nft(text)?;
            }
            // After the filter text: some settings exist only once connection tracking is in use.
            node.set(&action.settings)?;
            if !action.begin.is_empty() {
                node.ip(&action.begin)?;
            }
        }
        faults.active.insert(id, actions);
        Ok(id)
    }

    /// Ends a fault.
    ///
    /// # Errors
    ///
    /// [`LabError::ToolFailed`].
    pub fn lift(&self, id: FaultId) -> Result<(), LabError> {
        let mut faults = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for action in faults.active.remove(&id).into_iter().flatten() {
            let node = &self.nodes[action.node];
            if action.filter.is_some() {
                node.nft(&format!("delete table inet {}\n", table_name(id.0)))?;
            }
            if !action.end.is_empty() {
                node.ip(&action.end)?;
            }
        }
        Ok(())
    }

    /// The faults that are in force, those of the description first and in its order.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultId> {
        let faults = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        faults.active.keys().copied().collect()
    }

    /// Every question that any resolver of the lab was asked so far, in order.
    #[must_use]
    pub fn queries(&self) -> Vec<QuerySeen> {
        self.resolvers.queries()
    }

    /// Replaces what the resolvers in a node know.
    pub fn set_names(&self, at: &str, names: &[Name]) {
        self.resolvers.set_names(at, names);
    }

    /// What the service at this address and port has seen; nothing if there is none.
    #[must_use]
    pub fn counts(&self, address: IpAddr, port: u16) -> ServiceCounts {
        self.services.counts(address, port)
    }
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.nodes.iter().map(Node::name).collect();
        formatter.debug_struct("Lab").field("nodes", &names).finish_non_exhaustive()
    }
}

fn make_nodes(plan: &Plan) -> Result<Vec<Node>, LabError> {
    let made: Result<Vec<Node>, LabError> = plan.nodes.iter().map(|node| Node::new(&node.name)).collect();
    let nodes = made.map_err(|error| match can_isolate() {
        // Possible in a child: the caller only has to isolate itself first.
        Ok(()) => LabError::NamespacesForbidden {
            what: error.to_string(),
            remedy: "Isolate the process first: see isolate(), isolated() and isolated_command()".to_owned(),
        },
        Err(reason) => reason,
    })?;
    // Before there are links: an interface takes the defaults of the moment when it is made.
    for (planned, node) in plan.nodes.iter().zip(&nodes) {
        node.set(&planned.settings)?;
    }
    Ok(nodes)
}

/// Makes the wires, and starts the boxes that sit in the middle of some.
fn make_links(plan: &Plan, nodes: &[Node]) -> Result<Vec<RelayThread>, LabError> {
    let mut lines = Vec::new();
    let mut boxes = Vec::new();
    for link in &plan.links {
        let near = (link.interface.as_str(), nodes[link.near].namespace_path());
        let far = (link.interface.as_str(), nodes[link.far].namespace_path());
        let Some(relay) = &link.relay else {
            lines.push(wire(lines.len(), near, far));
            continue;
        };
        let middle = Node::new(&format!("relay on {}", link.interface))?;
        lines.push(wire(lines.len(), near, ("near", middle.namespace_path())));
        lines.push(wire(lines.len(), ("far", middle.namespace_path()), far));
        boxes.push((link, relay, middle));
    }
    nodes[0].ip(&lines)?;
    let start = |(link, relay, middle): (&PlannedLink, &Relay, Node)| {
        for end in [link.near, link.far] {
            let disabled = nodes[end].within(|| disable_offload(&link.interface));
            disabled.map_err(LabError::system("switching checksum offload off"))?;
        }
        RelayThread::start(relay, middle)
    };
    boxes.into_iter().map(start).collect()
}

/// Starts the voices of the routers that have one of their own.
fn give_words(plan: &Plan, nodes: &[Node]) -> Result<Vec<WordingThread>, LabError> {
    let speakers = plan.nodes.iter().zip(nodes);
    let speakers = speakers.filter_map(|(planned, node)| {
        let wording = planned.wording.as_ref()?;
        Some(WordingThread::start(wording, node, &planned.near_interfaces))
    });
    speakers.collect()
}

/// The line that makes a veth pair. The kernel reports "carrier" at once only for a pair whose ends have
/// different interface numbers; for equal ones, which are usual in fresh namespaces, it takes up to a second.
fn wire(number: usize, near: (&str, String), far: (&str, String)) -> String {
    let (first, second) = (1000 + 2 * number, 1001 + 2 * number);
    let ((near, near_namespace), (far, far_namespace)) = (near, far);
    let near = format!("name {near} index {first} netns {near_namespace}");
    let far = format!("name {far} index {second} netns {far_namespace}");
    format!("link add {near} type veth peer {far}")
}

fn configure(plan: &Plan, nodes: &[Node], description: &Description) -> Result<(), LabError> {
    for (planned, node) in plan.nodes.iter().zip(nodes) {
        node.ip(&links_first(planned))?;
        if !planned.filter.is_empty() {
            node.nft(&planned.filter)?;
        }
    }
    if description.client.ping_sockets {
        allow_ping_sockets(&nodes[0])?;
    }
    for (planned, node) in plan.nodes.iter().zip(nodes) {
        wait_until_ready(planned, node);
    }
    Ok(())
}

/// Addresses and links before routes, which need them.
fn links_first(planned: &PlannedNode) -> Vec<String> {
    let (routes, others): (Vec<String>, Vec<String>) =
        planned.commands.iter().cloned().partition(|line| line.starts_with("route"));
    others.into_iter().chain(routes).collect()
}

/// Links carry packets, and routers forward IPv6, a moment after everything is set: once each link is seen to
/// run and has its link-local address. What is not ready in time will show in whatever the lab is used for.
fn wait_until_ready(planned: &PlannedNode, node: &Node) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let wanted = planned.near_interfaces.len() + planned.far_interfaces.len();
    let has_ipv6 = !planned
        .settings
        .iter()
        .any(|setting| setting.path.ends_with("all/disable_ipv6") && setting.value == "1")
        && node.read("/proc/net/if_inet6").is_ok_and(|table| !table.is_empty());
    let ready =
        || node.within(running_links) >= wanted && (!has_ipv6 || link_local_addresses(node) >= wanted);
    while !ready() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
}

fn running_links() -> usize {
    let Ok(interfaces) = getifaddrs() else { return 0 };
    // One entry of the packet family for each interface.
    let running = interfaces.filter(|interface| {
        let is_link = interface.address.is_some_and(|address| address.as_link_addr().is_some());
        is_link && interface.flags.contains(InterfaceFlags::IFF_RUNNING) && interface.interface_name != "lo"
    });
    running.count()
}

fn link_local_addresses(node: &Node) -> usize {
    const LINK_LOCAL_SCOPE: &str = "20";
    const TENTATIVE: u8 = 0x40;
    let table = node.read("/proc/net/if_inet6").unwrap_or_default();
    let usable = table.lines().filter(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = fields.get(4).and_then(|flags| u8::from_str_radix(flags, 16).ok());
        fields.get(3) == Some(&LINK_LOCAL_SCOPE) && flags.is_some_and(|flags| flags & TENTATIVE == 0)
    });
    usable.count()
}

fn allow_ping_sockets(client: &Node) -> Result<(), LabError> {
    let write = |range: &str| client.within(|| fs::write("/proc/sys/net/ipv4/ping_group_range", range));
    // A rootless lab has one group only.
    write("0 2147483647").or_else(|_| write("0 0")).map_err(LabError::system("setting ping_group_range"))
}

fn write_files(description: &Description, directory: &Path) -> Result<ClientFiles, LabError> {
    let client = &description.client;
    let resolvers = client.resolvers.clone().unwrap_or_else(|| {
        let first = description.resolvers.iter().filter_map(|resolver| {
            let owned =
                description.hosts.iter().find(|host| host.name == resolver.at).map(|host| &host.addresses);
            resolver.addresses.first().or_else(|| owned?.first()).copied()
        });
        first.collect()
    });
    let mut resolv_conf = String::new();
    for address in resolvers {
        let _ = writeln!(resolv_conf, "nameserver {address}");
    }
    if !client.resolver_options.is_empty() {
        let _ = writeln!(resolv_conf, "options {}", client.resolver_options);
    }
    let mut hosts = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    for (name, addresses) in &client.hosts_file {
        for address in addresses {
            let _ = writeln!(hosts, "{address} {name}");
        }
    }
    let mut replacements = Vec::new();
    for (name, text) in [
        ("resolv.conf", resolv_conf.as_str()),
        ("hosts", &hosts),
        ("nsswitch.conf", "passwd: files\nhosts: files dns\n"),
    ] {
        let path = directory.join(name);
        write_file(&path, text)?;
        replacements.push((path, Path::new("/etc").join(name)));
    }
    Ok(ClientFiles { replacements })
}

fn write_file(path: &Path, text: &str) -> Result<(), LabError> {
    write_for_all(path, text).map_err(LabError::system(format!("writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_asked_for_the_first_address_of_each_resolver() {
        let directory = tempfile::tempdir().unwrap();
        write_files(&crate::story::founding(), directory.path()).unwrap();
        let text = fs::read_to_string(directory.path().join("resolv.conf")).unwrap();
        assert_eq!(text, "nameserver 192.0.2.53\n");
    }
}
