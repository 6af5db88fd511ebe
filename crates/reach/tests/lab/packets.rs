//! `--pcap`: whether the file holds exactly the packets of the run, as Wireshark's own tools read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{TcpStream, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use reach::recording::{self, Recording};
use reach_core::model::{Answer, Observation, Outcome, Probe, Silence, Transport};
use reach_lab::{Lab, story};

use crate::{
    company::{Rights, tell},
    play::{check, said},
};

/// One packet, as tshark reads it.
#[derive(Debug)]
struct Seen {
    outgoing: bool,
    source: String,
    destination: String,
    /// Source and destination port.
    ports: Option<(u16, u16)>,
    /// TCP flags.
    flags: Option<u16>,
    /// ICMP type.
    icmp: Option<u8>,
    comment: String,
}

/// Whether tshark and capinfos can be started; says so if not.
pub(crate) fn has_readers() -> bool {
    let found = ["tshark", "capinfos"].iter().all(|reader| Command::new(reader).arg("-v").output().is_ok());
    if !found {
        tell("SKIPPED: reading packets with the tools of Wireshark needs tshark and capinfos");
    }
    found
}

/// Checks the founding story with `--pcap` while other programs speak with the same hosts, and tells of
/// everything in the file that should not be there, or is missing.
pub(crate) fn faults_of_a_capture(lab: &Lab, rights: Rights) -> Result<Vec<String>, String> {
    let room = lab.directory().join("packets");
    fs::create_dir(&room).map_err(|error| error.to_string())?;
    fs::set_permissions(&room, fs::Permissions::from_mode(0o777)).map_err(|error| error.to_string())?;
    let (file, kept) = (room.join("run.pcapng"), room.join("run.jsonl"));
    let target = format!("https://{}/", story::NAME);
    let stop = AtomicBool::new(false);
    let (finished, foreign) = thread::scope(|scope| {
        let others = scope.spawn(|| lab.client().within(|| make_noise(&stop)));
        let command = check(lab, rights).arg(&target).arg("--pcap").arg(&file).arg("--record").arg(&kept);
        let finished = command.run().map_err(|error| error.to_string());
        stop.store(true, Ordering::Relaxed);
        finished.map(|finished| (finished, others.join().expect("others do not panic")))
    })?;
    said(&finished)?;
    let recording = fs::read(&kept).map_err(|error| error.to_string())?;
    let recording = recording::read(recording).map_err(|error| error.to_string())?;
    let packets = packets(&file)?;
    let mut faults = Vec::new();
    if foreign.is_empty() {
        faults.push("nobody else spoke".to_owned());
    }
    let (mark, section) = match rights {
        Rights::All => ("probe ", "The packets of one run of reach"),
        Rights::None => ("SYNTHESISED: probe ", "SYNTHESISED: "),
    };
    if !read_with("capinfos", &["-k"], &file)?.contains(section) {
        faults.push(format!("the section does not say `{section}`"));
    }
    for packet in &packets {
        if !packet.comment.starts_with(mark) {
            faults.push(format!("not marked `{mark}`: {packet:?}"));
        }
        if is_foreign(packet, &foreign) {
            faults.push(format!("of another program: {packet:?}"));
        }
    }
    if rights == Rights::None {
        if !finished.stderr.contains("CAP_NET_RAW") {
            faults.push(format!("not told that packets are synthesised: {}", finished.stderr));
        }
        return Ok(faults);
    }
    faults.extend(miscounts(&recording, &packets));
    Ok(faults)
}

/// Whom others spoke with, from which port. The kernel gives a port out for several destinations at a time.
type Flows = BTreeSet<(String, u16)>;

/// Whether a packet is of a flow of others that the run never had: both may have had the same, one after the
/// other.
fn is_foreign(packet: &Seen, foreign: &Flows) -> bool {
    let Some((source, destination)) = packet.ports else { return false };
    let flow = if packet.outgoing {
        (packet.destination.clone(), source)
    } else {
        (packet.source.clone(), destination)
    };
    foreign.contains(&flow) && !packet.comment.contains(&format!("port {}", flow.1))
}

/// Connects to the same ports of the same hosts and asks the same resolver, as long as the run goes on.
fn make_noise(stop: &AtomicBool) -> Flows {
    let mut flows = Flows::new();
    while !stop.load(Ordering::Relaxed) {
        let host = story::POOL.iter().find(|address| !story::BLOCKED.contains(address)).expect("an open one");
        if let Ok(stream) = TcpStream::connect((*host, 443)) {
            flows.extend(stream.local_addr().map(|local| ((*host).to_owned(), local.port())));
        }
        let asked = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
            socket.send_to(
                b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05other\x00\x00\x01\x00\x01",
                "192.0.2.53:53",
            )?;
            socket.local_addr()
        });
        flows.extend(asked.map(|local| ("192.0.2.53".to_owned(), local.port())));
        thread::sleep(Duration::from_millis(20));
    }
    flows
}

