//! What a board looks like.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::*;
use crate::commands::watch_cdc::board::state::News;
use crate::commands::watch_cdc::board::story::{self, Story};
use crate::domain::seat_map::drawn::drawn;
use crate::domain::{Change, ChangeKind, SectionMap};
use crate::repository::LogStep;

/// 1970-01-01T00:01:00Z.
const NOW: Timestamp = Timestamp::from_millis(60_000);

/// What a window of this size shows.
fn window(board: &Board, view: &mut View, (width, height): (u16, u16), color: bool) -> TestBackend {
    let light = Light { now: NOW, color, lag_max: Duration::from_secs(6) };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, view, light)).unwrap();
    terminal.backend().clone()
}

fn shown(board: &Board, view: &mut View, size: (u16, u16)) -> String {
    let text = window(board, view, size, false).to_string();
    // Each line stands in quotes, so that the blanks at its end can be seen.
    let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

fn press(view: &mut View, codes: &[KeyCode]) {
    for code in codes {
        view.press(KeyEvent::from(*code));
    }
}

fn theatre() -> Vec<SectionMap> {
    vec![
        drawn("Orchestra Stalls", &["..........", "..........", "....hhpp..", ".. .... .."]),
        drawn("Royal Box", &["xxxx"]),
        drawn("Balcony", &["ssssssssssssss", "ssss......ssss"]),
    ]
}

/// A theatre on sale for a minute.
fn on_sale() -> Board {
    let mut board = story::live(theatre());
    let mut story = Story::default();
    story.at = Timestamp::from_millis(57_100);
    let mut changes = vec![
        story.change(ChangeKind::Held, "Orchestra Stalls/1/5"),
        story.change(ChangeKind::Held, "Orchestra Stalls/1/6"),
        story.change(ChangeKind::Held, "Balcony/2/5"),
    ];
    story.at = Timestamp::from_millis(58_200);
    changes.push(story.change(ChangeKind::Paying, "Orchestra Stalls/1/5"));
    changes.push(story.change(ChangeKind::Abandoned, "Balcony/2/5"));
    story.at = Timestamp::from_millis(58_900);
    changes.push(story.change(ChangeKind::Sold, "Orchestra Stalls/1/5"));
    learn(&mut board, changes, 59_950);
    board
}

fn learn(board: &mut Board, changes: Vec<Change>, known_until: i64) {
    let known_until = Timestamp::from_millis(known_until);
    let step = LogStep { changes, faults: vec![], notices: vec![], known_until };
    board.learn(News::Step(step));
}

#[test]
fn a_window_of_the_usual_size() {
    insta::assert_snapshot!(shown(&on_sale(), &mut View::default(), (80, 24)));
}

#[test]
fn a_narrow_window() {
    insta::assert_snapshot!(shown(&on_sale(), &mut View::default(), (60, 20)));
}

#[test]
fn the_smallest_window() {
    insta::assert_snapshot!(shown(&on_sale(), &mut View::default(), (WIDTH_MIN, HEIGHT_MIN)));
}

#[test]
fn a_wide_window_has_the_changes_at_its_side() {
    insta::assert_snapshot!(shown(&on_sale(), &mut View::default(), (160, 18)));
}

#[test]
fn sections_that_do_not_fit_beneath_stand_beside() {
    let box_of_four = |name: &str| drawn(name, &["....", "hs..", "...."]);
    let mut board = story::live(["A", "B", "C", "D", "E", "F"].map(box_of_four).into());
    learn(&mut board, vec![], 59_950);
    insta::assert_snapshot!(shown(&board, &mut View::default(), (100, 22)));
}

#[test]
fn a_window_that_is_too_small_says_so() {
    insta::assert_snapshot!(shown(&on_sale(), &mut View::default(), (30, 5)), @r"
    The window is too small: make
    it 36 columns by 10.
    ");
}

#[test]
fn keys_are_explained() {
    let mut view = View::default();
    press(&mut view, &[KeyCode::Char('?')]);
    insta::assert_snapshot!(shown(&on_sale(), &mut view, (80, 24)));
}

#[test]
fn before_everything_is_read_it_says_how_far_that_is() {
    let mut board = story::beginning();
    let middle = |board: &Board| {
        let text = shown(board, &mut View::default(), (60, 12));
        text.lines().nth(6).unwrap().trim().to_owned()
    };
    assert_eq!(middle(&board), "Looking for the sections …");
    board.learn(News::Sections(2));
    board.learn(News::Section(Box::new(drawn("A", &["."]))));
    assert_eq!(middle(&board), "Reading the venue: 1 of 2 sections …");
    board.learn(News::Section(Box::new(drawn("B", &["."]))));
    board.learn(News::AllRead(Timestamp::from_millis(100)));
    assert_eq!(middle(&board), "Catching up with the change log …");
    learn(&mut board, vec![], 100);
    assert!(board.picture().is_some());
}

#[test]
fn a_section_larger_than_the_window_is_scrolled_both_ways() {
    let row = ".".repeat(90);
    let long: Vec<&str> = std::iter::repeat_n(row.as_str(), 70).collect();
    let board = story::live(vec![drawn("Tier 1", &long)]);
    let mut view = View::default();
    let head = |view: &mut View| {
        let text = shown(&board, view, (80, 24));
        let line = text.lines().find(|line| line.contains("Tier 1 ·")).unwrap();
        line[line.find("rows").unwrap()..].trim().to_owned()
    };
    assert_eq!(head(&mut view), "rows 1–12/70, seats 1–39/90");
    press(&mut view, &[KeyCode::Tab, KeyCode::PageDown, KeyCode::Right]);
    assert_eq!(head(&mut view), "rows 13–24/70, seats 11–49/90");
    press(&mut view, &[KeyCode::End, KeyCode::Right, KeyCode::Right, KeyCode::Right]);
    head(&mut view);
    press(&mut view, &[KeyCode::Right, KeyCode::Right]);
    assert_eq!(head(&mut view), "rows 59–70/70, seats 52–90/90");
}

#[test]
fn many_sections_are_scrolled_with_the_chosen_one_in_sight() {
    let sections = (1..=300).map(|number| drawn(&format!("Block {number}"), &["..", "ss"]));
    let board = story::live(sections.collect());
    let mut view = View::default();
    shown(&board, &mut view, (80, 24));
    press(&mut view, &[KeyCode::End]);
    let text = shown(&board, &mut view, (80, 24));
    assert!(text.contains("▸ Block 300") && !text.contains("Block 1 "), "{text}");
    press(&mut view, &[KeyCode::PageUp]);
    assert!(shown(&board, &mut view, (80, 24)).contains("▸ Block 288"));
}

#[test]
fn a_log_that_is_far_behind_is_told_as_such() {
    let mut board = story::live(theatre());
    learn(&mut board, vec![], 54_500);
    assert!(!shown(&board, &mut View::default(), (80, 24)).contains("behind"));
    let mut board = story::live(theatre());
    learn(&mut board, vec![], 53_500);
    let text = shown(&board, &mut View::default(), (80, 24));
    assert!(text.contains("as of 00:00:53: the change log is behind"), "{text}");
}

#[test]
fn seats_have_the_colours_of_the_ticket_map_and_none_where_there_is_none() {
    let colours = |color: bool| {
        let window = window(&on_sale(), &mut View::default(), (80, 24), color);
        let of = |sign: &str| {
            let cells = window.buffer().content().iter();
            let found: Vec<Color> = cells.filter(|c| c.symbol() == sign).map(|c| c.fg).collect();
            found.last().copied()
        };
        ["○", "◐", "$", "●", "×"].map(of)
    };
    let [free, waiting, busy, settled, faint] =
        [Color::Green, Color::Yellow, Color::Magenta, Color::Cyan, Color::DarkGray].map(Some);
    assert_eq!(colours(true), [free, waiting, busy, settled, faint]);
    assert_eq!(colours(false), [Some(Color::Reset); 5]);
}

#[test]
fn any_size_can_be_drawn() {
    let mut boards = [story::beginning(), on_sale(), story::live(vec![])];
    boards[1].learn(News::Step(LogStep {
        changes: vec![],
        faults: vec![],
        notices: vec!["the change log cannot be read just now (a long reason); trying on".into()],
        known_until: NOW,
    }));
    for board in &boards {
        let mut view = View::default();
        for help in [false, true] {
            view.help = help;
            for width in (0..150).chain([220, 400]) {
                for height in [0, 1, 5, 9, 10, 11, 12, 15, 19, 20, 24, 50, 120] {
                    window(board, &mut view, (width, height), true);
                }
            }
        }
    }
}
