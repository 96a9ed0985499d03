//! What there is to say about a store's clock.

use serde::Serialize;

use crate::domain::{ClockFault, MachineTime, Timestamp};

/// The store's time beside the clock that it is derived from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockStatus {
    /// The time by the clock: this machine's, or that of the store's machines.
    pub clock: Timestamp,
    /// The time by which the store decides.
    pub time: Timestamp,
    /// Whether the store decides anything by it.
    pub believed: bool,
    /// Why it does not.
    pub fault: Option<String>,
}

impl ClockStatus {
    /// The status of a store whose time is derived from this machine's.
    #[must_use]
    pub fn new(machine: &MachineTime, time: Timestamp, fault: Option<ClockFault>) -> Self {
        Self::of(Timestamp::from_millis(machine.clock_us.div_euclid(1000)), time, fault)
    }

    /// The status of a store whose time is `time` while the clock shows `clock`.
    #[must_use]
    pub fn of(clock: Timestamp, time: Timestamp, fault: Option<ClockFault>) -> Self {
        Self { clock, time, believed: fault.is_none(), fault: fault.map(|f| f.to_string()) }
    }
}
