//! What of the venue somebody looks at, and what keys do about it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::output::grouped;

/// Seats that one step to the side passes.
const SEATS_A_STEP: usize = 10;

/// The part of the window that the arrow keys move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    /// Which section is chosen.
    #[default]
    Sections,
    /// Which of its seats are in sight.
    Seats,
}

/// What a key asks for that is not a matter of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing: at most something else is in sight now.
    Look,
    /// The end.
    Quit,
    /// A pause, as the shell gives it.
    Suspend,
}

/// Something longer than the window, of which a part is in sight.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scroll {
    /// The first line in sight.
    pub(super) top: usize,
    /// Lines in all.
    length: usize,
    /// Lines that there is room for.
    room: usize,
}

impl Scroll {
    /// Notes how long it is and how much of it can be in sight; no line is wasted behind its end.
    pub(super) fn fit(&mut self, length: usize, room: usize) {
        (self.length, self.room) = (length, room);
        self.top = self.top.min(length.saturating_sub(room));
    }

    /// Brings a line into sight.
    pub(super) fn reveal(&mut self, line: usize) {
        let last_top = line.saturating_sub(self.room.saturating_sub(1));
        self.top = self.top.clamp(last_top.min(line), line);
    }

    /// Which part of it is in sight, if that is not all: `11–30/200`.
    pub(super) fn in_part(&self) -> Option<String> {
        let last = (self.top + self.room).min(self.length);
        let all = grouped(self.length as u64);
        (self.length > self.room).then(|| format!("{}–{last}/{all}", self.top + 1))
    }

    fn go(&mut self, to: usize) {
        self.top = to;
        self.fit(self.length, self.room);
    }
}

/// Where somebody looks.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) focus: Focus,
    /// The section that is chosen, counted from 0.
    pub(super) chosen: usize,
    /// The list of sections.
    pub(super) list: Scroll,
    /// The rows of the chosen section.
    pub(super) rows: Scroll,
    /// The widest of these rows, from side to side.
    pub(super) across: Scroll,
    /// Whether the keys are explained.
    pub(super) help: bool,
}

/// Where a key goes from line `at`.
fn step(code: KeyCode, at: usize, page: usize) -> Option<usize> {
    let page = page.max(1);
    Some(match code {
        KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => at.saturating_add(1),
        KeyCode::PageUp => at.saturating_sub(page),
        KeyCode::PageDown => at.saturating_add(page),
        KeyCode::Home => 0,
        KeyCode::End => usize::MAX,
        _ => return None,
    })
}

