//! The words of it, English and Korean side by side.

use std::time::Duration;

use reach_core::{
    Time,
    watch::{
        AddressState, Cause, Delivery, Ending, Gravity, Incident, IncidentId, Layer, News, Phase, Reason,
        SilenceId, Subject, Why,
    },
};

use crate::{
    Lang, Style,
    clean::clean,
    layout::Role,
    notice::{self, signals},
    units,
    words::{count_addresses, resolution_error, say},
};

/// What is thought of an address.
pub fn state(state: AddressState, lang: Lang) -> &'static str {
    match (state, lang) {
        (AddressState::Unknown, Lang::En) => "unknown",
        (AddressState::Unknown, Lang::Ko) => "미확인",
        (AddressState::Ok, Lang::En) => "ok",
        (AddressState::Ok, Lang::Ko) => "정상",
        (AddressState::Suspect, Lang::En) => "suspect",
        (AddressState::Suspect, Lang::Ko) => "장애 의심",
        (AddressState::Down, Lang::En) => "down",
        (AddressState::Down, Lang::Ko) => "접속 불가",
        (AddressState::Recovering, Lang::En) => "recovering",
        (AddressState::Recovering, Lang::Ko) => "복구 확인 중",
        (AddressState::Gone, Lang::En) => "gone",
        (AddressState::Gone, Lang::Ko) => "DNS에서 빠짐",
    }
}

pub(super) const fn state_role(state: AddressState) -> Role {
    match state {
        AddressState::Ok => Role::Good,
        AddressState::Suspect | AddressState::Recovering => Role::Warn,
        AddressState::Down => Role::Bad,
        AddressState::Unknown | AddressState::Gone => Role::Dim,
    }
}

/// Why a try failed.
pub fn reason(reason: Reason, lang: Lang) -> &'static str {
    match (reason, lang) {
        (Reason::Timeout, Lang::En) => "no answer (connect timeout)",
        (Reason::Timeout, Lang::Ko) => "연결 시간 초과(connect timeout)",
        (Reason::Refused, Lang::En) => "connection refused",
        (Reason::Refused, Lang::Ko) => "연결 거부(connection refused)",
        (Reason::Unreachable, Lang::En) => "unreachable (ICMP)",
        (Reason::Unreachable, Lang::Ko) => "도달 불가(ICMP)",
        (Reason::Prohibited, Lang::En) => "administratively prohibited (ICMP)",
        (Reason::Prohibited, Lang::Ko) => "관리 정책에 의한 차단(ICMP)",
        (Reason::BlockedLocally, Lang::En) => "blocked by this host's own packet filter",
        (Reason::BlockedLocally, Lang::Ko) => "이 서버의 패킷 필터가 차단",
        (Reason::ClosedEarly, Lang::En) => "closed after the handshake (connection reset)",
        (Reason::ClosedEarly, Lang::Ko) => "연결 끊김(connection reset)",
        (Reason::Tls, Lang::En) => "TLS handshake failed",
        (Reason::Tls, Lang::Ko) => "TLS 핸드셰이크 실패",
        (Reason::Untrusted, Lang::En) => "certificate not trusted",
        (Reason::Untrusted, Lang::Ko) => "신뢰할 수 없는 인증서",
        (Reason::Silent, Lang::En) => "connected, then nothing (read timeout)",
        (Reason::Silent, Lang::Ko) => "응답 시간 초과(read timeout)",
        (Reason::Http, Lang::En) => "HTTP error (5xx)",
        (Reason::Http, Lang::Ko) => "HTTP 오류(5xx)",
    }
}

/// How bad it is.
pub fn gravity(gravity: Gravity, lang: Lang) -> &'static str {
    match (gravity, lang) {
        (Gravity::Notice, Lang::En) => "notice",
        (Gravity::Notice, Lang::Ko) => "참고",
        (Gravity::Warning, Lang::En) => "warning",
        (Gravity::Warning, Lang::Ko) => "주의",
        (Gravity::Degraded, Lang::En) => "degraded",
        (Gravity::Degraded, Lang::Ko) => "부분 장애",
        (Gravity::Critical, Lang::En) => "critical",
        (Gravity::Critical, Lang::Ko) => "심각",
    }
}

pub(super) const fn gravity_role(gravity: Gravity) -> Role {
    match gravity {
        Gravity::Notice => Role::Dim,
        Gravity::Warning | Gravity::Degraded => Role::Warn,
        Gravity::Critical => Role::Bad,
    }
}

