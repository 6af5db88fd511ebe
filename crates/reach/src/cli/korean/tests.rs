use std::collections::BTreeSet;

use super::{
    texts::{Piece, pieces},
    *,
};

/// The pieces of the definition that are to be in the catalogue, each with the place where it stands.
fn units() -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let mut units = Vec::new();
    collect(&command, &mut units);
    units
}

fn collect(command: &Command, units: &mut Vec<(String, String)>) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    assert!(
        command.get_before_help().is_none()
            && command.get_before_long_help().is_none()
            && command.get_after_long_help().is_none(),
        "`{name}` has a text of a kind that `in_korean` in cli/korean.rs does not replace yet: replace it there"
    );
    let mut add = |place: String, text: &dyn ToString| {
        let text = text.to_string();
        let found = pieces(&text).into_iter().filter_map(|piece| match piece {
            Piece::Unit(unit) => Some((place.clone(), unit)),
            Piece::Kept(_) => None,
        });
        units.extend(found);
    };
    let texts = [
        command.get_about(),
        command.get_long_about(),
        command.get_after_help(),
        command.get_overridden_usage(),
    ];
    for text in texts.into_iter().flatten() {
        add(name.clone(), text);
    }
    for arg in command.get_arguments() {
        let place = format!("{name}, {}", arg.get_id());
        for text in [arg.get_help(), arg.get_long_help()].into_iter().flatten() {
            add(place.clone(), text);
        }
        if let Some(heading) = arg.get_help_heading() {
            add(place.clone(), &heading);
        }
        if !arg.get_action().takes_values() {
            continue;
        }
        for value_name in arg.get_value_names().into_iter().flatten() {
            add(place.clone(), value_name);
        }
        for value in arg.get_possible_values() {
            if let Some(help) = value.get_help() {
                add(format!("{place}, value {}", value.get_name()), help);
            }
        }
    }
    for subcommand in command.get_subcommands() {
        collect(subcommand, units);
    }
}

