//! What providers publish about their addresses, carried in as files.
//!
//! A host behind a firewall usually cannot fetch such a file, and this program never does: somebody brings it, so it has
//! an age, and [`Feed::age`] says what that means. [`read`] tells by its content which provider a file is from;
//! [`cover`] says which published prefix holds each address that was seen. What a provider itself says of such lists is
//! in [`Provider::saying`]: mostly, that they rot.

mod cover;
mod document;
mod forms;
mod provider;
mod words;

use std::fmt;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::Lang;

pub use cover::{Coverage, Covered, Holder, cover, without};
pub use forms::read;
pub use provider::{Provider, Saying, provider_of};

/// The most bytes of a file: several times what the largest provider publishes.
pub const MOST_BYTES: usize = 32 << 20;

/// The most ranges of a file.
pub const MOST_RANGES: usize = 500_000;

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `goog.json`: all of Google.
    Google,
    /// `cloud.json`: what customers of Google Cloud have.
    GoogleCloud,
    /// `ip-ranges.json` of Amazon Web Services.
    Aws,
    /// `ServiceTags_Public_YYYYMMDD.json` of Azure.
    Azure,
    /// The endpoints of Microsoft 365.
    Microsoft365,
    /// `https://api.github.com/meta`.
    GitHub,
    /// `ips-v4`, `ips-v6`, or the same in JSON.
    Cloudflare,
    /// `public-ip-list` of Fastly.
    Fastly,
    /// `https://ip-ranges.atlassian.com`.
    Atlassian,
    /// `cidr.txt` of Telegram.
    Telegram,
    /// `ips_api.json` or `ips_webhooks.json` of Stripe.
    Stripe,
    /// `public_ip_ranges.json` of Oracle Cloud.
    Oracle,
    /// A list of networks that does not say whose they are.
    Plain,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 13] = [
        Kind::Google,
        Kind::GoogleCloud,
        Kind::Aws,
        Kind::Azure,
        Kind::Microsoft365,
        Kind::GitHub,
        Kind::Cloudflare,
        Kind::Fastly,
        Kind::Atlassian,
        Kind::Telegram,
        Kind::Stripe,
        Kind::Oracle,
        Kind::Plain,
    ];

    /// Its name for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Kind::Google => "google",
            Kind::GoogleCloud => "google_cloud",
            Kind::Aws => "aws",
            Kind::Azure => "azure",
            Kind::Microsoft365 => "microsoft_365",
            Kind::GitHub => "github",
            Kind::Cloudflare => "cloudflare",
            Kind::Fastly => "fastly",
            Kind::Atlassian => "atlassian",
            Kind::Telegram => "telegram",
            Kind::Stripe => "stripe",
            Kind::Oracle => "oracle",
            Kind::Plain => "plain",
        }
    }

    /// Whose it is; `None` for a plain list.
    pub const fn provider(self) -> Option<Provider> {
        match self {
            Kind::Google | Kind::GoogleCloud => Some(Provider::Google),
            Kind::Aws => Some(Provider::Aws),
            Kind::Azure => Some(Provider::Azure),
            Kind::Microsoft365 => Some(Provider::Microsoft365),
            Kind::GitHub => Some(Provider::GitHub),
            Kind::Cloudflare => Some(Provider::Cloudflare),
            Kind::Fastly => Some(Provider::Fastly),
            Kind::Atlassian => Some(Provider::Atlassian),
            Kind::Telegram => Some(Provider::Telegram),
            Kind::Stripe => Some(Provider::Stripe),
            Kind::Oracle => Some(Provider::Oracle),
            Kind::Plain => None,
        }
    }

    /// Where the provider publishes it.
    pub const fn url(self) -> Option<&'static str> {
        match self {
            Kind::Google => Some("https://www.gstatic.com/ipranges/goog.json"),
            Kind::GoogleCloud => Some("https://www.gstatic.com/ipranges/cloud.json"),
            Kind::Aws => Some("https://ip-ranges.amazonaws.com/ip-ranges.json"),
            Kind::Azure => Some("https://www.microsoft.com/download/details.aspx?id=56519"),
            Kind::Microsoft365 => Some("https://endpoints.office.com/endpoints/worldwide"),
            Kind::GitHub => Some("https://api.github.com/meta"),
            Kind::Cloudflare => Some("https://www.cloudflare.com/ips-v4"),
            Kind::Fastly => Some("https://api.fastly.com/public-ip-list"),
            Kind::Atlassian => Some("https://ip-ranges.atlassian.com/"),
            Kind::Telegram => Some("https://core.telegram.org/resources/cidr.txt"),
            Kind::Stripe => Some("https://stripe.com/files/ips/ips_api.json"),
            Kind::Oracle => Some("https://docs.oracle.com/iaas/tools/public_ip_ranges.json"),
            Kind::Plain => None,
        }
    }

    /// After so many days it should be fetched again: a week for what comes out weekly, a month for the others.
    pub const fn fresh_days(self) -> u16 {
        match self {
            Kind::Azure => 7,
            _ => 30,
        }
    }
}

