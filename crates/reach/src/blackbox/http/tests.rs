use super::*;

fn parsed(text: &str) -> Url {
    url(text).expect("a URL")
}

#[test]
fn a_target_without_a_scheme_is_http() {
    assert_eq!(parsed("www.example").as_str(), "http://www.example/");
    assert_eq!(parsed("HTTPS://www.example/x?y").as_str(), "https://www.example/x?y");
    assert_eq!(parsed("192.0.2.1:8080/x").port(), Some(8080));
    assert!(url("http://[").is_err());
    assert_eq!(host(&parsed("http://[2001:db8::1]:80/")), "2001:db8::1");
}

#[test]
fn the_host_is_asked_for_as_it_was_typed() {
    let host = |target: &str| authority(target, &parsed(target));
    assert_eq!(host("http://www.example:80/"), "www.example:80");
    assert_eq!(host("https://user:secret@www.example/x@y"), "www.example");
    assert_eq!(host("www.example:8080?x"), "www.example:8080");
    assert_eq!(host("http://[2001:db8::1]:8080/"), "[2001:db8::1]:8080");
    assert_eq!(host("http://bücher.example/"), "xn--bcher-kva.example");
}

#[test]
fn logins_are_written_as_the_standard_has_it() {
    let spec: HttpSpec = serde_norway::from_str("basic_auth: {username: a, password: b}").expect("a module");
    assert_eq!(authorization(&spec, &parsed("x")), Ok(Some("Basic YTpi".to_owned())));
    let spec: HttpSpec = serde_norway::from_str("authorization: {credentials: t}").expect("a module");
    assert_eq!(authorization(&spec, &parsed("x")), Ok(Some("Bearer t".to_owned())));
    assert_eq!(
        authorization(&HttpSpec::default(), &parsed("http://a:b%2B+c@x/")),
        Ok(Some(format!("Basic {}", base64::encode(b"a:b++c"))))
    );
    assert_eq!(authorization(&HttpSpec::default(), &parsed("x")), Ok(None));
}

#[test]
fn dates_are_read_and_nonsense_is_none() {
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777.0));
    assert_eq!(http_date("yesterday"), None);
    assert_eq!(http_date("Sun, 99 Nov 1994 08:49:37 GMT"), None);
}

#[test]
fn cookies_go_to_the_host_that_set_them_and_nowhere_else() {
    let mut cookies = Cookies::default();
    let mut headers = HeaderMap::new();
    for value in ["a=1", "b=2; Path=/in; Secure", "gone=3; Max-Age=0", "nonsense"] {
        headers.append(header::SET_COOKIE, value.parse().expect("a value"));
    }
    cookies.take(&parsed("https://www.example/"), &headers);
    assert_eq!(cookies.for_url(&parsed("https://www.example/in/x")), Some("a=1; b=2".to_owned()));
    assert_eq!(cookies.for_url(&parsed("https://www.example/inner")), Some("a=1".to_owned()));
    assert_eq!(cookies.for_url(&parsed("http://www.example/in")), Some("a=1".to_owned()));
    assert_eq!(cookies.for_url(&parsed("https://other.example/in")), None);
}
