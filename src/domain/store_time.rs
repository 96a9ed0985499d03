//! The time of a store: what its rules go by, derived from a machine's clock that may be set at any
//! moment.
//!
//! The rule is `max(clock, newest time the store knows)`, with two bounds. A machine's clock is only
//! ever set by a step; what passes between two steps is also counted by its uptime, which nobody can
//! set. So an [`Anchor`], a clock and an uptime that were read together, tells where the clock should
//! be now. A clock that is further ahead than [`JUMP_MAX`], or further behind the store's time than
//! [`LEAD_MAX`], is a fault: the store decides nothing until an operator sets the clock right or
//! accepts it. `docs/protocol.md` argues both bounds.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::Timestamp;
use super::time::spoken;

/// How far the store's time may jump ahead within an hour before that is a fault: less than
/// a buyer notices of a time to pay, more than a clock that is kept right is ever corrected by.
pub const JUMP_MAX: Duration = Duration::from_mins(1);

/// How far the store's time may be ahead of the machine's clock before that is a fault.
pub const LEAD_MAX: Duration = Duration::from_mins(1);

/// For how long a jump ahead counts towards [`JUMP_MAX`].
const BUDGET_LASTS: i64 = 3_600_000_000;

/// A change of the distance between clock and uptime that is no step: the two are read one after the
/// other, and the thread may have to wait in between.
const NOISE: i64 = 100_000;

/// While the store's time is ahead of the clock it loses one part in this many, until the clock has
/// caught up.
const SLOWER_BY: i64 = 10;

/// What a machine says about the time, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineTime {
    /// Identifies the run of the machine since it was started; uptimes of different runs cannot be
    /// compared.
    pub boot: Uuid,
    /// Microseconds since the machine was started, those in which it slept included.
    pub uptime_us: i64,
    /// Microseconds since 1970 by its clock.
    pub clock_us: i64,
}

/// A machine's time together with the store's, at the moment when the clock was last found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The machine's time.
    pub machine: MachineTime,
    /// The store's time at that moment, in microseconds since 1970: later than the clock where the
    /// clock was set back.
    pub time_us: i64,
    /// By how much the time has jumped ahead in the last while.
    pub jumped_us: i64,
    /// How far an operator allowed the store's time to be ahead of the clock.
    pub lead_allowed_us: i64,
}

/// Why a machine's clock is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum ClockFault {
    /// It jumped ahead: more time has passed by it than really has.
    Ahead {
        /// The time by the clock.
        clock: Timestamp,
        /// The store's time.
        time: Timestamp,
    },
    /// The store's time is ahead of it: it was set back, or an earlier one was wrong.
    Behind {
        /// The time by the clock.
        clock: Timestamp,
        /// The store's time.
        time: Timestamp,
    },
    /// The clocks of a store's machines differ.
    Apart {
        /// By how many milliseconds at least.
        by_ms: u64,
    },
}

impl fmt::Display for ClockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ahead { clock, time } => write!(
                f,
                "the clock jumped ahead by {}: it shows {clock}, the store's time is {time}",
                spoken(clock.since(*time))
            ),
            Self::Behind { clock, time } => write!(
                f,
                "the clock is {} behind the store: it shows {clock}, the store's time is {time}",
                spoken(time.since(*clock))
            ),
            Self::Apart { by_ms } => write!(
                f,
                "the clocks of the store's machines are {} apart",
                spoken(Duration::from_millis(*by_ms))
            ),
        }
    }
}

/// The store's time, derived from a machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreTime {
    /// The best estimate; never earlier than what is known to have been written.
    pub time: Timestamp,
    /// Why nothing may be decided by it.
    pub fault: Option<ClockFault>,
    /// What to keep in place of the anchor; none where that is still good.
    pub anchor: Option<Anchor>,
}

impl Anchor {
    /// The time that has passed on the machine since; none on another run of it.
    fn elapsed(&self, machine: &MachineTime) -> Option<i64> {
        let elapsed = machine.uptime_us.saturating_sub(self.machine.uptime_us);
        (self.machine.boot == machine.boot && elapsed >= 0).then_some(elapsed)
    }

