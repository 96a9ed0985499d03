//! Options that a command would ignore: those it shares with others, which clap accepts everywhere.
//! The help of a command that never uses them does not list them.
//!
//! Only what is written on the command line is refused: environment variables are for all commands.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};

/// A command that has no use for some global options.
struct Unused {
    /// The command, with its subcommand.
    path: &'static [&'static str],
    /// The argument that makes it so; none where it always is.
    only_with: Option<&'static str>,
    /// The argument with which it uses them all the same.
    unless: Option<&'static str>,
    /// The options.
    options: &'static [&'static str],
    /// Why it has no use for them.
    why: &'static str,
}

const UNUSED: [Unused; 9] = [
    Unused {
        path: &["simulate"],
        only_with: Some("virtual_time"),
        unless: None,
        options: &["store"],
        why: "with --virtual-time the store is one in memory",
    },
    Unused {
        path: &["simulate"],
        only_with: Some("virtual_time"),
        unless: None,
        options: &["present_max"],
        why: "with --virtual-time the speed is never max",
    },
    Unused {
        path: &["simulate"],
        only_with: None,
        unless: Some("virtual_time"),
        options: &["service.read_ms", "service.write_ms", "service.readers"],
        why: "only with --virtual-time is the time of the store modeled",
    },
    Unused {
        path: &["simulate"],
        only_with: Some("plan"),
        unless: Some("event"),
        options: &["store"],
        why: "--plan reads a store only with --event",
    },
    Unused {
        path: &["simulate"],
        only_with: Some("plan"),
        unless: None,
        options: &["output"],
        why: "a plan is always written as JSON Lines",
    },
    Unused {
        path: &["sweep"],
        only_with: None,
        unless: None,
        options: &["store"],
        why: "the store of a sweep is one in memory",
    },
    Unused {
        path: &["sweep"],
        only_with: None,
        unless: None,
        options: &["speed", "present_max"],
        why: "a sweep goes by a virtual clock",
    },
    Unused {
        path: &["completions"],
        only_with: None,
        unless: None,
        options: &["store", "output"],
        why: "completions are a script",
    },
    Unused {
        path: &["man"],
        only_with: None,
        unless: None,
        options: &["store", "output"],
        why: "manual pages are of one form",
    },
];

/// Leaves the options that a command never uses out of its help.
pub(super) fn hide(mut command: Command) -> Command {
    let never = |unused: &&Unused| unused.only_with.is_none() && unused.unless.is_none();
    for unused in UNUSED.iter().filter(never) {
        let [name] = unused.path else { continue };
        for option in unused.options {
            let shared =
                command.get_arguments().find(|argument| argument.get_id() == option).cloned();
            command = command.mut_subcommand(name, |subcommand| match shared {
                Some(shared) => subcommand.arg(shared.hide(true)),
                None => subcommand.mut_arg(option, |own| own.hide(true)),
            });
        }
    }
    command
}

/// Refuses options that the command would ignore.
pub(super) fn check(command: &mut Command, matches: &ArgMatches) -> Result<(), Error> {
    let mut path = Vec::new();
    let mut deepest = matches;
    while let Some((name, inner)) = deepest.subcommand() {
        path.push(name);
        deepest = inner;
    }
    let given = |name: &str| deepest.value_source(name) == Some(ValueSource::CommandLine);
    let applies = |unused: &&Unused| {
        unused.path == path
            && unused.only_with.is_none_or(given)
            && !unused.unless.is_some_and(given)
    };
    for unused in UNUSED.iter().filter(applies) {
        if let Some(option) = unused.options.iter().find(|option| given(option)) {
            let option = option.replace(['_', '.'], "-");
            let message = format!("--{option} would be ignored: {}; leave it out", unused.why);
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::cli::{definition, parse};
    use crate::terminal::ColorChoice;

    fn refused(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words, ColorChoice::Never).err().map(|error| error.to_string())
    }

    #[test]
    fn options_that_would_be_ignored_are_refused() {
        for (line, option) in [
            ("tix --store sqlite:x.db simulate --virtual-time", "--store"),
            ("tix simulate --virtual-time --store sqlite:x.db", "--store"),
            ("tix simulate --service-read-ms 5", "--service-read-ms"),
            ("tix simulate --plan p.jsonl --store sqlite:x.db", "--store"),
            ("tix simulate --plan p.jsonl -o json", "--output"),
            ("tix sweep --vary ttl=5m --store sqlite:x.db", "--store"),
            ("tix sweep --vary ttl=5m --speed 10", "--speed"),
            ("tix sweep --vary ttl=5m --present-max 10", "--present-max"),
            ("tix simulate --virtual-time --present-max 10", "--present-max"),
            ("tix completions bash --store sqlite:x.db", "--store"),
            ("tix -o json completions bash", "--output"),
        ] {
            let why = refused(line).unwrap_or_default();
            assert!(why.contains(&format!("{option} would be ignored")), "{line}: {why}");
        }
    }

    #[test]
    fn help_lists_only_options_that_are_used() {
        let mut definition = definition();
        definition.build();
        let mut help = |command: &str| {
            let command = definition.find_subcommand_mut(command).unwrap();
            command.render_long_help().to_string()
        };
        let (sweep, simulate, man) = (help("sweep"), help("simulate"), help("man"));
        for option in ["--speed", "--present-max", "--store <URL>"] {
            assert!(!sweep.contains(option) && simulate.contains(option), "{option}");
        }
        assert!(sweep.contains("--output") && sweep.contains("--buyers"));
        assert!(!man.contains("--store") && !man.contains("--output") && man.contains("--quiet"));
    }

    #[test]
    fn options_that_are_used_are_accepted() {
        for line in [
            "tix --store sqlite:x.db simulate",
            "tix simulate --plan p.jsonl --event hall --store sqlite:x.db",
            "tix -o json simulate --virtual-time",
            "tix -o json sweep --vary ttl=5m --repeat 2",
            "tix simulate --repeat 2",
            "tix event search --limit 2 --page 2",
            "tix event list --limit 2",
            "tix event add x --date 2031-01-01 --limit 2",
            "tix serve --connections 2 --checkouts 2",
            "tix hold start --best 2",
            "tix waitlist join --size 2",
            "tix --store sqlite:x.db schema show",
        ] {
            assert_eq!(refused(line), None, "{line}");
        }
    }
}
