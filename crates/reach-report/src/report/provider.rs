//! What providers themselves say of the addresses behind their names.

/// A sentence of a provider, and where it stands.
pub(super) struct Said {
    /// Who says it.
    pub(super) who: &'static str,
    /// In their own words.
    pub(super) words: &'static str,
    /// Where; `None` of a page that is not there any more.
    pub(super) url: Option<&'static str>,
}

/// What the provider of a host says of lists of its addresses.
pub(super) fn said(host: &str) -> &'static [Said] {
    const GOOGLE: &[Said] = &[
        Said {
            who: "Google",
            words: "We are unable to provide an ip based allowlist for these end points",
            url: Some("https://firebase.google.com/docs/cloud-messaging/network-configuration"),
        },
        Said {
            who: "Google",
            words: "Problems caused by firewall IP restrictions are often intermittent and difficult to diagnose",
            url: None,
        },
    ];
    const APPLE: &[Said] = &[Said {
        who: "Apple",
        words: "APNs servers use load balancing. Your devices will not always connect to the same public IP address",
        url: Some("https://support.apple.com/102266"),
    }];
    const TEMPORAL: &[Said] = &[Said {
        who: "Temporal",
        words: "Do not allowlist specific IP addresses you see … at a point in time, as this will cause an outage \
                when those IPs change",
        url: Some("https://docs.temporal.io/cloud/connectivity/ip-addresses"),
    }];
    match () {
        () if is_of(host, "googleapis.com") => GOOGLE,
        () if is_of(host, "push.apple.com") => APPLE,
        () if is_of(host, "tmprl.cloud") => TEMPORAL,
        () => &[],
    }
}

/// Where the provider of a host publishes its ranges for programs, and whose they are.
pub(super) fn feed(host: &str) -> Option<(&'static str, &'static str)> {
    const FEEDS: [(&str, &str, &str); 14] = [
        ("googleapis.com", "Google", "https://www.gstatic.com/ipranges/goog.json"),
        ("google.com", "Google", "https://www.gstatic.com/ipranges/goog.json"),
        ("amazonaws.com", "AWS", "https://ip-ranges.amazonaws.com/ip-ranges.json"),
        ("azure.com", "Azure", "https://www.microsoft.com/download/details.aspx?id=56519"),
        ("windows.net", "Azure", "https://www.microsoft.com/download/details.aspx?id=56519"),
        ("github.com", "GitHub", "https://api.github.com/meta"),
        ("githubusercontent.com", "GitHub", "https://api.github.com/meta"),
        ("cloudflare.com", "Cloudflare", "https://www.cloudflare.com/ips-v4"),
        ("fastly.com", "Fastly", "https://api.fastly.com/public-ip-list"),
        ("atlassian.com", "Atlassian", "https://ip-ranges.atlassian.com/"),
        ("atlassian.net", "Atlassian", "https://ip-ranges.atlassian.com/"),
        ("telegram.org", "Telegram", "https://core.telegram.org/resources/cidr.txt"),
        ("stripe.com", "Stripe", "https://stripe.com/files/ips/ips_api.json"),
        ("datadoghq.com", "Datadog", "https://ip-ranges.datadoghq.com/"),
    ];
    FEEDS.iter().find(|(domain, ..)| is_of(host, domain)).map(|(_, who, url)| (*who, *url))
}

fn is_of(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_its_own_domains_only() {
        assert_eq!(said("fcm.googleapis.com").len(), 2);
        assert!(said("googleapis.com.example").is_empty() && said("notgoogleapis.com").is_empty());
        assert_eq!(feed("s3.ap-northeast-2.amazonaws.com").map(|feed| feed.0), Some("AWS"));
        assert!(feed("api.example.com").is_none());
    }
}
