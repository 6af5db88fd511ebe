"""Subsets of fonts for PDF documents. See `fonts`, which calls this."""

import copy
import gzip
import io
import sys
import unicodedata
from pathlib import Path

from fontTools import subset
from fontTools.pens.ttGlyphPen import TTGlyphPen
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


def add_shapes(font, is_mono):
    """What the originals lack and outputs have: blocks of sparklines and heat maps, a tick and a cross."""
    em = font["head"].unitsPerEm
    wide = em // 2
    top, bottom = font["hhea"].ascent, font["hhea"].descent
    shapes = {}

    def box(left, low, right, high):
        return [(left * wide, bottom + low * (top - bottom)), (left * wide, bottom + high * (top - bottom)),
                (right * wide, bottom + high * (top - bottom)), (right * wide, bottom + low * (top - bottom))]

    for eighths in range(1, 9):
        shapes[0x2580 + eighths] = (wide, [box(0, 0, 1, eighths / 8)])
    shapes[0x2580] = (wide, [box(0, 0.5, 1, 1)])
    shapes[0x258C] = (wide, [box(0, 0, 0.5, 1)])
    shapes[0x2590] = (wide, [box(0.5, 0, 1, 1)])
    for code, step in [(0x2591, 6), (0x2593, 3)]:
        size = 1 / 12
        dots = [(x * size, y * size) for y in range(12) for x in range(12) if (x + 2 * y) % step == 0 or (step == 3 and x % 2)]
        shapes[code] = (wide, [box(x, y, x + size, y + size) for x, y in dots])
    tall = 1 if is_mono else 2
    unit = wide * tall / 20
    tick = [(2, 8), (4, 10), (8, 6), (16, 15), (18, 13), (8, 2)]
    cross = [(3, 4), (8, 9), (3, 14), (5, 16), (10, 11), (15, 16), (17, 14), (12, 9), (17, 4), (15, 2), (10, 7), (5, 2)]
    for codes, points in [((0x2713, 0x2714), tick), ((0x2717, 0x2718), cross)]:
        for code in codes:
            shapes[code] = (wide * tall, [[(x * unit, y * unit * (2 / tall) * tall / 2) for x, y in points]])

    cmap = font.getBestCmap()
    order = font.getGlyphOrder()
    for code, (advance, contours) in sorted(shapes.items()):
        if code in cmap:
            continue
        pen = TTGlyphPen(None)
        for contour in contours:
            points = [(round(x), round(y)) for x, y in contour]
            pen.moveTo(points[0])
            for point in points[1:]:
                pen.lineTo(point)
            pen.closePath()
        name = f"uni{code:04X}"
        glyph = pen.glyph()
        order.append(name)
        font.setGlyphOrder(order)
        font["glyf"].glyphs[name] = glyph
        font["glyf"].setGlyphOrder(order)
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (round(advance), glyph.xMin)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[code] = name


def narrow(font):
    """In lines of fixed width only Hangul and what is made for it take two columns, as terminals have it."""
    half = font["head"].unitsPerEm // 2
    done = set()
    for code, name in font.getBestCmap().items():
        advance = font["hmtx"][name][0]
        glyph = font["glyf"][name]
        if unicodedata.east_asian_width(chr(code)) in "WF" or advance <= half or name in done:
            continue
        done.add(name)
        if glyph.numberOfContours > 0:
            glyph.coordinates.scale((half / advance, 1))
            glyph.coordinates.toInt()
            glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (half, glyph.xMin if glyph.numberOfContours > 0 else 0)


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
    add_shapes(font, family.endswith("Mono"))
    if family.endswith("Mono"):
        narrow(font)
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
