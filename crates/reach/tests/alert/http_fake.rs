//! A web server on loopback that does what it is told, good or bad.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
};

use super::servers::{abort, head, hold, serve};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header field, whose name is in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            (field.trim().to_lowercase() == name).then(|| value.trim().to_owned())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, more header fields, a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// A RST.
    Reset,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Reply::Answer(status, Vec::new(), String::new())
    }
}

/// Everything that was asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<Request>>>;

/// Serves on a port of its own.
pub(crate) fn web(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (SocketAddr, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let address = serve(move |mut stream: TcpStream| {
        let Some(request) = read(&mut stream) else { return };
        kept.lock().expect("a log").push(request.clone());
        match answer(&request) {
            Reply::Reset => abort(stream),
            reply => speak(stream, &reply),
        }
    });
    (address, log)
}

/// Reads one request.
pub(crate) fn read(stream: &mut impl Read) -> Option<Request> {
    let head = head(stream);
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let request = Request { method, path, head: head.clone(), body: Vec::new() };
    let length = request.field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { body, ..request })
}

/// Answers, or says nothing.
pub(crate) fn speak(mut stream: impl Read + Write, reply: &Reply) {
    if let Reply::Answer(status, fields, body) = reply {
        let mut text =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        for (name, value) in fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.flush();
    }
    hold(stream);
}
