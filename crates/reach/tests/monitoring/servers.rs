//! Servers on loopback to be probed: HTTP and HTTPS, lines of text, a name server.

use std::{
    convert::Infallible,
    fs, io,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::{any, get},
    serve::Listener,
};
use flate2::{Compression, write::GzEncoder};
use hickory_proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, SOA, TXT},
    },
};
use hyper::body::{Body, Bytes, Frame};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional,
    },
    net::{TcpListener, TcpStream, UdpSocket},
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Everything that is probed.
pub(crate) struct Servers {
    pub(crate) http: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) expired: SocketAddr,
    pub(crate) self_signed: SocketAddr,
    pub(crate) banner: SocketAddr,
    pub(crate) starttls: SocketAddr,
    pub(crate) silent: SocketAddr,
    pub(crate) closed: SocketAddr,
    pub(crate) dns: SocketAddr,
    pub(crate) dns_tls: SocketAddr,
    pub(crate) proxy: SocketAddr,
    /// Connections that the proxy has made for who sent the header `X-Lab`.
    pub(crate) proxied: Arc<AtomicUsize>,
    pub(crate) directory: TempDir,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().expect("a directory");
        let authority = Authority::new();
        fs::write(directory.path().join("ca.pem"), &authority.pem).expect("written");
        let good = authority.server(2099);
        let http = bound().await;
        let local = |listener: &TcpListener| listener.local_addr().expect("bound");
        let (address, router) = (local(&http), router(local(&http)));
        let secured = router.clone();
        tokio::spawn(async move { axum::serve(http, router).await });
        let own = self_signed();
        fs::write(directory.path().join("own.pem"), &own.1).expect("written");
        let starttls = TlsAcceptor::from(good.clone());
        let starttls = lines(move |stream| talk(stream, Some(starttls.clone()))).await;
        let dns_tls = secured_name_server(good.clone()).await;
        let proxied = Arc::new(AtomicUsize::new(0));
        Self {
            http: address,
            tls: https(good, secured.clone()).await,
            expired: https(authority.server(2021), secured.clone()).await,
            self_signed: https(own.0, secured).await,
            banner: lines(|stream| talk(stream, None)).await,
            starttls,
            silent: lines(async |stream| {
                sleep(Duration::from_secs(60)).await;
                drop(stream);
            })
            .await,
            closed: {
                let listener = bound().await;
                local(&listener)
            },
            dns: name_server().await,
            dns_tls,
            proxy: proxy(Arc::clone(&proxied)).await,
            proxied,
            directory,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

async fn bound() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound")
}

fn router(own: SocketAddr) -> Router {
    let modified = [(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")];
    let packed = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&b"packed ".repeat(100)).expect("packed");
        ([(header::CONTENT_ENCODING, "gzip")], encoder.finish().expect("packed"))
    };
    let login =
        |headers: HeaderMap| match headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            Some("Basic dXNlcjpodXNo") => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        };
    let cookie = |headers: HeaderMap| match headers.get(header::COOKIE).and_then(|value| value.to_str().ok())
    {
        Some("seen=yes") => "welcome back".into_response(),
        _ => ([(header::SET_COOKIE, "seen=yes; Path=/")], Redirect::temporary("/cookie")).into_response(),
    };
    let streamed = || axum::body::Body::new(Chunks(vec!["three", "two ", "one "]));
    Router::new()
        .route("/", any(move || async move { (modified, "all is well") }))
        .route("/fail", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "broken")))
        .route("/near", get(async || Redirect::to("/")))
        .route("/far", get(async move || Redirect::permanent(&format!("http://{own}/"))))
        .route("/elsewhere", get(async || Redirect::permanent("http://192.0.2.250/")))
        .route("/loop", get(async || Redirect::temporary("/loop")))
        .route("/packed", get(async move || packed()))
        .route("/login", get(async move |headers: HeaderMap| login(headers)))
        .route("/cookie", get(async move |headers: HeaderMap| cookie(headers)))
        .route("/echo", any(async |body: String| body))
        .route("/streamed", get(async move || streamed()))
}

/// A body whose length nobody says beforehand; the last piece comes first.
struct Chunks(Vec<&'static str>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))))
    }
}

struct Https {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Https {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, from)) = self.listener.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

async fn https(config: Arc<ServerConfig>, router: Router) -> SocketAddr {
    let listener = bound().await;
    let address = listener.local_addr().expect("bound");
    let listener = Https { listener, acceptor: TlsAcceptor::from(config) };
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn lines<F>(conduct: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = bound().await;
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(conduct(stream));
        }
    });
    address
}