/// A file of published ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The file's name, cleaned.
    pub name: String,
    /// Which file it is.
    pub kind: Kind,
    /// The day it says it was published; of its name where it says none itself.
    pub published: Option<Date>,
    /// The provider's own mark of this edition: `syncToken`, `changeNumber`.
    pub token: Option<String>,
    /// The ranges, in the file's order.
    pub ranges: Vec<Range>,
    /// Entries that were no networks, or that stood for everything.
    pub skipped: usize,
}

/// A published range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The network.
    pub net: IpNet,
    /// The service that it is for, in the provider's words; empty where the file does not say.
    pub service: String,
    /// The region; empty where the file does not say.
    pub region: String,
}

/// How old a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// So many days, which is no reason to worry.
    Fresh {
        /// Days since it was published.
        days: u32,
    },
    /// So many days: ranges may have come since then.
    Old {
        /// Days since it was published.
        days: u32,
        /// After how many it should have been fetched again.
        limit: u16,
    },
    /// It is from a day that has not come yet: this host's clock or the file's date is wrong.
    Future {
        /// Days until then.
        days: u32,
    },
    /// It does not say when it was published.
    Unknown,
}

impl Age {
    /// Whether somebody should look at it.
    pub const fn is_warning(self) -> bool {
        !matches!(self, Age::Fresh { .. })
    }

    /// What it means for who relies on the file.
    pub fn text(self, lang: Lang) -> String {
        words::age(self, lang)
    }
}

impl Feed {
    /// How old the file is on a day.
    pub fn age(&self, today: Date) -> Age {
        let Some(published) = self.published else { return Age::Unknown };
        let Ok(span) = published.until(today) else { return Age::Unknown };
        let (days, limit) = (span.get_days().unsigned_abs(), self.kind.fresh_days());
        if span.get_days() < 0 {
            // It is already tomorrow where some of them are made.
            return if days == 1 { Age::Fresh { days: 0 } } else { Age::Future { days } };
        }
        if days > u32::from(limit) { Age::Old { days, limit } } else { Age::Fresh { days } }
    }

    /// What it is, from when, and how many ranges it has, in one line.
    pub fn text(&self, lang: Lang) -> String {
        words::feed(self, lang)
    }
}

/// Why a file is no list of ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedError {
    /// More than [`MOST_BYTES`].
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// More than [`MOST_RANGES`].
    TooMany,
    /// Not UTF-8.
    NoText,
    /// Begins like JSON and is none.
    NoJson {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// JSON, but none of the files that are known.
    Unknown {
        /// Its keys, the first ones.
        keys: Vec<String>,
    },
    /// A line of a plain list is no network.
    NoNetwork {
        /// The line, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// It has no ranges.
    Empty,
}

impl FeedError {
    /// What is wrong, and what would be right.
    pub fn text(&self, lang: Lang) -> String {
        words::error(self, lang)
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for FeedError {}
