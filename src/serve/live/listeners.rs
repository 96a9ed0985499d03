//! Sessions that listen to what becomes of their own holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::mpsc;

use crate::domain::{Change, ChangeKind, HoldId, SessionId, Timestamp};

/// News that wait for one listener; of more he learns when he asks.
const NEWS_WAITING_MAX: usize = 32;

/// What happened to a hold of the session that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::serve) struct HoldNews {
    hold_id: HoldId,
    change: ChangeKind,
    expires_at: Option<Timestamp>,
}

/// Who listens: a session may do so several times.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<HashMap<SessionId, Vec<Listener>>>);

#[derive(Debug)]
struct Listener {
    number: u64,
    news: mpsc::Sender<HoldNews>,
}

/// Hears what becomes of the holds of one session, as long as it is not dropped.
#[derive(Debug)]
pub(in crate::serve) struct Listening {
    pub(in crate::serve) news: mpsc::Receiver<HoldNews>,
    session: SessionId,
    number: u64,
    listeners: Arc<Listeners>,
}

impl Listeners {
    /// Begins to listen for a session.
    pub(super) fn listen(self: &Arc<Self>, session: &SessionId) -> Listening {
        let (sender, news) = mpsc::channel(NEWS_WAITING_MAX);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = sessions.entry(session.clone()).or_default();
        let number = own.last().map_or(0, |listener| listener.number + 1);
        own.push(Listener { number, news: sender });
        Listening { news, session: session.clone(), number, listeners: Arc::clone(self) }
    }

    /// Tells whoever listens what happened to his holds; once for a hold, however many tickets it has.
    pub(super) fn tell(&self, changes: &[Change]) {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.is_empty() {
            return;
        }
        let mut before = None;
        for change in changes {
            let (Some(session), Some(hold_id)) = (&change.session_id, change.hold_id) else {
                continue;
            };
            let news = HoldNews { hold_id, change: change.change, expires_at: change.expires_at };
            if before.replace(news) == Some(news) {
                continue;
            }
            for listener in sessions.get(session).into_iter().flatten() {
                // Who does not listen fast enough asks for his hold when its time is up.
                let _ = listener.news.try_send(news);
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut sessions = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = sessions.get_mut(&self.session) {
            own.retain(|listener| listener.number != self.number);
            if own.is_empty() {
                sessions.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::story::Story;

    #[test]
    fn a_session_hears_of_its_own_holds_once_each_and_of_no_others() {
        let listeners = Arc::new(Listeners::default());
        let session = |name| SessionId::new(name).unwrap();
        let mut ann = listeners.listen(&session("ann"));
        let mut again = listeners.listen(&session("ann"));
        let mut bob = listeners.listen(&session("bob"));
        let mut story = Story::default();
        let group: Vec<Change> =
            ["A/1/1", "A/1/2"].map(|seat| story.change(ChangeKind::Held, seat)).into();
        listeners.tell(&group);
        let heard = ann.news.try_recv().unwrap();
        assert_eq!((heard.change, Some(heard.hold_id)), (ChangeKind::Held, group[0].hold_id));
        assert!(ann.news.try_recv().is_err());
        assert!(again.news.try_recv().is_ok());
        assert!(bob.news.try_recv().is_err());
        drop((ann, again, bob));
        assert!(listeners.0.lock().unwrap().is_empty());
    }
}
