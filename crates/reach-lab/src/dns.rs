//! Name servers of every temper.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, PTR, SOA};
use hickory_proto::rr::{Name as DnsName, RData, Record, RecordType};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::description::{Description, Name, Reply, Resolver, Selection, TcpMode};
use crate::dice::Dice;
use crate::error::LabError;
use crate::node::Node;
use crate::plan::Plan;
use crate::server_thread::ServerThreadBuilder;
use crate::services::listen;

const PORT: u16 = 53;

const POINTER_TTL: u32 = 300;

/// A question that a resolver was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySeen {
    /// The resolver's address.
    pub resolver: IpAddr,
    /// Who asked.
    pub from: SocketAddr,
    /// UDP or TCP.
    pub transport: Transport,
    /// The name, in lower case without the final dot.
    pub name: String,
    /// The type in its usual letters: `A`, `AAAA`, `HTTPS`.
    pub record_type: String,
}

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

/// The resolvers of a lab.
pub(crate) struct Resolvers {
    /// Each with its node's name.
    books: Vec<(String, Arc<Mutex<Book>>)>,
    log: Arc<Mutex<Vec<QuerySeen>>>,
}

impl Resolvers {
    /// Opens all sockets and gives their tasks to the server thread.
    pub(crate) fn start(
        description: &Description,
        plan: &Plan,
        nodes: &[Node],
        thread: &mut ServerThreadBuilder,
    ) -> Result<Resolvers, LabError> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut books = Vec::new();
        for resolver in &description.resolvers {
            let unknown =
                || LabError::BadDescription(format!("there is no node {} for a resolver", resolver.at));
            let node = plan.node(&resolver.at).ok_or_else(unknown)?;
            let own = &plan.nodes[node].addresses;
            let addresses = if resolver.addresses.is_empty() { own } else { &resolver.addresses };
            if addresses.is_empty() {
                let text = format!("the resolver at {} has no address to listen on", resolver.at);
                return Err(LabError::BadDescription(text));
            }
            let book = Arc::new(Mutex::new(Book::new(resolver)));
            for &address in addresses {
                let desk = Desk {
                    resolver: address,
                    tcp: resolver.tcp,
                    delay: Duration::from_millis(resolver.delay_ms),
                    book: Arc::clone(&book),
                    log: Arc::clone(&log),
                };
                open(&nodes[node], desk, thread)?;
            }
            books.push((resolver.at.clone(), book));
        }
        Ok(Resolvers { books, log })
    }

    /// Every question so far.
    pub(crate) fn queries(&self) -> Vec<QuerySeen> {
        lock(&self.log).clone()
    }

    /// Replaces what the resolvers in a node know.
    pub(crate) fn set_names(&self, at: &str, names: &[Name]) {
        for (_, book) in self.books.iter().filter(|(node, _)| node == at) {
            lock(book).set_names(names);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One address at which questions arrive.
struct Desk {
    resolver: IpAddr,
    tcp: TcpMode,
    delay: Duration,
    book: Arc<Mutex<Book>>,
    log: Arc<Mutex<Vec<QuerySeen>>>,
}

fn open(node: &Node, desk: Desk, thread: &mut ServerThreadBuilder) -> Result<(), LabError> {
    let address = SocketAddr::new(desk.resolver, PORT);
    let what = format!("listening on {address} in {}", node.name());
    let datagrams = node.within(|| datagram_socket(address)).map_err(LabError::system(what.clone()))?;
    let listener = match desk.tcp {
        TcpMode::Closed => None,
        TcpMode::Works | TcpMode::Silent => {
            Some(node.within(|| listen(address)).map_err(LabError::system(what))?)
        }
    };
    let desk = Arc::new(desk);
    let same_desk = Arc::clone(&desk);
    thread.add(move || Box::pin(answer_datagrams(datagrams, same_desk)));
    if let Some(listener) = listener {
        thread.add(move || Box::pin(answer_connections(listener, desk)));
    }
    Ok(())
}

fn datagram_socket(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Room for a burst of several thousand questions.
    socket.set_recv_buffer_size(4 << 20)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

async fn answer_datagrams(socket: std::net::UdpSocket, desk: Arc<Desk>) {
    let Ok(socket) = UdpSocket::from_std(socket) else { return };
    let socket = Rc::new(socket);
    let mut buffer = vec![0; 4096];
    loop {
        // An error here is the echo of an answer that nobody wanted.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(answer) = desk.answer(&buffer[..length], from, Transport::Udp) else { continue };
        let (socket, delay) = (Rc::clone(&socket), desk.delay);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(delay).await;
            let _ = socket.send_to(&answer, from).await;
        });
    }
}

async fn answer_connections(listener: std::net::TcpListener, desk: Arc<Desk>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::task::spawn_local(async move {
            let _ = answer_connection(stream, from, &desk).await;
        });
    }
}