/// Where an incident stands.
pub fn phase(phase: Phase, lang: Lang) -> &'static str {
    match (phase, lang) {
        (Phase::Open, Lang::En) => "open",
        (Phase::Open, Lang::Ko) => "진행 중",
        (Phase::Calming { .. }, Lang::En) => "calming",
        (Phase::Calming { .. }, Lang::Ko) => "진정 중",
        (Phase::Recovered { .. }, Lang::En) => "recovered",
        (Phase::Recovered { .. }, Lang::Ko) => "복구됨",
        (Phase::Closed { all_clear: true, .. }, Lang::En) => "all clear",
        (Phase::Closed { all_clear: true, .. }, Lang::Ko) => "정상화 확인",
        (Phase::Closed { all_clear: false, .. }, Lang::En) => "closed",
        (Phase::Closed { all_clear: false, .. }, Lang::Ko) => "종료",
    }
}

/// Why there is no all-clear.
pub(crate) fn ending(ending: &Ending, lang: Lang) -> String {
    match ending {
        Ending::NothingToClear => {
            say!(lang, "no all-clear: nothing was down in it", "정상화 확인 없음: 접속 장애가 아니었음")
        }
        Ending::NotCarried { lacking } => {
            let lacking: Vec<String> = lacking.iter().map(|one| notice::lack(one, lang)).collect();
            let lacking = units::some_of(&lacking, 6, lang);
            say!(
                lang,
                "no all-clear: for too long the tries did not carry one ({lacking})",
                "정상화 확인 없음: 오랫동안 확인이 부족했음({lacking})"
            )
        }
        Ending::NotWatched => say!(
            lang,
            "no all-clear: the target is not watched any more",
            "정상화 확인 없음: 감시 대상에서 제외됨"
        ),
        Ending::Unconfirmed => say!(
            lang,
            "never told: it began as this host was cut off or slept, and was not seen afterwards",
            "알리지 않음: 이 서버의 네트워크 단절·절전과 동시에 시작되어 그 뒤 확인되지 않음"
        ),
        Ending::Connected => say!(
            lang,
            "this host is connected; that needs no all-clear",
            "이 서버가 다시 연결됨(정상화 확인 불필요)"
        ),
        Ending::Reported => say!(
            lang,
            "whoever told of it says that it is well; that needs no all-clear",
            "보고한 쪽에서 정상으로 보고됨(정상화 확인 불필요)"
        ),
        Ending::NotHeard => {
            say!(lang, "no all-clear: nobody tells of it any more", "정상화 확인 없음: 더 이상 보고되지 않음")
        }
        Ending::Superseded => say!(lang, "another incident stands for it", "다른 장애 기록으로 대체됨"),
    }
}

/// The stable name of a phase.
pub const fn phase_code(phase: Phase) -> &'static str {
    match phase {
        Phase::Open => "open",
        Phase::Calming { .. } => "calming",
        Phase::Recovered { .. } => "recovered",
        Phase::Closed { .. } => "closed",
    }
}

pub(super) const fn phase_role(phase: Phase) -> Role {
    match phase {
        Phase::Open => Role::Bad,
        Phase::Calming { .. } => Role::Warn,
        Phase::Recovered { .. } | Phase::Closed { all_clear: true, .. } => Role::Good,
        Phase::Closed { .. } => Role::Dim,
    }
}

/// What an incident is about, as people know it.
pub(crate) fn title(incident: &Incident, lang: Lang) -> String {
    let name = clean(&incident.title);
    match incident.subject {
        Subject::Target(_) | Subject::Matter(_) => name,
        Subject::Vantage => say!(lang, "this host ({name})", "이 서버({name})"),
    }
}

