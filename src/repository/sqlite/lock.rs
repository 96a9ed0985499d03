//! Waiting for a lock that another program has on the store.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a connection waits between two tries for a lock that another process has.
///
/// Flat, where SQLite's own handler backs off: two processes that write at full speed then get even
/// shares, instead of one starving the other.
const RETRY: Duration = Duration::from_micros(300);

/// How long a request waits for a lock before it is refused with `busy`.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(20);

/// How long requests still wait for a lock once their store is being closed: no caller waits for them
/// any more.
const CLOSING_WAIT_MAX: Duration = Duration::from_millis(500);

/// How long a wait lasts before the operator reads of it.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
struct Wait {
    began: Instant,
    noticed: bool,
}

thread_local! {
    /// The wait that this thread is in.
    static WAIT: Cell<Option<Wait>> = const { Cell::new(None) };
    /// Until when this thread may wait, where its requests have waited before.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
    /// When the store that this thread writes to began to close.
    static CLOSING: RefCell<Option<Closing>> = const { RefCell::new(None) };
}

/// When a store began to close; empty before.
pub(super) type Closing = Arc<OnceLock<Instant>>;

/// Lets this thread wait no longer than [`CLOSING_WAIT_MAX`] after its store began to close.
pub(super) fn until_closing(closing: Closing) {
    CLOSING.set(Some(closing));
}

/// Waits once more for a lock; `tries` is how often it did before for the same one. False once the
/// request has waited for [`WAIT_MAX`] by the clock, however long each try took.
pub(super) fn wait(tries: i32) -> bool {
    let now = Instant::now();
    let fresh = Wait { began: now, noticed: false };
    let mut wait = if tries == 0 { fresh } else { WAIT.get().unwrap_or(fresh) };
    let until = UNTIL.get().unwrap_or(wait.began + WAIT_MAX);
    let closing = CLOSING.with_borrow(|closing| closing.as_ref()?.get().copied());
    let until = closing.map_or(until, |since| until.min(since + CLOSING_WAIT_MAX));
    if now >= until {
        return false;
    }
    if !wait.noticed && now - wait.began >= NOTICE_AFTER {
        wait.noticed = true;
        tracing::warn!(
            target: "tix::notice",
            "waiting for another program that has locked the store, for {} s at most",
            WAIT_MAX.as_secs()
        );
    }
    WAIT.set(Some(wait));
    std::thread::sleep(RETRY);
    true
}

/// Runs `work`, which may wait for a lock until the requests that came first have waited for
/// [`WAIT_MAX`].
pub(super) fn waiting_since<T>(came_at: Instant, work: impl FnOnce() -> T) -> T {
    UNTIL.set(Some(came_at + WAIT_MAX));
    let done = work();
    UNTIL.set(None);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_has_waited_long_enough_waits_no_more() {
        assert!(wait(0));
        let Some(long_ago) = Instant::now().checked_sub(WAIT_MAX) else { return };
        assert!(!waiting_since(long_ago, || wait(0)));
        assert!(waiting_since(Instant::now(), || wait(0)));
    }

    #[test]
    fn store_that_is_closed_waits_for_no_lock() {
        let closing = Closing::default();
        until_closing(Arc::clone(&closing));
        assert!(waiting_since(Instant::now(), || wait(0)));
        closing.set(Instant::now()).unwrap();
        std::thread::sleep(CLOSING_WAIT_MAX);
        assert!(!waiting_since(Instant::now(), || wait(0)));
    }
}
