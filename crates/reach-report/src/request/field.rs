//! What a column of a request form can hold, and by which titles it is known.

use crate::Lang;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The line's number.
    Number,
    /// Which way to the same end it belongs to.
    Alternative,
    /// The firewall that it is for.
    Firewall,
    /// Addresses that connections come from.
    Source,
    /// What is there.
    SourceName,
    /// The source's address behind NAT.
    NatIp,
    /// Addresses or names that connections go to.
    Destination,
    /// What is there.
    DestinationName,
    /// TCP or UDP.
    Protocol,
    /// The destination's ports.
    Port,
    /// Protocol and ports together: `TCP/443`.
    Service,
    /// Which way connections are opened.
    Direction,
    /// What the firewall is to do: allow.
    Action,
    /// What it is for.
    Purpose,
    /// The first day.
    From,
    /// The last day.
    Until,
    /// The first and the last day together.
    Period,
    /// Anything else.
    Remark,
    /// Why, the same in every line.
    Reason,
    /// Who asks, the same in every line.
    Requester,
    /// The requester's department.
    Department,
    /// How the requester is reached.
    Contact,
    /// When the request was written.
    Made,
}

impl Field {
    /// All of them.
    pub const ALL: [Field; 23] = [
        Field::Number,
        Field::Alternative,
        Field::Firewall,
        Field::Source,
        Field::SourceName,
        Field::NatIp,
        Field::Destination,
        Field::DestinationName,
        Field::Protocol,
        Field::Port,
        Field::Service,
        Field::Direction,
        Field::Action,
        Field::Purpose,
        Field::From,
        Field::Until,
        Field::Period,
        Field::Remark,
        Field::Reason,
        Field::Requester,
        Field::Department,
        Field::Contact,
        Field::Made,
    ];

    /// Its name in a template.
    pub const fn key(self) -> &'static str {
        match self {
            Field::Number => "number",
            Field::Alternative => "alternative",
            Field::Firewall => "firewall",
            Field::Source => "source",
            Field::SourceName => "source_name",
            Field::NatIp => "nat_ip",
            Field::Destination => "destination",
            Field::DestinationName => "destination_name",
            Field::Protocol => "protocol",
            Field::Port => "port",
            Field::Service => "service",
            Field::Direction => "direction",
            Field::Action => "action",
            Field::Purpose => "purpose",
            Field::From => "from",
            Field::Until => "until",
            Field::Period => "period",
            Field::Remark => "remark",
            Field::Reason => "reason",
            Field::Requester => "requester",
            Field::Department => "department",
            Field::Contact => "contact",
            Field::Made => "made",
        }
    }

    /// The field with this name in a template.
    pub fn of_key(key: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.key() == key)
    }

    /// The title of its column where no template says another.
    pub const fn title(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ko => match self {
                Field::Number => "No",
                Field::Alternative => "안",
                Field::Firewall => "대상방화벽",
                Field::Source => "출발지IP",
                Field::SourceName => "출발지",
                Field::NatIp => "NAT_IP",
                Field::Destination => "목적지IP",
                Field::DestinationName => "목적지",
                Field::Protocol => "프로토콜",
                Field::Port => "포트",
                Field::Service => "서비스(프로토콜/포트)",
                Field::Direction => "방향",
                Field::Action => "요청사항",
                Field::Purpose => "용도",
                Field::From => "시작일",
                Field::Until => "종료일",
                Field::Period => "사용기간",
                Field::Remark => "비고",
                Field::Reason => "신청사유",
                Field::Requester => "신청자",
                Field::Department => "부서",
                Field::Contact => "연락처",
                Field::Made => "신청일",
            },
            Lang::En => match self {
                Field::Number => "No",
                Field::Alternative => "Option",
                Field::Firewall => "Firewall",
                Field::Source => "Source IP",
                Field::SourceName => "Source",
                Field::NatIp => "NAT IP",
                Field::Destination => "Destination IP",
                Field::DestinationName => "Destination",
                Field::Protocol => "Protocol",
                Field::Port => "Port",
                Field::Service => "Service",
                Field::Direction => "Direction",
                Field::Action => "Action",
                Field::Purpose => "Purpose",
                Field::From => "Start date",
                Field::Until => "Expiry date",
                Field::Period => "Period",
                Field::Remark => "Remarks",
                Field::Reason => "Justification",
                Field::Requester => "Requester",
                Field::Department => "Department",
                Field::Contact => "Contact",
                Field::Made => "Request date",
            },
        }
    }

    /// What a column with this title holds; `None` for a title that no form in use has.
    pub fn of_title(title: &str) -> Option<Field> {
        let key = plain(title);
        let known = |field: &&(Field, &[&str])| field.1.contains(&key.as_str());
        TITLES.iter().find(known).map(|(field, _)| *field)
    }
}

