//! The colours: which, and why these.
//!
//! What an address did is told in one row of colours that nobody has to tell apart by red and green: pale blue-green
//! where all is well, then from pale yellow over orange to dark red the more fails. Someone who sees no red or no green
//! sees pale blue turn yellow and then ever darker (on a dark ground: ever lighter), and what failed altogether is hatched
//! besides. The eight colours of kinds are told apart by their letter in the picture too.
//!
//! The tests measure it: contrast by WCAG 2, lightness and distance in CIE L\*a\*b\*, as seen with normal sight and by
//! the matrices of Machado, Oliveira and Fernandes (2009) without red or without green.

use super::Paint;

/// What is needed to show charts with colours by class: the colours in light and dark, and the classes. The dark ones are
/// chosen by the reader's system, or by `data-theme` of the document's root; paper is always light.
pub const STYLE: &str = include_str!("style.css");

/// A colour for each paint, as 0xRRGGBB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    ink: u32,
    faint: u32,
    grid: u32,
    ground: u32,
    empty: u32,
    good: u32,
    partly: [u32; 9],
    bad: u32,
    unknown: u32,
    bands: [u32; 4],
    median: u32,
    kinds: [u32; 8],
    accent: u32,
}

impl Palette {
    /// For paper, and whatever has a light ground.
    pub const LIGHT: Palette = Palette {
        ink: 0x1b2026,
        faint: 0x5b6570,
        grid: 0xdde2e7,
        ground: 0xffffff,
        empty: 0xeef1f4,
        good: 0x7fc4b4,
        partly: [0xffe680, 0xfcd36b, 0xfac056, 0xf8ae42, 0xf59b2d, 0xe88326, 0xdc6b20, 0xcf5319, 0xc23b12],
        bad: 0x6d0f1a,
        unknown: 0xa79fbd,
        bands: [0xd3e4f5, 0xa9cbea, 0x7fb0dd, 0x5591c8],
        median: 0x1f4e86,
        kinds: [0x0072b2, 0xb35c00, 0x00856b, 0xa8478f, 0x3f3f8f, 0x5c6300, 0xd1495b, 0x4a5560],
        accent: 0x0b62d6,
    };

    /// For a dark ground.
    pub const DARK: Palette = Palette {
        ink: 0xe7ebef,
        faint: 0x9aa6b2,
        grid: 0x2f3840,
        ground: 0x14181c,
        empty: 0x20262d,
        good: 0x2f8273,
        partly: [0x5f4a00, 0x755204, 0x8a5a08, 0xa0620c, 0xb56a10, 0xc46f1d, 0xd2752a, 0xe17a38, 0xf07f45],
        bad: 0xff9aa6,
        unknown: 0x6a6184,
        bands: [0x1c3046, 0x274a6e, 0x336598, 0x4482c0],
        median: 0x9cc8f5,
        kinds: [0x56b4e9, 0xe69f00, 0x2fbf9b, 0xdd8fc4, 0xb9b5ff, 0xc9c940, 0xff7f8e, 0xd5dce3],
        accent: 0x6cb0ff,
    };

    /// Red, green and blue.
    pub const fn colour(&self, paint: Paint) -> [u8; 3] {
        let [_, red, green, blue] = self.of(paint).to_be_bytes();
        [red, green, blue]
    }

    const fn of(&self, paint: Paint) -> u32 {
        match paint {
            Paint::Ink => self.ink,
            Paint::Faint => self.faint,
            Paint::Grid => self.grid,
            Paint::Ground => self.ground,
            Paint::Empty => self.empty,
            Paint::Good => self.good,
            Paint::Partly(tenths) => self.partly[tenth(tenths) as usize - 1],
            Paint::Bad => self.bad,
            Paint::Unknown => self.unknown,
            Paint::Band(band) => self.bands[band_number(band) as usize],
            Paint::Median => self.median,
            Paint::Kind(kind) => self.kinds[kind as usize % 8],
            Paint::Accent => self.accent,
        }
    }
}

impl Paint {
    /// The class of its colour in [`STYLE`].
    pub fn class(self) -> String {
        match self {
            Paint::Ink => "c-ink".to_owned(),
            Paint::Faint => "c-faint".to_owned(),
            Paint::Grid => "c-grid".to_owned(),
            Paint::Ground => "c-ground".to_owned(),
            Paint::Empty => "c-empty".to_owned(),
            Paint::Good => "c-good".to_owned(),
            Paint::Partly(tenths) => format!("c-partly-{}", tenth(tenths)),
            Paint::Bad => "c-bad".to_owned(),
            Paint::Unknown => "c-unknown".to_owned(),
            Paint::Band(band) => format!("c-band-{}", band_number(band)),
            Paint::Median => "c-median".to_owned(),
            Paint::Kind(kind) => format!("c-kind-{}", kind % 8),
            Paint::Accent => "c-accent".to_owned(),
        }
    }
}

/// Whatever is said is drawn in some colour.
const fn tenth(tenths: u8) -> u8 {
    match tenths {
        0 => 1,
        1..=9 => tenths,
        _ => 9,
    }
}

