//! One show: its seats in memory, those who follow it, those who wait before it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::frames::Frame;
use super::listeners::{Listeners, Listening};
use crate::domain::{
    Change, EventId, Hold, HoldId, SectionMap, SessionId, TicketStatus, Timestamp,
};
use crate::serve::line::Line;
use crate::serve::problem::{Problem, Result};
use crate::serve::seats::Seats;
use crate::serve::waiting_room::{Terms, WaitingRoom};
use crate::watch::Beginning;

/// Frames that a follower may be behind before he has to read the map again.
const FRAMES_BEHIND_MAX: usize = 256;

/// A show that people look at.
#[derive(Debug)]
pub(in crate::serve) struct Show {
    event_id: EventId,
    /// Tells versions of this reading from those of an earlier one.
    epoch: String,
    state: Mutex<State>,
    is_ready: AtomicBool,
    readiness: watch::Sender<Option<Result<()>>>,
    frames: broadcast::Sender<Arc<Frame>>,
    listeners: Arc<Listeners>,
    room: Option<Mutex<WaitingRoom>>,
    /// Who waits for tickets to come free.
    pub(in crate::serve) line: Line,
    begun_at: Instant,
    /// When somebody last asked for it, in milliseconds since it was begun.
    asked_after_ms: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// The seats are being read, or were, and the log is not known up to the end of the reading.
    Reading { beginning: Beginning, ended: HashSet<HoldId> },
    /// They are followed.
    Live(Box<Seats>),
}

/// What somebody needs who begins to follow a show.
#[derive(Debug)]
pub(in crate::serve) struct Following {
    /// What is told from now on.
    pub(in crate::serve) frames: broadcast::Receiver<Arc<Frame>>,
    /// What he missed; none where it is not known any more, or he was never here.
    pub(in crate::serve) missed: Option<Vec<Arc<Frame>>>,
    /// The version up to which all is told, or in the map.
    pub(in crate::serve) version: u64,
}

impl Show {
    /// A show that is about to be read.
    pub(super) fn new(event_id: EventId, room: Option<Terms>) -> Self {
        let beginning = Beginning::new(Vec::new());
        Self {
            event_id,
            epoch: format!("{:08x}", rand::random::<u32>()),
            state: Mutex::new(State::Reading { beginning, ended: HashSet::new() }),
            is_ready: AtomicBool::new(false),
            readiness: watch::Sender::new(None),
            frames: broadcast::Sender::new(FRAMES_BEHIND_MAX),
            listeners: Arc::default(),
            room: room.map(|terms| Mutex::new(WaitingRoom::new(terms))),
            line: Line::default(),
            begun_at: Instant::now(),
            asked_after_ms: AtomicU64::new(0),
        }
    }

    pub(in crate::serve) const fn event_id(&self) -> EventId {
        self.event_id
    }

