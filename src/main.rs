//! The `tix` command.

use std::process::ExitCode;

/// Many small values come and go with every request; this allocator makes less of that than the
/// system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(tix::commands::run(std::env::args_os()).exit_code())
}
