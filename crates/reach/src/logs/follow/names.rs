//! Names that files are given when they are rotated.

use std::path::Path;

/// Whether a file has the name that another one is given when it is rotated: `app.log.1`, `app.log-20240311.gz`,
/// `app.2024-03-11.log`, `app-1.log.xz`.
pub fn is_rotated_name(written: &Path, path: &Path) -> bool {
    let (Some(base), Some(name)) = (written.file_name(), path.file_name()) else { return false };
    if written.parent() != path.parent() || base == name {
        return false;
    }
    let (base, name) = (base.to_string_lossy(), name.to_string_lossy());
    let name = [".gz", ".bz2", ".zst", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    if name == base {
        return true;
    }
    let between = match name.strip_prefix(&*base) {
        Some(rest) => rest,
        None => {
            let (stem, end) = base.rsplit_once('.').unwrap_or((&base, ""));
            let inside = name
                .strip_prefix(stem)
                .and_then(|rest| rest.strip_suffix(end))
                .map(|rest| rest.trim_end_matches('.'));
            match inside {
                Some(inside) if !end.is_empty() => inside,
                _ => return false,
            }
        }
    };
    let is_separated = between.starts_with(['.', '-', '_']);
    let has_digit = between.bytes().any(|byte| byte.is_ascii_digit());
    let is_plain = between.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'T' | b'Z' | b'h' | b'i' | b's')
    });
    is_separated && is_plain && (has_digit || between == ".0" || between == ".old")
        || matches!(between, ".old" | ".bak" | "-old" | ".prev")
}