/// The columns of a form without a template, for a house that speaks this language.
pub(super) const fn usual(lang: Lang) -> &'static [Field] {
    match lang {
        Lang::Ko => &[
            Field::Number,
            Field::Firewall,
            Field::Source,
            Field::SourceName,
            Field::NatIp,
            Field::Destination,
            Field::DestinationName,
            Field::Protocol,
            Field::Port,
            Field::Direction,
            Field::Purpose,
            Field::From,
            Field::Until,
            Field::Remark,
        ],
        Lang::En => &[
            Field::Number,
            Field::Firewall,
            Field::Source,
            Field::SourceName,
            Field::NatIp,
            Field::Destination,
            Field::DestinationName,
            Field::Protocol,
            Field::Port,
            Field::Direction,
            Field::Action,
            Field::Purpose,
            Field::From,
            Field::Until,
            Field::Remark,
        ],
    }
}

/// Titles without anything that houses write differently: capitals, blanks, `_`, a remark in brackets.
pub(super) fn plain(title: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    let mut all = String::new();
    for c in title.chars() {
        let is_filler = c.is_whitespace()
            || c.is_control()
            || matches!(c, '_' | '-' | '.' | ':' | '*' | '·' | '\'' | '"');
        match c {
            '(' | '[' | '（' => depth += 1,
            ')' | ']' | '）' => depth = depth.saturating_sub(1),
            _ if is_filler => {}
            _ => {
                all.extend(c.to_lowercase());
                if depth == 0 {
                    kept.extend(c.to_lowercase());
                }
            }
        }
    }
    if kept.is_empty() { all } else { kept }
}

