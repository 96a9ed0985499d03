//! The `tix` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tix::commands::run(std::env::args_os()).exit_code())
}