async fn answer_connection(mut stream: TcpStream, from: SocketAddr, desk: &Desk) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await?;
        let answer = desk.answer(&question, from, Transport::Tcp);
        let Some(answer) = answer.filter(|_| desk.tcp == TcpMode::Works) else { continue };
        tokio::time::sleep(desk.delay).await;
        let mut framed = u16::try_from(answer.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        framed.extend_from_slice(&answer);
        stream.write_all(&framed).await?;
    }
}

impl Desk {
    fn answer(&self, question: &[u8], from: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        if question.metadata.message_type != MessageType::Query {
            return None;
        }
        let asked = question.queries.first()?;
        lock(&self.log).push(QuerySeen {
            resolver: self.resolver,
            from,
            transport,
            name: plain(asked.name()),
            record_type: asked.query_type().to_string(),
        });
        lock(&self.book).answer(&question, transport, Instant::now())
    }
}

/// What a resolver knows, and where it stands in its rotations.
struct Book {
    pages: Vec<Page>,
    /// By the names that are asked for.
    pointers: BTreeMap<String, String>,
    otherwise: Reply,
}

/// A name, with its memory for each family.
struct Page {
    name: Name,
    v4: Memory,
    v6: Memory,
}

struct Memory {
    /// How far a rotation has come.
    position: usize,
    dice: Dice,
    /// The selection that a cache keeps, and when it was made.
    kept: Option<(Vec<IpAddr>, Instant)>,
}

impl Book {
    fn new(resolver: &Resolver) -> Self {
        let pointers =
            resolver.pointers.iter().map(|(&address, name)| (plain(&DnsName::from(address)), name.clone()));
        let mut book =
            Book { pages: Vec::new(), pointers: pointers.collect(), otherwise: resolver.otherwise };
        book.set_names(&resolver.names);
        book
    }

    fn set_names(&mut self, names: &[Name]) {
        self.pages = names.iter().cloned().map(Page::new).collect();
    }

    /// The bytes of the answer; `None` is silence.
    fn answer(&mut self, question: &Message, transport: Transport, now: Instant) -> Option<Vec<u8>> {
        let asked = question.queries.first()?;
        let (wanted, kind) = (plain(asked.name()), asked.query_type());
        let pointer = self.pointers.get(&wanted);
        let found = self.pages.iter_mut().find_map(|page| Some((page.position_of(&wanted)?, page)));
        let reply = match &found {
            Some((_, page)) => page.reply(kind),
            None if pointer.is_some() => Reply::Answer,
            None if self.otherwise == Reply::Answer => Reply::NxDomain,
            None => self.otherwise,
        };
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.queries.clone_from(&question.queries);
        if question.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            answer.set_edns(edns);
        }
        let fill = |answer: &mut Message, alien: bool| {
            if let Some((position, page)) = found {
                page.fill(answer, asked.name(), position, kind, alien, now);
            } else if let (Some(name), RecordType::PTR) = (pointer, kind) {
                let data = RData::PTR(PTR(parse(name)));
                answer.add_answer(Record::from_rdata(asked.name().clone(), POINTER_TTL, data));
            }
            if answer.answers.is_empty() {
                answer.add_authority(authority(asked.name()));
            }
        };
        match reply {
            Reply::Answer | Reply::WrongId => fill(&mut answer, false),
            Reply::WrongName => fill(&mut answer, true),
            Reply::Truncated if transport == Transport::Tcp => fill(&mut answer, false),
            Reply::Truncated => answer.metadata.truncation = true,
            Reply::NxDomain | Reply::NoData => {
                answer.add_authority(authority(asked.name()));
                if reply == Reply::NxDomain {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                }
            }
            Reply::ServFail => answer.metadata.response_code = ResponseCode::ServFail,
            Reply::Refused => answer.metadata.response_code = ResponseCode::Refused,
            Reply::Silent => return None,
            Reply::Garbage => return Some(garbage(question.metadata.id)),
        }
        if reply == Reply::WrongId {
            answer.metadata.id ^= 0x5555;
        }
        let limit = usize::from(question.max_payload());
        let bytes = answer.to_vec().ok()?;
        if transport == Transport::Udp && bytes.len() > limit {
            return answer.truncate().to_vec().ok();
        }
        Some(bytes)
    }
}

impl Page {
    fn new(name: Name) -> Self {
        let seed = match name.selection {
            Selection::Random { seed, .. } => seed,
            _ => 0,
        };
        let memory = |seed| Memory { position: 0, dice: Dice::new(seed), kept: None };
        Page { v4: memory(seed), v6: memory(!seed), name }
    }

