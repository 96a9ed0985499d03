//! How the store is modelled in virtual time, and what goes wrong on the way to it on purpose.

use serde::{Deserialize, Serialize};

/// How long the store takes where time is virtual; elsewhere it takes its own time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// The milliseconds of one read, 0 to [`SERVICE_MS_MAX`](super::SERVICE_MS_MAX).
    pub read_ms: f64,
    /// The milliseconds of one write, of which one is served after the other.
    pub write_ms: f64,
    /// How many reads are served at a time, 1 to [`READERS_MAX`](super::READERS_MAX).
    pub readers: u32,
}

/// What goes wrong on purpose between the buyers and the store, as shares of all requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Requests that never reach the store.
    pub refused_share: f64,
    /// Requests that are done, and whose answer gets lost.
    pub lost_share: f64,
    /// Requests that are done, and whose buyer is gone before the answer.
    pub crash_share: f64,
    /// Requests with which the store begins to answer nobody for a while.
    pub stall_share: f64,
    /// How long that while is.
    pub stall_seconds: f64,
}

impl Default for Service {
    /// About what the embedded engine takes on a machine of its own.
    fn default() -> Self {
        Self { read_ms: 0.5, write_ms: 0.2, readers: 8 }
    }
}

impl Default for Faults {
    /// Nothing goes wrong.
    fn default() -> Self {
        Self {
            refused_share: 0.0,
            lost_share: 0.0,
            crash_share: 0.0,
            stall_share: 0.0,
            stall_seconds: 20.0,
        }
    }
}

impl Faults {
    /// Much of everything, for who wants to see that a sale stays sound.
    #[must_use]
    pub fn many() -> Self {
        Self {
            refused_share: 0.01,
            lost_share: 0.01,
            crash_share: 0.002,
            stall_share: 0.0005,
            ..Self::default()
        }
    }

    /// Whether anything goes wrong at all.
    #[must_use]
    pub fn any(&self) -> bool {
        let shares = [self.refused_share, self.lost_share, self.crash_share, self.stall_share];
        shares.iter().any(|share| *share > 0.0)
    }
}
