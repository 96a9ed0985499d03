//! What is typed wrong is told, and nothing is written.

use crate::sandbox::Sandbox;

#[test]
fn bad_values_end_with_2_and_make_no_store() {
    let cases = [
        "seed --date tomorrow",
        "seed --date 2026-02-30",
        "seed --ttl 0s",
        "seed --ttl 25h",
        "seed --ttl 15",
        "seed --payment-time never",
        "seed --limit 0",
        "seed --limit 11",
        "seed --lat 91 --lon 0",
        "seed --lat 51",
        "seed --currency EURO",
        "seed --time-zone Europe/Atlantis",
        "seed --language english!",
        "seed --duration 90s",
        "seed --slug Hall",
        "seed --event !!!",
        "seed --date 2030-12-01T19:30 --doors 20:00",
        "event add",
        "event search --near 51.5",
        "event search --near 91,0",
        "event search --radius-km 10",
        "event search --near 51.5,-0.1 --radius-km far",
        "event search --from soon",
        "event search --limit 0",
        "event search --page 0",
        "event shows",
        "hold start",
        "hold start --best 0",
        "hold start --best 11",
        "hold start --best two",
        "hold start --best 1 --buyer ann",
        "hold start --section Stalls",
        "ticket list --status gone",
        "ticket list --limit 0",
        "watch-cdc --from yesterday",
        "order show",
        "-o yaml event list",
        "--color blue event list",
        "--store tix.db event list",
        "--store sqlite: event list",
        "completions tcsh",
        "sede",
    ];
    let sandbox = Sandbox::new();
    for line in cases {
        let answer = sandbox.tix(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(answer.code, Some(2), "{line}: {}", answer.stderr);
        assert!(answer.stderr.starts_with("error: "), "{line}: {}", answer.stderr);
        assert_eq!(answer.stdout, "", "{line}");
    }
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 0);
}

#[test]
fn a_slip_in_a_command_is_answered_with_the_right_one() {
    let answer = Sandbox::new().tix(&["sede"]).ended(2, "unrecognized subcommand 'sede'");
    assert!(answer.stderr.contains("'seed'"), "{}", answer.stderr);
}
