//! Korean of what is wrong: with the command line, with a configuration, with the world around.

mod configured;
mod done;
mod door;
mod report;
mod running;
mod system;
mod toml;
mod typed;

use reach_report::Lang;

use super::Pair;
use crate::words;

/// What this program says.
pub const OURS: [&[Pair]; 6] =
    [typed::TEXTS, done::TEXTS, configured::TEXTS, running::TEXTS, report::TEXTS, door::TEXTS];

/// What comes of parts that are no texts of their own in the source.
pub const COMPOSED: &[Pair] = &[
    ("open are {}", "진행 중인 장애: {}"),
    ("there are {}", "있는 것: {}"),
    ("{}, expected a list like [\"a\", \"b\"]", "{}. [\"a\", \"b\"] 같은 목록이어야 합니다"),
];

/// What a watch says that speaks English, for those who ask it in Korean.
pub const WATCH: &[Pair] = &[
    (words::no_such_target(Lang::En), words::no_such_target(Lang::Ko)),
    (words::no_surveys(Lang::En), words::no_surveys(Lang::Ko)),
    (words::offline(Lang::En), words::offline(Lang::Ko)),
    (words::survey_takes_too_long(Lang::En), words::survey_takes_too_long(Lang::Ko)),
    ("what is new in {} takes effect with a restart only", "{} 변경 사항은 다시 시작해야 적용됩니다"),
];

/// What others say, whose sources are not here.
pub const OTHERS: [&[Pair]; 2] = [system::TEXTS, toml::TEXTS];
