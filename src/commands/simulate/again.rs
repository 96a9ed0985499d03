//! The command line of this process, for the hint that repeats it.

use std::fmt::Write;

use crate::commands::quoted;
use crate::error::{Error, Result};

/// How the command that runs can be run again with the same seeds.
#[derive(Debug, Clone)]
pub(super) struct SameCommand(String);

impl SameCommand {
    /// All arguments of this process; the first seed is added where none was named.
    pub(super) fn of(first_seed: u64, named: Option<u64>) -> Self {
        let arguments = std::env::args_os().skip(1);
        Self::written(arguments.map(|word| word.to_string_lossy().into_owned()), first_seed, named)
    }

    fn written(
        arguments: impl Iterator<Item = String>,
        first_seed: u64,
        named: Option<u64>,
    ) -> Self {
        let mut command = "tix".to_owned();
        for word in arguments {
            command.push(' ');
            command.push_str(&quoted(&word));
        }
        if named.is_none() {
            // Writing to a string cannot fail.
            let _ = write!(command, " --seed {first_seed}");
        }
        Self(command)
    }

    /// The error of a set of runs that was interrupted, with the command that runs all of them.
    pub(super) fn interrupted(&self) -> Result<()> {
        let again = format!("`{}` makes the same runs again", self.0);
        Err(Error::Rehearsal { error: Box::new(Error::Interrupted), again })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_repeats_every_argument_and_adds_a_drawn_seed() {
        let words = ["sweep", "--vary", "ttl=5m,15m", "--scenario", "my sale.toml"];
        let written = |named| {
            let words = words.iter().map(|word| (*word).to_owned());
            SameCommand::written(words, 7, named).0
        };
        let all = "tix sweep --vary ttl=5m,15m --scenario 'my sale.toml'";
        assert_eq!(written(Some(7)), all, "it has the seed already");
        assert_eq!(written(None), format!("{all} --seed 7"));
    }
}
