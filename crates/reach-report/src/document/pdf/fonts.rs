//! The fonts that documents are set in. They are in the program, because no host that measures has fonts.

use std::{io::Read, sync::OnceLock};

use flate2::read::GzDecoder;
use krilla::text::Font;

use super::PdfError;

/// Subsets of Nanum fonts; `scripts/fonts` makes them.
const FILES: [&[u8]; 3] = [
    include_bytes!("../../../fonts/ReachGothic-Regular.ttf.gz"),
    include_bytes!("../../../fonts/ReachGothic-Bold.ttf.gz"),
    include_bytes!("../../../fonts/ReachGothicMono-Regular.ttf.gz"),
];

/// A font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Of running text.
    Regular,
    /// Of headings and what is to be seen at once.
    Bold,
    /// Of what was typed: every letter is as wide, every Hangul syllable twice as wide.
    Mono,
}

impl Face {
    const ALL: [Face; 3] = [Face::Regular, Face::Bold, Face::Mono];
}

/// A character as a font draws it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Letter {
    /// The font that has it.
    pub(super) face: Face,
    /// Its number there; 0 is a box, for what no font has.
    pub(super) glyph: u16,
    /// Its width in units of the font's size.
    pub(super) advance: f32,
}

/// What is known of the fonts.
pub(super) struct Fonts {
    faces: &'static [ttf_parser::Face<'static>; 3],
    fonts: [Font; 3],
}

impl Fonts {
    /// The fonts, unpacked once in the life of the program.
    pub(super) fn get() -> Result<Self, PdfError> {
        static BYTES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
        static FACES: OnceLock<Option<[ttf_parser::Face<'static>; 3]>> = OnceLock::new();
        let bytes = BYTES.get_or_init(|| FILES.map(unpacked));
        let faces = FACES.get_or_init(|| {
            let [regular, bold, mono] = bytes.each_ref().map(|bytes| ttf_parser::Face::parse(bytes, 0).ok());
            Some([regular?, bold?, mono?])
        });
        let fault = || PdfError::Unwritten("a font of this program is broken".to_owned());
        let faces = faces.as_ref().ok_or_else(fault)?;
        let [regular, bold, mono] = bytes.each_ref().map(|bytes| Font::new(bytes.as_slice().into(), 0));
        let fonts = [regular.ok_or_else(fault)?, bold.ok_or_else(fault)?, mono.ok_or_else(fault)?];
        Ok(Self { faces, fonts })
    }

    /// The font to draw with.
    pub(super) fn font(&self, face: Face) -> Font {
        self.fonts[face as usize].clone()
    }

    /// How a character is drawn in text of this font: by another font where this one has it not, by one that looks like
    /// it where none has, and as a box otherwise. What is read aloud or copied is the character itself all the same.
    pub(super) fn letter(&self, face: Face, c: char) -> Letter {
        let found = self.find(face, c).or_else(|| self.find(face, like(c)?));
        let (face, glyph) = found.unwrap_or((Face::Regular, 0));
        Letter { face, glyph, advance: self.advance(face, glyph) }
    }

    fn find(&self, face: Face, c: char) -> Option<(Face, u16)> {
        let others = Face::ALL.into_iter().filter(|other| *other != face);
        std::iter::once(face).chain(others).find_map(|face| {
            let glyph = self.faces[face as usize].glyph_index(c).filter(|glyph| glyph.0 != 0)?;
            Some((face, glyph.0))
        })
    }

    fn advance(&self, face: Face, glyph: u16) -> f32 {
        let of = &self.faces[face as usize];
        let advance = of.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or_default();
        f32::from(advance) / f32::from(of.units_per_em().max(1))
    }

    /// How wide a text is.
    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        text.chars().map(|c| self.letter(face, c).advance).sum::<f32>() * size
    }
}

/// A character that looks like one that no font has.
const fn like(c: char) -> Option<char> {
    Some(match c {
        '\u{a0}' | '\u{2007}' | '\u{202f}' => ' ',
        '\u{2010}' | '\u{2011}' | '\u{2212}' => '-',
        'µ' => 'μ',
        '⚠' => '▲',
        '⟶' => '→',
        '⟨' => '〈',
        '⟩' => '〉',
        '╌' | '═' => '─',
        '║' => '│',
        _ => return None,
    })
}

fn unpacked(file: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A broken font is found out by who reads it.
    let _ = GzDecoder::new(file).read_to_end(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hangul_syllable_and_what_documents_use_has_its_form() {
        let fonts = Fonts::get().expect("fonts");
        let symbols = "—–‘’“”…•·→←↑↓⟶±×÷≤≥≈°µ·─│┌┐└┘├┤┬┴┼═║✓✗●○■□▲△▼▽◆◇★☆※①②③℃㎳ㆍㄱㅏ⚠✔✘\u{a0}\u{2011}−⟨⟩╌「」『』《》、。";
        for face in Face::ALL {
            for c in ('가'..='힣').chain(' '..='~') {
                let letter = fonts.letter(face, c);
                assert!(letter.glyph != 0 && letter.face == face && letter.advance > 0.0, "{face:?} {c}");
            }
        }
        let missing: String =
            symbols.chars().filter(|c| fonts.letter(Face::Regular, *c).glyph == 0).collect();
        assert_eq!(missing, "");
    }

    #[test]
    fn korean_lines_up_in_the_fixed_font() {
        let fonts = Fonts::get().expect("fonts");
        let width = |text| fonts.width(Face::Mono, 10.0, text);
        assert_eq!(width("방화벽"), width("abcdef"));
        assert_eq!(width("──"), width("ab"));
    }

    #[test]
    fn what_no_font_has_is_a_box() {
        let fonts = Fonts::get().expect("fonts");
        for c in ['\u{1f600}', '\u{200b}', '\u{7}', '\u{10ffff}'] {
            let letter = fonts.letter(Face::Bold, c);
            assert_eq!(letter.glyph, 0);
            assert!(letter.advance > 0.2, "{letter:?}");
        }
    }
}
