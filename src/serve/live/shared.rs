//! The log as it is followed for the live maps, for one other who follows it, too: reading it twice
//! would cost twice.

use async_trait::async_trait;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::repository::{ChangeFeed, LogStep, Result, Standing, StoreError, StoreFault};

/// Steps that the other may be behind, some 20 s of them; then he has to follow by himself.
const STEPS_BEHIND_MAX: usize = 1_024;

/// Hands on what is told of the log.
#[derive(Debug)]
pub(in crate::serve) struct Sharing(Option<Sender<LogStep>>);

/// Follows the log through somebody else.
#[derive(Debug)]
pub(in crate::serve) struct SharedFeed {
    standing: Standing,
    steps: Receiver<LogStep>,
}

impl Sharing {
    /// Begins to hand on, where a follower of the log begins.
    pub(in crate::serve) fn begin(standing: &Standing) -> (Self, SharedFeed) {
        let (sender, steps) = mpsc::channel(STEPS_BEHIND_MAX);
        (Self(Some(sender)), SharedFeed { standing: standing.clone(), steps })
    }

    /// Hands on to nobody.
    pub(in crate::serve) const fn with_nobody() -> Self {
        Self(None)
    }

    /// Hands a step on; no more to who is too far behind.
    pub(super) fn hand_on(&mut self, step: &LogStep) {
        if let Some(sender) = &self.0
            && sender.try_send(step.clone()).is_err()
        {
            self.end();
        }
    }

    /// Hands on no more: what follows would not be all.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}

#[async_trait]
impl ChangeFeed for SharedFeed {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    async fn next(&mut self) -> Result<LogStep> {
        let ended = "the change log is not followed for others any more";
        let step = self.steps.recv().await;
        step.ok_or_else(|| StoreError::new(StoreFault::Failed, ended).into())
    }

    async fn save(&mut self) -> Result<()> {
        // It has no name to resume by.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn step(known_until: i64) -> LogStep {
        let known_until = Timestamp::from_millis(known_until);
        LogStep { changes: vec![], faults: vec![], notices: vec![], known_until }
    }

    #[tokio::test]
    async fn who_falls_too_far_behind_is_told_what_he_has_not_heard_and_then_no_more() {
        let standing = Standing { at: Timestamp::from_millis(0), owned: vec![] };
        let (mut sharing, mut feed) = Sharing::begin(&standing);
        assert_eq!(feed.standing(), &standing);
        for number in 0..=STEPS_BEHIND_MAX {
            sharing.hand_on(&step(i64::try_from(number).unwrap()));
        }
        for number in 0..STEPS_BEHIND_MAX {
            assert_eq!(feed.next().await.unwrap(), step(i64::try_from(number).unwrap()));
        }
        assert!(feed.next().await.is_err());
    }
}
