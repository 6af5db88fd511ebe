use proptest::prelude::*;

use super::*;

fn wrong(text: &str) -> String {
    Modules::parse(text).expect_err("wrong").to_string()
}

#[test]
fn the_usual_modules_can_be_read_and_used() {
    let modules = Modules::usual();
    let names: Vec<&str> = modules.names().collect();
    assert_eq!(
        names,
        ["dns", "http_2xx", "http_post_2xx", "icmp", "ssh_banner", "tcp_connect", "tls_connect"]
    );
    assert_eq!(modules.refused().count(), 0);
}

#[test]
fn a_module_file_as_people_have_it_is_read() {
    let modules = Modules::parse(
        "modules:
  http_post:
    prober: http
    timeout: 5s
    http:
      method: POST
      headers: {Content-Type: application/json, X-Number: 5, Authorization: topsecret}
      body: '{}'
      basic_auth:
        username: u
        password: hush
      valid_http_versions: [HTTP/1.1, HTTP/2.0]
      valid_status_codes:
      fail_if_not_ssl: yes
      tls_config:
      body_size_limit: 10MB
  irc_banner:
    prober: tcp
    tcp:
      query_response:
        - send: 'NICK prober'
        - expect: 'PING :([^ ]+)'
          send: 'PONG ${1}'
          labels:
            - {name: server, value: '${1}'}
  icmp_example:
    prober: icmp
    timeout: 5s
    icmp: {preferred_ip_protocol: ip4, ttl: 5, dont_fragment: true}
  soa:
    prober: dns
    dns:
      query_name: example.com
      query_type: SOA
      valid_rcodes: [NOERROR]
      validate_answer_rrs:
        fail_if_none_matches_regexp: ['.*']
",
    )
    .expect("read");
    assert_eq!(modules.names().count(), 4);
    let module = modules.get("http_post").expect("usable");
    assert_eq!(module.timeout, Some(Duration::from_secs(5)));
    let Prober::Http(http) = &module.prober else { panic!("another prober") };
    assert!(http.fail_if_not_ssl && http.follow_redirects && http.enable_http2);
    assert_eq!(http.headers["X-Number"], "5");
    assert_eq!(http.body_size_limit.0, 10 << 20);
    let shown = module.yaml();
    assert!(!shown.contains("hush") && !shown.contains("topsecret"), "{shown}");
    assert!(shown.contains("<secret>") && shown.contains("application/json"), "{shown}");
    assert!(!format!("{module:?}").contains("hush"));
}

#[test]
fn what_no_module_file_has_is_named() {
    assert!(wrong("modules: {a: {prober: htp}}").contains("prober `htp`"));
    assert!(wrong("modules: {a: {prober: http, http: {metod: GET}}}").contains("metod"));
    assert!(wrong("moduls: {}").contains("moduls"));
    assert!(wrong("modules: {a: {prober: dns}}").contains("query_name"));
    assert!(wrong("modules: {a: {prober: dns, dns: {query_name: x, query_type: NOPE}}}").contains("NOPE"));
    assert!(wrong("modules: {a: {prober: icmp, icmp: {ttl: 256}}}").contains("256"));
    assert!(wrong("modules: {a: {prober: http, http: {body: a, body_file: b}}}").contains("body_file"));
    assert!(
        wrong("modules: {a: {prober: http, http: {fail_if_body_matches_regexp: ['(']}}}").contains("`(`")
    );
    assert!(wrong("modules: {a: {prober: tcp, timeout: soon}}").contains("`soon`"));
    assert!(wrong("modules: {a: {prober: tcp, tcp: {source_ip_address: here}}}").contains("`here`"));
    assert!(
        wrong("modules: {a: {prober: tcp, tcp: {query_response: [{expect: a, expect_bytes: b}]}}}")
            .contains("expect")
    );
    assert!(
        wrong("modules: {a: {prober: http, http: {compression: gzip, headers: {Accept-Encoding: 'br, identity'}}}}")
            .contains("compression")
    );
    assert!(wrong(&"#".repeat(MOST_BYTES + 1)).contains("at most"));
}

#[test]
fn what_this_program_does_not_do_is_set_aside_with_the_reason() {
    let modules = Modules::parse(
        "modules:
  fine: {prober: tcp}
  grpc: {prober: grpc, grpc: {tls: true, anything: [1, 2]}}
  socket: {prober: websocket}
  three: {prober: http, http: {enable_http3: true, enable_http2: false}}
  cel: {prober: http, http: {fail_if_body_json_matches_cel: 'body.x == 1'}}
  oauth: {prober: http, http: {oauth2: {client_id: x}}}
  brotli: {prober: http, http: {compression: br}}
  socks: {prober: http, http: {proxy_url: 'socks5://192.0.2.1:1080'}}
  old: {prober: tcp, tcp: {tls: true, tls_config: {max_version: TLS11}}}
",
    )
    .expect("read");
    assert_eq!(modules.names().collect::<Vec<_>>(), ["fine"]);
    let reason = |name| modules.get(name).expect_err("set aside");
    for (name, said) in [
        ("grpc", "grpc"),
        ("socket", "websocket"),
        ("three", "enable_http3"),
        ("cel", "fail_if_body_json_matches_cel"),
        ("oauth", "oauth2"),
        ("brotli", "br"),
        ("socks", "proxy_url"),
        ("old", "max_version"),
    ] {
        assert!(matches!(reason(name), NoModule::Refused(text) if text.contains(said)), "{name}");
    }
    assert_eq!(reason("nowhere"), NoModule::Unknown);
}

#[test]
fn the_old_name_of_an_option_still_works() {
    let text = "modules: {a: {prober: http, http: {no_follow_redirects: true}}}";
    let modules = Modules::parse(text).expect("read");
    let Prober::Http(http) = &modules.get("a").expect("usable").prober else { panic!("another prober") };
    assert!(!http.follow_redirects);
}

#[test]
fn bytes_can_be_written_in_base64() {
    let text = "modules: {a: {prober: tcp, tcp: {query_response: [{send: !!binary AAAACATSFi8=}, {expect_bytes: S}, {starttls: true}]}}}";
    let modules = Modules::parse(text).expect("read");
    let Prober::Tcp(tcp) = &modules.get("a").expect("usable").prober else { panic!("another prober") };
    assert_eq!(tcp.query_response[0].send.0, [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
    assert_eq!(tcp.query_response[1].expect_bytes.0, b"S");
}

#[test]
fn an_empty_file_has_no_modules() {
    for text in ["", "\n", "modules:", "modules: {}"] {
        assert_eq!(Modules::parse(text).expect("read").names().count(), 0, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken(text: String, line in "[a-z_]{1,12}: [ -~]{0,20}") {
        let _ = Modules::parse(&text);
        let _ = Modules::parse(&format!("modules:\n  a:\n    prober: http\n    http:\n      {line}\n"));
    }
}
