//! What nobody can guess.

use aws_lc_rs::rand;

/// 256 bits by chance.
pub(super) fn bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    // The generator of this library ends the process rather than to give what can be guessed.
    if rand::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// 256 bits by chance, as text that needs no escape anywhere.
pub(super) fn token() -> String {
    text(&bytes())
}

/// Bytes as text that needs no escape anywhere (RFC 4648 §5, without padding).
pub(super) fn text(bytes: &[u8]) -> String {
    crate::blackbox::base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (token(), token());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "{one}");
    }
}
