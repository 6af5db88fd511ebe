//! Commands that look at the network themselves, and those around the program.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    // reach
    (
        "Diagnoses which addresses behind a name are blocked, by whom and where",
        "한 도메인의 여러 IP 중 어느 것이, 누구에 의해, 어디에서 막히는지 진단",
    ),
    (
        "reach finds every address behind a name, tests each one layer by layer (ping, TCP, TLS, HTTP), and says \
         which fail, why, where on the path, what that does to clients, and what to ask of whom. It runs without \
         privileges, and says what more it could see with them.",
        "reach는 도메인의 모든 IP를 찾아 하나씩 단계별로(핑, TCP, TLS, HTTP) 점검하고, 어느 IP가 왜, 경로의 어디에서 \
         실패하는지, 클라이언트에 어떤 영향이 있는지, 누구에게 무엇을 요청해야 하는지 알려 줍니다. 권한 없이 실행되며, 권한이 \
         있으면 무엇을 더 볼 수 있는지도 알려 줍니다.",
    ),
    ("reach <TARGET>...\n       reach <COMMAND> [OPTIONS]", "reach <대상>...\n       reach <명령> [OPTIONS]"),
    ("every address behind the name, port 443", "도메인의 모든 IP, 443 포트"),
    ("all targets of a file, for a script", "파일에 적힌 모든 대상, 스크립트용"),
    ("see it work: eight addresses, three blocked", "동작 보기: IP 8개 중 3개 차단"),
    // check, resolve
    (
        "Test every address behind a name: which fail, why, and where on the path",
        "도메인의 모든 IP 점검: 어느 IP가 왜, 경로의 어디에서 실패하는지",
    ),
    (
        "HOST alone means port 443. A port that is known to speak TLS gets a TLS handshake too, a URL a request too. \
         @FILE names a file with one target a line, where # begins a comment; @- is standard input.",
        "HOST만 쓰면 443 포트입니다. TLS 포트로 알려진 포트는 TLS 핸드셰이크까지, URL은 요청까지 점검합니다. @파일은 한 줄에 \
         대상 하나씩 적은 파일이며 # 뒤는 주석입니다. @-는 표준 입력입니다.",
    ),
    ("Test TLS whatever the port is", "포트와 무관하게 TLS 점검"),
    ("Test no TLS whatever the port is", "포트와 무관하게 TLS를 점검하지 않음"),
    (
        "Write down everything observed, as it comes, for --replay",
        "관찰한 내용을 모두 그때그때 저장(--replay용)",
    ),
    ("Judge a recording again instead of testing anything", "점검하지 않고 기록을 다시 판정"),
    ("Write the result as a page for a browser, too", "결과를 브라우저용 페이지로도 저장"),
    (
        "One HTML file that needs nothing else, neither a network nor other files. Works with --replay as well.",
        "네트워크도 다른 파일도 필요 없는 HTML 파일 하나입니다. --replay와 함께 쓸 수도 있습니다.",
    ),
    (
        "List every address behind a name, over all resolvers, until few can be unseen",
        "도메인의 모든 IP 목록: 놓친 IP가 거의 없을 때까지 모든 DNS 서버에 조회",
    ),
    ("The names, or @FILE with one a line", "도메인, 또는 한 줄에 하나씩 적은 @파일"),
    ("every name has an address", "모든 도메인에 IP가 있음"),
    ("a name has none", "IP가 없는 도메인이 있음"),
    // ping
    ("Ping every address behind names, by ICMP or TCP", "도메인의 모든 IP에 핑(ICMP 또는 TCP)"),
    (
        "What to ping: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line",
        "핑을 보낼 대상: HOST, HOST:PORT, IP:PORT, [IPv6]:PORT, URL, 또는 한 줄에 하나씩 적은 @파일",
    ),
    (
        "Every address behind a name is pinged. The port matters to --tcp only, and is 443 unless another is given.",
        "도메인의 모든 IP에 핑을 보냅니다. 포트는 --tcp일 때만 쓰이며, 지정하지 않으면 443입니다.",
    ),
    (
        "Ping only the first address of each name, in the order the system gives",
        "시스템이 주는 순서에서 도메인의 첫 번째 IP에만 핑",
    ),
    ("How to ping", "핑 방법"),
    (
        "End after so many requests to each address; with -w, after so many answers",
        "IP마다 이만큼 요청을 보내면 종료. -w와 함께 쓰면 이만큼 응답을 받으면 종료",
    ),
    (
        "From one request to the next, to each address: seconds, or with a unit (200ms)",
        "IP마다 요청을 보내는 간격: 초, 또는 단위와 함께(200ms)",
    ),
    (
        "The next request as soon as one is answered or 10 ms old (root; others with -i 2ms or more)",
        "응답이 오거나 10 ms가 지나면 바로 다음 요청(root 전용, 일반 사용자는 -i 2ms 이상과 함께)",
    ),
    ("When to call a request lost", "요청을 손실로 보는 시간"),
    ("When to end, whatever was sent and answered", "보낸 수, 응답 수와 무관하게 종료하는 시간"),
    ("Bytes of payload behind the ICMP header, 0 to 65507", "ICMP 헤더 뒤 데이터의 바이트 수, 0 ~ 65507"),
    ("TTL or hop limit, 1 to 255", "TTL(홉 제한), 1 ~ 255"),
    ("The interface to send from, or the source address", "보낼 인터페이스 또는 출발지 IP"),
    (
        "The DSCP by name (ef, af41, cs1), or the whole TOS or traffic class byte by number",
        "DSCP 이름(ef, af41, cs1), 또는 TOS(트래픽 클래스) 바이트 전체를 숫자로",
    ),
    ("Whether packets may be fragmented", "패킷 단편화 허용 여부"),
    ("Never fragment, neither here nor on the way", "여기서도 경로에서도 단편화하지 않음"),
    (
        "As the system does it: fragment here what the path is known not to carry",
        "시스템 기본 동작: 경로를 통과할 수 없다고 알려진 크기는 여기서 단편화",
    ),
    ("Do not fragment: the same as -M do", "단편화하지 않음: -M do와 같음"),
    (
        "Ping by TCP: a SYN to the target's port, where ICMP is forbidden",
        "TCP 핑: ICMP가 금지된 곳에서 대상 포트로 SYN 전송",
    ),
    ("Only the summary at the end", "마지막 요약만"),
    ("Begin each line with the seconds since 1970", "줄마다 앞에 1970년부터의 초를 표시"),
    (
        "Tell of requests that are not answered when the next is sent",
        "다음 요청을 보낼 때까지 응답이 없는 요청도 표시",
    ),
    ("every address, in one table", "모든 IP를 표 하나에"),
    ("one address, as ping does", "IP 하나, ping과 같은 형식"),
    ("where ICMP is forbidden", "ICMP가 금지된 곳"),
    ("does a packet of 1500 bytes pass?", "1500바이트 패킷이 통과하는지 확인"),
    ("one JSON object a line, for a script", "한 줄에 JSON 객체 하나, 스크립트용"),
    (
        "Keys: ^C ends with the summary, ^\\ shows it and goes on.",
        "키: ^C는 요약을 표시하고 종료, ^\\는 요약을 표시하고 계속합니다.",
    ),
    ("every address answered at least once", "모든 IP가 한 번 이상 응답"),
    (
        "one did not, or a name does not resolve; with -c and -w, fewer answers than wanted",
        "응답 없는 IP가 있거나 DNS 조회 실패. -c와 -w를 함께 쓰면 응답 수 부족",
    ),
    ("nothing could be sent (no permission, no route)", "보낼 수 없음(권한 없음, 경로 없음)"),
    // connect
    (
        "Connect to every address behind a name, or hold a session with one",
        "도메인의 모든 IP에 연결하거나, IP 하나와 대화형 세션 열기",
    ),
    (
        "What to connect to, as for `reach check`; or HOST PORT, as for telnet",
        "연결할 대상. `reach check`와 같은 형식 또는 telnet처럼 HOST PORT",
    ),
    ("Session", "세션"),
    (
        "Hold a session with one address: the first that connects, or --address; ^] leads out of it",
        "IP 하나와 세션 열기: 가장 먼저 연결되는 IP 또는 --address. ^]로 빠져나옴",
    ),
    (
        "How typed lines end [default: crlf at a terminal and as-is from a pipe; telnet has its own]",
        "입력한 줄의 끝 문자 [기본값: 터미널은 crlf, 파이프는 as-is. telnet은 자체 방식]",
    ),
    ("Carriage return and line feed", "캐리지 리턴과 줄바꿈"),
    ("As typed or piped", "입력한 그대로"),
    (
        "Show what the server sends on the terminal as it is, control characters too [default: once it speaks telnet]",
        "서버가 보낸 것을 제어 문자까지 그대로 터미널에 표시 [기본값: 서버가 telnet을 쓸 때부터]",
    ),
    (
        "Connect to this address only, whatever the name resolves to",
        "DNS 조회 결과와 무관하게 이 IP에만 연결",
    ),
    (
        "When a proxy, a TLS handshake or a request is silent [default: {} by effort]",
        "프록시, TLS 핸드셰이크, 요청을 무응답으로 보는 시간 [기본값: 강도에 따라 {}]",
    ),
    (
        "How long to wait for what the server says first [default: {}, and not at all behind TLS unless the port is \
         one where servers speak first]",
        "서버가 먼저 보내는 문구를 기다리는 시간 [기본값: {}. TLS에서는 서버가 먼저 말하는 포트가 아니면 기다리지 않음]",
    ),
    ("Speak TLS whatever the port is", "포트와 무관하게 TLS 사용"),
    ("Speak no TLS whatever the port is", "포트와 무관하게 TLS를 쓰지 않음"),
    ("Start TLS inside another protocol", "다른 프로토콜 안에서 TLS 시작(STARTTLS)"),
    ("Mail transport and submission", "메일 전송과 발송"),
    ("Mailboxes", "메일함"),
    ("File transfer", "파일 전송"),
    ("Messaging", "메시징"),
    ("PostgreSQL", "PostgreSQL"),
    ("MySQL and MariaDB", "MySQL과 MariaDB"),
    ("Directories", "디렉터리 서비스"),
    (
        "Connect from this port, so that every try is the same flow [default: the system chooses]",
        "이 출발지 포트에서 연결(모든 시도가 같은 플로) [기본값: 시스템이 선택]",
    ),
    (
        "Try each address so many times [default: 1; until interrupted where only --every is given]",
        "IP마다 시도할 횟수 [기본값: 1. --every만 지정하면 중단할 때까지]",
    ),
    ("From one try of an address to the next [default: {}]", "같은 IP를 다시 시도하는 간격 [기본값: {}]"),
    ("Proxy", "프록시"),
    (
        "Go through a proxy: http://[USER:PASSWORD@]HOST:PORT, socks5://… (names are resolved here) or socks5h://… \
         (by the proxy)",
        "프록시 경유: http://[USER:PASSWORD@]HOST:PORT, socks5://…(DNS 조회는 여기서), socks5h://…(DNS 조회는 프록시가)",
    ),
    (
        "Connect directly even where the environment names a proxy for a URL",
        "환경 변수에 URL용 프록시가 있어도 직접 연결",
    ),
    (
        "A URL target gets a request too, and goes through the proxy that the environment names for it, as with curl: \
         https_proxy or HTTPS_PROXY, http_proxy (lower case only), all_proxy or ALL_PROXY, unless no_proxy or NO_PROXY \
         lists the host. Other targets are connected to directly unless --proxy is given. Through a proxy that \
         resolves names itself, the exit status depends on the name; the addresses are shown for comparison.",
        "URL 대상은 요청까지 보내며, curl처럼 환경 변수가 정한 프록시(https_proxy 또는 HTTPS_PROXY, 소문자 http_proxy, \
         all_proxy 또는 ALL_PROXY)를 거칩니다. no_proxy나 NO_PROXY에 있는 호스트는 제외합니다. 그 밖의 대상은 --proxy가 \
         없으면 직접 연결합니다. 프록시가 DNS 조회를 하는 경우 종료 코드는 도메인의 결과를 따르며, IP별 결과는 비교용으로 \
         표시합니다.",
    ),
    (
        "In a session typed lines are sent when they end, unless the server asks for single characters by telnet's \
         options. ^] gives a prompt with the commands help, status, send, mode and quit. From a pipe everything is \
         sent as it comes, then the sending half is closed and the answer is waited for.",
        "세션에서 입력한 내용은 서버가 telnet 옵션으로 글자 단위를 요구하지 않으면 줄 단위로 보냅니다. ^]를 누르면 help, \
         status, send, mode, quit 명령을 쓸 수 있습니다. 파이프 입력은 들어오는 대로 보낸 뒤 송신 쪽을 닫고 응답을 기다립니다.",
    ),
    (
        "every usable address connects, TLS and all that was asked for included",
        "사용할 수 있는 모든 IP에 연결(요청한 TLS 등 포함)",
    ),
    // trace
    (
        "Find the routers on all parallel paths to every address behind a name",
        "도메인의 모든 IP까지 모든 병렬 경로의 라우터 찾기",
    ),
    (
        "HOST alone means port 443, with -U port 33434. Only the way there is looked at, neither TLS nor a request. \
         @FILE names a file with one target a line, where # begins a comment; @- is standard input.",
        "HOST만 쓰면 443 포트, -U이면 33434 포트입니다. 가는 경로만 보며 TLS나 요청은 점검하지 않습니다. @파일은 한 줄에 대상 \
         하나씩 적은 파일이며 # 뒤는 주석입니다. @-는 표준 입력입니다.",
    ),
    ("How to trace", "추적 방법"),
    (
        "Trace with TCP SYNs to the port, as clients send them [default]",
        "클라이언트처럼 대상 포트로 TCP SYN을 보내 추적 [기본값]",
    ),
    (
        "Trace with UDP datagrams, to port 33434 unless the target gives one",
        "UDP 데이터그램으로 추적. 대상에 포트가 없으면 33434 포트",
    ),
    ("Trace with ICMP echo requests", "ICMP 에코 요청으로 추적"),
    (
        "The destination port of every target, whatever it says",
        "대상에 적힌 것과 무관하게 모든 대상의 목적지 포트",
    ),
    ("The first hop to ask, 1 to 255", "조사할 첫 번째 홉, 1 ~ 255"),
    ("The last hop to ask, 1 to 255", "조사할 마지막 홉, 1 ~ 255"),
    (
        "Answers to collect from each hop for its round-trip time, 1 to 100",
        "왕복 시간을 재기 위해 홉마다 받을 응답 수, 1 ~ 100",
    ),
    (
        "The longest wait for a hop; usually far less, from what other hops took",
        "홉 하나를 기다리는 최대 시간. 보통 다른 홉의 시간을 보고 훨씬 짧게 기다림",
    ),
    ("Follow one flow instead of all parallel paths", "모든 병렬 경로 대신 플로 하나만 추적"),
    ("How sure to be that no path is missed, in percent", "놓친 경로가 없다고 볼 신뢰도(퍼센트)"),
    ("95 percent", "95퍼센트"),
    ("99 percent", "99퍼센트"),
    (
        "Be that sure of the trace as a whole, not of each branching by itself",
        "신뢰도를 분기마다가 아니라 추적 전체에 적용",
    ),
    (
        "Connect on so many flows to find a bad one among parallel paths, 1 to 4096",
        "이만큼의 플로로 연결하여 병렬 경로 중 불량 경로 찾기, 1 ~ 4096",
    ),
    ("Find the path MTU, and who makes it smaller", "경로 MTU와 MTU가 줄어드는 지점 찾기"),
    (
        "The first source port (with -I the first flow number), 1024 to 65535",
        "첫 출발지 포트(-I이면 첫 플로 번호), 1024 ~ 65535",
    ),
    (
        "Bytes of payload of UDP and ICMP probes, 8 to 8972",
        "UDP, ICMP 추적 패킷의 데이터 바이트 수, 8 ~ 8972",
    ),
    (
        "The most packets in a second, over all addresses, 1 to 100000",
        "모든 IP를 합한 초당 최대 패킷 수, 1 ~ 100000",
    ),
    (
        "Show loss and round trips of every hop on the whole screen until q is pressed",
        "q를 누를 때까지 모든 홉의 손실과 왕복 시간을 전체 화면으로 표시",
    ),
    ("With --live: how often to ask each hop again", "--live에서 홉마다 다시 확인하는 간격"),
    ("Do not ask for the names of routers", "라우터의 이름을 조회하지 않음"),
    (
        "Tell the autonomous system and its owner from a table: iptoasn or CAIDA text (.gz too), GeoLite2 CSV, or .mmdb",
        "AS와 소유자를 찾을 표: iptoasn 또는 CAIDA 텍스트(.gz 가능), GeoLite2 CSV, .mmdb",
    ),
    ("One list for each address instead of one tree of all", "전체 트리 하나 대신 IP마다 목록으로"),
    (
        "Show the paths to two addresses side by side and where they part; without addresses, an open one and a \
         blocked one",
        "두 IP의 경로를 나란히 표시하고 갈라지는 곳 찾기. IP를 지정하지 않으면 열린 IP와 막힌 IP를 비교",
    ),
    ("Write the paths as a graph for Graphviz", "경로를 Graphviz용 그래프로 저장"),
    ("Write the paths as a picture", "경로를 그림으로 저장"),
    ("Show a recording again instead of tracing anything", "추적하지 않고 기록을 다시 표시"),
    ("Marks behind a hop:", "홉 뒤의 표시:"),
    (
        "host, network, protocol, port unreachable, said by a device on the way",
        "호스트, 네트워크, 프로토콜, 포트 도달 불가(경로의 장비가 알림)",
    ),
    ("administratively prohibited", "관리 정책에 의한 차단"),
    ("larger than the next link takes (its MTU)", "다음 링크의 크기 제한(MTU) 초과"),
    ("another ICMP code", "그 밖의 ICMP 코드"),
    ("every usable address is reached", "사용할 수 있는 모든 IP에 도달"),
    ("at least one is not, or a name does not resolve", "도달하지 못한 IP가 있거나 DNS 조회 실패"),
    // explain, demo, completions, man
    (
        "Say what a verdict or a finding means, how it is proved, and what to do",
        "판정과 항목의 의미, 판단 근거, 조치 방법 설명",
    ),
    (
        "A verdict, the code of a finding, or what failed for an application; without one, all are listed, or the \
         exceptions in the text on standard input are explained",
        "판정, 항목 코드, 또는 애플리케이션에 남은 오류. 생략하면 전체 목록을 표시하거나, 표준 입력으로 받은 텍스트의 예외를 설명",
    ),
    (
        "Show a check at work in a pretend network: eight addresses, three blocked",
        "가상 네트워크에서 점검 시연: IP 8개 중 3개 차단",
    ),
    (
        "Use the simulated network even where a real one can be built",
        "실제 네트워크를 만들 수 있어도 모의 네트워크 사용",
    ),
    (
        "Keep what the check observed, for `reach check --replay`",
        "점검에서 관찰한 내용 저장(`reach check --replay`용)",
    ),
    ("This process is in namespaces of its own already", "이 프로세스는 이미 별도의 네임스페이스 안에 있음"),
    (
        "The network is made of the kernel's own namespaces, routers and packet filter, and is gone when the demo \
         ends. Nothing leaves this machine and no privilege is needed. Where namespaces are not allowed, a simulated \
         network takes their place.",
        "커널의 네임스페이스, 라우팅, 패킷 필터로 네트워크를 만들며, 데모가 끝나면 사라집니다. 이 서버 밖으로 나가는 것은 없고 \
         권한도 필요 없습니다. 네임스페이스를 쓸 수 없는 환경에서는 모의 네트워크가 대신합니다.",
    ),
    (
        "Exit status: 0 when the demo worked, although what it shows has addresses that fail.",
        "종료 코드: 데모가 제대로 동작하면 0. 시연에 실패하는 IP가 나와도 0입니다.",
    ),
    ("Write completions for a shell to standard output", "셸 자동 완성을 표준 출력으로 출력"),
    ("The shell", "셸"),
    ("Write a manual page (roff) to standard output", "매뉴얼 페이지(roff)를 표준 출력으로 출력"),
    (
        "The command whose page is wanted; without one, the page of reach itself",
        "매뉴얼을 볼 명령. 생략하면 reach 자체의 매뉴얼",
    ),
    (
        "The language of the comments [default: by LC_ALL, LC_MESSAGES, LANG]",
        "주석의 언어 [기본값: LC_ALL, LC_MESSAGES, LANG에 따름]",
    ),
    (
        "The language of texts [default: by LC_ALL, LC_MESSAGES, LANG]",
        "언어 [기본값: LC_ALL, LC_MESSAGES, LANG에 따름]",
    ),
];
