//! Published ranges: files of every provider, and what they say of addresses.

mod properties;

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::{Date, date};
use reach_report::{
    Lang,
    feeds::{Age, Feed, FeedError, Kind, Provider, cover, provider_of, read, without},
};

const GOOG: &str = r#"{"syncToken":"1763888585123","creationTime":"2026-11-20T10:00:00.123456","prefixes":[
  {"ipv4Prefix":"192.0.2.0/24"},{"ipv4Prefix":"198.51.100.0/24"},{"ipv6Prefix":"2001:db8::/32"}]}"#;
const CLOUD: &str = r#"{"syncToken":"1","creationTime":"2026-11-20T10:00:00","prefixes":[
  {"ipv4Prefix":"198.51.100.128/25","service":"Google Cloud","scope":"asia-northeast3"},
  {"ipv6Prefix":"2001:db8:1::/48","service":"Google Cloud","scope":"global"}]}"#;
const AWS: &str = r#"{"syncToken":"1763888585","createDate":"2026-11-19-21-03-05","prefixes":[
  {"ip_prefix":"203.0.113.0/24","region":"ap-northeast-2","service":"AMAZON","network_border_group":"ap-northeast-2"},
  {"ip_prefix":"203.0.113.0/24","region":"ap-northeast-2","service":"S3","network_border_group":"ap-northeast-2"},
  {"ip_prefix":"203.0.113.64/26","region":"ap-northeast-2","service":"EC2","network_border_group":"ap-northeast-2"}],
  "ipv6_prefixes":[{"ipv6_prefix":"2001:db8:a::/48","region":"GLOBAL","service":"AMAZON"}]}"#;
const AZURE: &str = r#"{"changeNumber":321,"cloud":"Public","values":[{"name":"Storage.KoreaCentral","id":"Storage.KoreaCentral",
  "properties":{"changeNumber":4,"region":"koreacentral","regionId":50,"platform":"Azure","systemService":"AzureStorage",
  "addressPrefixes":["192.0.2.0/25","2001:db8:b::/48"],"networkFeatures":["API","NSG"]}}]}"#;
const OFFICE: &str = r#"[{"id":1,"serviceArea":"Exchange","urls":["outlook.example"],"ips":["192.0.2.0/28","2001:db8:c::/48"],
  "tcpPorts":"80,443","required":true},{"id":2,"serviceArea":"Common","urls":["*.example"],"required":false}]"#;
const GITHUB: &str = r#"{"verifiable_password_authentication":false,"ssh_key_fingerprints":{"SHA256_RSA":"x"},"ssh_keys":["ssh-ed25519 AAAA"],
  "hooks":["192.0.2.0/24"],"web":["192.0.2.0/24","203.0.113.9/32"],"api":["203.0.113.9/32"],"domains":{"website":["*.example"]}}"#;
const CLOUDFLARE: &str = r#"{"result":{"ipv4_cidrs":["192.0.2.0/24"],"ipv6_cidrs":["2001:db8::/32"],"etag":"x"},"success":true,"errors":[],"messages":[]}"#;
const FASTLY: &str = r#"{"addresses":["192.0.2.0/24"],"ipv6_addresses":["2001:db8::/32"]}"#;
const ATLASSIAN: &str = r#"{"creationDate":"2026-11-18T00:00:00.000000","syncToken":1763424000,"items":[{"network":"192.0.2.0","mask_len":24,
  "cidr":"192.0.2.0/24","mask":"255.255.255.0","region":["global","us-east-1"],"product":["jira","confluence"],"direction":["ingress"]}]}"#;
const STRIPE: &str = r#"{"API":["192.0.2.1","192.0.2.2"]}"#;
const ORACLE: &str = r#"{"last_updated_timestamp":"2026-11-17T01:02:03.456","regions":[{"region":"ap-seoul-1","cidrs":[{"cidr":"192.0.2.0/24","tags":["OCI"]}]}]}"#;
const TELEGRAM: &str = "91.108.4.0/22\n149.154.160.0/20\n2001:db8::/32\n";

