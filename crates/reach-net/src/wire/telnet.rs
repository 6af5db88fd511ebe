//! The client's side of the telnet protocol (RFC 854, RFC 855) as a state machine: bytes from the wire become data
//! and replies, typed bytes become bytes for the wire.
//!
//! Options are negotiated by the Q method (RFC 1143), which cannot loop. Accepted are ECHO (RFC 857), SUPPRESS
//! GO-AHEAD (RFC 858) and BINARY (RFC 856) on both sides as far as they make sense, TERMINAL-TYPE (RFC 1091) and
//! NAWS (RFC 1073) on ours; every other option is refused.
//!
//! Many services that are no telnet at all are visited with telnet clients. So nothing is said, and no byte is
//! touched, until the server speaks telnet first or somebody says that it will.

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const AYT: u8 = 246;
const IP: u8 = 244;
const BREAK: u8 = 243;
const SE: u8 = 240;

const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const TERMINAL_TYPE: u8 = 24;
const NAWS: u8 = 31;

/// The highest option of the protocol's own range (IANA, Telnet Options), beyond which only EXOPL is assigned.
const LAST_OPTION: u8 = 49;

/// The most bytes of a subnegotiation that are kept; those that matter have a few.
const MOST_SUBNEGOTIATED: usize = 64;

/// A terminal's columns and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What a user may tell the other side besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelnetCommand {
    /// Interrupt the process.
    Interrupt,
    /// Are you there?
    AreYouThere,
    /// The break key.
    Break,
}

/// How ends of lines are written where the protocol is not telnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as most protocols of lines want it.
    CrLf,
    /// As they come.
    Kept,
}

/// The client's side of a connection that is, or may become, telnet.
#[derive(Debug)]
pub struct Telnet {
    speaks: bool,
    state: State,
    /// A CR was the last byte of data: a NUL behind it belongs to it.
    after_return: bool,
    /// The options of the other side.
    theirs: [Stage; 256],
    /// Our options.
    ours: [Stage; 256],
    terminal: Vec<u8>,
    window: Window,
}

/// Where in a command the last byte was.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Data,
    /// Behind IAC.
    Command,
    /// Behind IAC and WILL, WONT, DO or DONT.
    Negotiation(u8),
    /// Inside a subnegotiation.
    Sub(Vec<u8>),
    /// Behind an IAC in it.
    SubCommand(Vec<u8>),
}

/// The state of an option on one side (RFC 1143 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    No,
    Yes,
    /// Asked to end; with the wish to begin again after that.
    WantNo(bool),
    /// Asked to begin; with the wish to end again after that.
    WantYes(bool),
}

/// What the bytes received mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Data for the user.
    pub data: Vec<u8>,
    /// What to answer.
    pub reply: Vec<u8>,
}