    /// 0 for the name itself, n for its n-th alias.
    fn position_of(&self, wanted: &str) -> Option<usize> {
        let same = |name: &str| name.trim_end_matches('.').eq_ignore_ascii_case(wanted);
        let alias = || self.name.aliases.iter().position(|alias| same(alias)).map(|index| index + 1);
        if same(&self.name.name) { Some(0) } else { alias() }
    }

    fn reply(&self, kind: RecordType) -> Reply {
        match self.name.reply_aaaa {
            Some(reply) if kind == RecordType::AAAA => reply,
            _ => self.name.reply,
        }
    }

    /// Puts the chain of aliases from `position` on and the selected addresses into the answer.
    fn fill(
        &mut self,
        answer: &mut Message,
        asked: &DnsName,
        position: usize,
        kind: RecordType,
        alien: bool,
        now: Instant,
    ) {
        let mut owner = if alien { parse("unasked.example") } else { asked.clone() };
        let ttl = self.name.ttl;
        for alias in &self.name.aliases[position..] {
            let next = parse(alias);
            answer.add_answer(Record::from_rdata(owner, ttl, RData::CNAME(CNAME(next.clone()))));
            owner = next;
        }
        let memory = match kind {
            RecordType::A => &mut self.v4,
            RecordType::AAAA => &mut self.v6,
            _ => return,
        };
        let pool: Vec<IpAddr> = self
            .name
            .addresses
            .iter()
            .copied()
            .filter(|address| address.is_ipv4() == (kind == RecordType::A))
            .collect();
        let (addresses, ttl) = memory.select(&pool, &self.name, now);
        for address in addresses {
            let data = match address {
                IpAddr::V4(v4) => RData::A(A(v4)),
                IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
            };
            answer.add_answer(Record::from_rdata(owner.clone(), ttl, data));
        }
    }
}

impl Memory {
    /// The addresses of the next answer, and their time to live.
    fn select(&mut self, pool: &[IpAddr], name: &Name, now: Instant) -> (Vec<IpAddr>, u32) {
        if name.ages
            && let Some((kept, since)) = &self.kept
        {
            let age = u32::try_from(now.duration_since(*since).as_secs()).unwrap_or(u32::MAX);
            if age < name.ttl {
                return (kept.clone(), name.ttl - age);
            }
        }
        let selected = self.draw(pool, name.selection);
        self.kept = Some((selected.clone(), now));
        (selected, name.ttl)
    }

    fn draw(&mut self, pool: &[IpAddr], selection: Selection) -> Vec<IpAddr> {
        if pool.is_empty() {
            return Vec::new();
        }
        let in_a_row = |start: usize, size: usize| -> Vec<IpAddr> {
            pool.iter().cycle().skip(start % pool.len()).take(size.min(pool.len())).copied().collect()
        };
        match selection {
            Selection::All => pool.to_vec(),
            Selection::Rotate => {
                self.position += 1;
                in_a_row(self.position - 1, pool.len())
            }
            Selection::Window { size } => {
                self.position += size;
                in_a_row(self.position - size, size)
            }
            Selection::Random { size, .. } => {
                let mut left = pool.to_vec();
                let draws = size.min(left.len());
                (0..draws).map(|_| left.swap_remove(self.dice.below(left.len() as u64) as usize)).collect()
            }
        }
    }
}

/// A header that promises an answer, and a name that points to itself.
fn garbage(id: u16) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1, 0xc0, 0xff]);
    bytes
}

fn authority(name: &DnsName) -> Record {
    let zone = name.base_name();
    let (server, keeper) = (parse("ns.example"), parse("hostmaster.example"));
    Record::from_rdata(zone, 60, RData::SOA(SOA::new(server, keeper, 1, 3600, 600, 86400, 60)))
}