impl View {
    /// Does what a key asks for.
    pub(super) fn press(&mut self, key: KeyEvent) -> Wish {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if key.kind == KeyEventKind::Release => {}
            KeyCode::Char('c') if control => return Wish::Quit,
            KeyCode::Char('z') if control => return Wish::Suspend,
            _ if control => {}
            KeyCode::Char('q') => return Wish::Quit,
            // It closes what lies on top before all of it.
            KeyCode::Esc if !self.help => return Wish::Quit,
            KeyCode::Char('?') => self.help = !self.help,
            _ if self.help => self.help = false,
            code => self.look(code),
        }
        Wish::Look
    }

    fn look(&mut self, code: KeyCode) {
        let across = self.across.top;
        match code {
            KeyCode::Tab | KeyCode::BackTab => {
                self.focus = match self.focus {
                    Focus::Sections => Focus::Seats,
                    Focus::Seats => Focus::Sections,
                }
            }
            KeyCode::Left | KeyCode::Char('h') => {
                self.across.go(across.saturating_sub(SEATS_A_STEP));
            }
            KeyCode::Right | KeyCode::Char('l') => self.across.go(across + SEATS_A_STEP),
            _ => match self.focus {
                Focus::Sections => {
                    if let Some(to) = step(code, self.chosen, self.list.room) {
                        self.choose(to);
                    }
                }
                Focus::Seats => {
                    if let Some(to) = step(code, self.rows.top, self.rows.room) {
                        self.rows.go(to);
                    }
                }
            },
        }
    }

    fn choose(&mut self, section: usize) {
        let section = section.min(self.list.length.saturating_sub(1));
        if section != self.chosen {
            self.chosen = section;
            (self.rows.top, self.across.top) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(view: &mut View, codes: &[KeyCode]) {
        for code in codes {
            assert_eq!(view.press(KeyEvent::from(*code)), Wish::Look, "{code:?}");
        }
    }

    /// A window with room for 5 of 12 sections, and for 4 of 20 rows of the chosen one.
    fn view() -> View {
        let mut view = View::default();
        view.list.fit(12, 5);
        view.rows.fit(20, 4);
        view.across.fit(50, 30);
        view
    }

    #[test]
    fn keys_choose_a_section_and_stop_at_both_ends() {
        let mut view = view();
        pressed(&mut view, &[KeyCode::Down, KeyCode::Char('j'), KeyCode::PageDown]);
        assert_eq!(view.chosen, 7);
        pressed(&mut view, &[KeyCode::End, KeyCode::Down]);
        assert_eq!(view.chosen, 11);
        pressed(&mut view, &[KeyCode::PageUp, KeyCode::Char('k')]);
        assert_eq!(view.chosen, 5);
        pressed(&mut view, &[KeyCode::Home, KeyCode::Up]);
        assert_eq!(view.chosen, 0);
    }

    #[test]
    fn the_chosen_section_stays_in_sight() {
        let mut view = view();
        view.list.reveal(7);
        assert_eq!(view.list.top, 3);
        view.list.reveal(5);
        assert_eq!(view.list.top, 3);
        view.list.reveal(1);
        assert_eq!(view.list.top, 1);
        view.list.fit(12, 0);
        view.list.reveal(4);
        assert_eq!(view.list.top, 4);
    }

    #[test]
    fn tab_gives_the_keys_to_the_seats() {
        let mut view = view();
        pressed(&mut view, &[KeyCode::Tab, KeyCode::PageDown, KeyCode::Down]);
        assert_eq!((view.chosen, view.rows.top), (0, 5));
        pressed(&mut view, &[KeyCode::End]);
        assert_eq!(view.rows.top, 16);
        pressed(&mut view, &[KeyCode::Home, KeyCode::Right, KeyCode::Right, KeyCode::Right]);
        assert_eq!((view.rows.top, view.across.top), (0, 20));
        pressed(&mut view, &[KeyCode::Left, KeyCode::BackTab, KeyCode::Down]);
        assert_eq!((view.chosen, view.across.top), (1, 0));
    }

    #[test]
    fn a_window_that_grows_shows_no_emptiness_behind_the_end() {
        let mut view = view();
        pressed(&mut view, &[KeyCode::Tab, KeyCode::End]);
        view.rows.fit(20, 15);
        assert_eq!(view.rows.top, 5);
    }

    #[test]
    fn it_ends_by_q_escape_and_control_c_and_pauses_by_control_z() {
        let control = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        let mut view = view();
        assert_eq!(view.press(KeyEvent::from(KeyCode::Char('q'))), Wish::Quit);
        assert_eq!(view.press(KeyEvent::from(KeyCode::Esc)), Wish::Quit);
        assert_eq!(view.press(control('c')), Wish::Quit);
        assert_eq!(view.press(control('z')), Wish::Suspend);
        assert_eq!(view.press(control('q')), Wish::Look);
    }

    #[test]
    fn escape_closes_the_help_first_and_any_other_key_does_too() {
        let mut view = view();
        pressed(&mut view, &[KeyCode::Char('?'), KeyCode::Esc]);
        assert!(!view.help);
        pressed(&mut view, &[KeyCode::Char('?'), KeyCode::Down]);
        assert!(!view.help && view.chosen == 0);
        pressed(&mut view, &[KeyCode::Char('?'), KeyCode::Char('?')]);
        assert!(!view.help);
    }
}
