use std::{future::Future, net::IpAddr};

use reach_core::model::{Distrust, Endpoint, HttpEnd, HttpRequest, Refusal, Rejection, TlsHello};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpListener,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::pki::{Authority, Identity, self_signed, server_params};

/// Long enough for any busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Short, for what never comes.
const HASTE: Duration = Duration::from_millis(400);

/// Ends a wait for what never comes, but not before what does come has come.
const A_WHILE: Duration = Duration::from_secs(3);

const NAME: &str = "www.example.com";

/// A server that does the same with each connection.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

fn config(identity: Identity, others: &[&CertificateDer<'static>], alpn: &[&[u8]]) -> ServerConfig {
    let mut chain = vec![identity.certificate];
    chain.extend(others.iter().map(|&der| der.clone()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS12, &TLS13])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, identity.key)
        .expect("a certificate");
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

/// A TLS server that does what `serve` says with what it decrypts.
async fn tls_server<F>(
    config: ServerConfig,
    serve: impl Fn(tokio_rustls::server::TlsStream<TcpStream>) -> F + Clone + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(Arc::new(config));
    server(move |stream| {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        }
    })
    .await
}

/// Keeps the connection and says nothing.
async fn silent<S>(stream: S) {
    sleep(PATIENCE).await;
    drop(stream);
}

/// Reads a request head and answers with these bytes, then closes.
async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, response: &'static [u8]) {
    read_head(&mut stream).await;
    let _ = stream.write_all(response).await;
    let _ = stream.shutdown().await;
    let _ = stream.read(&mut [0; 64]).await;
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("text")
}

/// Reads the ClientHello: one record.
async fn read_hello(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.expect("a record");
    assert_eq!(header[0], 22, "a handshake record");
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).await.expect("the record");
    hello
}

fn abort(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("lingers");
    drop(stream);
}

fn probe(remote: SocketAddr) -> Exchange {
    Exchange {
        endpoint: Endpoint { address: remote.ip(), port: remote.port() },
        proxy: None,
        starttls: None,
        source_port: None,
        max_segment: None,
        data_ttl: None,
        connect_timeout: PATIENCE,
        read_timeout: PATIENCE,
        tls: None,
        http: None,
        listen: Duration::ZERO,
    }
}

fn with_tls(remote: SocketAddr) -> Exchange {
    let tls = TlsHello { server_name: Some(NAME.to_owned()), verify: NAME.to_owned() };
    Exchange { tls: Some(tls), ..probe(remote) }
}

fn get() -> Option<HttpRequest> {
    Some(HttpRequest { method: "GET".to_owned(), path: "/a?b".to_owned(), host: NAME.to_owned() })
}

fn trusting(root: &Authority) -> TrustRoots {
    TrustRoots::from_certificates([root.certificate.clone()], "a test")
}

fn nobody() -> TrustRoots {
    TrustRoots::from_certificates([], "nothing")
}

async fn exchanged(probe: &Exchange, trust: &TrustRoots) -> Exchanged {
    match exchange(probe, trust).await {
        Outcome::Answered(Answer::Exchanged(exchanged)) => *exchanged,
        other => panic!("{other:?}"),
    }
}

async fn tls_of(probe: &Exchange, trust: &TrustRoots) -> TlsResult {
    exchanged(probe, trust).await.tls.expect("TLS was wanted")
}

async fn http_of(probe: &Exchange, trust: &TrustRoots) -> HttpResult {
    exchanged(probe, trust).await.http.expect("HTTP was reached")
}

#[tokio::test]
async fn without_layers_it_is_a_connection() {
    let remote = server(silent).await;
    let exchanged = exchanged(&probe(remote), &nobody()).await;
    assert_eq!((exchanged.tls, exchanged.http), (None, None));
    assert_eq!(exchanged.connected.syns, 1);
    assert_eq!(exchanged.traffic.bytes_acked, 0);
    assert!(exchanged.traffic.send_mss > 0);
}

