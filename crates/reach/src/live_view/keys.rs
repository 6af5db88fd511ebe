//! What the keys mean.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a person wants of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To leave.
    Quit,
    /// The next address.
    NextAddress,
    /// The one before.
    PreviousAddress,
    /// The next flow; behind the last comes all together.
    NextFlow,
    /// The one before.
    PreviousFlow,
    /// To send nothing for a while, or to go on.
    Pause,
    /// To forget all counts.
    Reset,
    /// Another order of the hops.
    Order,
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// To draw anew.
    Redraw,
}

/// What an event of the terminal means, if anything.
pub(super) fn wish(event: &Event) -> Option<Wish> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => pressed(key),
        Event::Resize(..) => Some(Wish::Redraw),
        _ => None,
    }
}

fn pressed(key: &KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Some(Wish::Quit),
            KeyCode::Char('l') => Some(Wish::Redraw),
            _ => None,
        };
    }
    // The second of each pair is what the same key gives while a Korean layout is on.
    match key.code {
        KeyCode::Char('q' | 'Q' | 'ㅂ') | KeyCode::Esc => Some(Wish::Quit),
        KeyCode::Tab | KeyCode::Right => Some(Wish::NextAddress),
        KeyCode::BackTab | KeyCode::Left => Some(Wish::PreviousAddress),
        KeyCode::Char('f' | 'ㄹ') => Some(Wish::NextFlow),
        KeyCode::Char('F') => Some(Wish::PreviousFlow),
        KeyCode::Char('p' | 'P' | 'ㅔ' | ' ') => Some(Wish::Pause),
        KeyCode::Char('r' | 'R' | 'ㄱ') => Some(Wish::Reset),
        KeyCode::Char('o' | 'O' | 'ㅐ') => Some(Wish::Order),
        KeyCode::Up | KeyCode::Char('k' | 'ㅏ') => Some(Wish::Up),
        KeyCode::Down | KeyCode::Char('j' | 'ㅓ') => Some(Wish::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: KeyCode, modifiers: KeyModifiers) -> Option<Wish> {
        wish(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_work_in_both_layouts() {
        for (latin, korean) in
            [('q', 'ㅂ'), ('f', 'ㄹ'), ('p', 'ㅔ'), ('r', 'ㄱ'), ('o', 'ㅐ'), ('k', 'ㅏ'), ('j', 'ㅓ')]
        {
            let wished = of(KeyCode::Char(latin), KeyModifiers::NONE);
            assert!(wished.is_some());
            assert_eq!(wished, of(KeyCode::Char(korean), KeyModifiers::NONE));
        }
    }

    #[test]
    fn control_c_leaves_and_other_keys_do_nothing() {
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
        assert_eq!(of(KeyCode::Char('q'), KeyModifiers::CONTROL), None);
        assert_eq!(of(KeyCode::Char('x'), KeyModifiers::NONE), None);
        assert_eq!(wish(&Event::Resize(80, 24)), Some(Wish::Redraw));
    }
}
