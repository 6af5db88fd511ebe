//! The pretend network that is watched.

use std::{net::IpAddr, time::Duration};

use reach_sim::description::{Description, Effect, Fault};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// All addresses of the pool in each answer, in another order each time.
pub(crate) const ROTATES: &str = "'rotate'";
/// Four of them, by chance.
pub(crate) const FOUR_BY_CHANCE: &str = "{ random = { size = 4, seed = 1 } }";

pub(crate) fn address(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

pub(crate) fn addresses(lasts: impl IntoIterator<Item = u8>) -> Vec<IpAddr> {
    lasts.into_iter().map(address).collect()
}

/// `push.example` with so many addresses behind a firewall, other hosts elsewhere, two resolvers that give what
/// `selection` says.
pub(crate) fn pool(size: u8, selection: &str) -> Description {
    let pool = (1..=size).map(|last| format!("'203.0.113.{last}'")).collect::<Vec<_>>().join(", ");
    described(&pool, &[("push.example".to_owned(), pool.clone(), selection.to_owned())])
}

/// `push.example` and `mail.example`, which have nothing to do with each other, and a resolver that keeps what it knows
/// for an hour: on this host itself, or behind the router.
pub(crate) fn cached(on_this_host: bool) -> Description {
    let name = |name: &str, addresses: &str| (name.to_owned(), addresses.to_owned(), ROTATES.to_owned());
    let push = "'203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'";
    let names = [name("push.example", push), name("mail.example", "'198.18.7.25'")];
    let mut network = described(&format!("{push}, '198.18.7.25'"), &names);
    network.resolvers.truncate(1);
    for name in &mut network.resolvers[0].names {
        (name.ttl, name.ages) = (3_600, true);
    }
    if on_this_host {
        let own: IpAddr = [127, 0, 0, 53].into();
        (network.resolvers[0].at, network.resolvers[0].addresses) = ("client".to_owned(), vec![own]);
        network.client.resolvers = Some(vec![own]);
    } else {
        network.client.resolvers = Some(vec![[192, 0, 2, 53].into()]);
    }
    network
}

/// So many names with one address each behind the same firewall.
pub(crate) fn many_names(count: u8) -> Description {
    let quoted = |last: u8| format!("'203.0.113.{last}'");
    let all = (1..=count).map(quoted).collect::<Vec<_>>().join(", ");
    let names: Vec<_> =
        (1..=count).map(|last| (format!("n{last}.example"), quoted(last), ROTATES.to_owned())).collect();
    described(&all, &names)
}

fn described(hosts: &str, names: &[(String, String, String)]) -> Description {
    let names: Vec<String> = names
        .iter()
        .map(|(name, addresses, selection)| {
            format!("{{ name = '{name}', addresses = [{addresses}], ttl = 30, selection = {selection} }}")
        })
        .collect();
    let names = names.join(", ");
    let text = format!(
        "client = {{ ping_sockets = true }}\n\
         stages = [{{ routers = [{{ name = 'r1' }}] }}, {{ routers = [{{ name = 'fw' }}] }}, \
                   {{ routers = [{{ name = 'r3' }}] }}]\n\
         hosts = [{{ name = 'web', addresses = [{hosts}] }}, \
                  {{ name = 'other', addresses = ['198.51.100.7', '198.51.100.8'] }}, \
                  {{ name = 'dns', addresses = ['192.0.2.53', '192.0.2.54'], behind = 'r1' }}]\n\
         services = [{{ at = 'web', ports = [443], kind = {{ tls = {{ names = ['*.example'] }} }} }}, \
                     {{ at = 'other', ports = [9, 443], kind = 'silent' }}]\n\
         resolvers = [{{ at = 'dns', addresses = ['192.0.2.53'], names = [{names}] }}, \
                      {{ at = 'dns', addresses = ['192.0.2.54'], names = [{names}] }}]\n"
    );
    let mut network: Description = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    network.client.resolvers = Some(vec![[192, 0, 2, 53].into(), [192, 0, 2, 54].into()]);
    network
}

/// A firewall that drops what is sent to these addresses.
pub(crate) fn dropped(addresses: Vec<IpAddr>) -> Fault {
    Fault { addresses, ..Fault::new("fw", Effect::Drop) }
}

/// Nothing leaves any more.
pub(crate) fn cut_off() -> Fault {
    Fault::new("r1", Effect::DropEarly)
}

/// The line is cut behind the router, which answers as before.
pub(crate) fn cut_off_beyond() -> Fault {
    Fault::new("fw", Effect::DropEarly)
}

/// Both resolvers give these addresses.
pub(crate) fn give(network: &mut Description, addresses: Vec<IpAddr>) {
    network.resolvers.iter_mut().for_each(|resolver| resolver.names[0].addresses.clone_from(&addresses));
}