#[tokio::test]
async fn a_closed_port_is_a_rejection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let remote = listener.local_addr().expect("bound");
    drop(listener);
    let outcome = exchange(&with_tls(remote), &nobody()).await;
    assert!(matches!(outcome, Outcome::Rejected(Rejection { how: Refusal::Reset, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_trusted_handshake_completes_and_is_described() {
    let root = Authority::root("root");
    let config = config(root.server(&[NAME]), &[], &[]);
    let remote = tls_server(config, silent).await;
    let exchanged = exchanged(&with_tls(remote), &trusting(&root)).await;
    let tls = exchanged.tls.expect("TLS was wanted");
    assert_eq!(tls.ended, TlsEnd::Completed);
    assert_eq!((tls.distrust, tls.public_root), (vec![], Some(false)));
    assert_eq!(tls.version.as_deref(), Some("TLSv1.3"));
    assert!(tls.cipher.is_some_and(|name| name.starts_with("TLS_AES_") || name.starts_with("TLS_CHACHA20_")));
    assert_eq!(tls.alpn, None);
    assert_eq!(tls.chain.len(), 1);
    assert_eq!(tls.chain[0].names, [NAME]);
    assert_eq!(tls.chain[0].issuer, "CN=root");
    assert!(tls.took > Duration::ZERO && tls.took < PATIENCE);
    assert!(exchanged.traffic.bytes_acked > 100 && exchanged.traffic.bytes_received > 100);
}

#[tokio::test]
async fn tls_1_2_is_spoken_too() {
    let root = Authority::root("root");
    let identity = root.server(&[NAME]);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS12])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate], identity.key)
        .expect("a certificate");
    let remote = tls_server(config, silent).await;
    let tls = tls_of(&with_tls(remote), &trusting(&root)).await;
    assert_eq!((tls.ended, tls.version.as_deref()), (TlsEnd::Completed, Some("TLSv1.2")));
    assert!(tls.cipher.is_some_and(|name| name.starts_with("TLS_ECDHE_")));
}

