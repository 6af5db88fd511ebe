//! The page that a watch shows in browsers, and a check in a file.
//!
//! Everything here is a function from what is known to HTML: no clock, no file, no socket. It is whole without a
//! script; [`assets`] hold what a script adds: what is new without asking again, zoom, keys.
//!
//! What the script replaces has an id that stays: [`overview_row`] `t` and the number of its target, [`summary_strip`]
//! `summary`, [`target_head`] and [`incident_head`] `head`.
//!
//! Foreign text comes in by way of `clean` and goes out escaped: maud escapes whatever it is not told to leave alone,
//! and it is told so only of our own style sheet, script and drawings.

mod answers;
pub mod assets;
mod file;
mod findings;
mod heads;
mod incident;
mod incidents;
mod overview;
mod parts;
mod paths;
mod plots;
mod range;
mod signals;
mod silences;
mod target;
mod words;

use jiff::{Timestamp, tz::TimeZone};
use maud::{DOCTYPE, Markup, html};
use reach_core::Time;

use self::words::Label;
pub use self::{
    answers::{Deed, Mistake, done, not_done},
    file::file,
    heads::{incident_head, target_head},
    incident::incident,
    incidents::{List, incidents},
    overview::{Glance, Query, Sort, overview, overview_row, summary_strip},
    parts::query as encoded,
    plots::{Plots, WIDTH},
    range::Range,
    signals::signals,
    silences::silences,
    target::{TargetView, target},
};
use crate::{Lang, Style, clean::clean};

/// In which language and time zone a page speaks.
#[derive(Clone, Debug)]
pub struct Voice {
    /// The language.
    pub lang: Lang,
    /// The time zone.
    pub zone: TimeZone,
}

impl Voice {
    fn say(&self, label: Label) -> &'static str {
        label.text(self.lang)
    }

    fn civil(&self, at: Time, format: &str) -> String {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
        stamp.to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// `2026-11-23 18:03:05`.
    fn stamp(&self, at: Time) -> String {
        self.civil(at, "%Y-%m-%d %H:%M:%S")
    }

    /// `2026-11-23 18:03:05 KST`.
    fn full(&self, at: Time) -> String {
        self.civil(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// `18:03:05`, with the date where it is another day than now, and without seconds then.
    fn short(&self, at: Time, now: Time) -> String {
        let day = |at| self.civil(at, "%Y-%m-%d");
        self.civil(at, if day(at) == day(now) { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" })
    }

    /// The offset from UTC at that time, in seconds, east positive.
    pub fn offset(&self, at: Time) -> i32 {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
        self.zone.to_offset(stamp).seconds()
    }

    /// For what speaks of a fixed offset from UTC: the one at that time.
    fn style(&self, at: Time) -> Style {
        Style { utc_offset_s: self.offset(at), ..Style::plain(Style::MIN_WIDTH, self.lang) }
    }

    /// What the picture of addresses and time is called.
    pub fn heat_title(&self) -> &'static str {
        self.say(Label::HeatMap)
    }

    /// What the picture of latencies is called.
    pub fn smoke_title(&self) -> &'static str {
        self.say(Label::Smoke)
    }

    /// What the picture of the pool is called.
    pub fn pool_title(&self) -> &'static str {
        self.say(Label::Pool)
    }
}

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Those that the system prefers.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme with this name.
    pub fn of(code: &str) -> Option<Theme> {
        [Theme::Auto, Theme::Light, Theme::Dark].into_iter().find(|theme| theme.code() == code)
    }

    const fn next(self) -> Theme {
        match self {
            Theme::Auto => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Auto,
        }
    }

    const fn label(self) -> Label {
        match self {
            Theme::Auto => Label::ThemeAuto,
            Theme::Light => Label::ThemeLight,
            Theme::Dark => Label::ThemeDark,
        }
    }
}

/// A part of the page that is always one step away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All targets.
    Overview,
    /// One target: below the overview.
    Target,
    /// All incidents, and each.
    Incidents,
    /// What other systems say.
    Signals,
    /// When not to speak.
    Silences,
    /// Anything else.
    Elsewhere,
}

/// Who looks at the page.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// What people call them.
    pub name: String,
    /// What a form has to carry.
    pub csrf: String,
    /// Whether they may do more than look: others see no forms.
    pub acts: bool,
    /// Whether there is a session to be ended.
    pub may_leave: bool,
}

/// What came of something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether it was done.
    pub done: bool,
    /// In one sentence.
    pub text: String,
}

/// What is around every page.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// How it speaks.
    pub voice: &'a Voice,
    /// When it is made.
    pub now: Time,
    /// The host that watches.
    pub vantage: &'a str,
    /// Which part of the whole it is.
    pub place: Place,
    /// Its own path, with its query.
    pub path: &'a str,
    /// Who looks at it.
    pub asker: &'a Asker,
    /// In which colours.
    pub theme: Theme,
    /// Incidents that are not closed.
    pub incidents: usize,
    /// What came of what the reader did last.
    pub said: Option<Said>,
    /// What the script asks for to hear what is new: `overview`, `target-12`, `incident-3`.
    pub live: Option<String>,
}

