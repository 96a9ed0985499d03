//! `tix man`.

use std::path::Path;

use super::Context;
use crate::cli;
use crate::error::{Error, Result};

/// Prints the manual page of `tix`, or writes the page of every command into a folder.
///
/// # Errors
/// Standard output or the folder cannot be written.
pub fn run(context: &Context, folder: Option<&Path>) -> Result<()> {
    match folder {
        None => print(context),
        Some(folder) => write(context, folder),
    }
}

fn print(context: &Context) -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(cli::definition()).render(&mut page).map_err(Error::Output)?;
    context.terminal.write(&String::from_utf8_lossy(&page))
}

fn write(context: &Context, folder: &Path) -> Result<()> {
    let tried = || format!("could not write the manual pages into {}", folder.display());
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(cli::definition(), folder));
    written.map_err(|cause| Error::cannot_write(tried(), cause))?;
    context.terminal.notice(format_args!("wrote the manual pages into {}", folder.display()));
    Ok(())
}
