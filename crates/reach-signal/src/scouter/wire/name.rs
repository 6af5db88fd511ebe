//! Hashes of texts, and how numbers of transactions are written for people.

/// The hash by which a text is known: CRC-32 of its bytes, and 0 of none.
///
/// The bytes are in the character set of whoever computes it. Of a text that need not be ASCII, the hash of another
/// program may differ: learn such texts, never look for them by computing.
pub fn hash(text: &[u8]) -> i32 {
    crc32fast::hash(text).cast_signed()
}

/// A number as Scouter's screens show it: in base 32 behind `x`, or behind `z` where it is below zero; up to 9 alone.
pub fn hexa32(number: i64) -> String {
    let (mark, mut rest) = match number {
        0..=9 => return number.to_string(),
        10.. => ('x', number.unsigned_abs()),
        ..0 => ('z', number.unsigned_abs()),
    };
    let mut digits = Vec::new();
    while rest > 0 {
        digits.extend(u32::try_from(rest % 32).ok().and_then(|digit| char::from_digit(digit, 32)));
        rest /= 32;
    }
    std::iter::once(mark).chain(digits.into_iter().rev()).collect()
}

/// The number that is written so; `None` when none is.
pub fn of_hexa32(text: &str) -> Option<i64> {
    let wide =
        |digits: &str| i128::from_str_radix(digits, 32).ok().filter(|_| !digits.starts_with(['+', '-']));
    let number = match text.split_at_checked(1)? {
        ("x", digits) => wide(digits)?,
        ("z", digits) => -wide(digits)?,
        (digit, "") => i128::from(digit.parse::<u8>().ok()?),
        _ => return None,
    };
    i64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_in_base_32() {
        for (number, text) in
            [(0, "0"), (9, "9"), (10, "xa"), (32, "x10"), (-1, "z1"), (i64::MIN, "z8000000000000")]
        {
            assert_eq!(hexa32(number), text);
        }
        for strange in ["", "x", "z", "-1", "x+1", "x-1", "ab", "한", "xw", "x8000000000000"] {
            assert_eq!(of_hexa32(strange), None, "{strange}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(number: i64) {
            prop_assert_eq!(of_hexa32(&hexa32(number)), Some(number));
        }
    }
}
