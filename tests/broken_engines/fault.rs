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
    /// A seat is minted under the id of another.
    MintsUnderAnotherId,
    /// Every third ticket costs more than the layout says.
    MintsAtAnotherPrice,
    /// How a hold was ended is not stored.
    ForgetsHowHoldsEnd,
    /// An order that was declined is not stored.
    ForgetsDeclinedOrders,
    /// An order says that it was decided before it was.
    BackdatesOrders,
    /// An order is found under a confirmation number that is not its own.
    NumbersOrdersAnew,
    /// The log says that a claim happened before the entries in front of it.
    LogsInThePast,
    /// An entry of the waitlist says that its offer was made earlier than it was.
    BackdatesOffers,
    /// A hold is granted when the event has begun.
    SellsAfterTheStart,
    /// Once, it lets nothing happen on its thread for a while.
    Stalls,
    /// Which hold a payment reference belongs to is not kept, so that others can use it.
    KeepsNoReferences,
    /// The entries of a buyer that wait are not counted.
    CountsNoEntries,
    /// Money that was captured when the tickets had been let go makes a paid order.
    HonoursLateMoney,
}
