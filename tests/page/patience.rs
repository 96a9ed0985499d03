//! Waiting for what is sure to come.

use std::time::{Duration, Instant};

/// How long a test waits for something that is sure to come, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Somebody who waits, but not for ever.
pub(crate) struct Patience(Instant);

impl Patience {
    /// Begins to wait.
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether it has been long enough.
    pub(crate) fn is_over(&self) -> bool {
        self.0.elapsed() >= PATIENCE
    }

    /// Lets a moment pass before the next look.
    pub(crate) async fn moment(&self) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