    /// Whether the store's time was ahead of the clock.
    const fn leads(&self) -> bool {
        self.time_us > self.machine.clock_us
    }
}

/// Derives the store's time. `newest` is the newest time that the store has written.
#[must_use]
pub fn store_time(
    anchor: Option<&Anchor>,
    newest: Option<Timestamp>,
    machine: &MachineTime,
) -> StoreTime {
    let newest_us = newest.map_or(i64::MIN, |at| at.as_millis().saturating_mul(1000));
    let allowed = anchor.map_or(0, |anchor| anchor.lead_allowed_us);
    let clock = machine.clock_us;
    let known = anchor.and_then(|anchor| Some((anchor, anchor.elapsed(machine)?)));
    let Some((anchor, elapsed)) = known else {
        let time_us = clock.max(newest_us);
        let anchor = Anchor { machine: *machine, time_us, jumped_us: 0, lead_allowed_us: allowed };
        return judged(time_us, machine, anchor, true);
    };
    let lost = if anchor.leads() { elapsed / SLOWER_BY } else { 0 };
    let floor = anchor.time_us.saturating_add(elapsed - lost).max(newest_us);
    let expected = anchor.machine.clock_us.saturating_add(elapsed);
    let jump = clock.saturating_sub(floor.max(expected));
    let is_jump = jump > NOISE;
    let fresh_budget = elapsed >= BUDGET_LASTS;
    let jumped_us = if fresh_budget { 0 } else { anchor.jumped_us };
    let jumped_us = jumped_us.saturating_add(if is_jump { jump } else { 0 });
    if is_jump && jumped_us > micros(JUMP_MAX) {
        let time = at_us(floor.max(expected));
        let fault = ClockFault::Ahead { clock: at_us(clock), time };
        return StoreTime { time, fault: Some(fault), anchor: None };
    }
    let time_us = floor.max(clock);
    let stepped = clock.saturating_sub(expected).abs() > NOISE;
    let caught_up = anchor.leads() && clock >= floor;
    let lead_allowed_us = if clock >= time_us { 0 } else { allowed };
    let renewed = Anchor { machine: *machine, time_us, jumped_us, lead_allowed_us };
    judged(
        time_us,
        machine,
        renewed,
        stepped && !anchor.leads() || caught_up || is_jump || fresh_budget,
    )
}

/// The anchor to go on from where an operator accepts the machine's clock as it is.
///
/// A clock that is ahead becomes the store's time. Behind the store's time it is allowed to stay:
/// what is written must not be undone, so the store goes on from its own time.
#[must_use]
pub fn accepted(
    anchor: Option<&Anchor>,
    newest: Option<Timestamp>,
    machine: &MachineTime,
) -> Anchor {
    let judged = store_time(anchor, newest, machine);
    let time = judged.time.as_millis().saturating_mul(1000);
    let time_us = time.max(machine.clock_us);
    let lead_allowed_us = time_us.saturating_sub(machine.clock_us);
    Anchor { machine: *machine, time_us, jumped_us: 0, lead_allowed_us }
}

fn judged(time_us: i64, machine: &MachineTime, anchor: Anchor, renew: bool) -> StoreTime {
    let (time, clock) = (at_us(time_us), at_us(machine.clock_us));
    let lead = time_us.saturating_sub(machine.clock_us);
    if lead > micros(LEAD_MAX).saturating_add(anchor.lead_allowed_us) {
        let fault = Some(ClockFault::Behind { clock, time });
        return StoreTime { time, fault, anchor: None };
    }
    StoreTime { time, fault: None, anchor: renew.then_some(anchor) }
}

