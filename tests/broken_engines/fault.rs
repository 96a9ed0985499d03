//! What can be wrong with an engine.

/// A deliberate fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A ticket that somebody holds is given to the next one who asks, and perhaps the log is
    /// rewritten as if it had always been his.
    ForgetsTheOwner {
        /// Whether the log hides it.
        rewrites_the_log: bool,
    },
    /// A hold can be paid for after its deadline.
    LetsStaleHoldsPay,
    /// Every third hold is gone after it was acknowledged, with all its traces.
    LosesHolds,
    /// Every third payment is gone after it was acknowledged, with all its traces.
    LosesPayments,
    /// Every checkout of a buyer may have as many tickets as the buyer.
    CountsTheLimitPerSession,
    /// The last ticket of a group stays behind when the others are sold.
    SellsHalfOfAGroup,
    /// A cancelled order keeps its tickets.
    KeepsRefundedTickets,
    /// A hold lasts longer than its buyer was told.
    ProlongsHolds,
    /// Claims are not in the log.
    LogsNoClaims,
    /// The log forgets its first entry.
    EmptiesTheLog,
    /// An order is over more than its tickets cost.
    TakesAnotherAmount,
    /// Whoever joined the waitlist last is served first.
    ServesTheLastFirst,
    /// Tickets that come free are not offered to those who wait.
    ForgetsTheWaitlist,
    /// Once, it lets nothing happen on its thread for a while.
    Stalls,
    /// Money that was captured when the tickets had been let go makes a paid order.
    HonoursLateMoney,
}
