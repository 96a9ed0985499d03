//! Hints: what they suggest is a command that works here, with the store that is used and the event
//! that it is about.

use std::borrow::Cow;

use super::option;
use crate::cli;

/// Completes the commands in a hint, which stand between backticks: with the options that name the
/// store, and with the event where a command takes one and does not name it.
pub(super) fn complete(hint: &str, store_option: &str, event: Option<&str>) -> String {
    let parts = hint.split('`').enumerate().map(|(at, part)| {
        let is_command = at % 2 == 1 && part.starts_with("tix ");
        if is_command { command(part, store_option, event).into() } else { Cow::from(part) }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn command(text: &str, store_option: &str, event: Option<&str>) -> String {
    let has = |option: &str| {
        let names = |word: &str| word.split_once('=').map_or(word, |(name, _)| name) == option;
        text.split(' ').any(names)
    };
    if has("--help") {
        return text.to_owned();
    }
    let event = event.filter(|_| !has("--event") && takes_event(text));
    let event = event.map(|event| option("--event", event)).unwrap_or_default();
    let store = if has("--store") { "" } else { store_option };
    format!("{text}{event}{store}")
}

/// Whether the command has an option that picks an event of the store; `tix seed` makes one instead.
fn takes_event(text: &str) -> bool {
    let definition = cli::definition();
    let mut found = &definition;
    for word in text.split(' ').skip(1) {
        match found.find_subcommand(word) {
            Some(command) => found = command,
            None => break,
        }
    }
    found.get_name() != "seed" && found.get_arguments().any(|it| it.get_long() == Some("event"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_command_names_event_and_store() {
        let hint = "see `tix ticket map`, or `tix hold start --best 2`";
        let completed = complete(hint, " --store sqlite:x.db", Some("hall 1"));
        let options = "--event 'hall 1' --store sqlite:x.db";
        let wanted =
            format!("see `tix ticket map {options}`, or `tix hold start --best 2 {options}`");
        assert_eq!(completed, wanted);
    }

    #[test]
    fn a_command_gets_only_the_options_it_takes() {
        let complete = |hint| complete(hint, " --store sqlite:x.db", Some("hall"));
        assert_eq!(complete("`tix event list`"), "`tix event list --store sqlite:x.db`");
        assert_eq!(complete("`tix seed`"), "`tix seed --store sqlite:x.db`");
        assert_eq!(complete("see `tix sweep --help`"), "see `tix sweep --help`");
        let named = "`tix hold list --event other --store sqlite:y.db`";
        assert_eq!(complete(named), named);
        assert_eq!(complete("tix ticket map, or `--best`"), "tix ticket map, or `--best`");
    }
}
