//! What holds for any text: pieces do not matter, what is kept is bounded, and it is quick.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{collection::vec, prelude::*, sample::select};
use reach_core::signal::Failure;
use reach_signal::exception::{Counted, Limits, Reader, Tally, short, understand};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// Lines of every excerpt, to be shuffled.
fn lines() -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for file in fs::read_dir(data("cases"))
        .expect("a directory")
        .chain(fs::read_dir(data("logs")).expect("a directory"))
    {
        let path = file.expect("an entry").path();
        if path.is_file() {
            lines.extend(fs::read(&path).expect("a file").split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

fn shuffled() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop_oneof![
        8 => select(lines()),
        1 => vec(any::<u8>(), 0..60),
        1 => "[ -~가-힣]{0,40}".prop_map(String::into_bytes),
    ];
    vec(noise, 0..40).prop_map(|lines| lines.join(&b'\n'))
}

fn in_pieces(text: &[u8], size: usize, limits: Limits) -> Vec<Counted> {
    let mut reader = Reader::new(limits);
    let mut tally = Tally::default();
    for piece in text.chunks(size) {
        reader.bytes(piece);
        reader.take().into_iter().for_each(|failure| {
            tally.add(failure);
        });
    }
    reader.finish().into_iter().for_each(|failure| {
        tally.add(failure);
    });
    tally.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_do_not_matter_and_what_is_kept_is_short_and_harmless(text in shuffled(), size in 1..200_usize) {
        let whole = understand(&text);
        prop_assert_eq!(&in_pieces(&text, size, Limits::default()), &whole);
        for counted in &whole {
            let failure = &counted.failure;
            prop_assert!(failure.text.chars().count() <= Failure::TEXT);
            prop_assert!(failure.text.chars().all(|c| !c.is_control()));
            prop_assert!(failure.host.as_ref().is_none_or(|host| host.to_lowercase() == *host && !host.is_empty()));
            prop_assert!(failure.address.is_none() || failure.addresses.is_empty());
            prop_assert_eq!(failure.host.is_some(), failure.host_from.is_some());
        }
    }

    #[test]
    fn narrow_limits_lose_detail_and_nothing_else(text in shuffled(), line in 1..300_usize, threads in 1..3_usize) {
        let limits = Limits { line, threads, pending: 2 };
        let mut reader = Reader::new(limits);
        reader.bytes(&text);
        prop_assert!(reader.take().len() <= 2);
        prop_assert!(reader.finish().len() <= 2);
    }

    #[test]
    fn any_short_text_has_an_answer(text in "\\PC{0,200}") {
        let _ = short(&text);
    }
}

#[test]
#[ignore = "a measurement: cargo test --release -p reach-signal --test exception_limits speed -- --ignored --nocapture"]
fn speed_of_ordinary_lines_and_of_traces() {
    use std::{hint::black_box, time::Instant};
    let ordinary: String = (0..200_000)
        .map(|n| {
            format!(
                "2024-03-11 09:12:{:02}.{:03}  INFO 21873 --- [http-nio-8080-exec-{}] c.m.push.PushController : 푸시 발송 성공 msgId={n} elapsed={}ms\n",
                n % 60, n % 1000, n % 50, n % 300
            )
        })
        .collect();
    let requests: String = (0..200_000)
        .map(|n| format!("2024-03-11 09:12:{:02}.{:03} INFO [exec-{}] Sender - POST https://fcm.googleapis.com/v1/projects/x/messages:send 200 OK {n}\n", n % 60, n % 1000, n % 50))
        .collect();
    let access: String = (0..200_000)
        .map(|n| format!("192.0.2.{} - - [11/Mar/2024:09:12:{:02} +0900] \"GET /api/v1/items/{n}?page=2 HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0\"\n", n % 250, n % 60, n % 9000))
        .collect();
    let traces = fs::read_to_string(data("logs/05-hc4-connect-jdk11.log")).expect("text").repeat(10_000);
    for (what, text) in
        [("ordinary", ordinary), ("requests", requests), ("access", access), ("traces", traces)]
    {
        let started = Instant::now();
        black_box(understand(black_box(text.as_bytes())));
        let took = started.elapsed().as_secs_f64();
        println!("{what}: {:.0} lines a second", text.lines().count() as f64 / took);
    }
}
