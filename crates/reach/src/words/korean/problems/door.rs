//! Who may come in over HTTP: what is configured.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    ("`http.{key}`: {what}", "`http.{key}`: {what}"),
    (
        "this is no argon2id hash; `reach config password` asks for a password and prints the line, like password = \"$argon2id$v=19$…\"",
        "argon2id 해시가 아닙니다. `reach config password`가 비밀번호를 입력받아 password = \"$argon2id$v=19$…\" 같은 줄을 출력합니다",
    ),
    (
        "this hash takes m={}, t={}, p={}; one may take m={LEAST_MEMORY} to {MOST_MEMORY}, t up to {MOST_PASSES} and p up to {MOST_LANES}, as `reach config password` makes it",
        "이 해시는 m={}, t={}, p={}입니다. `reach config password`가 만드는 것처럼 m은 {LEAST_MEMORY} ~ {MOST_MEMORY}, t는 {MOST_PASSES}, p는 {MOST_LANES}까지만 쓸 수 있습니다",
    ),
    (
        "the user `{}` has the password of another; give everybody their own",
        "사용자 `{}`의 비밀번호가 다른 사용자와 같습니다. 각자 다르게 지정하십시오",
    ),
    ("user `{name}`: {why}", "사용자 `{name}`: {why}"),
    (
        "there are two users of the name `{name}`; rename one",
        "`{name}` 사용자가 둘입니다. 하나의 이름을 바꾸십시오",
    ),
    ("user `{name}`: `password`: {why}", "사용자 `{name}`: `password`: {why}"),
    ("token `{name}`: {why}", "토큰 `{name}`: {why}"),
    (
        "there is a user of this name; give it another, so that it is known who did what",
        "같은 이름의 사용자가 있습니다. 누가 무엇을 했는지 알 수 있도록 다른 이름을 지정하십시오",
    ),
    (
        "token `{name}`: there is another of this name or hash; give each its own",
        "토큰 `{name}`: 이름이나 해시가 같은 토큰이 또 있습니다. 각각 다르게 지정하십시오",
    ),
    (
        "a name has 1 to {LONGEST_NAME} characters, none of them a colon, and no blanks around it",
        "이름은 콜론 없이 1 ~ {LONGEST_NAME}자이고, 앞뒤에 빈칸이 없어야 합니다",
    ),
    (
        "`from` is empty; name the addresses that the proxy asks from, like [\"127.0.0.1\"]",
        "`from`이 비어 있습니다. 프록시가 요청하는 IP를 [\"127.0.0.1\"]처럼 지정하십시오",
    ),
    (
        "`{key}`: `{header}` cannot be it; give a header like \"X-Remote-User\"",
        "`{key}`: `{header}`⟨은/는⟩ 쓸 수 없습니다. \"X-Remote-User\" 같은 헤더를 지정하십시오",
    ),
    (
        "roles are for who is named in `user_header`; give one like \"X-Remote-User\"",
        "권한은 `user_header`에 적힌 사람에게 주는 것입니다. \"X-Remote-User\" 같은 헤더를 지정하십시오",
    ),
    (
        "give `certificate` and `key`, both in PEM, or `self_signed = true` for one that is made here",
        "`certificate`와 `key`를 모두 PEM으로 지정하거나, 여기에서 만들려면 `self_signed = true`로 지정하십시오",
    ),
    (
        "others than this host reach {listen}, and nothing says who may come in; add a user (`[[http.user]]`, with the lines that `reach config password` prints), a token (`[[http.token]]`, `reach config token NAME`) or a reverse proxy that says who asks (`[http.proxy]` with `user_header`), or listen on 127.0.0.1",
        "{listen}에는 다른 호스트도 접속할 수 있는데 누가 들어올 수 있는지 정해져 있지 않습니다. 사용자(`[[http.user]]`, `reach config password`가 출력하는 줄), 토큰(`[[http.token]]`, `reach config token 이름`), 또는 누가 요청하는지 알려 주는 리버스 프록시(`user_header`가 있는 `[http.proxy]`)를 추가하거나 127.0.0.1에서 수신하십시오",
    ),
    (
        "passwords and tokens cross the network readable for everybody on the way; add [http.tls], with a certificate or `self_signed = true`",
        "비밀번호와 토큰이 암호화되지 않은 채 네트워크를 지납니다. 인증서나 `self_signed = true`로 [http.tls]를 추가하십시오",
    ),
    ("the token `{}` has expired; nobody is let in by it", "토큰 `{}`⟨은/는⟩ 만료되어 쓸 수 없습니다"),
    (
        "`{}` is no network; give one like \"198.51.100.0/24\" or \"192.0.2.7\"",
        "`{}`⟨은/는⟩ 대역이 아닙니다. \"198.51.100.0/24\"나 \"192.0.2.7\"처럼 지정하십시오",
    ),
    (
        "this is no hash of a token; `reach config token NAME` prints a token and the line with its hash, like hash = \"sha256:9f86…\"",
        "토큰의 해시가 아닙니다. `reach config token 이름`이 토큰과 hash = \"sha256:9f86…\" 같은 줄을 출력합니다",
    ),
    (
        "`{text}` is no time; give one like \"2027-01-01\" or \"2027-01-01T09:00:00+09:00\"",
        "`{text}`⟨은/는⟩ 시각이 아닙니다. \"2027-01-01\"이나 \"2027-01-01T09:00:00+09:00\"처럼 지정하십시오",
    ),
    ("TLS cannot be spoken: {error}", "TLS를 쓸 수 없습니다: {error}"),
    (
        "`{key_name}` has no private key in PEM that needs no password",
        "`{key_name}`에 비밀번호 없는 PEM 개인 키가 없습니다",
    ),
    (
        "`{name}` and `{key_name}` cannot be used together: {error}",
        "`{name}`⟨과/와⟩ `{key_name}`⟨은/는⟩ 함께 쓸 수 없습니다: {error}",
    ),
    ("`{name}` is larger than any certificate", "`{name}`⟨은/는⟩ 인증서라기에는 너무 큽니다"),
    ("there is no certificate", "인증서가 없습니다"),
    ("no certificate can be made: {error}", "인증서를 만들 수 없습니다: {error}"),
    (
        "`{name}`, where the certificate that is made here is kept, cannot be written: {error}",
        "여기에서 만든 인증서를 보관할 `{name}`⟨을/를⟩ 쓸 수 없습니다: {error}",
    ),
];
