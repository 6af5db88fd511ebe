//! Servers on loopback that open and close.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// An address at which somebody listens, or not.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    open: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Door {
    /// An open one at 127.0.0.`last`.
    pub(crate) fn new(last: u8) -> Self {
        let first = TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), 0)).expect("a port");
        let address = first.local_addr().expect("bound");
        let (open, over) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (is_open, is_over) = (Arc::clone(&open), Arc::clone(&over));
        thread::spawn(move || keep(first, address, &is_open, &is_over));
        Self { address, open, over }
    }

    pub(crate) fn set(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

fn keep(first: TcpListener, address: SocketAddr, open: &AtomicBool, over: &AtomicBool) {
    let mut listener = Some(first);
    while !over.load(Ordering::SeqCst) {
        match (&listener, open.load(Ordering::SeqCst)) {
            (Some(listener), true) => {
                listener.set_nonblocking(true).expect("a socket");
                while listener.accept().is_ok() {}
            }
            (None, true) => listener = TcpListener::bind(address).ok(),
            (_, false) => listener = None,
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port of loopback at which nobody listens at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}
