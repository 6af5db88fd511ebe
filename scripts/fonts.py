"""Subsets of fonts for PDF documents. See `fonts`, which calls this."""

import copy
import gzip
import io
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

# What documents are written in: Korean and English with what addresses, times, units and drawings need.
LATIN = [
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x2C6, 0x2DD),
    (0x370, 0x3FF),
    (0x400, 0x45F),
    (0x2010, 0x2027),
    (0x2030, 0x203E),
    (0x2070, 0x209F),
    (0x20A0, 0x20BF),
    (0x2100, 0x218F),
    (0x2190, 0x21FF),
    (0x2200, 0x22FF),
    (0x2300, 0x23FF),
    (0x2460, 0x24FF),
    (0x2500, 0x257F),
    (0x2580, 0x259F),
    (0x25A0, 0x25FF),
    (0x2600, 0x26FF),
    (0x2700, 0x27BF),
    (0x27E8, 0x27E9),
    (0xFFFD, 0xFFFD),
]
KOREAN = [
    (0x1100, 0x11FF),
    (0x3000, 0x303F),
    (0x3131, 0x318E),
    (0x3200, 0x33FF),
    (0xAC00, 0xD7A3),
    (0xFF00, 0xFFEF),
]
# Names of hosts and people in Japanese and Chinese letters are told by their regular form only.
KANA = [(0x3040, 0x30FF)]

FONTS = [
    ("NanumGothic.ttf", "ReachGothic", "Regular", LATIN + KOREAN + KANA),
    ("NanumGothicBold.ttf", "ReachGothic", "Bold", LATIN + KOREAN),
    ("NanumGothicCoding.ttf", "ReachGothicMono", "Regular", LATIN + KOREAN),
]

COPYRIGHT, FAMILY, STYLE, UNIQUE, FULL, VERSION, POSTSCRIPT, TRADEMARK = range(8)
LICENCE, LICENCE_URL, TYPE_FAMILY, TYPE_STYLE = 13, 14, 16, 17


def mirror_slash(font):
    """Korean fonts draw a won sign for the backslash, which no path or escape means: the slash mirrored."""
    cmap = font.getBestCmap()
    slash, backslash = cmap[ord("/")], cmap[ord("\\")]
    shape = copy.deepcopy(font["glyf"][slash])
    width = font["hmtx"][slash][0]
    ends, coordinates, flags = shape.endPtsOfContours, shape.coordinates, shape.flags
    # Mirrored outlines run the other way round, so each is turned.
    start = 0
    for end in ends:
        coordinates[start : end + 1] = [(width - x, y) for x, y in reversed(list(coordinates[start : end + 1]))]
        flags[start : end + 1] = flags[start : end + 1][::-1]
        start = end + 1
    shape.recalcBounds(font["glyf"])
    font["glyf"][backslash] = shape
    font["hmtx"][backslash] = (width, shape.xMin)


def make(source, target, family, style, ranges):
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = []
    options.notdef_outline = True
    options.glyph_names = False
    options.legacy_kern = False
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "kern", "vhea", "vmtx", "DSIG", "gasp", "FFTM", "BASE", "mort", "morx", "EBDT", "EBLC", "EBSC", "prop", "VDMX", "hdmx", "LTSH", "PCLT"]
    options.recalc_timestamp = False
    font = TTFont(source, recalcTimestamp=False)
    copyright = font["name"].getDebugName(COPYRIGHT) or ""
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in ranges for code in range(first, last + 1)])
    subsetter.subset(font)
    mirror_slash(font)
    words = " ".join(part for part in [family[:5], family[5:11], family[11:]] if part)
    names = font["name"]
    names.names = []
    for identifier, text in [
        (COPYRIGHT, copyright),
        (FAMILY, words),
        (STYLE, style),
        (UNIQUE, f"{family}-{style}"),
        (FULL, words if style == "Regular" else f"{words} {style}"),
        (VERSION, "Version 1.000"),
        (POSTSCRIPT, f"{family}-{style}"),
        (LICENCE, "This Font Software is licensed under the SIL Open Font License, Version 1.1."),
        (LICENCE_URL, "https://openfontlicense.org"),
    ]:
        names.setName(text, identifier, 3, 1, 0x409)
    whole = io.BytesIO()
    font.save(whole)
    target.write_bytes(gzip.compress(whole.getvalue(), 9, mtime=0))
    print(f"{target}: {target.stat().st_size} of {len(whole.getvalue())} bytes, {font['maxp'].numGlyphs} glyphs")


def main(source, target):
    for name, family, style, ranges in FONTS:
        make(Path(source) / name, Path(target) / f"{family}-{style}.ttf.gz", family, style, ranges)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
