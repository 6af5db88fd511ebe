//! What a Scouter installation says, as it says it, and a board of all of it at the end.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reach_core::signal::Signal;
use reach_net::{drive::Clock, sys::drop_privileges};
use reach_report::signal::{Board, json, line};
use reach_signal::scouter::{
    collector::{Account, Event, Rounds, Settings},
    dictionary::Dictionary,
    reading::{self, Reading},
};
use secrecy::ExposeSecret;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    cli::{ScouterAskArgs, ScouterCommonArgs, ScouterListenArgs, ScouterRelayArgs},
    config::{Output, Surroundings, secret},
    exit::Exit,
    output::{complain, finish, note, shown},
    scouter::{
        Hear,
        collector::Collector,
        listener::{Counts, Listener, Route},
        plug::Plugged,
        settings::{destination, network},
        texts::Texts,
    },
    words,
};

/// The port of a collector.
const PORT: u16 = 6100;

/// How often disks are asked for.
const DISKS: Duration = Duration::from_secs(180);

/// The limits of `--every`.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The limits of `--for`.
const SPAN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(366 * 86_400));

/// What holds for all ways, understood.
struct Common {
    output: Output,
    objects: Vec<String>,
    ends_after: Option<Duration>,
    texts: Texts,
    dictionary: Dictionary,
}

/// Asks a collector.
pub(super) fn ask(args: &ScouterAskArgs, around: &Surroundings) -> Exit {
    let understood =
        Common::of(&args.common, around).and_then(|common| Ok((common, Asking::of(args, around)?)));
    match understood {
        Ok((common, asking)) => asking.run(common),
        Err(problem) => complain(&[problem]),
    }
}

/// Hears copies of datagrams.
pub(super) fn listen(args: &ScouterListenArgs, around: &Surroundings) -> Exit {
    let route = route(&args.listen, None, &args.from);
    hear(&args.common, route, around)
}

/// Stands between agents and their collector.
pub(super) fn relay(args: &ScouterRelayArgs, around: &Surroundings) -> Exit {
    let route = route(&args.listen, Some(&args.to), &args.from);
    hear(&args.common, route, around)
}

fn route(listen: &str, to: Option<&str>, from: &[String]) -> Result<Route, String> {
    let address = |what: &str, text: &str| {
        text.parse::<SocketAddr>().map_err(|_| {
            format!("{what} `{}` is no address with a port; give one like 127.0.0.1:6100", shown(text))
        })
    };
    let route = Route {
        listen: address("the address to listen at", listen)?,
        forward: to.map(|to| address("--to", to)).transpose()?,
        from: from
            .iter()
            .map(|text| network(text).map_err(|what| format!("--from {what}")))
            .collect::<Result<_, _>>()?,
    };
    if route.forward == Some(route.listen) {
        return Err(format!(
            "--to `{}` is where it listens itself; give the collector's address",
            route.listen
        ));
    }
    Ok(route)
}

fn hear(args: &ScouterCommonArgs, route: Result<Route, String>, around: &Surroundings) -> Exit {
    let (common, route) = match Common::of(args, around).and_then(|common| Ok((common, route?))) {
        Ok(understood) => understood,
        Err(problem) => return complain(&[problem]),
    };
    let lang = common.output.style.lang;
    let told = Arc::new(Told::new(common.output));
    let reading = Reading::new(common.reading(false), common.dictionary);
    let forward = route.forward.map(|to| to.to_string());
    let listener = Listener::start(
        route.clone(),
        reading,
        Clock::start(),
        common.texts,
        Plugged::default(),
        told.hear(),
    );
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => return complain(&[format!("`{}` cannot be listened at: {error}", route.listen)]),
    };
    drop_rights(lang);
    note(&words::scouter::listening(&listener.local.to_string(), forward.as_deref(), lang));
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    runtime.block_on(end(common.ends_after, &told));
    let counts = Arc::clone(&listener.counts);
    // What has arrived is understood before all of it is summed up.
    drop(listener);
    let Counts { received, forwarded, unforwarded, strangers, .. } = &*counts;
    let [received, forwarded, unforwarded, strangers] =
        [received, forwarded, unforwarded, strangers].map(|count| count.load(Ordering::Relaxed));
    note(&words::scouter::datagrams(received, forwarded, unforwarded, strangers, lang));
    told.finish(received > strangers)
}

struct Asking {
    host: String,
    port: u16,
    account: Account,
    every: Duration,
    offset: i32,
}

impl Asking {
    fn of(args: &ScouterAskArgs, around: &Surroundings) -> Result<Asking, String> {
        let (host, port) = destination(&args.collector, PORT)?;
        let file = args.password_file.as_deref().map(secret::Source::File);
        let source = file.or(args.password_env.as_deref().map(secret::Source::Variable));
        let account = match (&args.user, source) {
            (None, _) => Account::local(),
            (Some(user), Some(source)) => {
                let password = secret::read(source, &|name| std::env::var(name).ok())
                    .map_err(|problem| format!("the password is missing: {problem}"))?;
                Account::new(user, password.expose_secret())
            }
            (Some(user), None) => {
                let user = shown(user);
                return Err(format!(
                    "--user `{user}` needs a password; name a file with --password-file, or a variable with \
                     --password-env"
                ));
            }
        };
        let every = span("--every", &args.every, EVERY)?;
        Ok(Asking { host, port, account, every, offset: around.utc_offset_s })
    }