/// Titles seen in forms, as [`plain`] makes them.
const TITLES: [(Field, &[&str]); 23] = [
    (
        Field::Number,
        &["no", "순번", "연번", "번호", "seq", "#", "num", "number", "순서", "nr", "id", "일련번호"],
    ),
    (Field::Alternative, &["안", "대안", "option", "alternative"]),
    (
        Field::Firewall,
        &[
            "대상방화벽",
            "방화벽",
            "방화벽명",
            "방화벽장비",
            "적용방화벽",
            "대상장비",
            "장비명",
            "firewall",
            "fw",
            "device",
            "gateway",
        ],
    ),
    (
        Field::Source,
        &[
            "출발지ip",
            "출발지주소",
            "출발지ip주소",
            "출발ip",
            "srcip",
            "sourceip",
            "sourceaddress",
            "sourceipaddress",
            "srcaddr",
            "srcaddress",
            "sip",
            "소스ip",
            "from",
            "fromip",
            "sourcenetwork",
            "출발지ip대역",
            "출발지대역",
            "sourceip/subnet",
            "sourceips",
            "sourcehost/ip",
        ],
    ),
    (
        Field::SourceName,
        &[
            "출발지",
            "출발지명",
            "출발지설명",
            "출발지서버",
            "출발지서버명",
            "출발지호스트",
            "출발지호스트명",
            "source",
            "src",
            "sourcename",
            "sourcehost",
            "sourcehostname",
            "srcname",
            "srchost",
            "sourcedescription",
            "출발지시스템",
            "출발지용도",
            "sourcesystem",
            "sourceserver",
        ],
    ),
    (
        Field::NatIp,
        &[
            "natip",
            "nat",
            "natip주소",
            "공인ip",
            "출발지공인ip",
            "nat주소",
            "publicip",
            "nataddress",
            "sourcenatip",
            "snatip",
            "snat",
        ],
    ),
    (
        Field::Destination,
        &[
            "목적지ip",
            "목적지주소",
            "목적지ip주소",
            "도착지ip",
            "도착지주소",
            "목적ip",
            "dstip",
            "destip",
            "destinationip",
            "destinationaddress",
            "destinationipaddress",
            "dstaddr",
            "dstaddress",
            "dip",
            "targetip",
            "to",
            "toip",
            "목적지ip대역",
            "목적지대역",
            "destinationnetwork",
            "destinationip/subnet",
            "destinationips",
            "목적지ip/도메인",
            "목적지도메인",
            "destinationhost/ip",
            "destinationfqdn",
            "destinationip/fqdn",
        ],
    ),
    (
        Field::DestinationName,
        &[
            "목적지",
            "목적지명",
            "목적지설명",
            "목적지서버",
            "목적지서버명",
            "목적지호스트",
            "목적지호스트명",
            "도착지",
            "도착지명",
            "destination",
            "dest",
            "dst",
            "target",
            "destinationname",
            "destinationhost",
            "destinationhostname",
            "dstname",
            "dsthost",
            "targetname",
            "destinationdescription",
            "목적지시스템",
            "목적지용도",
            "서비스명",
            "servicename",
            "destinationsystem",
            "destinationserver",
        ],
    ),
    (Field::Protocol, &["프로토콜", "protocol", "proto", "tcp/udp", "프로토콜종류", "ipprotocol", "l4"]),
    (
        Field::Port,
        &[
            "포트",
            "port",
            "목적지포트",
            "도착지포트",
            "ports",
            "dstport",
            "destport",
            "destinationport",
            "destinationports",
            "포트번호",
            "서비스포트",
            "serviceport",
            "dport",
            "targetport",
            "portnumber",
            "portnumbers",
            "port번호",
            "목적지port",
        ],
    ),
    (
        Field::Service,
        &[
            "서비스",
            "service",
            "services",
            "protocol/port",
            "프로토콜/포트",
            "port/protocol",
            "포트/프로토콜",
            "service/port",
        ],
    ),
    (
        Field::Direction,
        &["방향", "direction", "in/out", "inout", "통신방향", "dir", "접속방향", "트래픽방향"],
    ),
    (
        Field::Action,
        &[
            "요청사항",
            "action",
            "허용/차단",
            "실행정책",
            "허용여부",
            "allow/deny",
            "permit/deny",
            "ruleaction",
        ],
    ),
    (
        Field::Purpose,
        &[
            "용도",
            "사용목적",
            "목적",
            "사용용도",
            "신청목적",
            "purpose",
            "usage",
            "description",
            "설명",
            "사유",
            "내용",
            "use",
            "application",
        ],
    ),
    (
        Field::From,
        &[
            "시작일",
            "시작일자",
            "사용시작일",
            "적용일",
            "시작",
            "startdate",
            "start",
            "validfrom",
            "begindate",
            "effectivedate",
            "오픈일",
            "적용시작일",
            "개시일",
        ],
    ),
    (
        Field::Until,
        &[
            "종료일",
            "종료일자",
            "사용종료일",
            "만료일",
            "만료일자",
            "종료",
            "enddate",
            "end",
            "expirydate",
            "expiry",
            "expirationdate",
            "expires",
            "validuntil",
            "validto",
            "적용종료일",
        ],
    ),
    (
        Field::Period,
        &[
            "사용기간",
            "기간",
            "오픈기간",
            "적용기간",
            "period",
            "validity",
            "duration",
            "유효기간",
            "사용기한",
            "임시/영구",
        ],
    ),
    (
        Field::Remark,
        &["비고", "remark", "remarks", "note", "notes", "comment", "comments", "참고", "기타", "메모", "etc"],
    ),
    (
        Field::Reason,
        &[
            "신청사유",
            "요청사유",
            "사유상세",
            "reason",
            "justification",
            "businessjustification",
            "businessreason",
            "businesspurpose",
            "허용사유",
        ],
    ),
    (
        Field::Requester,
        &[
            "신청자",
            "요청자",
            "신청인",
            "requester",
            "requestor",
            "requestedby",
            "담당자",
            "신청자명",
            "요청자명",
            "성명",
        ],
    ),
    (
        Field::Department,
        &["부서", "신청부서", "요청부서", "담당부서", "department", "dept", "team", "소속", "부서명"],
    ),
    (
        Field::Contact,
        &[
            "연락처",
            "contact",
            "전화번호",
            "전화",
            "phone",
            "이메일",
            "email",
            "mail",
            "담당자연락처",
            "신청자연락처",
        ],
    ),
    (
        Field::Made,
        &["신청일", "요청일", "요청일자", "신청일자", "requestdate", "daterequested", "date", "작성일"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_titles_of_forms_in_use_are_known() {
        for (title, field) in [
            ("No", Field::Number),
            ("No.", Field::Number),
            ("순번", Field::Number),
            ("연번", Field::Number),
            ("번호", Field::Number),
            ("Seq", Field::Number),
            ("#", Field::Number),
            ("대상방화벽", Field::Firewall),
            ("출발지IP", Field::Source),
            ("출발지 IP", Field::Source),
            ("출발지_IP", Field::Source),
            ("Src IP", Field::Source),
            ("출발지주소", Field::Source),
            ("출발지", Field::SourceName),
            ("SOURCE", Field::SourceName),
            ("Dst IP", Field::Destination),
            ("목적지주소", Field::Destination),
            ("목적지_IP", Field::Destination),
            ("TARGET", Field::DestinationName),
            ("목적지 Port", Field::Port),
            ("목적지포트", Field::Port),
            ("PORT", Field::Port),
            ("포트 (TCP/UDP)", Field::Port),
            ("PROTOCOL", Field::Protocol),
            ("신청사유", Field::Reason),
            ("사용 목적", Field::Purpose),
            ("요청일자", Field::Made),
            ("요청자", Field::Requester),
            ("NAT_IP", Field::NatIp),
            ("Business justification", Field::Reason),
            ("Expiry date", Field::Until),
        ] {
            assert_eq!(Field::of_title(title), Some(field), "{title}");
        }
        assert_eq!(Field::of_title("처리자"), None);
        assert_eq!(Field::of_title(""), None);
    }

    #[test]
    fn every_title_that_is_written_is_read_again() {
        for lang in Lang::ALL {
            for field in Field::ALL {
                assert_eq!(Field::of_title(field.title(lang)), Some(field));
            }
        }
    }

    #[test]
    fn keys_name_one_field_each() {
        for field in Field::ALL {
            assert_eq!(Field::of_key(field.key()), Some(field));
        }
    }

    #[test]
    fn titles_are_compared_as_they_are_told_apart() {
        let mut seen = std::collections::BTreeSet::new();
        for (_, titles) in TITLES {
            for title in titles {
                assert!(seen.insert(*title), "{title} stands for two things");
                assert_eq!(&plain(title), title);
            }
        }
    }
}
