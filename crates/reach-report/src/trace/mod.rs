//! What paths look like: as `traceroute` lists them, as one tree, side by side, as JSON, and as pictures.

mod compare;
mod dot;
mod graph;
mod json;
mod list;
pub(crate) mod picture;
mod tree;

use std::{collections::BTreeMap, net::IpAddr};

use reach_core::{
    Time,
    model::{Case, Host, IcmpError, Inability, ReplyKind, Resolution, Route, Stopped, TracePlan},
};

pub use self::{
    compare::compare,
    dot::dot,
    json::{Comparison, trace as json},
    picture::svg,
};
use crate::{Style, clean::clean, layout::Page, units, words};

/// The paths to the addresses of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The target, and the host that looked.
    pub case: Case,
    /// What resolvers said of the name.
    pub resolution: Resolution,
    /// How it was traced.
    pub plan: TracePlan,
    /// One route for each address, in the order in which they are to be shown.
    pub routes: Vec<Route>,
    /// When the trace ended.
    pub finished: Time,
}

/// What is known of addresses besides the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Their names by reverse DNS, as received.
    pub names: BTreeMap<IpAddr, String>,
    /// Their autonomous systems.
    pub origins: BTreeMap<IpAddr, Origin>,
}

/// The autonomous system that announces an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its number.
    pub asn: u32,
    /// Who it belongs to, as the table says; may be empty.
    pub owner: String,
}

/// How the addresses of a target are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One address as a list, several as one tree.
    #[default]
    Fitting,
    /// Address by address, as `traceroute` does.
    Each,
}

/// What `reach trace` shows.
pub fn text(traces: &[Trace], labels: &Labels, form: Form, style: &Style) -> String {
    let mut page = Page::new(*style);
    for trace in traces {
        page.blank();
        match trace.routes.as_slice() {
            [] => unresolved(&mut page, trace, style),
            [route] => list::route(&mut page, trace, route, labels, style),
            routes if form == Form::Each => {
                for route in routes {
                    page.blank();
                    list::route(&mut page, trace, route, labels, style);
                }
            }
            _ => tree::routes(&mut page, trace, labels, style),
        }
        if !trace.case.vantage.raw_sockets && trace.routes.iter().any(|route| route.unable.is_none()) {
            page.plain("", "", words::trace::without_raw_sockets(style.lang));
        }
    }
    page.finish()
}

fn unresolved(page: &mut Page, trace: &Trace, style: &Style) {
    let reason = match trace.resolution.error {
        Some(error) => words::resolution_error(error, style.lang),
        None => words::doubt(reach_core::model::Doubt::NoResolverConfigured, style.lang),
    };
    page.plain("", "", words::trace::no_address(&trace.host(), &reason, style.lang));
}

impl Trace {
    /// The host as people write it.
    pub(crate) fn host(&self) -> String {
        match &self.case.target.host {
            Host::Name(name) => clean(name.trim_end_matches('.')),
            Host::Address(address) => address.to_string(),
        }
    }

    /// The name, unless the target is a literal address.
    pub(crate) fn name(&self) -> Option<String> {
        matches!(self.case.target.host, Host::Name(_)).then(|| self.host())
    }

    /// The address that packets to such an address carry as their source.
    pub(crate) fn source(&self, address: IpAddr) -> Option<IpAddr> {
        self.case.vantage.sources.iter().copied().find(|source| source.is_ipv4() == address.is_ipv4())
    }
}

impl Labels {
    /// The name, made harmless.
    pub(crate) fn name(&self, address: IpAddr) -> Option<String> {
        self.names.get(&address).map(|name| clean(name.trim_end_matches('.'))).filter(|name| !name.is_empty())
    }

    /// `name (address)`, or the address alone.
    pub(crate) fn full(&self, address: IpAddr) -> String {
        self.name(address).map_or_else(|| address.to_string(), |name| format!("{name} ({address})"))
    }

    fn asn(&self, address: IpAddr) -> Option<u32> {
        self.origins.get(&address).map(|origin| origin.asn)
    }

    fn owner(&self, address: IpAddr) -> Option<String> {
        self.origins.get(&address).map(|origin| clean(origin.owner.trim())).filter(|owner| !owner.is_empty())
    }

    /// `[AS64500 Example Networks]`.
    pub(crate) fn origin(&self, address: IpAddr) -> Option<String> {
        let Origin { asn, owner } = self.origins.get(&address)?;
        let owner = clean(owner.trim());
        Some(if owner.is_empty() { format!("[AS{asn}]") } else { format!("[AS{asn} {owner}]") })
    }
}