/// A whole page: `main` in its frame.
pub fn framed(frame: &Frame<'_>, title: &str, main: &Markup) -> String {
    let (voice, lang) = (frame.voice, frame.voice.lang);
    let t = |label: Label| voice.say(label);
    let vantage = clean(frame.vantage);
    let title = if frame.incidents == 0 {
        format!("{title} · {vantage} · reach")
    } else {
        format!("({}) {title} · {vantage} · reach", frame.incidents)
    };
    let markup = html! {
        (DOCTYPE)
        html lang=(lang.code()) data-theme=(frame.theme.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(match frame.theme { Theme::Auto => "light dark", theme => theme.code() });
                title { (title) }
                link rel="icon" href=(assets::ICON);
                link rel="stylesheet" href=(assets::style().path());
                script type="module" src=(assets::script().path()) {}
            }
            (body(frame, main, t))
        }
    };
    markup.into_string()
}

fn body(frame: &Frame<'_>, main: &Markup, t: impl Fn(Label) -> &'static str) -> Markup {
    let (voice, lang) = (frame.voice, frame.voice.lang);
    html! {
        body data-live=[frame.live.as_deref()] data-units=(words::units_of_time(lang).join(","))
            data-now=(frame.now.as_secs()) data-opened=(words::announced(true, lang))
            data-closed=(words::announced(false, lang)) {
            a.skip href="#main" { (t(Label::SkipToContent)) }
            header.top {
                a.brand href="/" { strong { "reach" } " " span { (clean(frame.vantage)) } }
                nav aria-label=(t(Label::MainNavigation)) {
                    (link("/", Label::Overview, matches!(frame.place, Place::Overview), None, voice))
                    (link("/incidents", Label::Incidents, frame.place == Place::Incidents, Some(frame.incidents), voice))
                    (link("/signals", Label::Signals, frame.place == Place::Signals, None, voice))
                    (link("/silences", Label::Silences, frame.place == Place::Silences, None, voice))
                }
                div.tools {
                    @if frame.live.is_some() {
                        span.live #live hidden role="status" title=(t(Label::NotLiveWhy)) data-on=(t(Label::Live)) data-off=(t(Label::NotLive)) {}
                    }
                    (switches(frame))
                    @if !frame.asker.name.is_empty() {
                        span.who { (clean(&frame.asker.name)) }
                    }
                    @if frame.asker.may_leave {
                        form method="post" action="/logout" {
                            input type="hidden" name="csrf" value=(frame.asker.csrf);
                            button.plain type="submit" { (t(Label::SignOut)) }
                        }
                    }
                }
            }
            main #main tabindex="-1" {
                @if let Some(said) = &frame.said {
                    p.said.failed[!said.done] role="status" { (clean(&said.text)) }
                }
                (main)
            }
            footer.foot {
                span { (words::as_of(&voice.full(frame.now), lang)) }
                button.plain #help-open type="button" hidden { kbd { "?" } " " (t(Label::Keys)) }
            }
            div #announce .hidden aria-live="polite" {}
            (keys(&t))
        }
    }
}

fn link(to: &str, label: Label, here: bool, count: Option<usize>, voice: &Voice) -> Markup {
    html! {
        a href=(to) aria-current=[here.then_some("page")] {
            (voice.say(label))
            @if let Some(count) = count.filter(|count| *count > 0) { " " span.count { (count) } }
        }
    }
}

/// Language and colours: links, so that they work without a script.
fn switches(frame: &Frame<'_>) -> Markup {
    let voice = frame.voice;
    let (other, name) = match voice.lang {
        Lang::En => (Lang::Ko, "한국어"),
        Lang::Ko => (Lang::En, "English"),
    };
    let theme = frame.theme.next();
    let colours = format!("{}: {}", voice.say(Label::Theme), voice.say(frame.theme.label()));
    html! {
        a.switch href=(with(frame.path, "lang", other.code())) lang=(other.code()) hreflang=(other.code()) { (name) }
        a.switch href=(with(frame.path, "theme", theme.code())) title=(colours) aria-label=(colours) {
            span aria-hidden="true" { @match frame.theme { Theme::Auto => "◐", Theme::Light => "☀", Theme::Dark => "☾" } }
        }
    }
}

/// A path with a value in its query, in place of the one that it had.
pub fn with(path: &str, name: &str, value: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let named = |pair: &&str| pair.split('=').next() != Some(name) && !pair.is_empty();
    let mut pairs: Vec<String> = query.split('&').filter(named).map(str::to_owned).collect();
    if !value.is_empty() {
        pairs.push(format!("{name}={}", encoded(value)));
    }
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The keys that the script knows.
fn keys(t: impl Fn(Label) -> &'static str) -> Markup {
    let rows = [
        (&["/"] as &[&str], Label::KeySearch),
        (&["j", "k"], Label::KeyRows),
        (&["Enter"], Label::KeyOpen),
        (&["g o"], Label::KeyOverview),
        (&["g i"], Label::KeyIncidents),
        (&["g s"], Label::KeySignals),
        (&["g m"], Label::KeySilences),
        (&["+", "-"], Label::KeyZoom),
        (&["←", "→"], Label::KeyShift),
        (&["?"], Label::KeyHelp),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (t(Label::Keys)) }
            dl {
                @for (keys, label) in rows {
                    div { dt { @for key in keys { kbd { (key) } " " } } dd { (t(label)) } }
                }
            }
            form method="dialog" { button type="submit" { (t(Label::Close)) } }
        }
    }
}

/// The page of an address where there is nothing.
pub fn not_found(frame: &Frame<'_>) -> String {
    let voice = frame.voice;
    let main = html! {
        h1 { (voice.say(Label::NotThere)) }
        p { (voice.say(Label::NotThereWhy)) }
        p { a href="/" { (voice.say(Label::ToOverview)) } }
    };
    framed(frame, voice.say(Label::NotThere), &main)
}

#[cfg(test)]
mod tests;
