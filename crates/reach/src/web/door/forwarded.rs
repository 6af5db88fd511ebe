//! What proxies say of a request.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{extract::Request, http::HeaderMap};

use super::{Client, credentials::forwarded_for, people::People, text};
use crate::web::Peer;

/// What proxies say of a request.
pub(super) struct Forwarded {
    pub(super) client: Client,
    /// The name by which the proxy was asked.
    pub(super) host: Option<String>,
    pub(super) user: Option<(String, Option<String>)>,
    /// Somebody forwards who is not believed.
    pub(super) by_strangers: bool,
}

impl Forwarded {
    /// What proxies say. No header of theirs reaches anybody else.
    pub(super) fn take(request: &mut Request, people: &People, over_tls: bool) -> Self {
        const FOR: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        const HOST: &str = "x-forwarded-host";
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let peer = request.extensions().get::<Peer>().map_or(nowhere, |peer| peer.0);
        let address = peer.ip().to_canonical();
        let believed = people.is_proxy(address);
        let headers = request.headers_mut();
        let one = |headers: &HeaderMap, name: &str| text(headers, name).map(str::to_owned);
        let mut forwarded = Self {
            client: Client { address, secure: over_tls },
            host: None,
            user: None,
            by_strangers: !believed
                && [FOR, HOST, "forwarded"].iter().any(|name| headers.contains_key(*name)),
        };
        if believed {
            let lines: Vec<&str> =
                headers.get_all(FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
            let named = forwarded_for(lines.into_iter(), |address| people.is_proxy(address));
            forwarded.client.address = named.unwrap_or(address);
            let is_https = one(headers, PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
            forwarded.client.secure |= is_https;
            forwarded.host = one(headers, HOST);
        }
        if let Some(proxy) = &people.proxy {
            if let (true, Some(name)) = (believed, &proxy.user_header) {
                // Twice is once by somebody else.
                let mut values = headers.get_all(name.as_str()).iter();
                if let (Some(value), None) = (values.next(), values.next()) {
                    let user = std::str::from_utf8(value.as_bytes()).unwrap_or_default().trim().to_owned();
                    let roles = proxy.role_header.as_ref().map(|name| {
                        let lines = headers.get_all(name.as_str()).iter();
                        lines.filter_map(|line| line.to_str().ok()).collect::<Vec<_>>().join(",")
                    });
                    forwarded.user = (!user.is_empty()).then_some((user, roles));
                }
            }
            for name in [&proxy.user_header, &proxy.role_header].into_iter().flatten() {
                headers.remove(name.as_str());
            }
        }
        for name in [FOR, PROTO, HOST, "forwarded"] {
            headers.remove(name);
        }
        if believed {
            // Whoever looks at addresses is to see who asks, and not a proxy of this host.
            let port = if forwarded.client.address == address { peer.port() } else { 0 };
            request.extensions_mut().insert(Peer(SocketAddr::new(forwarded.client.address, port)));
        }
        forwarded
    }
}