const fn band_number(band: u8) -> u8 {
    if band > 3 { 3 } else { band }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [(&str, Palette); 2] = [("light", Palette::LIGHT), ("dark", Palette::DARK)];

    fn states() -> Vec<Paint> {
        let partly = (1..=9).map(Paint::Partly);
        [Paint::Empty, Paint::Unknown, Paint::Good].into_iter().chain(partly).chain([Paint::Bad]).collect()
    }

    fn all() -> Vec<Paint> {
        let mut all = states();
        all.extend([Paint::Ink, Paint::Faint, Paint::Grid, Paint::Ground, Paint::Median, Paint::Accent]);
        all.extend((0..4).map(Paint::Band));
        all.extend((0..8).map(Paint::Kind));
        all
    }

    /// How eyes see: as they are, without red, without green (Machado et al. 2009, severity 1, linear RGB).
    const SIGHTS: [(&str, [[f64; 3]; 3]); 3] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
    ];

    fn linear(colour: [u8; 3]) -> [f64; 3] {
        colour.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn dot(row: [f64; 3], colour: [f64; 3]) -> f64 {
        row.iter().zip(colour).map(|(factor, channel)| factor * channel).sum()
    }

    fn luminance(colour: [u8; 3]) -> f64 {
        dot([0.2126, 0.7152, 0.0722], linear(colour))
    }

    /// WCAG 2.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    /// CIE 1976 L*a*b* under D65.
    fn lab(colour: [u8; 3], sight: [[f64; 3]; 3]) -> [f64; 3] {
        let seen = sight.map(|row| dot(row, linear(colour)).clamp(0.0, 1.0));
        let rows = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let white = [0.95047, 1.0, 1.08883];
        let [x, y, z] = [0, 1, 2].map(|axis| {
            let t = dot(rows[axis], seen) / white[axis];
            if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn distance(a: [u8; 3], b: [u8; 3], sight: [[f64; 3]; 3]) -> f64 {
        let (a, b) = (lab(a, sight), lab(b, sight));
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn text_and_lines_stand_out_from_the_ground() {
        for (name, palette) in BOTH {
            let against = |paint| contrast(palette.colour(paint), palette.colour(Paint::Ground));
            assert!(against(Paint::Ink) >= 7.0, "{name}");
            assert!(against(Paint::Faint) >= 4.5, "{name}");
            for paint in (0..8).map(Paint::Kind).chain([Paint::Median, Paint::Accent, Paint::Bad]) {
                assert!(against(paint) >= 3.0, "{name} {paint:?}");
            }
        }
    }

    #[test]
    fn the_more_fails_the_farther_from_the_ground() {
        for (name, palette) in BOTH {
            for (sight, matrix) in SIGHTS {
                let lightness = |paint| lab(palette.colour(paint), matrix)[0];
                let ground = lightness(Paint::Ground);
                let row: Vec<f64> = (1..=9)
                    .map(Paint::Partly)
                    .chain([Paint::Bad])
                    .map(|paint| (lightness(paint) - ground).abs())
                    .collect();
                assert!(row.windows(2).all(|pair| pair[1] > pair[0] + 1.0), "{name} {sight} {row:?}");
                assert!((lightness(Paint::Good) - lightness(Paint::Bad)).abs() > 15.0, "{name} {sight}");
            }
        }
    }

    #[test]
    fn states_are_told_apart_without_red_and_without_green() {
        for (name, palette) in BOTH {
            for (sight, matrix) in SIGHTS {
                let states = states();
                for (place, &a) in states.iter().enumerate() {
                    for &b in &states[..place] {
                        if matches!((a, b), (Paint::Partly(_), Paint::Partly(_))) {
                            continue;
                        }
                        let apart = distance(palette.colour(a), palette.colour(b), matrix);
                        assert!(apart >= 13.0, "{name} {sight} {a:?} {b:?} {apart:.1}");
                    }
                }
                for a in 0..8 {
                    for b in 0..a {
                        let pair = [a, b].map(|kind| palette.colour(Paint::Kind(kind)));
                        let apart = distance(pair[0], pair[1], matrix);
                        let least = if sight == "normal" { 20.0 } else { 5.0 };
                        assert!(apart >= least, "{name} {sight} {a} {b} {apart:.1}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_style_sheet_has_these_colours() {
        let rule = |paint: Paint, palette: Palette| {
            let [r, g, b] = palette.colour(paint);
            format!("--{}: #{r:02x}{g:02x}{b:02x};", paint.class())
        };
        for paint in all() {
            let light = rule(paint, Palette::LIGHT);
            let dark = rule(paint, Palette::DARK);
            assert_eq!(STYLE.matches(&light).count(), 1, "{light}");
            assert_eq!(STYLE.matches(&dark).count(), 2, "{dark}");
            let class = paint.class();
            assert!(STYLE.contains(&format!(".{class} {{ color: var(--{class}); }}")), "{class}");
        }
    }

    #[test]
    fn any_number_has_a_colour() {
        for number in 0..=u8::MAX {
            for paint in [Paint::Partly(number), Paint::Band(number), Paint::Kind(number)] {
                assert!(STYLE.contains(&format!(".{} {{", paint.class())), "{paint:?}");
                let _ = Palette::LIGHT.colour(paint);
            }
        }
    }
}
