//! The words of it, English and Korean side by side.

use reach_core::signal::{AlertLevel, FailureClass, Gauge};

use crate::{Lang, layout::Role};

/// What went wrong, in short.
pub(crate) const fn class(class: FailureClass, lang: Lang) -> &'static str {
    match (class, lang) {
        (FailureClass::Dns, Lang::En) => "name not resolved",
        (FailureClass::Dns, Lang::Ko) => "이름 해석 실패(DNS)",
        (FailureClass::ConnectTimeout, Lang::En) => "connect timed out",
        (FailureClass::ConnectTimeout, Lang::Ko) => "연결 시간 초과(connect timeout)",
        (FailureClass::ReadTimeout, Lang::En) => "connected, no answer (read timed out)",
        (FailureClass::ReadTimeout, Lang::Ko) => "연결 후 응답 없음(read timeout)",
        (FailureClass::Refused, Lang::En) => "connection refused",
        (FailureClass::Refused, Lang::Ko) => "연결 거부(connection refused)",
        (FailureClass::Unreachable, Lang::En) => "no route, or unreachable",
        (FailureClass::Unreachable, Lang::Ko) => "경로 없음 또는 도달 불가",
        (FailureClass::Reset, Lang::En) => "connection reset",
        (FailureClass::Reset, Lang::Ko) => "연결 끊김(connection reset)",
        (FailureClass::Tls, Lang::En) => "TLS handshake failed",
        (FailureClass::Tls, Lang::Ko) => "TLS 핸드셰이크 실패",
        (FailureClass::Http, Lang::En) => "HTTP error",
        (FailureClass::Http, Lang::Ko) => "HTTP 오류",
    }
}

/// What is measured.
pub(crate) const fn gauge(gauge: Gauge, lang: Lang) -> &'static str {
    match (gauge, lang) {
        (Gauge::DiskSpace, Lang::En) => "disk",
        (Gauge::DiskSpace, Lang::Ko) => "디스크",
        (Gauge::Inodes, Lang::En) => "inodes",
        (Gauge::Inodes, Lang::Ko) => "아이노드",
        (Gauge::Memory, Lang::En) => "memory",
        (Gauge::Memory, Lang::Ko) => "메모리",
        (Gauge::Swap, Lang::En) => "swap",
        (Gauge::Swap, Lang::Ko) => "스왑",
        (Gauge::Load, Lang::En) => "load for each processor",
        (Gauge::Load, Lang::Ko) => "프로세서당 부하",
        (Gauge::Processor, Lang::En) => "CPU",
        (Gauge::Processor, Lang::Ko) => "CPU",
        (Gauge::FileDescriptors, Lang::En) => "file descriptors",
        (Gauge::FileDescriptors, Lang::Ko) => "파일 디스크립터",
        (Gauge::EphemeralPorts, Lang::En) => "ephemeral ports",
        (Gauge::EphemeralPorts, Lang::Ko) => "임시 포트",
        (Gauge::Conntrack, Lang::En) => "connection tracking",
        (Gauge::Conntrack, Lang::Ko) => "연결 추적 테이블(conntrack)",
        (Gauge::Retransmissions, Lang::En) => "retransmissions",
        (Gauge::Retransmissions, Lang::Ko) => "재전송",
        (Gauge::Heap, Lang::En) => "JVM heap",
        (Gauge::Heap, Lang::Ko) => "JVM 힙",
        (Gauge::Metaspace, Lang::En) => "JVM metaspace",
        (Gauge::Metaspace, Lang::Ko) => "JVM 메타스페이스",
        (Gauge::Collection, Lang::En) => "time in garbage collection",
        (Gauge::Collection, Lang::Ko) => "GC에 쓴 시간",
        (Gauge::Pressure, Lang::En) => "time in which tasks waited",
        (Gauge::Pressure, Lang::Ko) => "자원 대기 시간(PSI)",
        (Gauge::Sockets, Lang::En) => "sockets",
        (Gauge::Sockets, Lang::Ko) => "소켓",
        (Gauge::AcceptQueue, Lang::En) => "connections turned away by a full queue",
        (Gauge::AcceptQueue, Lang::Ko) => "대기열 초과로 거절된 연결",
        (Gauge::DatabaseConnections, Lang::En) => "database connections",
        (Gauge::DatabaseConnections, Lang::Ko) => "DB 연결",
    }
}