fn net(text: &str) -> IpNet {
    text.parse().expect("a network")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn feed(name: &str, text: &str) -> Feed {
    read(name, text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_provider_is_recognised_by_its_content() {
    let day = |day| Some(date(2026, 11, day));
    let cases: [(&str, &str, Kind, Option<Date>, Option<&str>, usize); 13] = [
        ("a", GOOG, Kind::Google, day(20), Some("1763888585123"), 3),
        ("a", CLOUD, Kind::GoogleCloud, day(20), Some("1"), 2),
        ("a", AWS, Kind::Aws, day(19), Some("1763888585"), 4),
        ("ServiceTags_Public_20261116.json", AZURE, Kind::Azure, day(16), Some("321"), 2),
        ("a", OFFICE, Kind::Microsoft365, None, None, 2),
        ("a", GITHUB, Kind::GitHub, None, None, 4),
        ("a", CLOUDFLARE, Kind::Cloudflare, None, None, 2),
        ("a", FASTLY, Kind::Fastly, None, None, 2),
        ("a", ATLASSIAN, Kind::Atlassian, day(18), Some("1763424000"), 1),
        ("a", STRIPE, Kind::Stripe, None, None, 2),
        ("a", ORACLE, Kind::Oracle, day(17), None, 1),
        ("/home/x/2026-11-15/cidr-2026-11-14.txt", TELEGRAM, Kind::Telegram, day(14), None, 3),
        ("list.json", r#"["192.0.2.0/24"]"#, Kind::Plain, None, None, 1),
    ];
    for (name, text, kind, published, token, ranges) in cases {
        let feed = feed(name, text);
        assert_eq!(
            (feed.kind, feed.published, feed.token.as_deref(), feed.ranges.len(), feed.skipped),
            (kind, published, token, ranges, 0),
            "{text}"
        );
        assert_eq!(feed.kind.provider().is_none(), kind == Kind::Plain);
        assert_eq!(feed.kind.url().is_none(), kind == Kind::Plain);
    }
}

#[test]
fn services_and_regions_are_kept() {
    let tags = |text| {
        let range = &feed("a", text).ranges[0];
        (range.net.to_string(), range.service.clone(), range.region.clone())
    };
    let owned =
        |net: &str, service: &str, region: &str| (net.to_owned(), service.to_owned(), region.to_owned());
    assert_eq!(tags(CLOUD), owned("198.51.100.128/25", "Google Cloud", "asia-northeast3"));
    assert_eq!(tags(AWS), owned("203.0.113.0/24", "AMAZON", "ap-northeast-2"));
    assert_eq!(tags(AZURE), owned("192.0.2.0/25", "Storage.KoreaCentral", "koreacentral"));
    assert_eq!(tags(OFFICE), owned("192.0.2.0/28", "Exchange", ""));
    assert_eq!(tags(GITHUB), owned("192.0.2.0/24", "hooks", ""));
    assert_eq!(tags(ATLASSIAN), owned("192.0.2.0/24", "jira,confluence", "global,us-east-1"));
    assert_eq!(tags(ORACLE), owned("192.0.2.0/24", "", "ap-seoul-1"));
    assert_eq!(tags(STRIPE), owned("192.0.2.1/32", "API", ""));
}

#[test]
fn plain_lists_are_read_as_people_keep_them() {
    let list = feed(
        "ours.txt",
        "\u{feff}# ours\r\n\r\n192.0.2.0/24 ; office\r\n\"198.51.100.7\",Seoul\r\n2001:db8::/32\tx\r\n",
    );
    assert_eq!(list.kind, Kind::Plain);
    let nets: Vec<String> = list.ranges.iter().map(|range| range.net.to_string()).collect();
    assert_eq!(nets, ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]);
    assert_eq!(feed("ips-v4", "192.0.2.0/24\n").kind, Kind::Cloudflare);
    let headed = feed("droplets.csv", "cidr,country\n192.0.2.0/24,KR\n");
    assert_eq!((headed.ranges.len(), headed.skipped), (1, 1));
    // Host bits are no network of their own.
    assert_eq!(feed("x", "192.0.2.77/24").ranges[0].net, net("192.0.2.0/24"));
}

#[test]
fn what_is_no_list_is_told_with_what_would_be() {
    let error = |text: &str| read("a", text.as_bytes()).expect_err(text);
    assert_eq!(error(""), FeedError::Empty);
    assert_eq!(error("[]"), FeedError::Unknown { keys: vec![] });
    assert_eq!(error(r#"{"prefixes":[]}"#), FeedError::Unknown { keys: vec!["prefixes".to_owned()] });
    assert!(matches!(error("{\"prefixes\":[\n{\"ipv4Prefix\":}"), FeedError::NoJson { line: 2, .. }));
    assert!(matches!(error("192.0.2.0/24\n<html>\n<body>\n"), FeedError::NoNetwork { line: 2, .. }));
    assert_eq!(read("a", &[0xff, 0xfe, 0x00]), Err(FeedError::NoText));
    assert_eq!(read("a", &vec![b' '; 40 << 20]), Err(FeedError::TooLarge { bytes: 40 << 20 }));
    assert_eq!(error(&"192.0.2.1\n".repeat(500_001)), FeedError::TooMany);
    assert_eq!(error(&format!("[{}\"x\"]", "\"192.0.2.1\",".repeat(500_001))), FeedError::TooMany);
    // Everything is nobody's.
    assert_eq!(error(r#"{"addresses":["0.0.0.0/0"],"ipv6_addresses":["::/0"]}"#), FeedError::Empty);
    let told = error(r#"{"titles":[1],"x\u001b[2J":2}"#);
    assert!(
        told.to_string().contains("its keys: titles, x\\u{1b}[2J")
            && told.text(Lang::Ko).contains("알려진 목록이 아닙니다"),
        "{told}"
    );
}

#[test]
fn addresses_find_the_narrowest_range_and_those_without_are_named() {
    let feeds = [feed("ip-ranges.json", AWS), feed("ips", "203.0.112.0/22\n")];
    let seen = ["203.0.113.65", "203.0.113.5", "198.18.0.1", "2001:db8:a::1", "203.0.113.65"].map(ip);
    let coverage = cover(&seen, &feeds);
    assert_eq!(coverage.uncovered, [ip("198.18.0.1")]);
    let addresses: Vec<IpAddr> = coverage.covered.iter().map(|covered| covered.address).collect();
    assert_eq!(addresses, ["203.0.113.5", "203.0.113.65", "2001:db8:a::1"].map(ip));
    let holders: Vec<(usize, String, Vec<String>)> = coverage.covered[1]
        .holders
        .iter()
        .map(|holder| (holder.feed, holder.net.to_string(), holder.services.clone()))
        .collect();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        holders,
        [
            (0, "203.0.113.64/26".to_owned(), owned(&["EC2"])),
            (0, "203.0.113.0/24".to_owned(), owned(&["AMAZON", "S3"])),
            (1, "203.0.112.0/22".to_owned(), vec![])
        ]
    );
    // What is inside of another that is needed anyway is not asked for again.
    assert_eq!(coverage.prefixes, [net("203.0.113.0/24"), net("2001:db8:a::/48")]);
    assert!(coverage.covered.iter().all(|covered| !covered.front_end));
}

#[test]
fn front_ends_of_google_are_what_its_customers_do_not_have() {
    let feeds = [feed("cloud.json", CLOUD), feed("goog.json", GOOG)];
    let coverage = cover(
        &["198.51.100.9", "198.51.100.200", "192.0.2.1", "2001:db8:1::1", "2001:db8:2::1"].map(ip),
        &feeds,
    );
    let is_front: Vec<(String, bool)> =
        coverage.covered.iter().map(|covered| (covered.address.to_string(), covered.front_end)).collect();
    let expected = [
        ("192.0.2.1", true),
        ("198.51.100.9", true),
        ("198.51.100.200", false),
        ("2001:db8:1::1", false),
        ("2001:db8:2::1", true),
    ];
    assert_eq!(is_front, expected.map(|(address, front)| (address.to_owned(), front)));
    assert!(
        coverage.prefixes.contains(&net("198.51.100.0/25"))
            && coverage.prefixes.contains(&net("198.51.100.128/25"))
    );
    assert!(!coverage.prefixes.contains(&net("198.51.100.0/24")));
}

#[test]
fn networks_are_taken_from_networks() {
    let nets = |texts: &[&str]| texts.iter().map(|text| net(text)).collect::<Vec<_>>();
    assert_eq!(
        without(&nets(&["192.0.2.0/24"]), &nets(&["192.0.2.64/26"])),
        nets(&["192.0.2.0/26", "192.0.2.128/25"])
    );
    assert_eq!(without(&nets(&["192.0.2.0/25", "192.0.2.128/25"]), &[]), nets(&["192.0.2.0/24"]));
    assert_eq!(without(&nets(&["192.0.2.0/24"]), &nets(&["192.0.0.0/16"])), []);
    assert_eq!(without(&nets(&["::/1"]), &nets(&["::/2"])), nets(&["4000::/2"]));
    assert_eq!(without(&nets(&["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"]), &nets(&["ffff::/16"])), []);
}

#[test]
fn files_grow_old() {
    let google = feed("a", GOOG);
    assert_eq!(google.age(date(2026, 11, 23)), Age::Fresh { days: 3 });
    assert_eq!(google.age(date(2026, 12, 20)), Age::Fresh { days: 30 });
    assert_eq!(google.age(date(2026, 12, 21)), Age::Old { days: 31, limit: 30 });
    assert_eq!(google.age(date(2026, 11, 19)), Age::Fresh { days: 0 });
    assert_eq!(google.age(date(2026, 11, 1)), Age::Future { days: 19 });
    let azure = feed("ServiceTags_Public_20261116.json", AZURE);
    assert_eq!(azure.age(date(2026, 11, 24)), Age::Old { days: 8, limit: 7 });
    assert_eq!(feed("a", STRIPE).age(date(2026, 11, 24)), Age::Unknown);
    for age in [Age::Old { days: 31, limit: 30 }, Age::Future { days: 2 }, Age::Unknown] {
        assert!(age.is_warning());
        assert_ne!(age.text(Lang::En), age.text(Lang::Ko));
    }
    assert!(!Age::Fresh { days: 30 }.is_warning());
    assert_eq!(google.text(Lang::En), "a (Google, 2026-11-20, 3 ranges)");
    assert_eq!(azure.text(Lang::Ko), "ServiceTags_Public_20261116.json(Azure, 2026-11-16, 대역 2개)");
}

#[test]
fn names_belong_to_their_providers() {
    for (name, provider) in [
        ("fcm.googleapis.com", Some(Provider::Google)),
        ("FCM.GoogleAPIs.com.", Some(Provider::Google)),
        ("bucket.s3.ap-northeast-2.amazonaws.com", Some(Provider::Aws)),
        ("api.telegram.org", Some(Provider::Telegram)),
        ("api.push.apple.com", Some(Provider::Apple)),
        ("api.github.com", Some(Provider::GitHub)),
        ("x.blob.core.windows.net", Some(Provider::Azure)),
        ("graph.microsoft.com", Some(Provider::Microsoft365)),
        ("api.stripe.com", Some(Provider::Stripe)),
        ("notgoogleapis.com", None),
        ("googleapis.com.example", None),
        ("www.apple.com", None),
        ("", None),
    ] {
        assert_eq!(provider_of(name), provider, "{name}");
    }
    assert_eq!(Provider::Apple.fixed().len(), 9);
    assert!(Provider::Google.fixed().is_empty());
}

#[test]
fn what_providers_say_of_lists_is_said_in_both_languages_with_its_source() {
    let sayings: Vec<_> = Provider::ALL
        .into_iter()
        .filter_map(|provider| provider.saying().map(|saying| (provider, saying)))
        .collect();
    assert!(sayings.len() >= 8);
    for (provider, saying) in sayings {
        assert!(saying.text(Lang::Ko).chars().any(|c| ('가'..='힣').contains(&c)), "{provider:?}");
        assert_ne!(saying.text(Lang::En), saying.text(Lang::Ko));
        assert!(saying.source.contains('/') && !saying.source.starts_with("http"), "{provider:?}");
        assert!(saying.quote.is_none_or(|quote| quote.len() < 120), "{provider:?}");
    }
}
