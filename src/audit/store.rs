//! What is found out about a store as a whole, whichever engine has it.

use super::report::LogPeriod;

/// The most faults of one kind that are worth a sentence each.
pub(super) const FAULTS_MAX: usize = 1_000;

/// What is known of the store as a whole.
#[derive(Debug, Default)]
pub(super) struct StoreFacts {
    /// Rows about tickets of no event, one sentence each.
    pub(super) strays: Vec<String>,
    /// The period that the log covers, for the events that were asked for.
    pub(super) log: Option<LogPeriod>,
    /// Entries of the log that were looked at for gaps.
    pub(super) entries: u64,
    /// Entries that are missing beside them.
    pub(super) entries_missing: u64,
}

/// Adds a fault unless there are enough.
pub(super) fn note(faults: &mut Vec<String>, fault: impl FnOnce() -> String) {
    if faults.len() < FAULTS_MAX {
        faults.push(fault());
    }
}

/// The period that covers one more.
pub(super) fn wider(so_far: Option<LogPeriod>, more: Option<LogPeriod>) -> Option<LogPeriod> {
    match (so_far, more) {
        (Some(a), Some(b)) => Some(LogPeriod {
            from: a.from.min(b.from),
            to: a.to.max(b.to),
            entries: a.entries + b.entries,
            whole: a.whole && b.whole,
        }),
        (a, b) => a.or(b),
    }
}