/// One thing that is wrong.
pub(crate) fn cause(cause: &Cause, incident: &Incident, style: &Style) -> String {
    let lang = style.lang;
    match cause {
        Cause::Addresses => {
            let failing = incident.members.iter().filter(|member| is_failing(member.state)).count();
            let pool = incident.pool;
            say!(lang, "{failing} of {pool} addresses fail", "IP 주소 {pool}개 중 {failing}개 접속 불가")
        }
        Cause::Unresolved(error) => resolution_error(*error, lang),
        Cause::FailureShare { failed, tries, bounds, threshold, .. } => {
            let share = units::percent(f64::from(*failed) / f64::from((*tries).max(1)));
            let (low, high) = (units::percent(bounds.0), units::percent(bounds.1));
            let threshold = units::percent(*threshold);
            say!(
                lang,
                "{failed} of {tries} tries fail: {share}, with 95 % confidence between {low} and {high}, above {threshold}",
                "{tries}회 시도 중 {failed}회 실패: {share}(실제 값은 95 % 확신도로 {low} ~ {high} 사이), 기준 {threshold} 초과"
            )
        }
        Cause::Latency { measured, above, quantile } => {
            let (measured, above) = (units::span(*measured, lang), units::span(*above, lang));
            let quantile = units::percent(*quantile);
            say!(
                lang,
                "{quantile} of handshakes take up to {measured}, above {above}",
                "핸드셰이크의 {quantile}가 {measured} 이내로, 기준 {above} 초과"
            )
        }
        Cause::Certificate { expires, addresses, subject } => {
            let (date, count) = (units::date(*expires), count_addresses(addresses.len(), lang));
            let subject = clean(subject);
            say!(
                lang,
                "the certificate of {subject} ends on {date} ({count})",
                "{subject} 인증서 만료일: {date}({count})"
            )
        }
        Cause::Disagreement { odd } => {
            let resolvers: Vec<String> = odd.iter().map(units::resolver).collect();
            let resolvers = units::some_of(&resolvers, 4, lang);
            say!(
                lang,
                "resolvers give pools that differ: {resolvers}",
                "DNS 서버마다 IP 주소 목록이 다름: {resolvers}"
            )
        }
        Cause::Burn { objective, rate, window, .. } => {
            let objective = units::percent(*objective);
            let window = long_span(*window, lang);
            say!(
                lang,
                "the budget of {objective} burns {rate:.1} times too fast over {window}",
                "목표 {objective}의 오류 예산이 {window} 동안 {rate:.1}배 빠르게 소진됨"
            )
        }
        Cause::Suffering(suffering) => signals::suffering(suffering, incident.diagnosis.as_deref(), lang),
        Cause::Matter(matter) => signals::matter(matter, lang),
        Cause::Offline { silent, .. } => {
            let silent: Vec<String> = silent.iter().map(|name| clean(name)).collect();
            let silent = units::some_of(&silent, 4, lang);
            say!(
                lang,
                "this host reaches nothing; silent: {silent}",
                "이 서버에서 아무 곳에도 접속되지 않음. 무응답: {silent}"
            )
        }
    }
}

/// All of it in one line; what it was, once it is over.
pub(crate) fn causes(incident: &Incident, style: &Style) -> String {
    if !incident.causes.is_empty() {
        let all: Vec<String> = incident.causes.iter().map(|one| cause(one, incident, style)).collect();
        return all.join("; ");
    }
    match (incident.members.len(), style.lang) {
        (0, _) => String::new(),
        (count, lang) => {
            let count = count_addresses(count, lang);
            say!(lang, "{count} failed", "{count} 접속 실패 이력")
        }
    }
}

pub(super) const fn is_failing(state: AddressState) -> bool {
    matches!(state, AddressState::Suspect | AddressState::Down)
}

/// What happened, for the time line.
pub(crate) fn news(news: &News, lang: Lang) -> String {
    match news {
        News::Opened => say!(lang, "opened", "장애 시작"),
        News::Updated => say!(lang, "updated", "내용 변경"),
        News::Worsened { from } => {
            let from = gravity(*from, lang);
            say!(lang, "got worse (was {from})", "악화(이전: {from})")
        }
        News::Reminder => say!(lang, "still going on", "계속 진행 중"),
        News::Relapsed => say!(lang, "began again", "재발"),
        News::Recovered => say!(lang, "recovered", "복구"),
        News::AllClear(_) => say!(lang, "all clear", "정상화 확인"),
        News::Extended(_) => say!(lang, "all clear has to wait", "정상화 확인 연기"),
        News::Unclear(_) => say!(lang, "closed without an all-clear", "정상화 확인 없이 종료"),
        News::Acknowledged => say!(lang, "acknowledged", "담당자 확인"),
        News::WindowEnded { held_back } => {
            say!(lang, "silence over, {held_back} held back", "알림 중지 종료, 보류 {held_back}건")
        }
        News::Dropped => say!(lang, "not watched any more", "감시 대상에서 제외"),
        News::Pool { appeared, vanished } => {
            let (new, old) = (appeared.len(), vanished.len());
            say!(lang, "{new} addresses new, {old} gone", "IP 주소 {new}개 추가, {old}개 빠짐")
        }
        News::Hello { .. } => say!(lang, "daily message", "일일 동작 확인"),
    }
}

