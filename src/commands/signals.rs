//! The signals that end a command: Ctrl-C, SIGTERM and SIGHUP, all alike.

use std::future::Future;
use std::time::Duration;

use super::Context;
use crate::error::{Error, Result};

/// How long a command may go on after the signal that stops it. Some calls block their thread: reading
/// standard input from a terminal, waiting for another program's lock. Whatever was acknowledged is
/// durable, so that the process can end in the middle of anything else.
const GRACE: Duration = Duration::from_secs(1);

/// Runs `work` until it is done or a signal stops it.
///
/// # Errors
/// [`Error::Interrupted`], or what `work` returns.
pub(crate) async fn stoppable(
    context: &Context,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    let terminal = context.terminal.clone();
    let now = context.now();
    let last_resort = tokio::spawn(async move {
        interrupted().await;
        tokio::time::sleep(GRACE).await;
        terminal.fail(&Error::Interrupted, Error::Interrupted.hint(now).as_deref());
        std::process::exit(Error::Interrupted.outcome().exit_code().into());
    });
    let ended = tokio::select! {
        biased;
        () = interrupted() => Err(Error::Interrupted),
        ended = work => ended,
    };
    last_resort.abort();
    ended
}

/// Waits for the next Ctrl-C, SIGTERM or SIGHUP.
#[cfg(unix)]
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    let hangs_up = !ignores_hangup();
    let listen = |kind| signal(kind).ok();
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    let mut hangup = if hangs_up { listen(SignalKind::hangup()) } else { None };
    // A signal without a handler ends the process, as it should.
    tokio::select! {
        biased;
        Some(()) = next(&mut interrupt) => {}
        Some(()) = next(&mut terminate) => {}
        Some(()) = next(&mut hangup) => {}
        else => std::future::pending().await,
    }
}

/// The next signal of a kind; none where it has no handler.
#[cfg(unix)]
async fn next(signals: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    signals.as_mut()?.recv().await
}

/// Whether SIGHUP was ignored when the process started, as under `nohup`: it stays so.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    static IGNORED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The mask has a bit for each signal, the lowest for signal 1, which is SIGHUP.
        mask.is_some_and(|mask| mask & 1 == 1)
    })
}

/// Waits for the next Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process, which is what is wanted.
        std::future::pending::<()>().await;
    }
}