/// A time in microseconds as the whole milliseconds that the store writes.
const fn at_us(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1000))
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    /// The clock when the machine had been up for an hour.
    const START: i64 = 1_800_000_000 * SECOND;

    /// A machine after `passed`, whose clock is wrong by `off`.
    fn machine(passed: i64, off: i64) -> MachineTime {
        MachineTime {
            boot: Uuid::nil(),
            uptime_us: 60 * MINUTE + passed,
            clock_us: START + passed + off,
        }
    }

    /// The store's time since the start in milliseconds, and the fault; keeps the anchor as the
    /// engines do.
    fn now(anchor: &mut Option<Anchor>, passed: i64, off: i64) -> (i64, Option<ClockFault>) {
        let found = store_time(anchor.as_ref(), None, &machine(passed, off));
        *anchor = found.anchor.or(*anchor);
        (found.time.as_millis() - START / 1000, found.fault)
    }

    #[test]
    fn time_follows_a_clock_that_is_right() {
        let mut anchor = None;
        for passed in [0, SECOND, 30 * MINUTE, 3 * 60 * MINUTE] {
            assert_eq!(now(&mut anchor, passed, 0), (passed / 1000, None));
        }
    }

    #[test]
    fn a_small_step_back_never_turns_time_back() {
        let mut anchor = None;
        now(&mut anchor, 0, 0);
        let mut last = 0;
        // Ten seconds later the clock is set back by five.
        for passed in (10..120).map(|seconds| seconds * SECOND) {
            let (time, fault) = now(&mut anchor, passed, -5 * SECOND);
            assert_eq!(fault, None);
            assert!(time > last, "{time} after {last}");
            last = time;
        }
        // It has caught up by now: a tenth of 50 s is what was missing.
        assert_eq!(last, 119_000 - 5_000);
    }

    #[test]
    fn jumps_ahead_share_one_bound() {
        let mut anchor = None;
        now(&mut anchor, 0, 0);
        assert_eq!(now(&mut anchor, SECOND, 40 * SECOND), (41_000, None));
        // The second one would make it 80 s within the hour.
        let (time, fault) = now(&mut anchor, 2 * SECOND, 80 * SECOND);
        assert_eq!(time, 42_000);
        assert!(matches!(fault, Some(ClockFault::Ahead { .. })));
        // An hour later the first one no longer counts.
        let (_, fault) = now(&mut anchor, 62 * MINUTE, 80 * SECOND);
        assert_eq!(fault, None);
    }

    #[test]
    fn a_jump_ahead_is_refused_until_it_is_accepted() {
        let mut anchor = None;
        now(&mut anchor, 0, 0);
        let ahead = machine(SECOND, 16 * MINUTE);
        let found = store_time(anchor.as_ref(), None, &ahead);
        assert_eq!(found.time.as_millis(), (START + SECOND) / 1000);
        assert_eq!(
            found.fault.unwrap().to_string(),
            "the clock jumped ahead by 16 min 00 s: it shows 2027-01-15T08:16:01.000Z, the store's \
             time is 2027-01-15T08:00:01.000Z"
        );
        let mut anchor = Some(accepted(anchor.as_ref(), None, &ahead));
        assert_eq!(now(&mut anchor, 2 * SECOND, 16 * MINUTE), (962_000, None));
        // Set back again, the store is 16 min ahead.
        let (time, fault) = now(&mut anchor, 3 * SECOND, 0);
        assert_eq!(time, 963_000);
        assert!(matches!(fault, Some(ClockFault::Behind { .. })));
        let mut anchor = Some(accepted(anchor.as_ref(), None, &machine(3 * SECOND, 0)));
        assert_eq!(now(&mut anchor, 13 * SECOND, 0), (972_000, None));
    }

    #[test]
    fn after_a_reboot_the_newest_time_bounds_the_clock() {
        let mut anchor = None;
        now(&mut anchor, 0, 0);
        let rebooted = |off| MachineTime { boot: Uuid::max(), uptime_us: 5, ..machine(0, off) };
        let newest = Some(at_us(START + 30 * SECOND));
        let found = store_time(anchor.as_ref(), newest, &rebooted(0));
        assert_eq!((found.time, found.fault), (at_us(START + 30 * SECOND), None));
        let newest = Some(at_us(START + 30 * 60 * MINUTE));
        let found = store_time(anchor.as_ref(), newest, &rebooted(0));
        assert!(matches!(found.fault, Some(ClockFault::Behind { .. })));
        // However long the machine was off, there is nothing to tell it by.
        let found = store_time(anchor.as_ref(), newest, &rebooted(90 * 24 * 60 * MINUTE));
        assert_eq!(found.fault, None);
    }
}
