//! Pages as lists of what is drawn on them, and what each thing is.

use super::lines::{Line, Piece};

/// A4 and its margins, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 56.0;
pub(super) const RIGHT: f32 = WIDTH - 56.0;
pub(super) const TOP: f32 = 62.0;
pub(super) const BOTTOM: f32 = HEIGHT - 58.0;

/// From one margin to the other.
pub(super) const MEASURE: f32 = RIGHT - LEFT;

/// Something drawn, and what part of the document it is; ornaments are none.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) node: Option<usize>,
    pub(super) mark: Mark,
}

/// Something drawn.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// Letters, from the left end of their baseline.
    Letters { x: f32, y: f32, piece: Piece },
    /// An area.
    Area { outline: Vec<Move>, colour: [u8; 3] },
    /// A line.
    Stroke { outline: Vec<Move>, colour: [u8; 3], width: f32, dash: Option<f32> },
    /// What follows is seen inside of a rectangle only.
    Clip { area: [f32; 4] },
    /// It is not any more.
    Unclip,
    /// A rectangle (left, top, right, bottom) that leads somewhere.
    Link { area: [f32; 4], url: String },
}

/// A step of an outline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    To(f32, f32),
    Line(f32, f32),
    Curve(f32, f32, f32, f32, f32, f32),
    Close,
}

/// The outline of a rectangle, with round corners where there is a radius.
pub(super) fn rectangle(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Vec<Move> {
    let (right, bottom) = (x + width, y + height);
    let r = radius.min(width / 2.0).min(height / 2.0);
    if r < 0.01 {
        return vec![
            Move::To(x, y),
            Move::Line(right, y),
            Move::Line(right, bottom),
            Move::Line(x, bottom),
            Move::Close,
        ];
    }
    // How far the handles of a quarter of a circle reach.
    let k = r * 0.448;
    vec![
        Move::To(x + r, y),
        Move::Line(right - r, y),
        Move::Curve(right - k, y, right, y + k, right, y + r),
        Move::Line(right, bottom - r),
        Move::Curve(right, bottom - k, right - k, bottom, right - r, bottom),
        Move::Line(x + r, bottom),
        Move::Curve(x + k, bottom, x, bottom - k, x, bottom - r),
        Move::Line(x, y + r),
        Move::Curve(x, y + k, x + k, y, x + r, y),
        Move::Close,
    ]
}

/// What a part of the document is.
#[derive(Clone, Debug)]
pub(super) enum Role {
    Title,
    Heading(u8, String),
    Paragraph,
    List { ordered: bool },
    Item,
    Label,
    Body,
    Table,
    Row,
    HeadCell,
    Cell,
    Caption,
    Code,
    Figure(String),
    Link,
}

/// A part of the document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) role: Role,
    pub(super) parent: Option<usize>,
}

/// All parts, parents before their children.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl Nodes {
    pub(super) fn add(&mut self, role: Role, parent: Option<usize>) -> usize {
        self.0.push(Node { role, parent });
        self.0.len() - 1
    }
}

/// A heading in the list of bookmarks.
#[derive(Clone, Debug)]
pub(super) struct Bookmark {
    pub(super) level: u8,
    pub(super) text: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// A document laid out.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) pages: Vec<Vec<Op>>,
    pub(super) nodes: Nodes,
    pub(super) bookmarks: Vec<Bookmark>,
}

/// Puts a line onto a page: the left end of its baseline is at `x`, `y`. What leads somewhere is underlined.
pub(super) fn put(page: &mut Vec<Op>, line: Line, x: f32, y: f32, node: Option<usize>) {
    for piece in line.pieces {
        let (from, to, size, colour) = (x + piece.x, x + piece.x + piece.width, piece.size, piece.colour);
        let link = piece.link.clone();
        let node = node.map(|node| link.as_ref().map_or(node, |link| link.node));
        page.push(Op { node, mark: Mark::Letters { x: from, y, piece } });
        if let Some(link) = link {
            let outline = vec![Move::To(from, y + 1.5), Move::Line(to, y + 1.5)];
            page.push(Op { node: None, mark: Mark::Stroke { outline, colour, width: 0.4, dash: None } });
            if !link.url.is_empty() {
                page.push(Op {
                    node,
                    mark: Mark::Link { area: [from, y - size * 0.9, to, y + size * 0.3], url: link.url },
                });
            }
        }
    }
}