    fn run(self, common: Common) -> Exit {
        let lang = common.output.style.lang;
        drop_rights(lang);
        let told = Arc::new(Told::new(common.output));
        let settings = Settings {
            account: self.account,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            every: self.every,
            disks_every: DISKS,
            offset: self.offset,
        };
        let rounds = Rounds::new(settings, Reading::new(common.reading(true), common.dictionary));
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(exit) => return exit,
        };
        let mut was_ready = false;
        runtime.block_on(async {
            let at = (self.host, self.port);
            let mut collector = Collector::new(at, rounds, Clock::start(), common.texts, Plugged::default());
            let asking = async {
                loop {
                    let news = collector.next().await;
                    for event in &news.changes {
                        was_ready |= matches!(event, Event::Ready { .. });
                        if let Some(remark) = words::scouter::change(event, lang) {
                            note(&remark);
                        }
                    }
                    told.take(&news.signals);
                }
            };
            tokio::select! {
                () = asking => {}
                () = end(common.ends_after, &told) => {}
            }
        });
        told.finish(was_ready)
    }
}

impl Common {
    fn of(args: &ScouterCommonArgs, around: &Surroundings) -> Result<Common, String> {
        let output = Output::new(&args.output, around)?;
        let texts = Texts::new(args.texts.clone());
        let dictionary = texts.read().map_err(|error| {
            let path = args.texts.as_deref().unwrap_or(Path::new("")).to_string_lossy().into_owned();
            words::scouter::texts_unreadable(&shown(&path), &error, output.style.lang)
        })?;
        let ends_after = args.ends_after.as_deref().map(|text| span("--for", text, SPAN)).transpose()?;
        Ok(Common { output, objects: args.object.clone(), ends_after, texts, dictionary })
    }

    fn reading(&self, asks: bool) -> reading::Settings {
        reading::Settings { source: "scouter".to_owned(), objects: self.objects.clone(), asks }
    }
}

/// What was said so far, and to whom it is told.
struct Told {
    output: Output,
    board: Mutex<Board>,
    /// Whoever reads the lines has gone away.
    gone: AtomicBool,
}

impl Told {
    fn new(output: Output) -> Told {
        Told { output, board: Mutex::default(), gone: AtomicBool::new(false) }
    }

    fn hear(self: &Arc<Told>) -> Hear {
        let told = Arc::clone(self);
        Arc::new(move |signals| told.take(&signals))
    }

    fn take(&self, signals: &[Signal]) {
        let mut text = String::new();
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        for signal in signals {
            board.take(signal);
            let line = if self.output.json {
                Some(json(signal).to_string())
            } else {
                line(signal, &self.output.style)
            };
            if let Some(line) = line {
                text.push_str(&line);
                text.push('\n');
            }
        }
        let mut out = io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.gone.store(true, Ordering::Relaxed);
        }
    }

    fn finish(&self, heard: bool) -> Exit {
        let exit = if heard { Exit::AllWork } else { Exit::CouldNotTell };
        if self.output.json {
            return exit;
        }
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner).text(&self.output.style);
        finish(&if board.is_empty() { board } else { format!("\n{board}") }, exit)
    }
}

/// Ends after some time, when somebody says so, or when nobody reads any more.
async fn end(after: Option<Duration>, told: &Told) {
    let raised = async |kind: SignalKind| match signal(kind) {
        Ok(mut raised) => drop(raised.recv().await),
        Err(_) => std::future::pending().await,
    };
    let over = async {
        match after {
            Some(after) => sleep(after).await,
            None => std::future::pending().await,
        }
    };
    let gone = async {
        while !told.gone.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = raised(SignalKind::interrupt()) => {}
        () = raised(SignalKind::terminate()) => {}
        () = over => {}
        () = gone => {}
    }
}

fn runtime() -> Result<Runtime, Exit> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        note(&format!("nothing can be asked: {error}"));
        Exit::CouldNotTell
    })
}

fn drop_rights(lang: reach_report::Lang) {
    if let Err(error) = drop_privileges() {
        note(&words::privileges_kept(&error, lang));
    }
}

fn span(option: &str, text: &str, (least, most): (Duration, Duration)) -> Result<Duration, String> {
    let show = shown(text);
    let span = humantime::parse_duration(text)
        .map_err(|error| format!("{option} `{show}` is no duration ({error}); give one like 3s or 10m"))?;
    if (least..=most).contains(&span) {
        return Ok(span);
    }
    let [least, most] = [least, most].map(|limit| humantime::format_duration(limit).to_string());
    Err(format!("{option} `{show}` is out of bounds; give {least} to {most}"))
}