/// What brought a transition about.
pub(crate) fn why(why: Why, lang: Lang) -> String {
    match why {
        Why::Answered => say!(lang, "answered", "응답"),
        Why::Failed(cause) => reason(cause, lang).to_owned(),
        Why::BlockedFromBirth(cause) => {
            let cause = reason(cause, lang);
            say!(lang, "new, and never answered: {cause}", "새 주소, 한 번도 응답 없음: {cause}")
        }
        Why::Appeared => say!(lang, "new in DNS", "DNS에 새로 나타남"),
        Why::LeftDns => say!(lang, "no resolver gives it any more", "모든 DNS 서버의 응답에서 사라짐"),
        Why::Returned => say!(lang, "back in DNS", "DNS에 다시 나타남"),
        Why::Forgotten => {
            say!(lang, "gone for so long that it is not tried any more", "오래 빠져 있어 시도 중단")
        }
        Why::Dropped => say!(lang, "not watched any more", "감시 대상에서 제외"),
    }
}

/// How deep was tried.
pub(crate) fn layer(layer: Layer, lang: Lang) -> &'static str {
    match (layer, lang) {
        (Layer::Echo, Lang::En) => "ping (ICMP echo)",
        (Layer::Echo, Lang::Ko) => "핑(ICMP 에코)",
        (Layer::Connect, Lang::En) => "TCP handshakes",
        (Layer::Connect, Lang::Ko) => "TCP 연결",
        (Layer::Exchange, Lang::En) => "TLS and HTTP on top of TCP",
        (Layer::Exchange, Lang::Ko) => "TLS·HTTP까지 확인",
    }
}

/// How far a message is.
pub(crate) fn delivery(delivery: &Delivery, style: &Style) -> String {
    let lang = style.lang;
    match delivery {
        Delivery::Queued => say!(lang, "waiting", "대기 중"),
        Delivery::Sending => say!(lang, "on its way", "발송 중"),
        Delivery::Unknown => say!(lang, "perhaps delivered", "전달 여부 불확실"),
        Delivery::Sent { at, .. } => {
            let at = units::clock_time(*at, style.utc_offset_s);
            say!(lang, "delivered {at}", "{at} 전달")
        }
        Delivery::Merged { .. } => say!(lang, "said by a later one", "뒤 메시지에 합침"),
        Delivery::Dead => say!(lang, "given up", "전달 포기"),
    }
}

/// The stable name of how far a message is.
pub const fn delivery_code(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Queued => "queued",
        Delivery::Sending => "sending",
        Delivery::Unknown => "unknown",
        Delivery::Sent { .. } => "sent",
        Delivery::Merged { .. } => "merged",
        Delivery::Dead => "dead",
    }
}

/// The stable name of what happened.
pub const fn news_code(news: &News) -> &'static str {
    match news {
        News::Opened => "opened",
        News::Updated => "updated",
        News::Worsened { .. } => "worsened",
        News::Reminder => "reminder",
        News::Relapsed => "relapsed",
        News::Recovered => "recovered",
        News::AllClear(_) => "all-clear",
        News::Extended(_) => "extended",
        News::Unclear(_) => "unclear",
        News::Acknowledged => "acknowledged",
        News::WindowEnded { .. } => "window-ended",
        News::Dropped => "dropped",
        News::Pool { .. } => "pool",
        News::Hello { .. } => "hello",
    }
}

/// The stable names of what brought a transition about, and of the failure behind it.
pub const fn why_codes(why: Why) -> (&'static str, Option<&'static str>) {
    match why {
        Why::Answered => ("answered", None),
        Why::Failed(reason) => ("failed", Some(reason.code())),
        Why::BlockedFromBirth(reason) => ("blocked-from-birth", Some(reason.code())),
        Why::Appeared => ("appeared", None),
        Why::LeftDns => ("left-dns", None),
        Why::Returned => ("returned", None),
        Why::Forgotten => ("forgotten", None),
        Why::Dropped => ("dropped", None),
    }
}