impl Telnet {
    /// `speaks`: the server is known to speak telnet. `terminal` is the terminal's name (`TERM`).
    pub fn new(speaks: bool, terminal: &str, window: Window) -> Self {
        // RFC 1091 has upper case, and a terminal type of at most 40 characters (RFC 1700).
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '/' | '.' | '_');
        let mut name: String = terminal.chars().filter(plain).take(40).collect();
        name.make_ascii_uppercase();
        if name.is_empty() {
            name.push_str("UNKNOWN");
        }
        Self {
            speaks,
            state: State::Data,
            after_return: false,
            theirs: [Stage::No; 256],
            ours: [Stage::No; 256],
            terminal: name.into_bytes(),
            window,
        }
    }

    /// What to say before anything was heard: nothing unless the server speaks telnet for sure.
    pub fn open(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        if self.speaks {
            self.want(Side::Theirs, SUPPRESS_GO_AHEAD, true, &mut reply);
            self.want(Side::Ours, TERMINAL_TYPE, true, &mut reply);
            self.want(Side::Ours, NAWS, true, &mut reply);
        }
        reply
    }

    /// Whether the server has spoken telnet, or is known to.
    pub fn speaks(&self) -> bool {
        self.speaks
    }

    /// Whether the server echoes what is typed.
    pub fn is_echoed(&self) -> bool {
        self.theirs[usize::from(ECHO)] == Stage::Yes
    }

    /// Whether the server wants each character as it is typed.
    pub fn wants_characters(&self) -> bool {
        self.is_echoed() && self.theirs[usize::from(SUPPRESS_GO_AHEAD)] == Stage::Yes
    }

    /// The names of the options in force: the other side's, then ours.
    pub fn options(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        const KNOWN: [(u8, &str); 5] = [
            (BINARY, "BINARY"),
            (ECHO, "ECHO"),
            (SUPPRESS_GO_AHEAD, "SUPPRESS GO AHEAD"),
            (TERMINAL_TYPE, "TERMINAL TYPE"),
            (NAWS, "NAWS"),
        ];
        let on = |side: &[Stage; 256]| {
            let on = |&&(option, _): &&(u8, &str)| side[usize::from(option)] == Stage::Yes;
            KNOWN.iter().filter(on).map(|&(_, name)| name).collect()
        };
        (on(&self.theirs), on(&self.ours))
    }

    /// Takes bytes from the wire.
    pub fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        for &byte in bytes {
            self.step(byte, &mut received);
        }
        received
    }

    /// What is held back because it may be the beginning of a command; when nothing more comes it was data.
    pub fn flush(&mut self) -> Vec<u8> {
        let state = std::mem::replace(&mut self.state, State::Data);
        match (self.speaks, state) {
            (false, State::Command) => vec![IAC],
            (false, State::Negotiation(verb)) => vec![IAC, verb],
            _ => Vec::new(),
        }
    }

    /// Typed bytes as they go over the wire. In lines (`by_line`) a LF ends one, else CR is the key that does.
    pub fn send(&self, typed: &[u8], by_line: bool, line_end: LineEnd) -> Vec<u8> {
        let mut wire = Vec::with_capacity(typed.len() + 8);
        if !self.speaks {
            let mut before = 0;
            for &byte in typed {
                let ends = byte == b'\n' && by_line || byte == b'\r' && !by_line;
                match line_end {
                    LineEnd::CrLf if ends && before == b'\r' => wire.push(b'\n'),
                    LineEnd::CrLf if ends => wire.extend(b"\r\n"),
                    _ => wire.push(byte),
                }
                before = byte;
            }
            return wire;
        }
        let binary = self.ours[usize::from(BINARY)] == Stage::Yes;
        for &byte in typed {
            match byte {
                IAC => wire.extend([IAC, IAC]),
                b'\n' if by_line && binary => wire.push(b'\r'),
                b'\n' if by_line => wire.extend(b"\r\n"),
                // A CR alone is written with a NUL (RFC 854, The NVT Printer and Keyboard).
                b'\r' if !binary => wire.extend(b"\r\0"),
                byte => wire.push(byte),
            }
        }
        wire
    }

    /// The terminal has another size; gives what to tell the server, if it wants to know.
    pub fn resize(&mut self, window: Window) -> Vec<u8> {
        let mut reply = Vec::new();
        if window != self.window {
            self.window = window;
            if self.ours[usize::from(NAWS)] == Stage::Yes {
                self.tell_window(&mut reply);
            }
        }
        reply
    }

    /// A command as it goes over the wire; `None` where nobody would understand it.
    pub fn command(&self, command: TelnetCommand) -> Option<[u8; 2]> {
        let code = match command {
            TelnetCommand::Interrupt => IP,
            TelnetCommand::AreYouThere => AYT,
            TelnetCommand::Break => BREAK,
        };
        self.speaks.then_some([IAC, code])
    }

    /// Asks the server to take characters as they are typed and echo them, or to take lines.
    pub fn ask_for_characters(&mut self, wanted: bool) -> Vec<u8> {
        let mut reply = Vec::new();
        if self.speaks {
            self.want(Side::Theirs, ECHO, wanted, &mut reply);
            self.want(Side::Theirs, SUPPRESS_GO_AHEAD, wanted, &mut reply);
        }
        reply
    }

    fn step(&mut self, byte: u8, received: &mut Received) {
        match std::mem::replace(&mut self.state, State::Data) {
            State::Data if byte == IAC => self.state = State::Command,
            State::Data => self.datum(byte, &mut received.data),
            State::Command => self.command_byte(byte, received),
            State::Negotiation(verb) => self.negotiation(verb, byte, received),
            State::Sub(sub) if byte == IAC => self.state = State::SubCommand(sub),
            State::Sub(sub) => self.state = State::Sub(kept(sub, byte)),
            State::SubCommand(sub) => match byte {
                SE => self.subnegotiated(&sub, &mut received.reply),
                // An IAC in the middle is doubled; anything else does not belong here, and is passed over.
                IAC => self.state = State::Sub(kept(sub, IAC)),
                _ => self.state = State::Sub(sub),
            },
        }
    }

    fn datum(&mut self, byte: u8, data: &mut Vec<u8>) {
        let binary = self.theirs[usize::from(BINARY)] == Stage::Yes;
        let padding = self.speaks && !binary && self.after_return && byte == 0;
        self.after_return = byte == b'\r';
        if !padding {
            data.push(byte);
        }
    }

    fn command_byte(&mut self, byte: u8, received: &mut Received) {
        match byte {
            // Only a server that speaks telnet offers or asks for an option first, and it has nothing to end.
            WILL | DO if !self.speaks => self.state = State::Negotiation(byte),
            _ if !self.speaks => {
                self.datum(IAC, &mut received.data);
                self.step(byte, received);
            }
            IAC => self.datum(IAC, &mut received.data),
            WILL | WONT | DO | DONT => self.state = State::Negotiation(byte),
            SB => self.state = State::Sub(Vec::new()),
            // No operation, data mark, go ahead and the like: nothing to do for a client.
            _ => {}
        }
    }

    fn negotiation(&mut self, verb: u8, option: u8, received: &mut Received) {
        if !self.speaks {
            if option > LAST_OPTION {
                self.datum(IAC, &mut received.data);
                self.datum(verb, &mut received.data);
                return self.step(option, received);
            }
            self.speaks = true;
        }
        let reply = &mut received.reply;
        match verb {
            WILL => self.begins(Side::Theirs, option, reply),
            WONT => self.ends(Side::Theirs, option, reply),
            DO => self.begins(Side::Ours, option, reply),
            _ => self.ends(Side::Ours, option, reply),
        }
    }

    fn entry(&mut self, side: Side, option: u8) -> &mut Stage {
        match side {
            Side::Theirs => &mut self.theirs[usize::from(option)],
            Side::Ours => &mut self.ours[usize::from(option)],
        }
    }

    /// The other side says that an option begins on its side, or asks for it on ours.
    fn begins(&mut self, side: Side, option: u8, reply: &mut Vec<u8>) {
        let accepted = side.accepts(option);
        let entry = self.entry(side, option);
        let before = *entry;
        *entry = match before {
            Stage::No if accepted => Stage::Yes,
            Stage::No => Stage::No,
            Stage::Yes => Stage::Yes,
            // It answered a request to end with the contrary: a fault of the other side's.
            Stage::WantNo(again) => {
                if again {
                    Stage::Yes
                } else {
                    Stage::No
                }
            }
            Stage::WantYes(false) => Stage::Yes,
            Stage::WantYes(true) => Stage::WantNo(false),
        };
        let after = *entry;
        match (before, after) {
            (Stage::No, Stage::Yes) => reply.extend([IAC, side.yes(), option]),
            (Stage::No, _) | (Stage::WantYes(true), _) => reply.extend([IAC, side.no(), option]),
            _ => {}
        }
        if side == Side::Ours && option == NAWS && before != Stage::Yes && after == Stage::Yes {
            self.tell_window(reply);
        }
    }

    /// The other side says that an option ends on its side, or asks for its end on ours.
    fn ends(&mut self, side: Side, option: u8, reply: &mut Vec<u8>) {
        let entry = self.entry(side, option);
        match *entry {
            Stage::No => {}
            Stage::Yes => {
                *entry = Stage::No;
                reply.extend([IAC, side.no(), option]);
            }
            Stage::WantNo(true) => {
                *entry = Stage::WantYes(false);
                reply.extend([IAC, side.yes(), option]);
            }
            Stage::WantNo(false) | Stage::WantYes(_) => *entry = Stage::No,
        }
    }

    /// We want an option to begin or to end.
    fn want(&mut self, side: Side, option: u8, wanted: bool, reply: &mut Vec<u8>) {
        let entry = self.entry(side, option);
        let (next, verb) = match (*entry, wanted) {
            (Stage::No, true) => (Stage::WantYes(false), Some(side.yes())),
            (Stage::Yes, false) => (Stage::WantNo(false), Some(side.no())),
            (Stage::WantNo(_), wanted) => (Stage::WantNo(wanted), None),
            (Stage::WantYes(_), wanted) => (Stage::WantYes(!wanted), None),
            (same, _) => (same, None),
        };
        *entry = next;
        if let Some(verb) = verb {
            reply.extend([IAC, verb, option]);
        }
    }

    fn subnegotiated(&self, sub: &[u8], reply: &mut Vec<u8>) {
        const SEND: u8 = 1;
        const IS: u8 = 0;
        if sub == [TERMINAL_TYPE, SEND] && self.ours[usize::from(TERMINAL_TYPE)] == Stage::Yes {
            reply.extend([IAC, SB, TERMINAL_TYPE, IS]);
            reply.extend(&self.terminal);
            reply.extend([IAC, SE]);
        }
    }

    fn tell_window(&self, reply: &mut Vec<u8>) {
        reply.extend([IAC, SB, NAWS]);
        for byte in [self.window.columns.to_be_bytes(), self.window.rows.to_be_bytes()].concat() {
            reply.push(byte);
            if byte == IAC {
                reply.push(IAC);
            }
        }
        reply.extend([IAC, SE]);
    }
}

