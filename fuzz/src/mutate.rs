//! Changes to JSON lines that leave them JSON: bytes changed at random seldom do, and then a parser is fuzzed and
//! not what stands behind it.

use serde_json::Value;

/// Numbers at which something often breaks.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    3,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    4_294_967_295,
    4_294_967_296,
    9_223_372_036_854_775_807,
    u64::MAX,
];

/// Foreign text at its worst.
const TEXTS: [&str; 8] = [
    "",
    "\u{1b}[2J",
    "a\r\nb",
    "\u{202e}\u{2066}",
    "푸시한국어푸시한국어푸시한국어푸시한국어",
    "e\u{301}\u{301}\u{301}",
    "-",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// Changes one to four things in JSON lines: repeats, drops, exchanges or numbers lines anew, or changes a value
/// inside one. `None` when nothing is JSON here, or the result is longer than `most`.
pub fn json_lines(text: &[u8], most: usize, seed: u32) -> Option<Vec<u8>> {
    let mut dice = Dice(u64::from(seed) << 1 | 1);
    let mut lines: Vec<Value> =
        text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    if lines.is_empty() {
        return None;
    }
    for _ in 0..=dice.below(4) {
        let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
        match dice.below(12) {
            0 => lines.insert(one, lines[other].clone()),
            1 if lines.len() > 1 => drop(lines.remove(one)),
            2 => lines.swap(one, other),
            3 => {
                // The outcome of another probe.
                if let Some(outcome) = lines[other].get("outcome").cloned()
                    && let Some(place) = lines[one].get_mut("outcome")
                {
                    *place = outcome;
                }
            }
            4 => {
                // The same again, as an observation of its own.
                let mut line = lines[other].clone();
                if let Some(id) = line.get_mut("id") {
                    *id = (dice.next() >> 40).into();
                }
                lines.insert(one.max(1), line);
            }
            _ => change(&mut lines[one], &mut dice),
        }
    }
    let mut written = Vec::with_capacity(text.len() + 256);
    for line in &lines {
        serde_json::to_writer(&mut written, line).ok()?;
        written.push(b'\n');
    }
    (written.len() <= most).then_some(written)
}

/// Changes one value somewhere inside.
fn change(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let place = dice.below(fields.len());
            if let Some((_, inside)) = fields.iter_mut().nth(place) {
                change(inside, dice);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let place = dice.below(items.len());
            match dice.below(8) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                2 => items.reverse(),
                _ => change(&mut items[place], dice),
            }
        }
        Value::Number(number) => {
            let known = number.as_u64().unwrap_or(0);
            *value = match dice.below(4) {
                0 => known.wrapping_add(1).into(),
                1 => known.saturating_sub(1).into(),
                2 => (dice.next() >> dice.below(64)).into(),
                _ => NUMBERS[dice.below(NUMBERS.len())].into(),
            };
        }
        Value::Bool(truth) => *truth = !*truth,
        Value::String(text) => match text.parse::<std::net::IpAddr>() {
            Ok(_) => *text = format!("203.0.113.{}", dice.below(16)),
            Err(_) => *text = TEXTS[dice.below(TEXTS.len())].to_owned(),
        },
        other => *other = dice.below(300).into(),
    }
}

/// Numbers by chance from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap_or(0) % end
    }
}
