//! What is found out about a store as a whole, whichever engine has it.

use super::report::LogPeriod;

/// The most faults of one kind that are worth a sentence each.
pub(super) const FAULTS_MAX: usize = 1_000;

/// What is known of the store as a whole.
#[derive(Debug, Default)]
pub(super) struct StoreFacts {
    /// Rows about tickets of no event, and rows of no event, one sentence each.
    pub(super) strays: Vec<String>,
    /// Rows that could not be understood and belong to no event that could, one sentence each.
    pub(super) unreadable: Vec<String>,
    /// Entries of the log and of the waitlist that stand out of their order, one sentence each.
    pub(super) backwards: Vec<String>,
    /// Rows of lists that say what the rows they list do not say, one sentence each.
    pub(super) gaps: Vec<String>,
    /// Payment references of holds that are not stored or of another buyer, one sentence each.
    pub(super) references: Vec<String>,
    /// The period that the log covers, for the events that were asked for.
    pub(super) log: Option<LogPeriod>,
    /// Entries of the log that were looked at for gaps.
    pub(super) entries: u64,
    /// Entries that are missing beside them.
    pub(super) entries_missing: u64,
}

/// Adds a fault unless there are enough.
pub(super) fn note<T>(faults: &mut Vec<T>, fault: impl FnOnce() -> T) {
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
