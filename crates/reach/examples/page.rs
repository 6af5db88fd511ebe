//! Serves the page of a made-up watch on loopback, to look at and to measure:
//! `cargo run -p reach --example page -- [PORT [TARGETS [DAYS]]]`. Nothing is probed.

use std::{env, net::Ipv4Addr, sync::Arc};

use jiff::tz::TimeZone;
use reach::{
    blackbox::{Bench, Modules, Roots},
    control::Asking,
    recording,
    web::{
        Beside, Settings, WebState, serve,
        settings::{HttpSettings, ProbeSettings},
    },
};
use reach_core::model::Vantage;
use reach_net::{
    drive::{Clock, Network},
    trust::TrustRoots,
};
use reach_report::Lang;
use tokio::{net::TcpListener, signal::ctrl_c, sync::watch};

#[path = "../src/web/pages/stock.rs"]
mod stock;

fn main() {
    let argument = |index: usize| env::args().nth(index).and_then(|text| text.parse::<u32>().ok());
    let (port, targets, days) =
        (argument(1).unwrap_or(0), argument(2).unwrap_or(60), argument(3).unwrap_or(7));
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::start();
    let founding = include_bytes!("../tests/recordings/founding.jsonl").to_vec();
    let founding = recording::read(founding).expect("a recording").examined.remove(0);
    let stocked = stock::Stock { targets, days: u64::from(days) };
    let (reader, status) = stock::fill(&directory.path().join("watch.db"), clock.now(), &stocked, founding);
    let beside = Beside { recent: stock::recent(&status), ..Beside::default() };
    let (_beside, beside) = watch::channel(Arc::new(beside));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let port = u16::try_from(port).expect("a port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("bound");
        let local = listener.local_addr().expect("bound");
        let (http, probe) = (HttpSettings::default(), ProbeSettings::default());
        let network = Network::new(TrustRoots::from_certificates([], "none"));
        let policy = WebState::policy(local, &probe);
        let bench = Bench::new(network, &Vantage::default(), Roots::of(Vec::new()), policy);
        let settings = Settings {
            http: &http,
            probe: &probe,
            local,
            vantage: "edge-3",
            lang: Lang::En,
            zone: TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC),
            reader: Some(reader),
            asking: Asking::nobody(),
            requester: Default::default(),
            beside,
            tls: None,
        };
        let (_sender, receiver) = watch::channel(Arc::new(status));
        let state = WebState::new(&settings, receiver, clock, bench, Modules::usual());
        println!("http://{local}/");
        let end = async { drop(ctrl_c().await) };
        serve(listener, state.expect("a service"), end).await.expect("serves");
    });
}