fn plain(name: &DnsName) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn parse(name: &str) -> DnsName {
    let mut parsed = DnsName::from_ascii(name).unwrap_or_else(|_| DnsName::root());
    parsed.set_fqdn(true);
    parsed
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{OpCode, Query};

    use super::*;

    fn question(name: &str, kind: RecordType) -> Message {
        let mut message = Message::new(77, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(parse(name), kind));
        message
    }

    fn book(name: Name) -> Book {
        Book::new(&Resolver::at("dns").name(name))
    }

    fn ask(book: &mut Book, name: &str) -> Message {
        let bytes = book.answer(&question(name, RecordType::A), Transport::Udp, Instant::now()).unwrap();
        Message::from_vec(&bytes).unwrap()
    }

    fn last_bytes(message: &Message) -> Vec<u8> {
        let address = |record: &Record| match &record.data {
            RData::A(a) => Some(a.0.octets()[3]),
            _ => None,
        };
        message.answers.iter().filter_map(address).collect()
    }

    const POOL: [&str; 5] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"];

    #[test]
    fn a_rotation_begins_one_further_on_each_time() {
        let mut book = book(Name::new("a.example", POOL).selection(Selection::Rotate));
        assert_eq!(last_bytes(&ask(&mut book, "a.example")), [1, 2, 3, 4, 5]);
        assert_eq!(last_bytes(&ask(&mut book, "A.Example")), [2, 3, 4, 5, 1]);
    }

    #[test]
    fn a_window_continues_where_it_ended() {
        let mut book = book(Name::new("a.example", POOL).selection(Selection::Window { size: 2 }));
        let seen: Vec<_> = (0..3).map(|_| last_bytes(&ask(&mut book, "a.example"))).collect();
        assert_eq!(seen, [[1, 2], [3, 4], [5, 1]]);
    }

    #[test]
    fn a_random_part_repeats_with_its_seed_and_finds_all_in_the_end() {
        let make = || book(Name::new("a.example", POOL).selection(Selection::Random { size: 2, seed: 3 }));
        let draw = |mut book: Book| -> Vec<_> {
            (0..40).map(|_| last_bytes(&ask(&mut book, "a.example"))).collect()
        };
        let drawn = draw(make());
        assert_eq!(drawn, draw(make()));
        assert!(drawn.iter().all(|answer| answer.len() == 2 && answer[0] != answer[1]));
        assert!((1..=5).all(|byte| drawn.iter().any(|answer| answer.contains(&byte))));
    }

    #[test]
    fn a_cache_keeps_its_selection_while_the_time_to_live_falls() {
        let mut name = Name::new("a.example", POOL).selection(Selection::Window { size: 1 });
        (name.ages, name.ttl) = (true, 10);
        let mut book = book(name);
        let start = Instant::now();
        let mut at = |seconds| {
            let now = start + Duration::from_secs(seconds);
            let bytes = book.answer(&question("a.example", RecordType::A), Transport::Udp, now).unwrap();
            let message = Message::from_vec(&bytes).unwrap();
            (last_bytes(&message)[0], message.answers[0].ttl)
        };
        assert_eq!([at(0), at(4), at(9), at(10), at(11)], [(1, 10), (1, 6), (1, 1), (2, 10), (2, 9)]);
    }

    #[test]
    fn aliases_lead_to_the_addresses_from_wherever_one_starts() {
        let mut name = Name::new("a.example", ["192.0.2.1"]);
        name.aliases = vec!["b.example".to_owned(), "c.example".to_owned()];
        let mut book = book(name);
        assert_eq!(ask(&mut book, "a.example").answers.len(), 3);
        assert_eq!(ask(&mut book, "b.example").answers.len(), 2);
        assert_eq!(plain(&ask(&mut book, "a.example").answers[2].name), "c.example");
    }

    #[test]
    fn large_answers_are_truncated_over_udp_only() {
        let mut name = Name::new("a.example", POOL);
        name.addresses = (0..60).map(|byte| IpAddr::from([192, 0, 2, byte])).collect();
        let mut book = book(name);
        let message = ask(&mut book, "a.example");
        assert!(message.metadata.truncation && message.answers.is_empty());
        let over_tcp =
            book.answer(&question("a.example", RecordType::A), Transport::Tcp, Instant::now()).unwrap();
        assert_eq!(Message::from_vec(&over_tcp).unwrap().answers.len(), 60);
    }

    #[test]
    fn refusals_are_what_they_say() {
        let code = |reply| {
            ask(&mut book(Name::new("a.example", POOL).reply(reply)), "a.example").metadata.response_code
        };
        assert_eq!(code(Reply::NxDomain), ResponseCode::NXDomain);
        assert_eq!(code(Reply::NoData), ResponseCode::NoError);
        assert_eq!(code(Reply::ServFail), ResponseCode::ServFail);
        assert_eq!(code(Reply::Refused), ResponseCode::Refused);
        let mut unknown = book(Name::new("a.example", POOL));
        assert_eq!(ask(&mut unknown, "b.example").metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(
            ask(&mut book(Name::new("a.example", POOL).reply(Reply::WrongId)), "a.example").metadata.id,
            77 ^ 0x5555
        );
        let mut garbled = book(Name::new("a.example", POOL).reply(Reply::Garbage));
        let bytes =
            garbled.answer(&question("a.example", RecordType::A), Transport::Udp, Instant::now()).unwrap();
        Message::from_vec(&bytes).unwrap_err();
    }
}
