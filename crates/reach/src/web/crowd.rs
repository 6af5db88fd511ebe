//! Connections of one address: nobody alone keeps everybody else out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Who has connections at this moment.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    seats: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One connection; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    taken: Option<(Arc<Crowd>, IpAddr)>,
}

impl Seat {
    /// One that is not counted.
    pub(super) const fn uncounted() -> Self {
        Self { taken: None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((crowd, address)) = self.taken.take() else { return };
        let mut seats = crowd.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seats.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                seats.remove(&address);
            }
        }
    }
}

impl Crowd {
    /// A seat for this address, where it does not have so many already.
    pub(super) fn seat(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Seat> {
        let address = neighbourhood(address);
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seats.entry(address).or_default();
        if *count >= most.max(1) {
            return None;
        }
        *count += 1;
        Some(Seat { taken: Some((Arc::clone(self), address)) })
    }
}

/// Whoever has one address of IPv6 has the whole network of it.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_seats_and_gets_them_back() {
        let crowd = Arc::new(Crowd::default());
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let first = crowd.seat(ip("2001:db8::1"), 2).expect("free");
        let second = crowd.seat(ip("2001:db8::2"), 2).expect("free");
        assert!(crowd.seat(ip("2001:db8::3"), 2).is_none(), "one network is one address");
        assert!(crowd.seat(ip("192.0.2.1"), 2).is_some());
        drop((first, Seat::uncounted()));
        assert!(crowd.seat(ip("2001:db8::3"), 2).is_some());
        drop(second);
        assert!(crowd.seats.lock().expect("unharmed").is_empty());
    }
}