/// What was sent more or less often than the observations say.
fn miscounts(recording: &Recording, packets: &[Seen]) -> Vec<String> {
    const SYN: u16 = 2;
    const SYN_ACK: u16 = 0x12;
    let mut faults = Vec::new();
    let observations: Vec<&Observation> =
        recording.examined.iter().flat_map(|(_, observations)| observations).collect();
    let unsettled = packets.iter().filter(|packet| packet.comment.contains("the run ended before"));
    let unsettled: BTreeSet<u16> = unsettled.filter_map(|packet| Some(packet.ports?.0)).collect();

    let mut syns: BTreeMap<(String, u16), u32> = BTreeMap::new();
    let mut shaken: BTreeMap<(String, u16), u32> = BTreeMap::new();
    for packet in packets {
        let Some((source, destination)) = packet.ports else { continue };
        if packet.outgoing && packet.flags == Some(SYN) {
            *syns.entry((packet.destination.clone(), source)).or_default() += 1;
        } else if !packet.outgoing && packet.flags == Some(SYN_ACK) {
            *shaken.entry((packet.source.clone(), destination)).or_default() += 1;
        }
    }
    let mut sent: BTreeMap<(String, u16), Option<u32>> = BTreeMap::new();
    let mut answered: BTreeSet<(String, u16)> = BTreeSet::new();
    for observation in &observations {
        let (flow, count) = match (&observation.probe, &observation.outcome) {
            (Probe::Connect(connect), outcome) => {
                let flow = (connect.endpoint.address.to_string(), connect.source_port);
                let count = match outcome {
                    Outcome::Answered(Answer::Connected(connected)) => Some(connected.syns),
                    Outcome::Silent(Silence { packets, .. }) => Some(*packets),
                    Outcome::Unable(_) => Some(0),
                    // How often the SYN was sent until then is not said.
                    _ => None,
                };
                (flow, count)
            }
            (Probe::Exchange(exchange), Outcome::Answered(Answer::Exchanged(exchanged))) => {
                let port = exchanged.connected.source.port();
                ((exchange.endpoint.address.to_string(), port), Some(exchanged.connected.syns))
            }
            _ => continue,
        };
        if matches!(observation.outcome, Outcome::Answered(_)) {
            answered.insert(flow.clone());
        }
        let known = sent.entry(flow).or_insert(Some(0));
        *known = known.zip(count).map(|(known, count)| known + count);
    }
    for (flow, count) in &sent {
        let found = syns.get(flow).copied().unwrap_or(0);
        if count.is_some_and(|count| count != found) && !unsettled.contains(&flow.1) {
            faults.push(format!("{flow:?}: {found} SYNs, and {count:?} were sent"));
        }
    }
    faults.extend(
        answered.iter().filter(|flow| !shaken.contains_key(flow)).map(|flow| format!("{flow:?}: no SYN-ACK")),
    );

    let count = |wanted: fn(&Probe) -> bool| {
        observations.iter().filter(|observation| wanted(&observation.probe)).count()
    };
    let echoes = count(|probe| matches!(probe, Probe::Echo(_)));
    let requests = packets.iter().filter(|packet| packet.outgoing && packet.icmp == Some(8)).count();
    if requests != echoes {
        faults.push(format!("{requests} echo requests, and {echoes} were sent"));
    }
    let questions =
        count(|probe| matches!(probe, Probe::Lookup(lookup) if lookup.transport == Transport::Udp));
    let asked =
        packets.iter().filter(|packet| packet.outgoing && packet.comment.contains("over UDP")).count();
    if asked != questions {
        faults.push(format!("{asked} DNS questions, and {questions} were sent"));
    }
    let says = |part: &str| packets.iter().any(|packet| packet.comment.contains(part));
    for part in
        ["SYN, TTL 1, port ", "answered by 10.70.0.1: ICMP type 11 code 0", "TLS completed", "no answer"]
    {
        if !says(part) {
            faults.push(format!("no comment says `{part}`"));
        }
    }
    faults
}

fn packets(file: &Path) -> Result<Vec<Seen>, String> {
    const FIELDS: [&str; 10] = [
        "frame.packet_flags_direction",
        "ip.src",
        "ip.dst",
        "tcp.srcport",
        "tcp.dstport",
        "udp.srcport",
        "udp.dstport",
        "tcp.flags",
        "icmp.type",
        "frame.comment",
    ];
    let mut arguments = vec!["-n", "-T", "fields", "-E", "occurrence=f"];
    arguments.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
    arguments.push("-r");
    let text = read_with("tshark", &arguments, file)?;
    let hex = |text: &str| u16::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [direction, source, destination, tcp_from, tcp_to, udp_from, udp_to, flags, icmp, comment] =
            fields[..]
        else {
            return Err(format!("not {} fields: {line}", FIELDS.len()));
        };
        let is_error = !matches!(icmp, "" | "0" | "8");
        let pair = |from: &str, to: &str| Some((from.parse().ok()?, to.parse().ok()?));
        // The ports of an error are those of the packet that it quotes.
        let ports = pair(tcp_from, tcp_to).or_else(|| pair(udp_from, udp_to));
        Ok(Seen {
            outgoing: hex(direction) == Some(2),
            source: source.to_owned(),
            destination: destination.to_owned(),
            ports,
            flags: hex(flags).filter(|_| !is_error),
            icmp: icmp.parse().ok(),
            comment: comment.to_owned(),
        })
    };
    text.lines().map(packet).collect()
}

fn read_with(reader: &str, arguments: &[&str], file: &Path) -> Result<String, String> {
    let done = Command::new(reader).args(arguments).arg(file).output().map_err(|error| error.to_string())?;
    if !done.status.success() {
        return Err(format!("{reader} cannot read it: {}", String::from_utf8_lossy(&done.stderr)));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
