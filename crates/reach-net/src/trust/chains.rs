//! Until when a leaf can be verified: over all chains that lead to a root.

use rustls_pki_types::{CertificateDer, UnixTime};

use super::{LONGEST_CHAIN, Link};

/// The end of the chain that lasts longest, in seconds since the Unix epoch: a chain leads from the leaf over what
/// was presented to one of `roots`, all of it valid at `now`, and ends when the first of its certificates does, the
/// root among them. `None` where no chain leads to a root.
///
/// Looks at names, dates and signatures. Whether the leaf is good for its purpose is for the handshake to find out.
pub fn chain_expiry(
    presented: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    now: UnixTime,
) -> Option<i64> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let is_valid = |link: &Link<'_>| link.not_before <= now && now <= link.not_after;
    let presented = &presented[..presented.len().min(LONGEST_CHAIN)];
    let (leaf, others) = presented.split_first()?;
    let leaf = Link::read(leaf).filter(is_valid)?;
    let others: Vec<Link<'_>> = others
        .iter()
        .filter_map(|der| Link::read(der))
        .filter(|link| link.is_authority && is_valid(link))
        .collect();
    let mut search =
        Search { others: &others, roots, is_valid: &is_valid, used: vec![false; others.len()], left: 256 };
    search.longest(&leaf)
}

struct Search<'a> {
    others: &'a [Link<'a>],
    roots: &'a [CertificateDer<'a>],
    is_valid: &'a dyn Fn(&Link<'_>) -> bool,
    used: Vec<bool>,
    /// Signatures that may still be checked: chains of strangers can branch without end.
    left: u32,
}

impl Search<'_> {
    fn longest(&mut self, child: &Link<'_>) -> Option<i64> {
        let mut best = self.at_root(child);
        for number in 0..self.others.len() {
            let others = self.others;
            let parent = &others[number];
            if self.used[number] || parent.subject != child.issuer || !self.signed(child, parent.public_key) {
                continue;
            }
            self.used[number] = true;
            best = best.max(self.longest(parent));
            self.used[number] = false;
        }
        best.map(|end| end.min(child.not_after))
    }

    /// The end of the root that signed the certificate, or that it is.
    fn at_root(&mut self, child: &Link<'_>) -> Option<i64> {
        let roots = self.roots;
        let mut best = None;
        // Most roots have nothing to do with it, and reading one takes longer than finding that out.
        let related = |der: &&CertificateDer<'_>| contains(der, child.issuer) || contains(der, child.subject);
        for der in roots.iter().filter(related) {
            let Some(root) = Link::read(der).filter(|root| (self.is_valid)(root)) else { continue };
            let is_itself = root.subject == child.subject && root.public_key == child.public_key;
            if is_itself || root.subject == child.issuer && self.signed(child, root.public_key) {
                best = best.max(Some(root.not_after));
            }
        }
        best
    }

    fn signed(&mut self, child: &Link<'_>, public_key: &[u8]) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
        child.is_signed_by(public_key, algorithms)
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use rcgen::date_time_ymd;

    use super::*;
    use crate::pki::{Authority, authority_params, self_signed, server_params};

    fn now() -> UnixTime {
        UnixTime::now()
    }

    #[test]
    fn a_chain_ends_when_its_first_certificate_does() {
        let root = Authority::root("root");
        let middle = root.authority("middle");
        let leaf = middle.server_between(&["www.example"], 2020, 2090);
        let end = date_time_ymd(2090, 1, 1).unix_timestamp();
        let chain = [leaf.certificate.clone(), middle.certificate.clone()];
        let roots = [root.certificate.clone()];
        assert_eq!(chain_expiry(&chain, &roots, now()), Some(end));
        assert_eq!(chain_expiry(&chain[..1], &roots, now()), None);
        assert_eq!(chain_expiry(&chain, &[Authority::root("other").certificate], now()), None);
        assert_eq!(chain_expiry(&[], &roots, now()), None);
    }

    #[test]
    fn expired_links_make_no_chain() {
        let root = Authority::root("root");
        let expired = root.server_between(&["www.example"], 2020, 2021);
        assert_eq!(
            chain_expiry(&[expired.certificate], std::slice::from_ref(&root.certificate), now()),
            None
        );
        let middle = root.expired_authority("middle");
        let leaf = middle.server(&["www.example"]);
        assert_eq!(chain_expiry(&[leaf.certificate, middle.certificate], &[root.certificate], now()), None);
    }

    #[test]
    fn a_leaf_may_be_a_root_itself() {
        let mut params = server_params(&["www.example"]);
        params.not_after = date_time_ymd(2080, 1, 1);
        let own = self_signed(params).certificate;
        let end = date_time_ymd(2080, 1, 1).unix_timestamp();
        assert_eq!(chain_expiry(std::slice::from_ref(&own), std::slice::from_ref(&own), now()), Some(end));
    }

    #[test]
    fn circles_come_to_an_end() {
        let one = Authority::root("same");
        let two = self_signed(authority_params("same"));
        let leaf = one.server(&["www.example"]);
        let chain = [leaf.certificate, one.certificate.clone(), two.certificate, one.certificate];
        assert_eq!(chain_expiry(&chain, &[], now()), None);
    }
}
