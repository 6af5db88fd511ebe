//! What is said of published ranges.

use super::{Age, Feed, FeedError, MOST_BYTES, MOST_RANGES, Provider, Saying};
use crate::{Lang, words::say};

/// How old a file is, and what follows.
pub(super) fn age(age: Age, lang: Lang) -> String {
    match age {
        Age::Fresh { days: 0 } => say!(lang, "published today", "오늘 발행본"),
        Age::Fresh { days: 1 } => say!(lang, "published a day ago", "하루 전 발행본"),
        Age::Fresh { days } => say!(lang, "published {days} days ago", "{days}일 전 발행본"),
        Age::Old { days, limit } => say!(
            lang,
            "published {days} days ago: it should be fetched anew after {limit} days, and ranges that came since are not in it",
            "{days}일 전 발행본입니다. {limit}일마다 새로 받아야 하며, 그 뒤에 추가된 대역은 들어 있지 않습니다"
        ),
        Age::Future { days } => say!(
            lang,
            "dated {days} days ahead of this host's clock: one of the two is wrong",
            "이 서버의 시계보다 {days}일 뒤의 날짜입니다. 둘 중 하나가 잘못되었습니다"
        ),
        Age::Unknown => say!(
            lang,
            "without a date: nobody can tell what it does not have yet",
            "발행일이 없어 최신 여부를 확인할 수 없습니다"
        ),
    }
}

/// A file in one line.
pub(super) fn feed(feed: &Feed, lang: Lang) -> String {
    let (name, ranges) = (&feed.name, feed.ranges.len());
    let whose = match feed.kind.provider() {
        Some(provider) => provider.name().to_owned(),
        None => say!(lang, "nobody's name in it", "제공자 미상"),
    };
    let dated = match (feed.published, &feed.token) {
        (Some(published), _) => published.to_string(),
        (None, Some(token)) => say!(lang, "edition {token}", "판 {token}"),
        (None, None) => say!(lang, "no date", "날짜 없음"),
    };
    say!(lang, "{name} ({whose}, {dated}, {ranges} ranges)", "{name}({whose}, {dated}, 대역 {ranges}개)")
}

/// What is wrong with a file.
pub(super) fn error(error: &FeedError, lang: Lang) -> String {
    match error {
        FeedError::TooLarge { bytes } => say!(
            lang,
            "{bytes} bytes are more than any provider publishes (at most {MOST_BYTES} are read)",
            "{bytes}바이트로, 어떤 제공자의 목록보다도 큽니다(최대 {MOST_BYTES}바이트까지 읽습니다)"
        ),
        FeedError::TooMany => say!(
            lang,
            "more than {MOST_RANGES} ranges, which no provider publishes",
            "대역이 {MOST_RANGES}개를 넘습니다. 이런 목록을 발행하는 제공자는 없습니다"
        ),
        FeedError::NoText => say!(
            lang,
            "not text in UTF-8; published ranges are JSON, or one network a line",
            "UTF-8 텍스트가 아닙니다. 발행된 대역 목록은 JSON이거나 한 줄에 네트워크 하나씩 적힌 텍스트입니다"
        ),
        FeedError::NoJson { line, reason } => {
            say!(lang, "line {line}: broken JSON: {reason}", "{line}행: 잘못된 JSON입니다: {reason}")
        }
        FeedError::Unknown { keys } => {
            let keys = keys.join(", ");
            say!(
                lang,
                "none of the known lists (its keys: {keys}); known are goog.json, cloud.json, AWS ip-ranges.json, Azure service tags, Microsoft 365 endpoints, GitHub meta, Cloudflare, Fastly, Atlassian, Telegram, Stripe, Oracle, and plain lists of networks",
                "알려진 목록이 아닙니다(키: {keys}). goog.json, cloud.json, AWS ip-ranges.json, Azure 서비스 태그, Microsoft 365 엔드포인트, GitHub meta, Cloudflare, Fastly, Atlassian, Telegram, Stripe, Oracle 목록과 한 줄에 네트워크 하나씩 적힌 텍스트를 읽습니다"
            )
        }
        FeedError::NoNetwork { line, text } => say!(
            lang,
            "line {line}: `{text}` is no network; one like 192.0.2.0/24 is expected on each line",
            "{line}행: `{text}`⟨은/는⟩ 네트워크가 아닙니다. 줄마다 192.0.2.0/24와 같은 형식이어야 합니다"
        ),
        FeedError::Empty => say!(lang, "no ranges in it", "대역이 하나도 없습니다"),
    }
}

