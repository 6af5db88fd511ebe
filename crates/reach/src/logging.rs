//! What the daemon says of itself on standard error: one event a line, for people or as JSON.
//!
//! Whoever logs gives structured fields (`target`, `incident`, `channel`), and never a secret: tokens and passwords
//! live in `SecretString`, which shows nothing of itself.

use std::{env, io};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    board::Board,
    config::watch::{LogConfig, LogFormat, LogLevel},
    output::is_harmful,
};

/// Begins logging; once for a process. `REACH_LOG` may say more than the configuration, by module. Above a board
/// stands what may not work for long, and what happens only where it is wanted: the board itself shows it.
pub fn begin(config: &LogConfig, board: Option<&Board>, verbose: bool) -> Result<(), String> {
    let level = match board {
        Some(_) if !verbose && config.level == LogLevel::Info => LogLevel::Warn,
        _ => config.level,
    };
    let filter = match env::var("REACH_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text)
            .map_err(|error| format!("REACH_LOG `{}` is no filter: {error}", crate::output::shown(&text)))?,
        _ => filter(level),
    };
    // The journal has the time already.
    let timed = env::var_os("JOURNAL_STREAM").is_none();
    let layer = match board {
        Some(board) => layer(config.format, timed, board.clone()),
        None => layer(config.format, timed, io::stderr),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|_| "logging has begun already".to_owned())
}

/// Our own events at the level; of the libraries below only what goes wrong.
fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    let ours = ["reach", "reach_net", "reach_store"];
    let ours: Vec<String> = ours.iter().map(|name| format!("{name}={level}")).collect();
    EnvFilter::new(format!("warn,{}", ours.join(",")))
}

fn layer<W>(format: LogFormat, timed: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Without colours: what would move a cursor is made visible, whoever wrote it.
    let layer = fmt::layer().with_ansi(false).with_writer(Tamed(writer));
    match (format, timed) {
        (LogFormat::Json, _) => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        (LogFormat::Text, true) => layer.with_target(false).boxed(),
        (LogFormat::Text, false) => layer.with_target(false).without_time().boxed(),
    }
}

/// Makes foreign text harmless: an event is one line, whatever is in its fields.
struct Tamed<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Tamed<W> {
    type Writer = TamedWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        TamedWriter(self.0.make_writer())
    }
}

/// Takes whole events.
struct TamedWriter<W>(W);

impl<W: io::Write> io::Write for TamedWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut out = String::with_capacity(text.len() + 8);
        for character in line.chars() {
            if is_harmful(character) {
                out.extend(character.escape_default());
            } else {
                out.push(character);
            }
        }
        out.push('\n');
        self.0.write_all(out.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use secrecy::SecretString;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Kept;

        fn make_writer(&'a self) -> Kept {
            self.clone()
        }
    }

    fn logged(format: LogFormat, level: LogLevel, say: impl FnOnce()) -> String {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::registry()
            .with(layer(format, false, kept.clone()).with_filter(filter(level)));
        tracing::subscriber::with_default(subscriber, say);
        let bytes = kept.0.lock().expect("nobody panicked").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn events_have_fields_and_no_secrets() {
        let token = SecretString::from("123:token".to_owned());
        let say = || tracing::warn!(channel = "ops", token = ?token, "the channel takes nothing");
        let text = logged(LogFormat::Text, LogLevel::Info, say);
        assert!(
            text.contains("WARN the channel takes nothing") && text.contains("channel=\"ops\""),
            "{text}"
        );
        assert!(!text.contains("123:token"), "{text}");
        let line = logged(LogFormat::Json, LogLevel::Info, say);
        let event: serde_json::Value = serde_json::from_str(&line).expect("one object a line");
        assert_eq!(event["channel"], "ops");
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["message"], "the channel takes nothing");
    }

    #[test]
    fn foreign_text_can_neither_move_the_cursor_nor_forge_a_line() {
        let say = || tracing::info!(subject = %"CN=\u{1b}[2Jevil\nERROR forged", "a certificate");
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(format, LogLevel::Info, say);
            assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{text:?}");
        }
    }

    #[test]
    fn the_level_is_of_our_own_events() {
        let say = || {
            tracing::debug!("ours");
            tracing::debug!(target: "hyper", "theirs");
            tracing::warn!(target: "hyper", "their trouble");
        };
        assert!(!logged(LogFormat::Text, LogLevel::Info, say).contains("ours"));
        let all = logged(LogFormat::Text, LogLevel::Debug, say);
        assert!(all.contains("ours") && !all.contains("theirs") && all.contains("their trouble"), "{all}");
    }
}
