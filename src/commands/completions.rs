//! `tix completions`.

use clap_complete::Shell;

use super::Context;
use crate::cli;
use crate::error::Result;

/// Prints the completions of a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(context: &Context, shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::definition(), "tix", &mut script);
    context.terminal.write(&String::from_utf8_lossy(&script))
}