/// Greets, answers what is asked, and secures the line where it can.
async fn talk(stream: TcpStream, acceptor: Option<TlsAcceptor>) {
    let mut stream = BufReader::new(stream);
    let _ = stream.write_all(b"220 lab ESMTP v1.5\r\n").await;
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|length| length > 0) {
        let said = match line.trim_end() {
            "EHLO reach" => &b"250-lab\r\n250 STARTTLS\r\n"[..],
            "STARTTLS" => b"220 go\r\n",
            _ => b"500 what\r\n",
        };
        let _ = stream.write_all(said).await;
        if let (Some(acceptor), "STARTTLS") = (&acceptor, line.trim_end()) {
            if let Ok(mut secured) = acceptor.accept(stream.into_inner()).await {
                let mut rest = Vec::new();
                let _ = secured.read_to_end(&mut rest).await;
            }
            return;
        }
        line.clear();
    }
}

/// A name server over TLS.
async fn secured_name_server(config: Arc<ServerConfig>) -> SocketAddr {
    let acceptor = TlsAcceptor::from(config);
    lines(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                answer_one(&mut stream).await;
            }
        }
    })
    .await
}

/// Answers one question on a stream.
async fn answer_one(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let Ok(length) = stream.read_u16().await else { return };
    let mut question = vec![0; usize::from(length)];
    if stream.read_exact(&mut question).await.is_err() {
        return;
    }
    if let Some(answer) = answer(&question) {
        let length = u16::try_from(answer.len()).expect("short").to_be_bytes();
        let _ = stream.write_all(&[&length[..], &answer].concat()).await;
        let _ = stream.flush().await;
    }
}

/// A proxy that connects to whatever it is asked for, and counts.
async fn proxy(seen: Arc<AtomicUsize>) -> SocketAddr {
    lines(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { return };
                head.push(byte);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let Some(authority) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next())
            else {
                return;
            };
            let Ok(mut other) = TcpStream::connect(authority).await else { return };
            if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
                return;
            }
            if head.to_ascii_lowercase().contains("x-lab: hush\r\n") {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            let _ = copy_bidirectional(&mut stream, &mut other).await;
        }
    })
    .await
}

async fn name_server() -> SocketAddr {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = udp.local_addr().expect("bound");
    let tcp = TcpListener::bind(address).await.expect("bound");
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            if let Some(answer) = answer(&buffer[..length]) {
                let _ = udp.send_to(&answer, from).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            answer_one(&mut stream).await;
        }
    });
    address
}

fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, asked.metadata.op_code);
    answer.metadata.recursion_desired = asked.metadata.recursion_desired;
    answer.metadata.authoritative = true;
    let name = |text: &str| Name::from_ascii(text).expect("a name");
    let soa = RData::SOA(SOA::new(
        name("ns.lab.example."),
        name("host.lab.example."),
        2_026_112_200,
        7200,
        600,
        86400,
        60,
    ));
    let owner = query.name().clone();
    let record = |data| Record::from_rdata(owner.clone(), 60, data);
    if owner == name("pool.lab.example.") && query.query_type() == RecordType::A {
        for last in 1..=3 {
            answer.add_answer(record(RData::A(A::new(127, 0, 0, last))));
        }
    } else if owner == name("pool.lab.example.") {
        answer.add_authority(record(soa));
    } else if owner == name("lab.example.") {
        match query.query_type() {
            RecordType::A => {
                for last in 1..=3 {
                    answer.add_answer(record(RData::A(A::new(192, 0, 2, last))));
                }
            }
            RecordType::SOA => drop(answer.add_answer(record(soa))),
            RecordType::TXT => {
                answer.add_answer(record(RData::TXT(TXT::new(vec!["v=spf1 -all".to_owned()]))));
            }
            _ => drop(answer.add_authority(record(soa))),
        }
    } else {
        answer.metadata.response_code = ResponseCode::NXDomain;
        answer.add_authority(Record::from_rdata(name("lab.example."), 60, soa));
    }
    answer.add_query(query);
    answer.to_vec().ok()
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, "Lab, Root");
        params.distinguished_name.push(DnType::OrganizationName, "Lab");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_after = date_time_ymd(2090, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let signed = params.self_signed(&key).expect("signs");
        let (certificate, pem) = (signed.der().clone(), signed.pem());
        Self { issuer: Issuer::new(params, key), certificate, pem }
    }

    fn server(&self, until: i32) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let mut params = params();
        params.not_after = date_time_ymd(until, 1, 1);
        let own = params.signed_by(&key, &self.issuer).expect("signs").der().clone();
        config(vec![own, self.certificate.clone()], &key)
    }
}

/// A server that vouches for itself, and its certificate.
fn self_signed() -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().expect("a key");
    let own = params().self_signed(&key).expect("signs");
    (config(vec![own.der().clone()], &key), own.pem())
}

fn params() -> CertificateParams {
    let names = ["127.0.0.1", "lab.example", "www.lab.example"].map(str::to_owned);
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CountryName, "KR");
    params.distinguished_name.push(DnType::OrganizationName, "Lab + Sons, Inc.");
    params.distinguished_name.push(DnType::CommonName, "lab.example");
    params
}

fn config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}