#[test]
fn every_text_of_the_help_has_korean() {
    let missing: BTreeSet<String> = units()
        .into_iter()
        .filter(|(_, unit)| texts::in_korean(unit).is_none())
        .map(|(place, unit)| format!("    ({unit:?}, \"…\"),    // {place}"))
        .collect();
    assert!(
        missing.is_empty(),
        "{} texts of the help have no Korean. Add these pairs to crates/reach/src/words/korean/help/*.rs (names of \
         values to VALUES in words/korean/help.rs), with `{{}}` for what is computed:\n{}",
        missing.len(),
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn no_korean_of_the_help_is_left_over() {
    let mut used = BTreeSet::new();
    for (_, unit) in units() {
        let mut use_of = |english| {
            used.insert(english);
        };
        if HELP.found(&unit, &mut use_of).is_none() {
            HELP.found(unit.trim_end_matches('.'), &mut use_of);
        }
    }
    let left: BTreeSet<&str> = HELP.english().filter(|english| !used.contains(english)).collect();
    assert!(
        left.is_empty(),
        "nothing says this any more; remove it from crates/reach/src/words/korean/help*: {left:#?}"
    );
}

#[test]
fn every_korean_text_of_the_help_is_korean() {
    for (_, unit) in units() {
        let korean = texts::in_korean(&unit).unwrap_or_default();
        let same = ["URL", "PostgreSQL", "Apache Parquet"].contains(&unit.as_str());
        assert!(same || korean.chars().any(|letter| ('가'..='힣').contains(&letter)), "{unit}: {korean}");
        assert!(!korean.contains('⟨') && !korean.contains("{}"), "{korean}");
    }
}

fn narrow() -> Command {
    let mut command = Cli::command().term_width(80);
    command.build();
    for_help(in_korean(command))
}

fn shown_for(line: &str) -> (ErrorKind, String) {
    let arguments = super::super::language::normal(line.split(' ').map(OsString::from).collect());
    let error = narrow().try_get_matches_from(arguments).expect_err(line);
    (error.kind(), anstream::adapter::strip_str(&page(&error)).to_string())
}

#[test]
fn the_korean_definition_is_consistent() {
    definition(Lang::Ko).debug_assert();
    for_help(definition(Lang::Ko)).debug_assert();
}

#[test]
fn help_in_korean_lines_up() {
    for (name, line) in [
        ("reach", "reach -h"),
        ("check", "reach check -h"),
        ("check_long", "reach check --help"),
        ("ping", "reach ping -h"),
        ("trace", "reach trace -h"),
        ("silence", "reach silence --help"),
        ("scouter", "reach scouter -h"),
        ("completions", "reach completions -h"),
    ] {
        let (kind, page) = shown_for(line);
        assert_eq!(kind, ErrorKind::DisplayHelp, "{line}");
        for shown in page.lines() {
            // Command lines of examples are never broken.
            assert!(shown.width() <= 80 || shown.starts_with("  reach"), "{line}: {shown}");
        }
        insta::assert_snapshot!(name, page);
    }
}

#[test]
fn no_page_of_help_has_english_words_of_claps() {
    fn each(command: &Command, path: &str) {
        for flag in ["-h", "--help"] {
            let line = format!("{path} {flag}");
            let (_, page) = shown_for(&line);
            for word in [
                "Usage",
                "Options:",
                "[OPTIONS]",
                "Arguments",
                "Commands",
                "[default:",
                "ossible value",
                "Print",
            ] {
                assert!(!page.contains(word), "{line}: {word}\n{page}");
            }
        }
        for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
            each(subcommand, &format!("{path} {}", subcommand.get_name()));
        }
    }
    each(&Cli::command(), "reach");
}

#[test]
fn errors_of_the_command_line_are_korean() {
    for (line, parts) in [
        (
            "reach check",
            &["오류: 필요한 인수가 빠졌습니다:\n  <대상>...", "사용법: reach check <대상>..."] as &[&str],
        ),
        ("reach check --bogus", &["알 수 없는 인수입니다: '--bogus'", "참고: '--bogus'를 값으로 넘기려면"]),
        ("reach check --efort quick x", &["비슷한 인수가 있습니다: '--effort'"]),
        (
            "reach check --effort quik x",
            &["쓸 수 없는 값입니다: 'quik'", "[가능한 값: quick, normal, thorough]", "비슷한 값이"],
        ),
        ("reach check --effort", &["'--effort <방식>'에 값을 지정하십시오"]),
        ("reach check x --tls --no-tls", &["'--tls' 인수와 '--no-tls' 인수는 함께"]),
        ("reach check x --json --json", &["'--json' 인수는 한 번만"]),
        ("reach check --ipv4=3 x", &["값을 더 지정할 수 없습니다: '3'"]),
        ("reach check --seed abc x", &["쓸 수 없는 값입니다: 'abc' (숫자가 아닙니다)"]),
        ("reach config chek", &["없는 명령입니다: 'chek'", "비슷한 명령이 있습니다: 'check'"]),
        ("reach scouter --password-file x", &["필요한 인수가 빠졌습니다:\n  --user <계정>"]),
        ("reach check x \u{1b}[2J --bogus", &["--bogus"]),
    ] {
        let (_, text) = shown_for(line);
        for part in parts {
            assert!(text.contains(part), "{line}: {part}\n{text}");
        }
        assert!(text.ends_with("'--help'를 참고하십시오.\n") && text.starts_with("오류: "), "{line}\n{text}");
        assert!(!text.contains('\u{1b}') && !text.contains("Usage"), "{text}");
    }
}

#[test]
fn manuals_and_completions_are_korean() {
    let mut page = Vec::new();
    let mut reach = definition(Lang::Ko);
    let check = reach.find_subcommand("check").expect("there is one").clone();
    clap_mangen::Man::new(check).render(&mut page).expect("into memory");
    let page = manual(&String::from_utf8_lossy(&page));
    assert!(page.starts_with("'\\\" -*- coding: UTF-8 -*-\n.ie "), "{page}");
    for part in [
        ".SH 이름",
        ".SH 사용법",
        "[기본값: normal]",
        "가능한 값:",
        "조회와 플로를 적게",
        ".SH \"점검 방법\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let mut script = Vec::new();
    clap_complete::generate(clap_complete::Shell::Zsh, &mut reach, "reach", &mut script);
    let script = String::from_utf8_lossy(&script);
    assert!(script.contains("IPv4 주소만") && script.contains("조회와 플로를 적게"));
}
