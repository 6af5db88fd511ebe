use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use reach_core::watch::{AddressState, AddressStatus, Remembered, Series, Status, TargetId, TargetStatus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::web::tests::begin;

/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

fn status(second: u64, targets: u32, down: Option<u32>) -> Status {
    let at = reach_core::Time::from_micros((1_795_442_400 + second) * 1_000_000);
    let address = |target: u32, last: u8| AddressStatus {
        remembered: Remembered {
            series: Series { target: TargetId(target), address: [203, 0, 113, last].into() },
            health: if down == Some(target) { AddressState::Down } else { AddressState::Ok },
            since: at,
            reason: None,
            first_seen: at,
            last_given: at,
            ttl_s: 60,
            resolvers: Default::default(),
            gone_since: None,
            last_ok: Some(at),
            certificate_expires: None,
        },
        layers: Default::default(),
    };
    let target = |number: u32| TargetStatus {
        id: TargetId(number),
        target: format!("t{number}.example.com"),
        host: format!("t{number}.example.com"),
        port: 443,
        addresses: (1..5).map(|last| address(number, last)).collect(),
        ..TargetStatus::default()
    };
    Status { at, started: at, targets: (1..=targets).map(target).collect(), ..Status::default() }
}

/// A browser that looks at a page.
struct Browser {
    stream: TcpStream,
    seen: String,
}

impl Browser {
    async fn open(local: SocketAddr, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(local).await.expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {local}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self { stream, seen: String::new() }
    }

    /// Reads until this was seen; what was seen until then is forgotten.
    async fn until(&mut self, wanted: &str) -> String {
        let read = async {
            let mut buffer = vec![0; 64 * 1024];
            while !self.seen.contains(wanted) {
                let count = self.stream.read(&mut buffer).await.expect("read");
                assert!(count > 0, "ended before {wanted}: {}", self.seen);
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        };
        timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no {wanted}"));
        std::mem::take(&mut self.seen)
    }
}

#[tokio::test]
async fn what_is_new_comes_to_whoever_looks() {
    let service = begin(status(0, 3, None)).await;
    let mut browser = Browser::open(service.local, "/live?page=overview&lang=ko", "").await;
    let first = browser.until("\"t3\"").await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    for header in ["text/event-stream", "x-accel-buffering: no", "no-store", "retry: 2000"] {
        assert!(first.to_lowercase().contains(header), "{first}");
    }
    assert!(!first.to_lowercase().contains("content-encoding"), "{first}");
    service.publish(status(5, 3, Some(2)));
    let news = browser.until("\"t2\"").await;
    assert!(
        news.contains("event: patch") && news.contains("접속 불가") && !news.contains("\"t3\""),
        "{news}"
    );
    browser.until("event: refresh").await;
    service.stop().await;
}

#[tokio::test]
async fn only_the_rows_that_are_there_come() {
    let service = begin(status(0, 40, None)).await;
    let mut browser = Browser::open(service.local, "/live?page=overview&lang=en&rows=7,9", "").await;
    let first = browser.until("\"t9\"").await;
    assert!(
        first.contains("\"t7\"") && first.contains("\"summary\"") && !first.contains("\"t8\""),
        "{first}"
    );
    service.stop().await;
}

#[tokio::test]
async fn whoever_comes_again_hears_what_was_missed() {
    let service = begin(status(0, 3, None)).await;
    let mut stays = Browser::open(service.local, "/live?page=overview&lang=en", "").await;
    let first = stays.until("\"t3\"").await;
    let id = first.split("id: ").nth(1).and_then(|rest| rest.lines().next()).expect("an id").to_owned();
    service.publish(status(5, 3, Some(1)));
    stays.until("\"t1\"").await;
    let path = "/live?page=overview&lang=en";
    let mut again = Browser::open(service.local, path, &format!("Last-Event-ID: {id}\r\n")).await;
    let missed = again.until("\"t1\"").await;
    assert!(!missed.contains("event: refresh") || missed.find("patch") < missed.find("refresh"), "{missed}");
    let mut other = Browser::open(service.local, path, "Last-Event-ID: 1-7\r\n").await;
    other.until("event: refresh").await;
    service.stop().await;
}

#[tokio::test]
async fn pages_that_there_are_not_are_refused() {
    let service = begin(status(0, 1, None)).await;
    for page in ["", "target-", "target-x", "elsewhere", "incident--1"] {
        let mut browser = Browser::open(service.local, &format!("/live?page={page}"), "").await;
        browser.until("HTTP/1.1 400").await;
    }
    service.stop().await;
}

#[tokio::test]
async fn an_end_of_the_service_ends_the_streams() {
    let service = begin(status(0, 1, None)).await;
    let mut browser = Browser::open(service.local, "/live?page=silences", "").await;
    browser.until("retry").await;
    let begun = Instant::now();
    service.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody has to be waited for");
}

/// Two hundred who look at five hundred targets: each sees what is new, and it is rendered once for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_who_look_cost_little_and_nobody_starves() {
    const VIEWERS: usize = 200;
    let service = begin(status(0, 500, None)).await;
    let mut all = JoinSet::new();
    let rows: Vec<String> = (1..=100).map(|row: u32| row.to_string()).collect();
    let path = format!("/live?page=overview&lang=en&rows={}", rows.join(","));
    let mut browsers = Vec::new();
    for _ in 0..VIEWERS {
        browsers.push(Browser::open(service.local, &path, "").await);
    }
    for mut browser in browsers {
        all.spawn(async move {
            browser.until("retry").await;
            browser
        });
    }
    let mut browsers = all.join_all().await;
    let spent = processor_time();
    for turn in 1..=3 {
        let down = turn * 10;
        service.publish(status(u64::from(turn) * 5, 500, Some(down)));
        let published = Instant::now();
        let mut all = JoinSet::new();
        let wanted = format!("\"t{down}\"");
        for mut browser in browsers {
            let wanted = wanted.clone();
            all.spawn(async move {
                browser.until(&wanted).await;
                (browser, published.elapsed())
            });
        }
        let (kept, mut delays): (Vec<Browser>, Vec<Duration>) = all.join_all().await.into_iter().unzip();
        browsers = kept;
        delays.sort_unstable();
        println!(
            "turn {turn}: first {:?}, median {:?}, last {:?}",
            delays[0],
            delays[VIEWERS / 2],
            delays[VIEWERS - 1]
        );
    }
    println!("{VIEWERS} viewers, 3 turns: {:?} of processor time", processor_time() - spent);
    let rendered: u64 = {
        let rooms = service.state.inner.live.rooms();
        rooms.open.values().map(|room| room.memory.lock().expect("nobody panicked").rendered).sum()
    };
    // All rows once, then a part of them each turn, whoever looks.
    assert!(rendered < 500 * 6, "{rendered}");
    assert_eq!(service.state.inner.unknown_modules.load(Ordering::Relaxed), 0);
    drop(browsers);
    service.stop().await;
}

/// Of this process, by proc(5) in hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a statistic");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
