//! `tix watch-cdc --board`, in a real terminal.

use std::process::Command;

use uuid::Uuid;

use crate::node;
use crate::sandbox::Sandbox;
use crate::tmux::Window;
use crate::watch::Watching;

const BOARD: &str = "tix watch-cdc --board";

/// Sends a signal to the board whose shell wrote down its number.
fn signal(sandbox: &Sandbox, name: &str) {
    let number = std::fs::read_to_string(sandbox.path("number")).unwrap();
    assert!(Command::new("kill").args(["-s", name, number.trim()]).status().unwrap().success());
}

/// A command that becomes the board, once it has written down its number.
fn numbered(arguments: &str) -> String {
    format!("sh -c 'echo $$ > number; exec {BOARD} {arguments}'")
}

#[test]
fn a_sale_is_drawn_as_it_happens_in_a_window_of_any_size() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "5s"]);
    let window = Window::open(&sandbox, 100, 30);
    window.enter(BOARD);
    window.shows("○ available 26 (100 %)");
    window.shows("nothing has changed since ");
    window.shows("tix hold start --event hall --best 1");
    sandbox.buy("ann", &["Stalls/1/1", "Stalls/1/2"]);
    sandbox.hold("bob", &["Stalls/1/3"]);
    window.shows("◐ held 1 (4 %)   $ paying 0   ● sold 2 (8 %)");
    let glass = window.shows("1 ● ● ◐ ○ ○ ○");
    assert!(glass.contains("sold        Stalls/1/2  ann"), "{glass}");
    assert!(glass.contains("held        Stalls/1/3  bob  5 s left"), "{glass}");
    window.press(&["Down"]);
    window.shows("▸ Balcony");
    window.resize(50, 16);
    let fits = |glass: &str| glass.lines().all(|line| line.chars().count() <= 50);
    window.until("a narrow board", |glass| glass.contains("▸ Balcony") && fits(glass));
    window.resize(20, 4);
    window.shows("The window is too");
    window.resize(100, 30);
    // Nobody writes that down: it is known all the same.
    let glass = window.shows("expired     Stalls/1/3  bob");
    assert!(glass.contains("▸ Balcony") && glass.contains("available 24 (92 %)"), "{glass}");
    window.press(&["?"]);
    window.shows("the section before, the next");
    window.press(&["Escape"]);
    window.until("the help to go", |glass| !glass.contains("the section before"));
    window.press(&["q"]);
    assert_eq!(window.is_back(), 0);
}

#[test]
fn a_sale_on_scylladb_is_drawn_too() {
    let Some(sandbox) = node::url("tix_board").map(Sandbox::with_store) else { return };
    let slug = format!("hall-{}", Uuid::new_v4().simple());
    let event = ["--event", slug.as_str()];
    sandbox.seed(&["--slug", &slug, "--ttl", "8s"]);
    // One is sold before the board begins, one held; what follows it learns from the log.
    let hold = sandbox.hold_at(&event, "ann", &["Stalls/1/1"]);
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    let window = Window::open(&sandbox, 100, 30);
    sandbox.hold_at(&event, "bob", &["Stalls/1/2"]);
    window.enter(&format!("{BOARD} {}", event.join(" ")));
    window.shows("◐ held 1 (4 %)   $ paying 0   ● sold 1 (4 %)");
    let hold = sandbox.hold_at(&event, "cem", &["Stalls/1/3"]);
    sandbox.tix(&["hold", "confirm", &hold, "--session", "cem"]).done();
    window.shows("1 ● ○ ● ○ ○ ○");
    let glass = window.shows("available 24 (92 %)");
    assert!(glass.contains("expired     Stalls/1/2  bob"), "{glass}");
    window.press(&["q"]);
    assert_eq!(window.is_back(), 0);
}

#[test]
fn control_c_a_signal_and_escape_end_it_and_the_terminal_is_as_it_was() {
    let sandbox = Sandbox::seeded();
    for end in ["C-c", "Escape", "TERM", "INT"] {
        let window = Window::open(&sandbox, 80, 24);
        window.enter(&numbered(""));
        window.shows("available 26");
        match end {
            "TERM" | "INT" => signal(&sandbox, end),
            key => window.press(&[key]),
        }
        assert_eq!(window.is_back(), 0, "{end}");
    }
}