/// How full is worth looking at, and how full is bad.
pub(crate) const fn limits(gauge: Gauge) -> (f64, f64) {
    match gauge {
        Gauge::DiskSpace | Gauge::Inodes | Gauge::Conntrack | Gauge::EphemeralPorts | Gauge::Sockets => {
            (0.8, 0.9)
        }
        Gauge::Load => (1.0, 2.0),
        Gauge::Retransmissions => (0.02, 0.05),
        Gauge::Collection => (0.1, 0.3),
        Gauge::Pressure => (0.4, 0.7),
        Gauge::AcceptQueue => (0.01, 0.1),
        Gauge::Swap => (0.5, 0.8),
        // A heap that is as full as it is large grows, as long as it may.
        Gauge::Heap | Gauge::Metaspace => (0.95, 0.99),
        Gauge::Memory | Gauge::Processor | Gauge::FileDescriptors | Gauge::DatabaseConnections => {
            (0.85, 0.95)
        }
    }
}

/// How bad whoever raised an alert thinks it is.
pub(crate) const fn level(level: AlertLevel, lang: Lang) -> &'static str {
    match (level, lang) {
        (AlertLevel::Info, Lang::En) => "info",
        (AlertLevel::Info, Lang::Ko) => "정보",
        (AlertLevel::Warning, Lang::En) => "warning",
        (AlertLevel::Warning, Lang::Ko) => "경고",
        (AlertLevel::Error, Lang::En) => "error",
        (AlertLevel::Error, Lang::Ko) => "오류",
        (AlertLevel::Fatal, Lang::En) => "fatal",
        (AlertLevel::Fatal, Lang::Ko) => "치명",
    }
}

pub(crate) const fn level_role(level: AlertLevel) -> Role {
    match level {
        AlertLevel::Info => Role::Dim,
        AlertLevel::Warning => Role::Warn,
        AlertLevel::Error | AlertLevel::Fatal => Role::Bad,
    }
}

/// The headings of a board.
#[derive(Clone, Copy)]
pub(crate) enum Heading {
    Services,
    Destinations,
    Errors,
    Statements,
    Levels,
    Things,
    Alerts,
    Lost,
    Service,
    Requests,
    Failed,
    Late,
    ErrorRate,
    Bounds,
    Destination,
    Address,
    Attempts,
    Time,
    Said,
    Count,
    Error,
    Statement,
    Slowest,
    Where,
    What,
    Share,
    State,
}

