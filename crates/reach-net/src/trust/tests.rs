use std::time::Duration;

use proptest::prelude::*;
use rcgen::{DnType, ExtendedKeyUsagePurpose, IsCa};

use super::*;
use crate::pki::{Authority, Identity, authority_params, self_signed, server_params};

fn trusting(root: &Authority) -> TrustRoots {
    TrustRoots::from_certificates([root.certificate.clone()], "a test").with_public_roots([])
}

fn now() -> UnixTime {
    UnixTime::now()
}

fn year(year: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600 + 86_400))
}

/// The reasons without their words.
fn reasons(trust: &TrustRoots, chain: &[&CertificateDer<'static>], verify: &str) -> Vec<Distrust> {
    let chain: Vec<_> = chain.iter().map(|&der| der.clone()).collect();
    let mut distrust = trust.assess(&chain, verify, now()).distrust;
    for reason in &mut distrust {
        if let Distrust::Other(words) = reason {
            assert!(!words.is_empty());
            words.clear();
        }
    }
    distrust
}

fn other() -> Distrust {
    Distrust::Other(String::new())
}

#[test]
fn a_good_chain_is_trusted_for_its_names_and_addresses() {
    let root = Authority::root("root");
    let leaf = root.server(&["www.example.com", "*.example.net", "192.0.2.1", "2001:db8::1"]);
    let trust = trusting(&root);
    for name in ["www.example.com", "WWW.example.COM.", "a.example.net", "192.0.2.1", "2001:db8::1"] {
        assert_eq!(reasons(&trust, &[&leaf.certificate], name), [], "{name}");
    }
    for name in ["example.com", "a.b.example.net", "192.0.2.2", "", "no name at all", "-"] {
        assert_eq!(reasons(&trust, &[&leaf.certificate], name), [Distrust::WrongName], "{name}");
    }
}

#[test]
fn a_long_chain_may_come_in_any_order_with_strangers_in_it() {
    let root = Authority::root("root");
    let one = root.authority("one");
    let two = one.authority("two");
    let three = two.authority("three");
    let leaf = three.server(&["www.example.com"]);
    let stranger = Authority::root("stranger");
    let chain = [
        &leaf.certificate,
        &one.certificate,
        &stranger.certificate,
        &three.certificate,
        &leaf.certificate,
        &two.certificate,
    ];
    let trust = trusting(&root).with_public_roots([root.certificate.clone()]);
    assert_eq!(reasons(&trust, &chain, "www.example.com"), []);
    let chain: Vec<_> = chain.iter().map(|&der| der.clone()).collect();
    assert_eq!(trust.assess(&chain, "www.example.com", now()).public_root, Some(true));
    assert_eq!(reasons(&trust, &[&leaf.certificate], "www.example.com"), [Distrust::UnknownIssuer]);
}

#[test]
fn every_reason_that_holds_is_listed() {
    let known = Authority::root("known");
    let unknown = Authority::root("unknown");
    let trust = trusting(&known);
    let check = |leaf: &Identity, issuer: &Authority, name: &str| {
        reasons(&trust, &[&leaf.certificate, &issuer.certificate], name)
    };
    let expired = known.server_between(&["a.example"], 2020, 2021);
    assert_eq!(check(&expired, &known, "a.example"), [Distrust::Expired]);
    let early = known.server_between(&["a.example"], 2999, 3000);
    assert_eq!(check(&early, &known, "a.example"), [Distrust::NotYetValid]);
    let strange = unknown.server(&["a.example"]);
    assert_eq!(check(&strange, &unknown, "a.example"), [Distrust::UnknownIssuer]);
    let all = unknown.server_between(&["a.example"], 2020, 2021);
    assert_eq!(
        check(&all, &unknown, "b.example"),
        [Distrust::UnknownIssuer, Distrust::WrongName, Distrust::Expired]
    );
}

#[test]
fn an_authority_in_the_middle_may_be_what_has_expired() {
    let root = Authority::root("root");
    let middle = root.expired_authority("middle");
    let leaf = middle.server(&["a.example"]);
    let chain = [&leaf.certificate, &middle.certificate];
    assert_eq!(reasons(&trusting(&root), &chain, "a.example"), [Distrust::Expired]);
    let stranger = Authority::root("stranger");
    assert_eq!(
        reasons(&trusting(&stranger), &chain, "a.example"),
        [Distrust::UnknownIssuer, Distrust::Expired]
    );
}

#[test]
fn a_self_signed_certificate_has_an_unknown_issuer_in_whatever_form() {
    let trust = trusting(&Authority::root("root"));
    let plain = self_signed(server_params(&["a.example"]));
    assert_eq!(reasons(&trust, &[&plain.certificate], "a.example"), [Distrust::UnknownIssuer]);
    // As `openssl req -x509` makes it.
    let mut params = server_params(&["a.example"]);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = self_signed(params);
    assert_eq!(reasons(&trust, &[&authority.certificate], "a.example"), [Distrust::UnknownIssuer, other()]);
    // Somebody trusts just this one.
    let pinned = TrustRoots::from_certificates([plain.certificate.clone()], "a pin");
    assert_eq!(reasons(&pinned, &[&plain.certificate], "a.example"), []);
}

#[test]
fn a_known_authority_that_serves_with_its_own_certificate_is_known() {
    let mut params = authority_params("root");
    params.subject_alt_names = server_params(&["a.example"]).subject_alt_names;
    let root = self_signed(params);
    let trust = TrustRoots::from_certificates([root.certificate.clone()], "a test");
    assert_eq!(reasons(&trust, &[&root.certificate], "a.example"), [other()]);
}

#[test]
fn a_certificate_for_clients_is_not_one_for_servers() {
    let root = Authority::root("root");
    let mut params = server_params(&["a.example"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = root.server_with(params);
    assert_eq!(reasons(&trusting(&root), &[&leaf.certificate], "a.example"), [other()]);
}

#[test]
fn a_server_cannot_pass_on_the_trust_that_it_has() {
    let root = Authority::root("root");
    let middle = root.server(&["middle.example"]);
    // Signed by a certificate that is no authority's.
    let key = rcgen::KeyPair::try_from(&middle.key).expect("a key");
    let issuer = rcgen::Issuer::new(server_params(&["middle.example"]), key);
    let leaf_key = rcgen::KeyPair::generate().expect("a key");
    let leaf = server_params(&["a.example"]).signed_by(&leaf_key, &issuer).expect("signs");
    let trust = trusting(&root).with_public_roots([root.certificate.clone()]);
    let chain = [leaf.der().clone(), middle.certificate];
    let assessment = trust.assess(&chain, "a.example", now());
    assert!(assessment.distrust.contains(&Distrust::UnknownIssuer), "{assessment:?}");
    assert_eq!(assessment.public_root, Some(false));
}

#[test]
fn an_issuer_of_the_same_name_is_not_the_same_issuer() {
    let real = Authority::root("root");
    let forged = Authority::root("root");
    let leaf = forged.server(&["a.example"]);
    let trust = trusting(&real).with_public_roots([real.certificate.clone()]);
    let assessment = trust.assess(&[leaf.certificate], "a.example", now());
    assert!(!assessment.distrust.is_empty());
    assert!(assessment.distrust.contains(&Distrust::UnknownIssuer), "{assessment:?}");
    assert_eq!(assessment.public_root, Some(false));
}

#[test]
fn an_expired_public_chain_is_still_public() {
    let root = Authority::root("root");
    let leaf = root.server_between(&["a.example"], 2020, 2021);
    let trust = trusting(&Authority::root("ours")).with_public_roots([root.certificate.clone()]);
    let assessment = trust.assess(&[leaf.certificate], "b.example", now());
    assert_eq!(assessment.public_root, Some(true));
    assert_eq!(assessment.distrust, [Distrust::UnknownIssuer, Distrust::WrongName, Distrust::Expired]);
}

#[test]
fn the_time_of_judging_is_an_argument() {
    let root = Authority::root("root");
    let leaf = root.server_between(&["a.example"], 2030, 2035);
    let chain = [leaf.certificate];
    let at = |time| trusting(&root).assess(&chain, "a.example", time).distrust;
    assert_eq!(at(year(2029)), [Distrust::NotYetValid]);
    assert_eq!(at(year(2032)), []);
    assert_eq!(at(year(2036)), [Distrust::Expired]);
}

#[test]
fn no_chain_and_garbage_are_no_crash() {
    let trust = trusting(&Authority::root("root"));
    assert_eq!(trust.assess(&[], "a.example", now()), Assessment::default());
    let garbage = CertificateDer::from(vec![0x30, 0x80, 1, 2, 3]);
    let assessment = trust.assess(&vec![garbage; 100], "a.example", now());
    assert_eq!(assessment.public_root, Some(false));
    assert!(assessment.distrust.contains(&Distrust::UnknownIssuer));
    assert_eq!(certificate(&[]).sha256.len(), 64);
}

#[test]
fn many_twins_of_one_authority_do_not_take_long() {
    let unknown = Authority::root("unknown");
    let leaf = unknown.server(&["a.example"]);
    let mut chain = vec![leaf.certificate];
    chain.extend(vec![unknown.certificate.clone(); 500]);
    let trust = trusting(&Authority::root("root"));
    assert_eq!(trust.assess(&chain, "a.example", now()).distrust, [Distrust::UnknownIssuer]);
}

#[test]
fn the_facts_of_a_certificate_are_read() {
    let root = Authority::root("The root, Inc.");
    let mut params = server_params(&["www.example.com", "*.example.net", "192.0.2.1", "2001:db8::1"]);
    params.distinguished_name.push(DnType::OrganizationName, "Example + \"Co\"");
    params.distinguished_name.push(DnType::CountryName, "KR");
    params.not_before = rcgen::date_time_ymd(2020, 1, 2);
    params.not_after = rcgen::date_time_ymd(2021, 1, 2);
    let facts = certificate(&root.server_with(params).certificate);
    assert_eq!(facts.subject, "C=KR,O=Example \\+ \\\"Co\\\",CN=server");
    assert_eq!(facts.issuer, "CN=The root\\, Inc.");
    assert_eq!(facts.names, ["www.example.com", "*.example.net", "192.0.2.1", "2001:db8::1"]);
    assert_eq!((facts.not_before, facts.not_after), (1_577_923_200, 1_609_545_600));
    assert!(facts.sha256.len() == 64 && facts.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_hostile_subject_is_shown_harmlessly() {
    let mut params = server_params(&[]);
    params.distinguished_name.push(DnType::OrganizationName, "\u{1b}]0;owned\u{7}\u{202e}");
    params.distinguished_name.push(DnType::LocalityName, "x".repeat(100_000).as_str());
    let facts = certificate(&self_signed(params).certificate);
    assert!(!facts.subject.chars().any(|c| c.is_control() || c == '\u{202e}'), "{}", facts.subject);
    assert!(facts.subject.len() <= crate::text::TEXT_LIMIT);
    assert_eq!(facts.subject, facts.issuer);
}

#[test]
fn mozilla_s_roots_are_the_public_ones() {
    let trust = TrustRoots::from_certificates([], "nothing");
    assert_eq!((trust.system_count, trust.system_source.as_str()), (0, "nothing"));
    assert!(trust.public.len() > 50);
    let leaf = Authority::root("private").server(&["a.example"]);
    let assessment = trust.assess(&[leaf.certificate], "a.example", now());
    assert_eq!(assessment.distrust, [Distrust::UnknownIssuer]);
    assert_eq!(assessment.public_root, Some(false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_damage_to_a_certificate_makes_it_panic(
        flips in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let root = Authority::root("root");
        let leaf = root.server(&["a.example", "192.0.2.1"]);
        let mut bytes = leaf.certificate.to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let trust = trusting(&root);
        for bytes in [bytes.clone(), bytes[..cut.index(bytes.len())].to_vec()] {
            let _ = certificate(&bytes);
            let damaged = CertificateDer::from(bytes);
            let is_intact = damaged == leaf.certificate;
            let chain = [damaged, root.certificate.clone()];
            let assessment = trust.assess(&chain, "a.example", now());
            prop_assert!(is_intact || !assessment.distrust.is_empty());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = certificate(&bytes);
    }
}