/// Whose option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Theirs,
    Ours,
}

impl Side {
    fn accepts(self, option: u8) -> bool {
        match self {
            Side::Theirs => matches!(option, ECHO | SUPPRESS_GO_AHEAD | BINARY),
            Side::Ours => matches!(option, TERMINAL_TYPE | NAWS | SUPPRESS_GO_AHEAD | BINARY),
        }
    }

    /// The verb that agrees to an option of this side, or asks for it.
    fn yes(self) -> u8 {
        match self {
            Side::Theirs => DO,
            Side::Ours => WILL,
        }
    }

    fn no(self) -> u8 {
        match self {
            Side::Theirs => DONT,
            Side::Ours => WONT,
        }
    }
}

fn kept(mut sub: Vec<u8>, byte: u8) -> Vec<u8> {
    if sub.len() < MOST_SUBNEGOTIATED {
        sub.push(byte);
    }
    sub
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Window = Window { columns: 80, rows: 255 };

    fn telnet(speaks: bool) -> Telnet {
        Telnet::new(speaks, "xterm-256color", WINDOW)
    }

    fn replies(telnet: &mut Telnet, bytes: &[u8]) -> Vec<u8> {
        telnet.receive(bytes).reply
    }

    #[test]
    fn what_is_no_telnet_passes_untouched() {
        let mut plain = telnet(false);
        assert!(plain.open().is_empty());
        for bytes in [
            &b"220 hi\r\0\n"[..],
            &[255, 216, 255, 224],
            &[255, 254, b'H', 0],
            &[255, 253, 200, 1],
            &[255, 255, 251, 1],
        ] {
            let mut plain = telnet(false);
            let mut found = plain.receive(bytes);
            found.data.extend(plain.flush());
            if bytes == [255, 255, 251, 1] {
                // The second of two may begin a command where nobody doubles.
                assert_eq!(found.data, [255]);
                continue;
            }
            assert_eq!((found.data.as_slice(), found.reply.is_empty()), (bytes, true));
        }
        assert_eq!(plain.send(&[b'a', 255, b'\n'], true, LineEnd::CrLf), [b'a', 255, b'\r', b'\n']);
        assert_eq!(plain.send(b"a\r\nb\n", true, LineEnd::CrLf), b"a\r\nb\r\n");
        assert_eq!(plain.send(b"a\nb\r", true, LineEnd::Kept), b"a\nb\r");
        assert_eq!(plain.command(TelnetCommand::Break), None);
    }

    #[test]
    fn a_command_at_the_end_of_a_chunk_waits_for_its_rest() {
        let mut telnet = telnet(false);
        assert_eq!(telnet.receive(&[b'a', 255]).data, b"a");
        assert!(!telnet.speaks());
        let found = telnet.receive(&[251]);
        assert_eq!(found, Received::default());
        let found = telnet.receive(&[1, b'b']);
        assert_eq!((found.data, found.reply), (b"b".to_vec(), vec![IAC, DO, ECHO]));
        assert!(telnet.speaks() && telnet.is_echoed() && !telnet.wants_characters());
    }

    #[test]
    fn what_a_login_server_asks_is_answered_once() {
        let mut telnet = telnet(false);
        assert_eq!(replies(&mut telnet, &[IAC, DO, TERMINAL_TYPE]), [IAC, WILL, TERMINAL_TYPE]);
        assert_eq!(
            replies(&mut telnet, &[IAC, SB, TERMINAL_TYPE, 1, IAC, SE]),
            [&[IAC, SB, TERMINAL_TYPE, 0][..], b"XTERM-256COLOR", &[IAC, SE]].concat()
        );
        assert_eq!(
            replies(&mut telnet, &[IAC, DO, NAWS]),
            [IAC, WILL, NAWS, IAC, SB, NAWS, 0, 80, 0, 255, 255, IAC, SE]
        );
        assert_eq!(
            replies(&mut telnet, &[IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD]),
            [IAC, DO, ECHO, IAC, DO, SUPPRESS_GO_AHEAD]
        );
        assert!(telnet.wants_characters());
        // Said again it is no news, and what nobody knows is refused.
        assert!(replies(&mut telnet, &[IAC, WILL, ECHO, IAC, DO, NAWS]).is_empty());
        assert_eq!(replies(&mut telnet, &[IAC, DO, 39, IAC, WILL, 5]), [IAC, WONT, 39, IAC, DONT, 5]);
        assert_eq!(replies(&mut telnet, &[IAC, WONT, ECHO]), [IAC, DONT, ECHO]);
        assert!(!telnet.wants_characters());
        assert_eq!(telnet.options().0, ["SUPPRESS GO AHEAD"]);
    }

    #[test]
    fn on_the_port_of_telnet_the_client_begins_and_the_answers_are_no_requests() {
        let mut telnet = telnet(true);
        assert_eq!(telnet.open(), [IAC, DO, SUPPRESS_GO_AHEAD, IAC, WILL, TERMINAL_TYPE, IAC, WILL, NAWS]);
        assert!(replies(&mut telnet, &[IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DONT, TERMINAL_TYPE]).is_empty());
        assert_eq!(replies(&mut telnet, &[IAC, DO, NAWS])[..3], [IAC, SB, NAWS]);
        assert_eq!(
            telnet.resize(Window { columns: 255, rows: 1 }),
            [IAC, SB, NAWS, 0, 255, 255, 0, 1, IAC, SE]
        );
        assert!(telnet.resize(Window { columns: 255, rows: 1 }).is_empty());
    }

    #[test]
    fn data_is_escaped_both_ways_and_a_return_alone_has_a_nul() {
        let mut telnet = telnet(true);
        assert_eq!(
            telnet.receive(&[b'a', IAC, IAC, b'\r', 0, b'\r', b'\n', 0]).data,
            [b'a', 255, b'\r', b'\r', b'\n', 0]
        );
        assert_eq!(telnet.send(&[255, b'\n'], true, LineEnd::Kept), [255, 255, b'\r', b'\n']);
        assert_eq!(telnet.send(b"a\r", false, LineEnd::Kept), b"a\r\0");
        let _ = telnet.receive(&[IAC, DO, BINARY, IAC, WILL, BINARY]);
        assert_eq!(telnet.send(b"\r\n", false, LineEnd::Kept), b"\r\n");
        assert_eq!(telnet.receive(b"\r\0").data, b"\r\0");
        assert_eq!(telnet.command(TelnetCommand::Interrupt), Some([IAC, IP]));
    }

    #[test]
    fn a_user_may_change_between_lines_and_characters() {
        let mut telnet = telnet(true);
        assert_eq!(telnet.ask_for_characters(true), [IAC, DO, ECHO, IAC, DO, SUPPRESS_GO_AHEAD]);
        // A change of mind before the answer waits for the answer.
        assert!(telnet.ask_for_characters(false).is_empty());
        assert_eq!(replies(&mut telnet, &[IAC, WILL, ECHO]), [IAC, DONT, ECHO]);
        assert!(replies(&mut telnet, &[IAC, WONT, ECHO]).is_empty());
        assert!(!telnet.is_echoed());
    }

    #[test]
    fn korean_passes_whole_however_it_is_cut() {
        let text = "한글 입력".as_bytes();
        for cut in 0..text.len() {
            let mut telnet = telnet(true);
            let mut data = telnet.receive(&text[..cut]).data;
            data.extend(telnet.receive(&text[cut..]).data);
            assert_eq!(data, text);
            assert_eq!(telnet.send(text, true, LineEnd::CrLf), text);
        }
    }

    proptest! {
        #[test]
        fn anything_may_come_in_any_pieces(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 240u8..=255, 0u8..40], 0..300),
            piece in 1usize..20,
            speaks in any::<bool>(),
        ) {
            let (mut whole, mut pieces) = (telnet(speaks), telnet(speaks));
            let expected = whole.receive(&bytes);
            let mut found = Received::default();
            for part in bytes.chunks(piece) {
                let received = pieces.receive(part);
                found.data.extend(received.data);
                found.reply.extend(received.reply);
            }
            prop_assert_eq!(&found, &expected);
            prop_assert!(expected.data.len() <= bytes.len());
        }

        #[test]
        fn two_that_answer_each_other_come_to_an_end(
            wishes in proptest::collection::vec((any::<bool>(), 0u8..50, any::<bool>()), 0..20),
        ) {
            let (mut one, mut other) = (telnet(true), telnet(true));
            let mut to_other = one.open();
            for (theirs, option, wanted) in wishes {
                let side = if theirs { Side::Theirs } else { Side::Ours };
                one.want(side, option, wanted, &mut to_other);
            }
            let mut rounds = 0;
            while !to_other.is_empty() {
                let to_one = other.receive(&to_other).reply;
                to_other = one.receive(&to_one).reply;
                rounds += 1;
                prop_assert!(rounds < 10, "they go on and on");
            }
        }

        #[test]
        fn what_is_typed_arrives_as_typed(typed in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (sender, mut receiver) = (telnet(true), telnet(true));
            let wire = sender.send(&typed, false, LineEnd::Kept);
            prop_assert_eq!(receiver.receive(&wire).data, typed);
        }
    }
}