/// A span in the two largest units that say something: `2 d 3 h`, `12 min`.
pub(crate) fn long_span(span: Duration, lang: Lang) -> String {
    let seconds = span.as_secs();
    let parts = [(seconds / 86_400, 0), (seconds / 3_600 % 24, 1), (seconds / 60 % 60, 2), (seconds % 60, 3)];
    let unit = |index: usize| match lang {
        Lang::En => [" d", " h", " min", " s"][index],
        Lang::Ko => ["일", "시간", "분", "초"][index],
    };
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else {
        return crate::units::span(span, lang);
    };
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, index)| format!("{count}{}", unit(*index))).collect::<Vec<_>>().join(" ")
}

/// Bytes: `1.2 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let amount = bytes as f64;
    units.iter().find(|(_, size)| amount >= *size).map_or_else(
        || format!("{bytes} B"),
        |(unit, size)| {
            let amount = amount / size;
            if amount < 9.95 { format!("{amount:.1} {unit}") } else { format!("{amount:.0} {unit}") }
        },
    )
}

/// Thousands parted: `12,345,678`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `14:02:11`, or the date and `14:02` where it is another day than now.
pub(crate) fn short_time(at: Time, now: Time, style: &Style) -> String {
    let date = |time| units::date_time(time, style.utc_offset_s);
    let (then, today) = (date(at), date(now));
    if then.split(' ').next() == today.split(' ').next() {
        units::clock_time(at, style.utc_offset_s)
    } else {
        then.rsplit_once(':').map_or_else(|| then.clone(), |(minutes, _)| minutes.to_owned())
    }
}

/// An incident was taken on.
pub fn acknowledged(incident: IncidentId, lang: Lang) -> String {
    let id = incident.0;
    say!(
        lang,
        "incident #{id} is acknowledged; it sends no more reminders",
        "장애 #{id}⟨을/를⟩ 확인 처리했습니다. 반복 알림을 더 보내지 않습니다"
    )
}

/// Something was written down about an incident.
pub fn remarked(incident: IncidentId, lang: Lang) -> String {
    let id = incident.0;
    say!(lang, "the note is written down with incident #{id}", "장애 #{id}에 메모를 기록했습니다")
}

/// A configuration was read again.
pub fn reloaded(targets: usize, lang: Lang) -> String {
    let plural = if targets == 1 { "target" } else { "targets" };
    say!(
        lang,
        "the configuration was read again: {targets} {plural}",
        "설정을 다시 읽었습니다. 감시 대상 {targets}개"
    )
}

/// An incident is not spoken of for a while.
pub fn muted(incident: IncidentId, until: Time, style: &Style) -> String {
    let id = incident.0;
    let until = units::date_time(until, style.utc_offset_s);
    say!(
        style.lang,
        "incident #{id} is muted until {until}, unless it gets worse",
        "장애 #{id} 알림을 {until}까지 끕니다. 악화되면 다시 알립니다"
    )
}

/// A silence was made.
pub fn silence_made(id: Option<SilenceId>, until: Time, style: &Style) -> String {
    let until = units::date_time(until, style.utc_offset_s);
    match id {
        Some(SilenceId(id)) => say!(
            style.lang,
            "silence {id} holds until {until}; `reach silence end {id}` ends it",
            "알림 중지 {id}번을 {until}까지 적용합니다. 해제: `reach silence end {id}`"
        ),
        None => say!(style.lang, "the silence holds until {until}", "{until}까지 알림을 중지합니다"),
    }
}

/// A silence was ended.
pub fn silence_ended(id: SilenceId, lang: Lang) -> String {
    let id = id.0;
    say!(lang, "silence {id} is over", "알림 중지 {id}번을 해제했습니다")
}

/// What may be done about an open incident.
pub fn orders(incident: IncidentId, lang: Lang) -> String {
    let id = incident.0;
    say!(
        lang,
        "`reach incidents {id}` shows everything; `reach ack {id}` takes it on",
        "자세히 보기: `reach incidents {id}`, 담당자 확인: `reach ack {id}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_short() {
        let span = |seconds| long_span(Duration::from_secs(seconds), Lang::En);
        assert_eq!(span(183_600), "2 d 3 h");
        assert_eq!(span(720), "12 min");
        assert_eq!(span(86_405), "1 d");
        assert_eq!(span(61), "1 min 1 s");
        assert_eq!(long_span(Duration::from_secs(7_380), Lang::Ko), "2시간 3분");
        assert_eq!(bytes(1_234_567_890), "1.2 GB");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(grouped(999), "999");
    }
}
