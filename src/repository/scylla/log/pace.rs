//! How promptly the log is read, and how long it is left to settle first.

use std::time::Duration;

/// How far a follower for people is behind on a single node.
const LAG_LIVE: Duration = Duration::from_millis(500);

/// How far it is behind where a late entry must not be missed: the two seconds that a lightweight
/// transaction may take from the moment that its entry has for its time, and the difference of the
/// clocks of several nodes.
const LAG_SAFE: Duration = Duration::from_secs(3);

/// The longest pause between two readings.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// How often it is looked how far the streams are read, in relation to the pauses of their readers.
const LOOKS_PER_SLEEP: u32 = 4;

/// How the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    lag: Duration,
}

impl Pace {
    /// The pace that was asked for; otherwise the prompt one where a single node has one clock and
    /// nobody relies on every entry, and the safe one everywhere else.
    pub(super) fn new(asked: Option<Duration>, nodes: usize, is_relied_on: bool) -> Self {
        let default = if nodes <= 1 && !is_relied_on { LAG_LIVE } else { LAG_SAFE };
        Self { lag: asked.unwrap_or(default) }
    }

    /// How far it is behind, about.
    pub(super) fn lag(self) -> Duration {
        self.lag
    }

    /// Whether entries may come that are older than what is read already, and must be looked for.
    pub(super) fn is_early(self) -> bool {
        self.lag < LAG_SAFE
    }

    /// The pause between two readings of a stream.
    pub(super) fn sleep(self) -> Duration {
        (self.lag * 2 / 5).min(SLEEP_MAX)
    }

    /// How old an entry is before it is read, by this machine's clock, which the server's is ahead
    /// of by so many milliseconds.
    pub(super) fn safety(self, server_ahead_ms: i64) -> Duration {
        let safety = self.lag.saturating_sub(self.sleep());
        let distance = Duration::from_millis(server_ahead_ms.unsigned_abs());
        if server_ahead_ms < 0 { safety + distance } else { safety.saturating_sub(distance) }
    }

    /// How often it is looked how far the streams are read.
    pub(super) fn look_every(self) -> Duration {
        self.sleep() / LOOKS_PER_SLEEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_is_prompt_on_one_node_and_safe_where_entries_may_be_late() {
        let parts = |pace: Pace| (pace.safety(0), pace.sleep());
        assert_eq!(parts(Pace::new(None, 1, false)), (ms(300), ms(200)));
        assert_eq!(parts(Pace::new(None, 3, false)), (ms(2000), ms(1000)));
        assert_eq!(parts(Pace::new(None, 1, true)), (ms(2000), ms(1000)));
        assert_eq!(parts(Pace::new(Some(ms(100)), 3, true)), (ms(60), ms(40)));
        assert!(Pace::new(None, 1, false).is_early());
        assert!(!Pace::new(None, 1, true).is_early());
    }

    #[test]
    fn entries_are_as_old_by_the_clock_that_wrote_them() {
        let pace = Pace::new(None, 1, false);
        assert_eq!(pace.safety(-40), ms(340), "this clock is ahead");
        assert_eq!(pace.safety(40), ms(260));
        assert_eq!(pace.safety(5000), ms(0));
    }
}
