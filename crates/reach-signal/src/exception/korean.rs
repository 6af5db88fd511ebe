//! What systems say of the network in Korean, in the words that they have in English: glibc, Windows, .NET.

use std::borrow::Cow;

/// Korean and English, the longer ones first.
///
/// Source: the catalogues `libc.mo` of glibc, the messages of Winsock errors in Windows, the resources of .NET.
const WORDS: [(&str, &str); 25] = [
    ("연결이 거부됨", "connection refused"),
    ("연결이 거부되었습니다", "connection refused"),
    ("대상 컴퓨터에서 연결을 거부했으므로", "connection refused"),
    ("연결 시간 초과", "connection timed out"),
    ("연결된 구성원으로부터 응답이 없어 연결하지 못했거나", "did not properly respond after a period"),
    ("호스트로 갈 루트가 없음", "no route to host"),
    ("연결할 수 없는 호스트로 소켓 작업을 시도했습니다", "no route to host"),
    ("네트워크가 접근 불가능합니다", "network is unreachable"),
    ("연결할 수 없는 네트워크에서 소켓 작업을 시도했습니다", "network is unreachable"),
    ("상대편이 연결을 끊음", "connection reset by peer"),
    ("현재 연결은 원격 호스트에 의해 강제로 끊겼습니다", "forcibly closed by the remote host"),
    (
        "현재 연결은 사용자의 호스트 시스템의 소프트웨어의 의해 중단되었습니다",
        "an established connection was aborted",
    ),
    ("파이프가 깨어짐", "broken pipe"),
    ("이름 혹은 서비스를 알 수 없습니다", "name or service not known"),
    ("name resolution에서 일시적인 실패", "temporary failure in name resolution"),
    ("호스트이름과 대응되는 주소가 없음", "no address associated with hostname"),
    ("알려진 호스트가 없습니다", "no such host is known"),
    ("원격 이름을 확인할 수 없습니다", "remote name could not be resolved"),
    ("알 수 없는 호스트", "unknown host"),
    ("요청한 주소를 배정할 수 없습니다", "cannot assign requested address"),
    ("원격 서버에 연결할 수 없습니다", "unable to connect to the remote server"),
    ("SSL 연결을 설정할 수 없습니다", "ssl connection could not be established"),
    ("원격 인증서가 잘못되었습니다", "remote certificate is invalid"),
    ("원격 인증서가 올바르지 않습니다", "remote certificate is invalid"),
    ("작업 시간이 초과되었습니다", "the operation timed out"),
];

/// The text with these words in English.
pub(super) fn english(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if text.is_ascii() {
        return text;
    }
    for (korean, english) in WORDS {
        if text.contains(korean) {
            text = text.replace(korean, english).into();
        }
    }
    text
}

/// Whether a line has any of them.
pub(super) fn is_telling(line: &str) -> bool {
    // Waiting may be for anything: only with a destination beside it.
    !line.is_ascii()
        && WORDS.iter().any(|(korean, english)| line.contains(korean) && !english.contains("timed out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_systems_become_those_that_rules_have() {
        assert_eq!(
            english("java.net.ConnectException: 연결이 거부됨 (x)"),
            "java.net.ConnectException: connection refused (x)"
        );
        assert_eq!(english("로그인이 거부되었습니다"), "로그인이 거부되었습니다");
        assert!(is_telling("소켓: 파이프가 깨어짐") && !is_telling("연결 시간 초과") && !is_telling("성공"));
    }
}