/// How a route ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The endpoint answered.
    Reached,
    /// The endpoint refused.
    Refused,
    /// A reset that arises before the endpoint.
    ResetByPath {
        /// The first hop with it.
        ttl: Option<u8>,
    },
    /// Somebody on the way said no.
    Told {
        /// In which words.
        error: Option<IcmpError>,
        /// Who.
        by: Option<IpAddr>,
        /// The hop at which they answer as a router, else the one at which they said no.
        ttl: Option<u8>,
        /// It was administratively prohibited.
        prohibited: bool,
    },
    /// Nothing answers any more.
    Silent {
        /// The last hop that did, and who.
        last: Option<(u8, Vec<IpAddr>)>,
    },
    /// In circles.
    Loop {
        /// Where they begin.
        ttl: u8,
    },
    /// Nothing could be sent.
    Unable(Inability),
    /// The endpoint answers, behind the last hop asked.
    Beyond {
        /// That hop.
        last: u8,
    },
    /// Nobody can say yet.
    Unfinished,
}

impl End {
    /// Of a route.
    pub(crate) fn of(route: &Route) -> Self {
        let first = |wanted: &dyn Fn(ReplyKind) -> bool| {
            route.hops.iter().find(|hop| hop.responders.iter().any(|responder| wanted(responder.reply)))
        };
        match route.stopped {
            None => match &route.unable {
                Some(unable) if route.distance.is_none() => End::Unable(unable.clone()),
                _ if route.distance.is_some() => End::Reached,
                _ if route.flows.iter().any(|flow| flow.answered > 0) => {
                    End::Beyond { last: route.hops.last().map_or(0, |hop| hop.ttl) }
                }
                _ => End::Unfinished,
            },
            Some(Stopped::Refused) => End::Refused,
            Some(Stopped::ResetByPath) => {
                End::ResetByPath { ttl: first(&|reply| reply == ReplyKind::Reset).map(|hop| hop.ttl) }
            }
            Some(how @ (Stopped::Prohibited | Stopped::Unreachable)) => {
                let hop = first(&|reply| matches!(reply, ReplyKind::Icmp(_)));
                let error = hop.and_then(|hop| {
                    hop.responders.iter().find_map(|responder| match responder.reply {
                        ReplyKind::Icmp(error) => Some(error),
                        _ => None,
                    })
                });
                let as_router = route.hops.iter().find(|hop| {
                    let mut responders = hop.responders.iter();
                    responders.any(|responder| Some(responder.address) == route.by)
                });
                End::Told {
                    error,
                    by: route.by,
                    ttl: as_router.or(hop).map(|hop| hop.ttl),
                    prohibited: how == Stopped::Prohibited,
                }
            }
            Some(Stopped::Silent) => match &route.unable {
                Some(unable) if route.packets == 0 => End::Unable(unable.clone()),
                _ => End::Silent {
                    last: route.hops.iter().rev().find(|hop| !hop.responders.is_empty()).map(|hop| {
                        (hop.ttl, hop.responders.iter().map(|responder| responder.address).collect())
                    }),
                },
            },
            Some(Stopped::Loop) => End::Loop {
                ttl: route
                    .remarks
                    .iter()
                    .find_map(|remark| match remark {
                        reach_core::model::Remark::Loop { ttl, .. } => Some(*ttl),
                        _ => None,
                    })
                    .unwrap_or_default(),
            },
        }
    }

    /// The endpoint itself answered at a hop that was asked, whatever it said.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self, End::Reached | End::Refused)
    }

    /// The endpoint does what clients want of it.
    pub(crate) fn is_reached(&self) -> bool {
        matches!(self, End::Reached | End::Beyond { .. })
    }
}

/// A round-trip time with three digits or so: `0.31 ms`, `12.3 ms`, `231.4 ms`.
pub(crate) fn rtt(span: std::time::Duration) -> String {
    let ms = units::millis(span);
    if ms < 9.995 { format!("{ms:.2} ms") } else { format!("{ms:.1} ms") }
}

/// Hops as ranges: `3, 5-7`.
pub(crate) fn ranges(ttls: impl IntoIterator<Item = u8>, lang: crate::Lang) -> String {
    units::ports(ttls.into_iter().map(u16::from), lang)
}
