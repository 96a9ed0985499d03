//! How a rehearsal is told to stop: once to end well, twice to end now.

use tokio::sync::watch;

/// How urgently a rehearsal is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Not at all.
    #[default]
    None,
    /// Nobody else arrives, waits are cut short, everybody stops at his next step; then report.
    WindDown,
    /// Drop everything.
    AtOnce,
}

/// Told by whoever stops a rehearsal; clones tell the same rehearsal.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<Urgency>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(Urgency::None))
    }
}

impl Stop {
    /// Asks to stop; asked again, more urgently. Returns how urgently it is now.
    #[expect(clippy::must_use_candidate, reason = "asking is what it is called for")]
    pub fn ask(&self) -> Urgency {
        self.0.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::None => Urgency::WindDown,
                Urgency::WindDown | Urgency::AtOnce => Urgency::AtOnce,
            };
        });
        self.urgency()
    }

    /// How urgently it was asked for so far.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.0.borrow()
    }

    /// Returns as soon as it was asked for at least this urgently.
    pub async fn asked(&self, urgency: Urgency) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`, so that the channel cannot be closed.
        let _ = receiver.wait_for(|now| *now >= urgency).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_request_is_more_urgent() {
        let stop = Stop::default();
        let other = stop.clone();
        assert_eq!(stop.urgency(), Urgency::None);
        assert_eq!(other.ask(), Urgency::WindDown);
        stop.asked(Urgency::WindDown).await;
        assert_eq!(other.ask(), Urgency::AtOnce);
        assert_eq!(other.ask(), Urgency::AtOnce);
        stop.asked(Urgency::AtOnce).await;
    }
}
