//! Waiting lines inside this process, for what only one at a time can change.
//!
//! They decide nothing: between processes Paxos does. But a thousand transactions on one row get in
//! each other's way until the server gives them up, where a thousand that come one after the other
//! are through in a second.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;
use uuid::Uuid;

use crate::domain::Refusal;
use crate::repository::Result;

/// Lines that there are; two things may share one.
const LINES: usize = 1_024;

/// How long somebody waits in a line.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// One line for every row, or for so many rows.
#[derive(Debug)]
pub(super) struct Lines(Vec<Mutex<()>>);

/// Somebody's turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'l> {
    _guard: MutexGuard<'l, ()>,
    /// Whether others were before, so that what was read earlier may be out of date.
    pub(super) has_waited: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self((0..LINES).map(|_| Mutex::default()).collect())
    }
}

impl Lines {
    /// Waits for a turn at the row with this id.
    pub(super) async fn turn(&self, id: &Uuid) -> Result<Turn<'_>> {
        let [.., high, low] = *id.as_bytes();
        let line = usize::from(u16::from_be_bytes([high, low])) % LINES;
        let Some(line) = self.0.get(line) else { return Err(too_long()) };
        if let Ok(guard) = line.try_lock() {
            return Ok(Turn { _guard: guard, has_waited: false });
        }
        let guard = timeout(WAIT_MAX, line.lock()).await.map_err(|_| too_long())?;
        Ok(Turn { _guard: guard, has_waited: true })
    }
}

fn too_long() -> crate::repository::Error {
    let why = format!("the line for it did not move for {WAIT_MAX:?}");
    Refusal::Busy { why }.into()
}
