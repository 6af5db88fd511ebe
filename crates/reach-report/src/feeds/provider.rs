//! Providers: which names are theirs, and what they say of lists of addresses themselves.

use ipnet::IpNet;

use super::words;
use crate::Lang;

/// Who publishes addresses, or says why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Google.
    Google,
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Microsoft 365.
    Microsoft365,
    /// GitHub.
    GitHub,
    /// Cloudflare.
    Cloudflare,
    /// Fastly.
    Fastly,
    /// Atlassian.
    Atlassian,
    /// Telegram.
    Telegram,
    /// Stripe.
    Stripe,
    /// Oracle Cloud.
    Oracle,
    /// Apple's push notifications.
    Apple,
    /// Temporal Cloud.
    Temporal,
}

/// What a provider says of lists of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saying {
    /// Its own words, where they are short enough to quote; in English, as it wrote them.
    pub quote: Option<&'static str>,
    /// Where it says so.
    pub source: &'static str,
    pub(super) en: &'static str,
    pub(super) ko: &'static str,
}

impl Saying {
    /// What it means, in a sentence.
    pub const fn text(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ko => self.ko,
        }
    }
}

impl Provider {
    /// All of them.
    pub const ALL: [Provider; 13] = [
        Provider::Google,
        Provider::Aws,
        Provider::Azure,
        Provider::Microsoft365,
        Provider::GitHub,
        Provider::Cloudflare,
        Provider::Fastly,
        Provider::Atlassian,
        Provider::Telegram,
        Provider::Stripe,
        Provider::Oracle,
        Provider::Apple,
        Provider::Temporal,
    ];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::Google => "Google",
            Provider::Aws => "AWS",
            Provider::Azure => "Azure",
            Provider::Microsoft365 => "Microsoft 365",
            Provider::GitHub => "GitHub",
            Provider::Cloudflare => "Cloudflare",
            Provider::Fastly => "Fastly",
            Provider::Atlassian => "Atlassian",
            Provider::Telegram => "Telegram",
            Provider::Stripe => "Stripe",
            Provider::Oracle => "Oracle Cloud",
            Provider::Apple => "Apple",
            Provider::Temporal => "Temporal Cloud",
        }
    }

    /// What it says of lists of its addresses; `None` where nothing was found that could be quoted.
    pub const fn saying(self) -> Option<Saying> {
        words::saying(self)
    }

    /// Ranges that it names for good in its documents, where it publishes no file: those of Apple's push service
    /// (`api.push.apple.com`, support.apple.com/102266).
    pub fn fixed(self) -> Vec<IpNet> {
        const APPLE: [&str; 9] = [
            "17.249.0.0/16",
            "17.252.0.0/16",
            "17.57.144.0/22",
            "17.188.128.0/18",
            "17.188.20.0/23",
            "2620:149:a44::/48",
            "2403:300:a42::/48",
            "2403:300:a51::/48",
            "2a01:b740:a42::/48",
        ];
        match self {
            Provider::Apple => APPLE.iter().filter_map(|net| net.parse().ok()).collect(),
            _ => Vec::new(),
        }
    }
}

/// Domains and whose they are. A name inside of several belongs to the longest.
const DOMAINS: [(&str, Provider); 48] = [
    ("googleapis.com", Provider::Google),
    ("google.com", Provider::Google),
    ("gstatic.com", Provider::Google),
    ("googleusercontent.com", Provider::Google),
    ("firebaseio.com", Provider::Google),
    ("firebase.google.com", Provider::Google),
    ("gcr.io", Provider::Google),
    ("pkg.dev", Provider::Google),
    ("appspot.com", Provider::Google),
    ("run.app", Provider::Google),
    ("amazonaws.com", Provider::Aws),
    ("amazonaws.com.cn", Provider::Aws),
    ("aws.amazon.com", Provider::Aws),
    ("cloudfront.net", Provider::Aws),
    ("awsapps.com", Provider::Aws),
    ("api.aws", Provider::Aws),
    ("on.aws", Provider::Aws),
    ("azure.com", Provider::Azure),
    ("azure.net", Provider::Azure),
    ("windows.net", Provider::Azure),
    ("azurewebsites.net", Provider::Azure),
    ("azurefd.net", Provider::Azure),
    ("azureedge.net", Provider::Azure),
    ("azurecr.io", Provider::Azure),
    ("cloudapp.net", Provider::Azure),
    ("office.com", Provider::Microsoft365),
    ("office365.com", Provider::Microsoft365),
    ("outlook.com", Provider::Microsoft365),
    ("sharepoint.com", Provider::Microsoft365),
    ("microsoftonline.com", Provider::Microsoft365),
    ("graph.microsoft.com", Provider::Microsoft365),
    ("teams.microsoft.com", Provider::Microsoft365),
    ("github.com", Provider::GitHub),
    ("githubusercontent.com", Provider::GitHub),
    ("ghcr.io", Provider::GitHub),
    ("cloudflare.com", Provider::Cloudflare),
    ("cloudflare.net", Provider::Cloudflare),
    ("workers.dev", Provider::Cloudflare),
    ("fastly.net", Provider::Fastly),
    ("atlassian.com", Provider::Atlassian),
    ("atlassian.net", Provider::Atlassian),
    ("telegram.org", Provider::Telegram),
    ("t.me", Provider::Telegram),
    ("stripe.com", Provider::Stripe),
    ("oraclecloud.com", Provider::Oracle),
    ("oraclecloudapps.com", Provider::Oracle),
    ("push.apple.com", Provider::Apple),
    ("tmprl.cloud", Provider::Temporal),
];

/// Whose service a name is, by its domain; `None` for all others. An address behind a name may be somebody else's all
/// the same, which is what [`super::cover`] is for.
pub fn provider_of(name: &str) -> Option<Provider> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_of =
        |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DOMAINS
        .iter()
        .filter(|(domain, _)| is_of(domain))
        .max_by_key(|(domain, _)| domain.len())
        .map(|(_, provider)| *provider)
}