pub(crate) const fn heading(heading: Heading, lang: Lang) -> &'static str {
    match (heading, lang) {
        (Heading::Services, Lang::En) => "Services",
        (Heading::Services, Lang::Ko) => "서비스",
        (Heading::Destinations, Lang::En) => "Destinations, as the applications saw them",
        (Heading::Destinations, Lang::Ko) => "애플리케이션이 본 목적지",
        (Heading::Errors, Lang::En) => "Errors of the applications themselves",
        (Heading::Errors, Lang::Ko) => "애플리케이션 자체 오류",
        (Heading::Statements, Lang::En) => "Slow and failed SQL",
        (Heading::Statements, Lang::Ko) => "느리거나 실패한 SQL",
        (Heading::Levels, Lang::En) => "Levels",
        (Heading::Levels, Lang::Ko) => "사용률",
        (Heading::Things, Lang::En) => "Agents and servers",
        (Heading::Things, Lang::Ko) => "에이전트와 서버",
        (Heading::Alerts, Lang::En) => "Alerts",
        (Heading::Alerts, Lang::Ko) => "경보",
        (Heading::Lost, Lang::En) => "Not received, or not understood",
        (Heading::Lost, Lang::Ko) => "받지 못했거나 이해하지 못한 것",
        (Heading::Service, Lang::En) => "service",
        (Heading::Service, Lang::Ko) => "서비스",
        (Heading::Requests, Lang::En) => "requests",
        (Heading::Requests, Lang::Ko) => "요청",
        (Heading::Failed, Lang::En) => "failed",
        (Heading::Failed, Lang::Ko) => "실패",
        (Heading::Late, Lang::En) => "served late",
        (Heading::Late, Lang::Ko) => "지연 처리",
        (Heading::ErrorRate, Lang::En) => "error rate",
        (Heading::ErrorRate, Lang::Ko) => "오류율",
        (Heading::Bounds, Lang::En) => "95 % bounds",
        (Heading::Bounds, Lang::Ko) => "95 % 구간",
        (Heading::Destination, Lang::En) => "destination",
        (Heading::Destination, Lang::Ko) => "목적지",
        (Heading::Address, Lang::En) => "address",
        (Heading::Address, Lang::Ko) => "주소",
        (Heading::Attempts, Lang::En) => "attempts",
        (Heading::Attempts, Lang::Ko) => "시도",
        (Heading::Time, Lang::En) => "median",
        (Heading::Time, Lang::Ko) => "중앙값",
        (Heading::Said, Lang::En) => "what failed",
        (Heading::Said, Lang::Ko) => "실패 내용",
        (Heading::Count, Lang::En) => "times",
        (Heading::Count, Lang::Ko) => "횟수",
        (Heading::Error, Lang::En) => "error",
        (Heading::Error, Lang::Ko) => "오류",
        (Heading::Statement, Lang::En) => "statement",
        (Heading::Statement, Lang::Ko) => "SQL 문",
        (Heading::Slowest, Lang::En) => "slowest",
        (Heading::Slowest, Lang::Ko) => "최장",
        (Heading::Where, Lang::En) => "where",
        (Heading::Where, Lang::Ko) => "위치",
        (Heading::What, Lang::En) => "what",
        (Heading::What, Lang::Ko) => "항목",
        (Heading::Share, Lang::En) => "used",
        (Heading::Share, Lang::Ko) => "사용률",
        (Heading::State, Lang::En) => "state",
        (Heading::State, Lang::Ko) => "상태",
    }
}

/// Whether something reports.
pub(crate) const fn presence(alive: bool, lang: Lang) -> &'static str {
    match (alive, lang) {
        (true, Lang::En) => "reports",
        (true, Lang::Ko) => "보고 중",
        (false, Lang::En) => "reports no more",
        (false, Lang::Ko) => "보고 끊김",
    }
}

/// What is missing.
pub(crate) fn lost(what: &str, lang: Lang) -> String {
    match (what, lang) {
        ("datagrams", Lang::En) => "datagrams".to_owned(),
        ("datagrams", Lang::Ko) => "데이터그램".to_owned(),
        ("texts", Lang::En) => "texts of errors".to_owned(),
        ("texts", Lang::Ko) => "오류 문구".to_owned(),
        ("lines", Lang::En) => "lines".to_owned(),
        ("lines", Lang::Ko) => "로그 줄".to_owned(),
        ("processes", Lang::En) => {
            "processes of other users (which of them has a socket, and their JVMs, cannot be seen)".to_owned()
        }
        ("processes", Lang::Ko) => "다른 사용자 프로세스(소켓 소유 여부와 JVM 확인 불가)".to_owned(),
        ("sockets", Lang::En) => "sockets".to_owned(),
        ("sockets", Lang::Ko) => "소켓".to_owned(),
        ("connects", Lang::En) => "attempts to connect".to_owned(),
        ("connects", Lang::Ko) => "연결 시도".to_owned(),
        ("statements", Lang::En) => "statements of other users".to_owned(),
        ("statements", Lang::Ko) => "다른 사용자의 SQL 문".to_owned(),
        ("signals", Lang::En) => "signals".to_owned(),
        ("signals", Lang::Ko) => "신호".to_owned(),
        (other, _) => other.to_owned(),
    }
}
