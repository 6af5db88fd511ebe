//! What browsers fetch besides: the style sheet and the script. Their names hold what is in them, so that they may be
//! kept for good.

/// The picture beside the title, as an address that holds it.
pub const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect \
    width='16' height='16' rx='4' fill='%230b6e99'/%3E%3Cpath d='M3 11V8h3V5h4V3h3' stroke='%23fff' stroke-width='2' \
    fill='none'/%3E%3C/svg%3E";

/// A file that browsers fetch.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// What it is called, without what tells one version from the next.
    stem: &'static str,
    /// The end of its name.
    extension: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub text: &'static str,
}

impl Asset {
    /// Its name: `page-0123456789abcdef.css`.
    pub fn name(&self) -> String {
        format!("{}-{:016x}.{}", self.stem, digest(self.text.as_bytes()), self.extension)
    }

    /// Where it is.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name())
    }
}

/// FNV-1a: no protection, only a name for what is inside.
const fn digest(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

/// The style sheet.
pub const fn style() -> Asset {
    Asset {
        stem: "page",
        extension: "css",
        media_type: "text/css; charset=utf-8",
        text: concat!(
            include_str!("assets/base.css"),
            include_str!("assets/parts.css"),
            include_str!("../chart/style.css"),
            include_str!("assets/narrow.css"),
        ),
    }
}

/// The script: one module, whose parts are blocks of their own.
pub const fn script() -> Asset {
    Asset {
        stem: "page",
        extension: "js",
        media_type: "text/javascript; charset=utf-8",
        text: concat!(
            include_str!("assets/time.js"),
            include_str!("assets/table.js"),
            include_str!("assets/keys.js"),
            include_str!("assets/live.js"),
            include_str!("assets/zoom.js"),
        ),
    }
}

/// The part of the script that a file without a server can use.
pub(super) const fn table_script() -> &'static str {
    include_str!("assets/table.js")
}

/// All of them.
pub fn all() -> [Asset; 2] {
    [style(), script()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_what_is_inside() {
        assert!(style().name().starts_with("page-") && style().name().ends_with(".css"));
        assert_ne!(digest(b"a"), digest(b"b"));
    }

    #[test]
    fn a_style_sheet_and_a_script_can_stand_inside_of_a_page() {
        for asset in all() {
            assert!(!asset.text.contains("</"), "{}", asset.name());
        }
    }
}