/// What a provider says of lists of its addresses.
pub(super) const fn saying(provider: Provider) -> Option<Saying> {
    Some(match provider {
        Provider::Google => Saying {
            quote: Some("We are unable to provide an ip based allowlist for these end points"),
            source: "firebase.google.com/docs/cloud-messaging/network-configuration",
            en: "Google gives no list of addresses for sending to FCM. Names are stable; where it must be addresses, all of goog.json has to be allowed and renewed every month.",
            ko: "Google은 FCM 발송용 IP 목록을 제공하지 않습니다. 도메인은 바뀌지 않으며, 부득이 IP로 허용해야 한다면 goog.json 전체를 허용하고 매월 갱신해야 합니다.",
        },
        Provider::Aws => Saying {
            quote: None,
            source: "docs.aws.amazon.com/vpc/latest/userguide/subscribe-notifications.html",
            en: "AWS changes its ranges at any time and announces it to subscribers of a topic; the addresses of S3 change as needed, so clients have to resolve the name again.",
            ko: "AWS는 IP 대역을 수시로 변경하며 구독자에게만 변경을 알립니다. S3의 주소도 필요에 따라 바뀌므로 클라이언트는 이름을 다시 조회해야 합니다.",
        },
        Provider::Azure => Saying {
            quote: Some("new ranges will not be used for at least one week"),
            source: "www.microsoft.com/download/details.aspx?id=56519",
            en: "Azure publishes its service tags every week and uses new ranges a week later at the earliest: a list that is not renewed every week falls behind.",
            ko: "Azure는 서비스 태그를 매주 발행하고 새 대역은 최소 일주일 뒤부터 사용합니다. 매주 갱신하지 않으면 목록이 뒤처집니다.",
        },
        Provider::Microsoft365 => Saying {
            quote: Some("Endpoints data is updated at the beginning of each month"),
            source: "learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges",
            en: "Microsoft renews the endpoints of Microsoft 365 at the beginning of each month, 30 days before they are used.",
            ko: "Microsoft는 Microsoft 365 엔드포인트를 매월 초에 갱신하며, 새 주소는 사용 30일 전에 공개합니다.",
        },
        Provider::GitHub => Saying {
            quote: Some("We do not recommend allowing by IP address"),
            source: "docs.github.com/authentication/keeping-your-account-and-data-secure/about-githubs-ip-addresses",
            en: "GitHub changes its addresses from time to time, does not recommend allowing by address, and says that its list is not exhaustive.",
            ko: "GitHub은 IP를 수시로 변경하고 IP 기준 허용을 권장하지 않으며, 공개된 목록이 전체가 아니라고 밝히고 있습니다.",
        },
        Provider::Stripe => Saying {
            quote: Some("We provide seven days’ notice through that mailing list before making changes."),
            source: "docs.stripe.com/ips",
            en: "Stripe announces changes of its addresses seven days ahead on a mailing list, and asks to allow its names.",
            ko: "Stripe는 IP 변경을 메일링 리스트로 7일 전에 알리며, 도메인을 허용하도록 안내합니다.",
        },
        Provider::Apple => Saying {
            quote: Some("Your devices will not always connect to the same public IP address"),
            source: "support.apple.com/102266",
            en: "Apple's push service is behind load balancers; Apple asks to allow whole networks of 17.0.0.0/8 instead of addresses.",
            ko: "Apple 푸시 서비스는 로드 밸런서 뒤에 있어 접속 IP가 매번 다릅니다. Apple은 개별 IP가 아니라 17.0.0.0/8 안의 대역 전체를 허용하도록 안내합니다.",
        },
        Provider::Temporal => Saying {
            quote: Some("Do not allowlist specific IP addresses"),
            source: "docs.temporal.io/cloud/connectivity/ip-addresses",
            en: "Temporal Cloud warns that a list of addresses seen at one time causes an outage as soon as they change.",
            ko: "Temporal Cloud는 특정 시점에 확인한 IP를 허용 목록에 넣으면 IP가 바뀌는 순간 장애가 난다고 경고합니다.",
        },
        Provider::Cloudflare
        | Provider::Fastly
        | Provider::Atlassian
        | Provider::Telegram
        | Provider::Oracle => return None,
    })
}