    pub(in crate::serve) fn epoch(&self) -> &str {
        &self.epoch
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its seats can be asked for; notes that somebody wants them.
    pub(super) fn is_ready(&self) -> bool {
        let asked = u64::try_from(self.begun_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.asked_after_ms.store(asked, Ordering::Relaxed);
        self.is_ready.load(Ordering::Acquire)
    }

    /// Returns once its seats can be asked for.
    pub(super) async fn readiness(&self) -> Result<()> {
        let mut readiness = self.readiness.subscribe();
        let ready = readiness.wait_for(Option::is_some).await;
        // The sender lives as long as `self`.
        ready.ok().and_then(|ready| (*ready).clone()).unwrap_or(Ok(()))
    }

    /// Whether anybody has asked for it lately, or follows it.
    pub(super) fn is_wanted(&self, now: Instant, kept_for: Duration) -> bool {
        let asked = Duration::from_millis(self.asked_after_ms.load(Ordering::Relaxed));
        self.frames.receiver_count() > 0 || now < self.begun_at + asked + kept_for
    }

    /// Its seats were read: all of it before `read_at`.
    pub(super) fn was_read(&self, maps: Vec<SectionMap>, holds: &[Hold], read_at: Timestamp) {
        if let State::Reading { beginning, ended } = &mut *self.state() {
            for map in maps {
                beginning.section(map);
            }
            beginning.all_read(read_at);
            if let Some(mut room) = self.room() {
                for hold in holds.iter().filter(|hold| !ended.contains(&hold.hold_id)) {
                    room.holds(&hold.session_id, hold.hold_id);
                }
            }
        }
    }

    /// It could not be read.
    pub(super) fn fail(&self, problem: Problem) {
        self.readiness.send_replace(Some(Err(problem)));
    }

    /// It is read anew by whoever asks next; those who follow it are told so.
    pub(super) fn give_up(&self) {
        let again = Problem::busy("the seats are read anew", Duration::from_secs(1));
        self.readiness.send_replace(Some(Err(again)));
        let text = super::frames::event("reset", None, &serde_json::json!({}));
        // Where nobody follows, nobody has to know.
        let _ = self.frames.send(Arc::new(Frame { version: 0, text }));
    }

    /// Takes over what the log told; all of it is known up to `known_until`.
    pub(super) fn happened(&self, changes: &[Change], known_until: Timestamp, now: Timestamp) {
        self.check_out(changes, now);
        let mut state = self.state();
        let frame = match &mut *state {
            State::Live(seats) => seats.happened(changes, known_until),
            State::Reading { beginning, ended, .. } => {
                beginning.happened(changes);
                let over = changes.iter().filter(|change| is_over(change));
                ended.extend(over.filter_map(|change| change.hold_id));
                self.go_live(&mut state, known_until);
                None
            }
        };
        drop(state);
        if let Some(frame) = frame {
            // Where nobody follows, nobody has to be told.
            let _ = self.frames.send(frame);
        }
        self.listeners.tell(changes);
    }

    /// Begins to answer, if the log is known for long enough.
    fn go_live(&self, state: &mut State, known_until: Timestamp) {
        let State::Reading { beginning, .. } = state else { return };
        let begun = std::mem::replace(beginning, Beginning::new(Vec::new()));
        match begun.finish(known_until) {
            Ok(map) => {
                let seats = Seats::new(self.event_id, self.epoch.clone(), map);
                *state = State::Live(Box::new(seats));
                self.is_ready.store(true, Ordering::Release);
                self.readiness.send_replace(Some(Ok(())));
            }
            Err(not_yet) => *beginning = not_yet,
        }
    }

    /// Its seats, for as long as `look` takes.
    ///
    /// # Errors
    /// They are not read yet.
    pub(in crate::serve) fn seats<T>(&self, look: impl FnOnce(&mut Seats) -> T) -> Result<T> {
        match &mut *self.state() {
            State::Live(seats) => Ok(look(seats)),
            State::Reading { .. } => {
                Err(Problem::busy("the seats are being read", Duration::from_secs(1)))
            }
        }
    }

    /// Begins to follow the show; with what was missed since `version`, if somebody had that.
    pub(in crate::serve) fn follow(&self, version: Option<u64>) -> Result<Following> {
        self.seats(|seats| Following {
            // Subscribed under the lock: nothing is told between what is kept and what comes.
            frames: self.frames.subscribe(),
            missed: version.and_then(|version| seats.since(version)),
            version: seats.version(),
        })
    }

    /// Begins to listen to what becomes of a session's holds.
    pub(in crate::serve) fn listen(&self, session: &SessionId) -> Listening {
        self.listeners.listen(session)
    }

    /// Its waiting room, if it has one.
    pub(in crate::serve) fn room(&self) -> Option<MutexGuard<'_, WaitingRoom>> {
        let room = self.room.as_ref()?;
        Some(room.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows the checkouts that go on, whoever began or ended them.
    fn check_out(&self, changes: &[Change], now: Timestamp) {
        let Some(mut room) = self.room() else { return };
        for change in changes {
            if let (Some(session), Some(hold)) = (&change.session_id, change.hold_id) {
                if is_over(change) {
                    room.ended(session, hold, now);
                } else {
                    room.holds(session, hold);
                }
            }
        }
        room.let_in(now);
    }
}

/// Whether the hold of a change is over with it.
const fn is_over(change: &Change) -> bool {
    !matches!(change.change.leaves(), TicketStatus::Held | TicketStatus::Paying)
}