#[test]
fn control_z_gives_the_terminal_back_until_it_goes_on() {
    let sandbox = Sandbox::seeded();
    let window = Window::open(&sandbox, 80, 24);
    window.enter(BOARD);
    window.shows("available 26");
    window.press(&["C-z"]);
    assert_ne!(window.is_back(), 0);
    sandbox.buy("ann", &["Stalls/1/1"]);
    window.enter("fg");
    window.shows("sold 1 (4 %)");
    window.press(&["q"]);
    assert_eq!(window.is_back(), 0);
}

#[test]
fn a_store_that_breaks_is_told_once_the_terminal_is_back() {
    let sandbox = Sandbox::seeded();
    let window = Window::open(&sandbox, 100, 24);
    window.enter(BOARD);
    window.shows("available 26");
    std::fs::write(sandbox.path("tix.db"), [b'x'; 8192]).unwrap();
    let glass = window.shows("error: ");
    assert!(glass.contains("Hint: "), "{glass}");
    assert_eq!(window.is_back(), 1);
}

#[test]
fn a_board_waits_for_the_event_it_is_to_show() {
    let sandbox = Sandbox::new();
    let window = Window::open(&sandbox, 80, 24);
    window.enter(BOARD);
    window.shows("nothing to watch in sqlite:tix.db yet; run `tix seed` in another terminal");
    let hall = ["event", "add", "Hall", "--slug", "hall", "--date", "2030-12-01T19:30"];
    sandbox.tix(&[&hall[..], &["--time-zone", "Europe/Berlin"]].concat()).done();
    window.shows("hall has no tickets yet");
    sandbox.seed(&["--slug", "hall"]);
    window.shows("available 26 (100 %)");
    window.press(&["q"]);
    assert_eq!(window.is_back(), 0);
}

#[test]
fn without_colour_signs_are_left() {
    let sandbox = Sandbox::seeded();
    sandbox.buy("ann", &["Stalls/1/1"]);
    let window = Window::open(&sandbox, 80, 24);
    let colour = "\u{1b}[38;5;6m●";
    for (command, has_colour) in [(BOARD, true), (&*format!("NO_COLOR=1 {BOARD}"), false)] {
        window.enter(command);
        window.shows("1 ● ○ ○ ○ ○ ○");
        assert_eq!(window.colours().contains(colour), has_colour, "{}", window.colours());
        window.press(&["q"]);
        assert_eq!(window.is_back(), 0);
        window.enter("clear");
    }
}

#[test]
fn a_board_is_of_one_event() {
    let sandbox = Sandbox::seeded();
    sandbox.seed(&["--slug", "other"]);
    let window = Window::open(&sandbox, 80, 24);
    window.enter(BOARD);
    window.shows("there are several events: hall, other");
    assert_eq!(window.is_back(), 2);
    window.enter(&format!("clear; {BOARD} --event other"));
    window.shows("available 26");
}

#[test]
fn where_there_is_no_window_changes_are_lines() {
    let sandbox = Sandbox::seeded();
    let no_window = [
        (&["--board"][..], "no board (standard output is no terminal); changes follow as lines"),
        (&["--board", "-o", "json"], "no board (-o asks for something else than a picture)"),
    ];
    for (arguments, notice) in no_window {
        let mut watching = Watching::waiting(&sandbox, arguments);
        watching.hear(notice);
        watching.hear("watching every event");
        sandbox.hold("ann", &["Stalls/1/1"]);
        while !watching.line().contains("Stalls/1/1") {}
        assert_eq!(watching.signal("INT").code(), Some(0));
        let holds = sandbox.json("holds", &["hold", "list"]);
        let hold = holds["holds"][0]["hold_id"].as_str().unwrap();
        sandbox.tix(&["hold", "abandon", hold, "--session", "ann"]).done();
    }
}

#[test]
fn a_board_shows_the_present_only() {
    let sandbox = Sandbox::seeded();
    for past in [&["--from", "start"][..], &["--resume", "billing"]] {
        let answer = sandbox.tix(&[&["watch-cdc", "--board"], past].concat());
        answer.ended(2, "cannot be used with");
    }
}
