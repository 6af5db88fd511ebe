//! A mail server on loopback.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::ServerConfig;

use super::servers::{line, secure, serve};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    pub(crate) secured: bool,
    pub(crate) login: Option<String>,
}

/// A mail server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    /// Answers to the next `DATA`, in place of the good one.
    answers: VecDeque<&'static str>,
}

enum End {
    Over,
    StartTls,
}

impl Server {
    /// With a certificate it offers STARTTLS and takes nothing without it, nor without a login.
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::clone(&state);
        let address = serve(move |mut stream| {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
            let session = Session { state: &kept, offers: tls.is_some(), secured: false };
            if let (End::StartTls, Some(config)) = (session.talk(&mut stream), &tls) {
                let mut stream = secure(config, stream);
                Session { secured: true, ..session }.talk(&mut stream);
            }
        });
        Self { address, state }
    }

    pub(crate) fn answer_data(&self, answer: &'static str) {
        self.state.lock().expect("a state").answers.push_back(answer);
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.state.lock().expect("a state").mails.clone()
    }
}

#[derive(Clone, Copy)]
struct Session<'a> {
    state: &'a Mutex<State>,
    offers: bool,
    secured: bool,
}

impl Session<'_> {
    fn talk(&self, stream: &mut (impl Read + Write)) -> End {
        let mut to = Vec::new();
        let mut login = None;
        loop {
            let said = line(stream);
            if said.is_empty() {
                return End::Over;
            }
            let verb = said.get(..4).unwrap_or_default().to_ascii_uppercase();
            let reply = match verb.as_str() {
                "EHLO" if self.secured => "250-mail.example\r\n250 AUTH PLAIN\r\n",
                "EHLO" if self.offers => "250-mail.example\r\n250 STARTTLS\r\n",
                "EHLO" => "250 mail.example\r\n",
                "STAR" => {
                    let _ = stream.write_all(b"220 go ahead\r\n");
                    return End::StartTls;
                }
                // `\0u\0p` in base64.
                "AUTH" if said.trim_end().ends_with(" AHUAcA==") => {
                    login = Some("u".to_owned());
                    "235 welcome\r\n"
                }
                "AUTH" => "535 5.7.8 who are you\r\n",
                "MAIL" if self.offers && login.is_none() => "530 5.7.0 log in first\r\n",
                "MAIL" => "250 ok\r\n",
                "RCPT" => {
                    to.push(said.trim_end().to_owned());
                    "250 ok\r\n"
                }
                "DATA" => {
                    let _ = stream.write_all(b"354 go ahead\r\n");
                    let text = data(stream);
                    let mut state = self.state.lock().expect("a state");
                    let answer = state.answers.pop_front();
                    if answer.is_none() {
                        let to = std::mem::take(&mut to);
                        state.mails.push(Mail { to, text, secured: self.secured, login: login.clone() });
                    }
                    answer.unwrap_or("250 taken\r\n")
                }
                "QUIT" => {
                    let _ = stream.write_all(b"221 bye\r\n");
                    return End::Over;
                }
                _ => "500 what\r\n",
            };
            let _ = stream.write_all(reply.as_bytes());
            let _ = stream.flush();
        }
    }
}

fn data(stream: &mut impl Read) -> String {
    let mut text = String::new();
    loop {
        let next = line(stream);
        if next.is_empty() || next == ".\r\n" {
            return text;
        }
        text.push_str(&next);
    }
}