#[tokio::test]
async fn a_bad_certificate_is_noted_and_the_exchange_goes_on() {
    let root = Authority::root("root");
    let others = Authority::root("another");
    for (identity, expected) in [
        (root.server(&["other.example"]), vec![Distrust::WrongName]),
        (root.server_between(&[NAME], 2020, 2021), vec![Distrust::Expired]),
        (others.server(&[NAME]), vec![Distrust::UnknownIssuer]),
        (self_signed(server_params(&[NAME])), vec![Distrust::UnknownIssuer]),
        (
            others.server_between(&["other.example"], 2020, 2021),
            vec![Distrust::UnknownIssuer, Distrust::WrongName, Distrust::Expired],
        ),
    ] {
        let config = config(identity, &[], &[]);
        let remote =
            tls_server(config, |stream| respond(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
                .await;
        let probe = Exchange { http: get(), ..with_tls(remote) };
        let exchanged = exchanged(&probe, &trusting(&root)).await;
        let tls = exchanged.tls.expect("TLS was wanted");
        assert_eq!((tls.ended, tls.distrust), (TlsEnd::Completed, expected));
        assert_eq!(exchanged.http.map(|http| http.ended), Some(HttpEnd::Status(200)));
    }
}

#[tokio::test]
async fn a_chain_of_five_is_kept_in_order() {
    let root = Authority::root("root");
    let one = root.authority("one");
    let two = one.authority("two");
    let three = two.authority("three");
    let chain = [&three.certificate, &two.certificate, &one.certificate, &root.certificate];
    let remote = tls_server(config(three.server(&[NAME]), &chain, &[]), silent).await;
    let tls = tls_of(&with_tls(remote), &trusting(&root)).await;
    assert_eq!((tls.ended, tls.distrust), (TlsEnd::Completed, vec![]));
    let subjects: Vec<_> = tls.chain.iter().map(|certificate| certificate.subject.as_str()).collect();
    assert_eq!(subjects, ["CN=server", "CN=three", "CN=two", "CN=one", "CN=root"]);
}

#[tokio::test]
async fn of_an_endless_chain_the_beginning_is_kept() {
    let root = Authority::root("root");
    let chain = vec![&root.certificate; 60];
    let remote = tls_server(config(root.server(&[NAME]), &chain, &[]), silent).await;
    let tls = tls_of(&with_tls(remote), &trusting(&root)).await;
    assert_eq!((tls.ended, tls.distrust), (TlsEnd::Completed, vec![]));
    assert_eq!(tls.chain.len(), crate::trust::LONGEST_CHAIN);
}

#[tokio::test]
async fn an_address_is_verified_without_being_sent() {
    let root = Authority::root("root");
    let remote = tls_server(config(root.server(&["127.0.0.1"]), &[], &[]), silent).await;
    let tls = TlsHello { server_name: None, verify: "127.0.0.1".to_owned() };
    let tls = tls_of(&Exchange { tls: Some(tls), ..probe(remote) }, &trusting(&root)).await;
    assert_eq!((tls.ended, tls.distrust), (TlsEnd::Completed, vec![]));
}

#[tokio::test]
async fn the_server_name_is_sent_or_not_as_the_probe_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let remote = listener.local_addr().expect("bound");
    for server_name in [Some(NAME.to_owned()), None] {
        let is_sent = server_name.is_some();
        let tls = TlsHello { server_name, verify: NAME.to_owned() };
        let probe = Exchange { tls: Some(tls), ..probe(remote) };
        let trust = nobody();
        let seen = async {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            read_hello(&mut stream).await
        };
        let (_, hello) = tokio::join!(exchange(&probe, &trust), seen);
        let holds = |part: &[u8]| hello.windows(part.len()).any(|window| window == part);
        assert_eq!(holds(NAME.as_bytes()), is_sent);
        // Neither port 443 nor a request: no application protocol.
        assert!(!holds(b"http/1.1"));
    }
}

#[tokio::test]
async fn a_name_that_no_hello_can_carry_is_not_tried() {
    for name in ["192.0.2.1", "a..b", "not a name"] {
        let tls = TlsHello { server_name: Some(name.to_owned()), verify: NAME.to_owned() };
        // Nothing listens there, and nobody notices.
        let probe = Exchange { tls: Some(tls), ..probe("127.0.0.1:9".parse().expect("an address")) };
        let outcome = exchange(&probe, &nobody()).await;
        assert!(
            matches!(outcome, Outcome::Unable(Inability { why: Obstacle::Unsupported, .. })),
            "{name}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_alert_has_its_code_and_name() {
    let refusing = server(|mut stream| async move {
        read_hello(&mut stream).await;
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await;
        // The reset follows the alert on its heels, as from a server that has unread data.
        abort(stream);
    })
    .await;
    let tls = tls_of(&with_tls(refusing), &nobody()).await;
    assert_eq!(tls.ended, TlsEnd::Alert(112, "unrecognized_name".to_owned()));

    // Offered `http/1.1`, and speaks another protocol only.
    let root = Authority::root("root");
    let h2 = tls_server(config(root.server(&[NAME]), &[], &[b"h2"]), silent).await;
    let tls = tls_of(&Exchange { http: get(), ..with_tls(h2) }, &trusting(&root)).await;
    assert_eq!(tls.ended, TlsEnd::Alert(120, "no_application_protocol".to_owned()));
    assert!(tls.chain.is_empty() && tls.public_root.is_none());
}

#[tokio::test]
async fn an_alert_in_place_of_the_response_belongs_to_the_handshake() {
    let root = Authority::root("root");
    let mut roots = RootCertStore::empty();
    roots.add(root.certificate.clone()).expect("a root");
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    let identity = root.server(&[NAME]);
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_client_cert_verifier(verifier.clone())
            .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
            .expect("a certificate");
        let remote = tls_server(config, silent).await;
        let exchanged = exchanged(&Exchange { http: get(), ..with_tls(remote) }, &trusting(&root)).await;
        let tls = exchanged.tls.expect("TLS was wanted");
        assert_eq!(tls.ended, TlsEnd::Alert(116, "certificate_required".to_owned()));
        assert_eq!(tls.chain.len(), 1);
        assert_eq!(exchanged.http, None);
    }
}

#[tokio::test]
async fn a_handshake_that_is_cut_short_says_how() {
    let closing = server(|mut stream| async move {
        read_hello(&mut stream).await;
    })
    .await;
    assert_eq!(tls_of(&with_tls(closing), &nobody()).await.ended, TlsEnd::Closed);

    let resetting = server(|mut stream| async move {
        read_hello(&mut stream).await;
        abort(stream);
    })
    .await;
    assert_eq!(tls_of(&with_tls(resetting), &nobody()).await.ended, TlsEnd::Reset);

    // Before the hello came: whoever is first, it is a reset.
    let hasty = server(|stream| async move { abort(stream) }).await;
    assert_eq!(tls_of(&with_tls(hasty), &nobody()).await.ended, TlsEnd::Reset);

    let silent = server(silent).await;
    let probe = Exchange { read_timeout: HASTE, ..with_tls(silent) };
    let tls = tls_of(&probe, &nobody()).await;
    assert_eq!(tls.ended, TlsEnd::Silent);
    assert!(tls.took >= HASTE);
}

#[tokio::test]
async fn silence_in_the_middle_is_silence_too() {
    let remote = server(|mut stream| async move {
        read_hello(&mut stream).await;
        // The beginning of a ServerHello.
        let _ = stream.write_all(&[22, 3, 3, 0, 122, 2, 0, 0, 118]).await;
        silent(stream).await;
    })
    .await;
    let exchanged = exchanged(&Exchange { read_timeout: A_WHILE, ..with_tls(remote) }, &nobody()).await;
    assert_eq!(exchanged.tls.map(|tls| tls.ended), Some(TlsEnd::Silent));
    assert_eq!(exchanged.traffic.bytes_received, 9);
}

#[tokio::test]
async fn another_protocol_on_the_port_is_shown_by_its_first_bytes() {
    let web = server(|stream| respond(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    // The web server waits for the end of what it takes for a request, and the time-out ends it.
    let probe = Exchange { read_timeout: HASTE, ..with_tls(web) };
    assert_eq!(tls_of(&probe, &nobody()).await.ended, TlsEnd::Silent);

    for (banner, keeps) in
        [(&b"220 mail.example ESMTP\r\n"[..], true), (b"HTTP/1.1 400 Bad Request\r\n\r\n", false)]
    {
        for wait_for_hello in [true, false] {
            let remote = server(move |mut stream| async move {
                if wait_for_hello {
                    read_hello(&mut stream).await;
                }
                let _ = stream.write_all(banner).await;
                if keeps {
                    silent(stream).await;
                }
            })
            .await;
            let tls = tls_of(&with_tls(remote), &nobody()).await;
            assert_eq!(tls.ended, TlsEnd::NotTls(banner.to_vec()));
        }
    }

    // Too little to be a record, but enough to know.
    let short = server(|mut stream| async move {
        let _ = stream.write_all(b"no").await;
        silent(stream).await;
    })
    .await;
    let probe = Exchange { read_timeout: A_WHILE, ..with_tls(short) };
    assert_eq!(tls_of(&probe, &nobody()).await.ended, TlsEnd::NotTls(b"no".to_vec()));

    let long = server(|mut stream| async move {
        let _ = stream.write_all(&[b'x'; 3000]).await;
        silent(stream).await;
    })
    .await;
    assert_eq!(tls_of(&with_tls(long), &nobody()).await.ended, TlsEnd::NotTls(vec![b'x'; 64]));
}

#[tokio::test]
async fn tls_that_makes_no_sense_is_incompatible() {
    let remote = server(|mut stream| async move {
        read_hello(&mut stream).await;
        let _ = stream.write_all(&[22, 3, 3, 0, 5, 2, 0, 0, 1, 7]).await;
        silent(stream).await;
    })
    .await;
    let tls = tls_of(&with_tls(remote), &nobody()).await;
    assert!(matches!(&tls.ended, TlsEnd::Incompatible(why) if !why.is_empty()), "{:?}", tls.ended);
}

#[tokio::test]
async fn the_response_head_is_read_and_made_safe() {
    let remote = server(|stream| {
        respond(
            stream,
            b"HTTP/1.1 404 Not Found\r\nServer: a\x1b[2Jb\tc\xff\r\nLocation: /x\r\nContent-Type: text/html\r\n\
              Content-Length: 1000000\r\n\r\n<html>",
        )
    })
    .await;
    let http = http_of(&Exchange { http: get(), ..probe(remote) }, &nobody()).await;
    // A control character other than a tab makes it no HTTP to a strict reader.
    assert!(matches!(http.ended, HttpEnd::Status(404) | HttpEnd::NotHttp(_)), "{http:?}");

    let remote = server(|stream| {
        respond(
            stream,
            b"HTTP/1.1 404 Not Found\r\nServer: ab\tc\xff\r\nLocation: /x\r\nContent-Type: text/html\r\n\
              Content-Length: 1000000\r\n\r\n<html>",
        )
    })
    .await;
    let http = http_of(&Exchange { http: get(), ..probe(remote) }, &nobody()).await;
    assert_eq!(http.ended, HttpEnd::Status(404));
    assert_eq!(http.server.as_deref(), Some("ab\\tc\u{fffd}"));
    assert_eq!(http.location.as_deref(), Some("/x"));
    assert_eq!(http.content_type.as_deref(), Some("text/html"));
}

#[tokio::test]
async fn the_request_is_what_was_wanted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let remote = listener.local_addr().expect("bound");
    let probe = Exchange { http: get(), ..probe(remote) };
    let trust = nobody();
    let seen = async {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        read_head(&mut stream).await
    };
    let (_, head) = tokio::join!(exchange(&probe, &trust), seen);
    assert!(head.starts_with("GET /a?b HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: reach/"), "{head}");
    assert!(head.contains("\r\nAccept: */*\r\n") && head.contains("\r\nConnection: close\r\n"), "{head}");
}

#[tokio::test]
async fn http_ends_are_told_apart_plain_and_encrypted() {
    type Ending = (&'static [u8], HttpEnd);
    let endings: [Ending; 6] = [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", HttpEnd::Status(200)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Service Unavailable\r\n\r\n", HttpEnd::Status(503)),
        (b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", HttpEnd::Status(302)),
        (b"", HttpEnd::Closed),
        (b"HTTP/1.1 200 OK\r\nServ", HttpEnd::Closed),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HttpEnd::NotHttp(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
    ];
    let root = Authority::root("root");
    let trust = trusting(&root);
    for (response, expected) in endings {
        let plain = server(move |stream| respond(stream, response)).await;
        let http = http_of(&Exchange { http: get(), ..probe(plain) }, &trust).await;
        assert_eq!(http.ended, expected, "plain");

        let config = config(root.server(&[NAME]), &[], &[b"http/1.1"]);
        let secured = tls_server(config, move |stream| respond(stream, response)).await;
        let exchanged = exchanged(&Exchange { http: get(), ..with_tls(secured) }, &trust).await;
        assert_eq!(exchanged.tls.and_then(|tls| tls.alpn).as_deref(), Some("http/1.1"));
        assert_eq!(exchanged.http.map(|http| http.ended), Some(expected), "encrypted");
    }
}

#[tokio::test]
async fn a_reset_is_no_close_and_neither_is_silence() {
    let root = Authority::root("root");
    let trust = trusting(&root);
    let plain = server(|mut stream| async move {
        read_head(&mut stream).await;
        abort(stream);
    })
    .await;
    let http = http_of(&Exchange { http: get(), ..probe(plain) }, &trust).await;
    assert_eq!(http.ended, HttpEnd::Reset);

    let secured = tls_server(config(root.server(&[NAME]), &[], &[]), |mut stream| async move {
        read_head(&mut stream).await;
        abort(stream.into_inner().0);
    })
    .await;
    let http = http_of(&Exchange { http: get(), ..with_tls(secured) }, &trust).await;
    assert_eq!(http.ended, HttpEnd::Reset);

    let silent = server(silent).await;
    let probe = Exchange { http: get(), read_timeout: HASTE, ..probe(silent) };
    let http = http_of(&probe, &trust).await;
    assert_eq!(http.ended, HttpEnd::Silent);
    assert!(http.took >= HASTE);
}

#[tokio::test]
async fn segments_are_clamped() {
    let remote = server(silent).await;
    let exchanged = exchanged(&Exchange { max_segment: Some(600), ..probe(remote) }, &nobody()).await;
    // Time stamps take 12 bytes of each segment.
    assert!((500..=600).contains(&exchanged.traffic.send_mss), "{:?}", exchanged.traffic);
}

#[tokio::test]
async fn a_lower_ttl_for_the_data_reaches_what_is_near() {
    let root = Authority::root("root");
    let remote = tls_server(config(root.server(&[NAME]), &[], &[]), silent).await;
    let tls = tls_of(&Exchange { data_ttl: Some(1), ..with_tls(remote) }, &trusting(&root)).await;
    assert_eq!(tls.ended, TlsEnd::Completed);
}

#[tokio::test]
async fn the_same_flow_can_be_tried_again_at_once() {
    let root = Authority::root("root");
    let remote = tls_server(config(root.server(&[NAME]), &[], &[]), silent).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("bound").port();
    let probe = Exchange { source_port: Some(free), ..with_tls(remote) };
    for _ in 0..5 {
        let exchanged = exchanged(&probe, &trusting(&root)).await;
        assert_eq!(exchanged.connected.source, SocketAddr::new(IpAddr::from([127, 0, 0, 1]), free));
        assert_eq!(exchanged.tls.map(|tls| tls.ended), Some(TlsEnd::Completed));
    }
}

#[tokio::test]
async fn a_finished_handshake_ends_with_a_farewell() {
    let root = Authority::root("root");
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let remote = tls_server(config(root.server(&[NAME]), &[], &[]), move |mut stream| {
        let told = told.clone();
        async move {
            // The end by `close_notify` reads as such; anything else is an error.
            let _ = told.send(stream.read(&mut [0; 16]).await.map_err(|error| error.kind()));
        }
    })
    .await;
    let _ = tls_of(&with_tls(remote), &trusting(&root)).await;
    assert_eq!(heard.recv().await, Some(Ok(0)));
}
