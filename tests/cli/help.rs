//! What `tix` says about itself.

use crate::sandbox::Sandbox;

/// Every command, by its words.
const COMMANDS: [&str; 39] = [
    "",
    "schema",
    "schema apply",
    "schema show",
    "schema status",
    "seed",
    "event",
    "event list",
    "event search",
    "event locations",
    "event shows",
    "event show",
    "event delete",
    "event add",
    "ticket",
    "ticket map",
    "ticket list",
    "ticket counts",
    "ticket block",
    "ticket unblock",
    "hold",
    "hold start",
    "hold confirm",
    "hold abandon",
    "hold show",
    "hold list",
    "order",
    "order list",
    "order sales",
    "order show",
    "order cancel",
    "waitlist",
    "waitlist join",
    "waitlist leave",
    "waitlist list",
    "watch-cdc",
    "worker",
    "audit",
    "simulate",
];

#[test]
fn every_command_explains_itself() {
    let sandbox = Sandbox::new();
    let help = |words: &str| {
        let mut arguments: Vec<&str> = words.split_whitespace().collect();
        arguments.push("-h");
        let answer = sandbox.tix(&arguments).done();
        assert_eq!(answer.stderr, "");
        format!("──── tix {words}\n{}\n", answer.stdout)
    };
    insta::assert_snapshot!(COMMANDS.map(help).concat());
}

#[test]
fn the_exit_codes_are_part_of_the_help() {
    let answer = Sandbox::new().tix(&["--help"]).done();
    let (_, codes) = answer.stdout.split_once("Exit codes:\n").unwrap();
    insta::assert_snapshot!(codes, @r"
        0  done
        1  failed: the store, the network or the machine
        2  usage or bad input; nothing was written
        3  refused: taken, expired, limit, sold_out, unknown_event, …
        4  the audit found a violation
      130  interrupted
    ");
}

#[test]
fn without_a_command_the_help_goes_to_standard_error() {
    let answer = Sandbox::new().tix(&[]).ended(2, "Usage: tix");
    assert!(answer.stderr.contains("watch-cdc"), "{}", answer.stderr);
}

#[test]
fn every_shell_gets_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = sandbox.tix(&["completions", shell]).done();
        assert!(answer.stdout.contains("watch-cdc"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let sandbox = Sandbox::new();
    let page = sandbox.tix(&["man"]).done();
    assert!(page.stdout.contains(".TH tix 1"), "{}", page.stdout);
    sandbox.tix(&["man", "--dir", "pages"]).done();
    for page in ["tix.1", "tix-seed.1", "tix-hold-start.1", "tix-watch-cdc.1"] {
        assert!(sandbox.path("pages").join(page).exists(), "{page}");
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    let answer = Sandbox::new().tix(&["--version"]).done();
    assert_eq!(answer.stdout, format!("tix {}\n", env!("CARGO_PKG_VERSION")));
}
