//! Proxies on loopback.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::servers::{head, hold, serve};

/// What a proxy was asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// An HTTP proxy that connects everybody who logs in as `u` with `p` to `destination`.
pub(crate) fn http_proxy(destination: SocketAddr, login: bool) -> (SocketAddr, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let address = serve(move |mut stream| {
        let asked = head(&mut stream);
        kept.lock().expect("a log").push(asked.clone());
        // `u:p` in base64.
        let known = |line: &str| line.to_lowercase() == "proxy-authorization: basic dtpw";
        if login && !asked.lines().any(known) {
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
            return hold(stream);
        }
        if asked.starts_with("CONNECT 127.") {
            let _ = stream.write_all(b"HTTP/1.1 403 No addresses\x1b here\r\n\r\n");
            return hold(stream);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        relay(stream, destination);
    });
    (address, log)
}

/// A SOCKS proxy that wants a login and connects to `destination`, or answers with this code.
pub(crate) fn socks_proxy(destination: SocketAddr, code: u8) -> (SocketAddr, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let address = serve(move |mut stream| {
        let mut bytes = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).map(|()| bytes)
        };
        let Ok(offer) = bytes(2) else { return };
        let methods = bytes(usize::from(offer[1])).expect("methods");
        if !methods.contains(&2) {
            let _ = stream.write_all(&[5, 255]);
            return hold(stream);
        }
        let _ = stream.write_all(&[5, 2]);
        let mut login = [0; 5];
        stream.read_exact(&mut login).expect("a login");
        let good = login == *b"\x01\x01u\x01p";
        let _ = stream.write_all(&[1, u8::from(!good)]);
        if !good {
            return hold(stream);
        }
        let mut request = [0; 5];
        stream.read_exact(&mut request).expect("a request");
        let length = if request[3] == 3 { usize::from(request[4]) } else { 3 };
        let mut rest = vec![0; length + 2];
        stream.read_exact(&mut rest).expect("its rest");
        let name = String::from_utf8_lossy(&rest[..length]).into_owned();
        kept.lock().expect("a log").push(if request[3] == 3 { name } else { "an address".to_owned() });
        let _ = stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
        if code == 0 {
            relay(stream, destination);
        } else {
            hold(stream);
        }
    });
    (address, log)
}

fn relay(stream: TcpStream, destination: SocketAddr) {
    let far = TcpStream::connect(destination).expect("connected");
    let (mut near_in, mut far_out) =
        (stream.try_clone().expect("a handle"), far.try_clone().expect("a handle"));
    let (mut near_out, mut far_in) = (stream, far);
    thread::spawn(move || {
        let _ = std::io::copy(&mut near_in, &mut far_out);
        let _ = far_out.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut far_in, &mut near_out);
    let _ = near_out.shutdown(std::net::Shutdown::Write);
}
