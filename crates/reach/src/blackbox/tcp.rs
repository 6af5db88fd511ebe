//! The prober `tcp`: a connection, TLS on it, a conversation of lines.

use std::{io, net::IpAddr};

use reach_core::watch::Reason;
use reach_net::{
    connect::establish,
    sys::{Leaving, TcpOptions},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{
    Bench, Failure, endpoint, failure, left,
    log::Log,
    module::{QueryResponse, TcpSpec},
    register::Register,
    split_host_port, tls,
};
use crate::metrics::Label;

/// The longest line that is read, in bytes: more than that is no line of any protocol.
const LONGEST_LINE: usize = 64 * 1024;

pub(super) fn families(register: &mut Register) {
    register.set("probe_failed_due_to_regex", 0.0);
    register.set("probe_failed_due_to_bytes", 0.0);
}

#[expect(clippy::too_many_arguments, reason = "a probe is made of them")]
pub(super) async fn probe(
    bench: &Bench,
    spec: &TcpSpec,
    target: &str,
    address: IpAddr,
    deadline: Instant,
    register: &mut Register,
    phases: &mut Vec<(&'static str, f64)>,
    log: &Log,
) -> Result<(), Failure> {
    let Some((host, port)) = split_host_port(target) else { return Err(Failure::Unable) };
    let started = Instant::now();
    let stream = connect(&spec.source_ip_address, address, port, deadline, log).await?;
    phases.push(("connect", started.elapsed().as_secs_f64()));
    let mut line = Line::new(Box::new(stream));
    if spec.tls {
        line = secure(line, bench, spec, &host, register, phases, log).await?;
    }
    for (number, step) in spec.query_response.iter().enumerate() {
        log.debug(format_args!("Processing query response entry {number}"));
        converse(&mut line, step, register, log).await?;
        if step.starttls {
            line = secure(line, bench, spec, &host, register, phases, log).await?;
        }
    }
    line.farewell().await;
    Ok(())
}

/// One connection attempt.
pub(super) async fn connect(
    source: &str,
    address: IpAddr,
    port: u16,
    deadline: Instant,
    log: &Log,
) -> Result<TcpStream, Failure> {
    let leaving = Leaving { source: source.parse().ok(), ..Leaving::default() };
    let options = TcpOptions { leaving, ..TcpOptions::default() };
    log.debug(format_args!("Dialing TCP: {}", endpoint(address, port)));
    match establish(endpoint(address, port), &options, left(deadline)).await {
        Ok(established) => Ok(established.into_stream()),
        Err(outcome) => {
            let failure = failure(&outcome);
            log.error(format_args!("Error dialing TCP: {failure}"));
            Err(failure)
        }
    }
}

async fn secure(
    line: Line,
    bench: &Bench,
    spec: &TcpSpec,
    host: &str,
    register: &mut Register,
    phases: &mut Vec<(&'static str, f64)>,
    log: &Log,
) -> Result<Line, Failure> {
    let started = Instant::now();
    let secured = tls::secure(line.stream, &spec.tls_config, &bench.roots, host, &[], log).await?;
    phases.push(("tls", started.elapsed().as_secs_f64()));
    secured.session().tell(register, false);
    Ok(Line::new(Box::new(secured.stream)))
}

/// One step of the conversation.
async fn converse(
    line: &mut Line,
    step: &QueryResponse,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    let mut send = step.send.0.clone();
    if let Some(pattern) = &step.expect {
        let found = loop {
            let Some(text) = line.next().await.map_err(|error| trouble(&error, log))? else {
                register.set("probe_failed_due_to_regex", 1.0);
                log.error(format_args!("Regexp did not match: {}", pattern.regex().as_str()));
                return Err(Failure::Reason("regex"));
            };
            log.debug(format_args!("Read line: {}", String::from_utf8_lossy(&text)));
            if pattern.regex().is_match(&text) {
                break text;
            }
        };
        register.set("probe_failed_due_to_regex", 0.0);
        if let Some(captures) = pattern.regex().captures(&found) {
            let expand = |template: &[u8]| {
                let mut out = Vec::new();
                captures.expand(template, &mut out);
                out
            };
            send = expand(&step.send.0);
            if !step.labels.is_empty() {
                let mut labels: Vec<Label> = step
                    .labels
                    .iter()
                    .map(|label| {
                        let value = String::from_utf8_lossy(&expand(label.value.as_bytes())).into_owned();
                        (label.name.clone().into(), value)
                    })
                    .collect();
                labels.sort();
                labels.dedup_by(|a, b| a.0 == b.0);
                register.set_with("probe_expect_info", labels.into_iter().collect(), 1.0);
            }
        }
    }
    if !step.expect_bytes.is_empty() {
        let wanted = &step.expect_bytes.0[..];
        let bytes = line.take(wanted.len()).await.map_err(|error| trouble(&error, log))?;
        let fits = bytes == wanted;
        register.set("probe_failed_due_to_bytes", f64::from(u8::from(!fits)));
        if !fits {
            log.error(format_args!("Bytes did not match: {}", bytes.escape_ascii()));
            return Err(Failure::Reason("bytes"));
        }
    }
    if !send.is_empty() {
        log.debug(format_args!("Sending line: {}", String::from_utf8_lossy(&send)));
        send.push(b'\n');
        line.stream.write_all(&send).await.map_err(|error| trouble(&error, log))?;
        line.stream.flush().await.map_err(|error| trouble(&error, log))?;
    }
    Ok(())
}

fn trouble(error: &io::Error, log: &Log) -> Failure {
    log.error(format_args!("Error on the connection: {error}"));
    Failure::Reason(Reason::ClosedEarly.code())
}

/// What can be read and written.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection that is read by lines.
struct Line {
    stream: Box<dyn Duplex>,
    unread: Vec<u8>,
    ended: bool,
}

impl Line {
    fn new(stream: Box<dyn Duplex>) -> Self {
        Self { stream, unread: Vec::new(), ended: false }
    }

    /// The next line without its end; `None` where nothing comes any more.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let rest = self.unread.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.truncate(end);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            if self.ended {
                let last = std::mem::take(&mut self.unread);
                return Ok((!last.is_empty()).then_some(last));
            }
            if self.unread.len() > LONGEST_LINE {
                return Err(io::Error::other("a line is too long"));
            }
            self.read().await?;
        }
    }

    /// So many bytes.
    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length && !self.ended {
            self.read().await?;
        }
        if self.unread.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let rest = self.unread.split_off(length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let length = self.stream.read(&mut buffer).await?;
        self.ended = length == 0;
        self.unread.extend_from_slice(&buffer[..length]);
        Ok(())
    }

    /// Ends the connection politely. What goes wrong with that is no part of the probe.
    async fn farewell(mut self) {
        let _ = self.stream.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: &'static [u8]) -> Line {
        Line::new(Box::new(tokio::io::join(bytes, tokio::io::sink())))
    }

    #[tokio::test]
    async fn lines_end_with_or_without_a_carriage_return() {
        let mut line = line(b"one\r\ntwo\n\nlast");
        let mut lines = Vec::new();
        while let Some(text) = line.next().await.expect("readable") {
            lines.push(text);
        }
        assert_eq!(lines, [b"one".to_vec(), b"two".to_vec(), Vec::new(), b"last".to_vec()]);
    }

    #[tokio::test]
    async fn bytes_and_lines_share_what_was_read() {
        let mut line = line(b"ab\ncdef");
        assert_eq!(line.next().await.expect("readable"), Some(b"ab".to_vec()));
        assert_eq!(line.take(3).await.expect("readable"), b"cde");
        assert!(line.take(2).await.is_err());
    }

    #[tokio::test]
    async fn an_endless_line_is_an_error() {
        let mut line = Line::new(Box::new(tokio::io::join(tokio::io::repeat(b'x'), tokio::io::sink())));
        assert!(line.next().await.is_err());
    }
}
