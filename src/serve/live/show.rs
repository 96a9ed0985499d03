//! One show: its seats in memory, those who follow it, those who wait before it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::frames::{Frame, News};
use super::listeners::{Listeners, Listening};
use crate::domain::{
    Change, EventId, Hold, HoldId, SectionMap, SessionId, TicketStatus, Timestamp,
};
use crate::serve::problem::{Problem, Result};
use crate::serve::seats::Seats;
use crate::serve::waiting_room::{LineIsFull, Place, Terms, WaitingRoom};
use crate::serve::waitlist::Waitlist;
use crate::watch::Beginning;

/// Frames that a follower may be behind before he has to read the map again.
const FRAMES_BEHIND_MAX: usize = 256;

/// How often who waits to be let in may ask.
const ASK_FOR_PLACE_EVERY: Duration = Duration::from_secs(2);

/// A show that people look at.
#[derive(Debug)]
pub(in crate::serve) struct Show {
    event_id: EventId,
    state: Mutex<State>,
    is_ready: AtomicBool,
    readiness: watch::Sender<Option<Result<()>>>,
    news: broadcast::Sender<News>,
    listeners: Arc<Listeners>,
    room: Option<Mutex<WaitingRoom>>,
    /// Who waits for tickets to come free.
    pub(in crate::serve) waitlist: Waitlist,
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
    /// Nobody follows them any more.
    GivenUp,
}

impl State {
    fn reading() -> Self {
        Self::Reading { beginning: Beginning::new(Vec::new()), ended: HashSet::new() }
    }
}

/// What somebody needs who begins to follow a show.
#[derive(Debug)]
pub(in crate::serve) struct Following {
    /// What is told from now on.
    pub(in crate::serve) news: broadcast::Receiver<News>,
    /// Tells versions of this reading of the seats from those of another one.
    pub(in crate::serve) epoch: String,
    /// What he missed; none where it is not known any more, or he was never here.
    pub(in crate::serve) missed: Option<Vec<Arc<Frame>>>,
    /// The version up to which all is told, or in the map.
    pub(in crate::serve) version: u64,
}

impl Show {
    /// A show that is about to be read.
    pub(super) fn new(event_id: EventId, room: Option<Terms>) -> Self {
        Self {
            event_id,
            state: Mutex::new(State::reading()),
            is_ready: AtomicBool::new(false),
            readiness: watch::Sender::new(None),
            news: broadcast::Sender::new(FRAMES_BEHIND_MAX),
            listeners: Arc::default(),
            room: room.map(|terms| Mutex::new(WaitingRoom::new(terms))),
            waitlist: Waitlist::default(),
            begun_at: Instant::now(),
            asked_after_ms: AtomicU64::new(0),
        }
    }

    pub(in crate::serve) const fn event_id(&self) -> EventId {
        self.event_id
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
        let crowd = self.room().map_or((0, 0), |room| room.crowd());
        crowd != (0, 0) || self.news.receiver_count() > 0 || now < self.begun_at + asked + kept_for
    }

    /// Its seats were read: all of it before `read_at`.
    pub(super) fn was_read(&self, maps: Vec<SectionMap>, holds: &[Hold], read_at: Timestamp) {
        if let State::Reading { beginning, ended } = &mut *self.state() {
            for map in maps {
                beginning.section(map);
            }
            beginning.all_read(read_at);
            if let Some(mut room) = self.room() {
                let goes_on = |hold: &&Hold| !ended.contains(&hold.hold_id);
                room.begin(&holds.iter().filter(goes_on).cloned().collect::<Vec<_>>());
            }
        }
    }

    /// Nobody follows it any more: whoever asks for it is told so.
    pub(super) fn give_up(&self, why: Problem) {
        let mut state = self.state();
        self.is_ready.store(false, Ordering::Release);
        *state = State::GivenUp;
        self.readiness.send_replace(Some(Err(why)));
        // Where nobody follows, nobody has to know.
        let _ = self.news.send(News::Reset);
    }

    /// It is about to be read once more; those who wait before it keep their places.
    pub(super) fn begin_anew(&self) {
        let mut state = self.state();
        self.is_ready.store(false, Ordering::Release);
        *state = State::reading();
        self.readiness.send_replace(None);
        // Where nobody follows, nobody has to know.
        let _ = self.news.send(News::Reset);
    }

    /// Takes over what the log told; all of it is known up to `known_until`.
    pub(super) fn happened(&self, changes: &[Change], known_until: Timestamp, now: Timestamp) {
        let mut state = self.state();
        self.check_out(changes, now);
        let frame = match &mut *state {
            State::Live(seats) => seats.happened(changes, known_until),
            State::Reading { beginning, ended, .. } => {
                beginning.happened(changes);
                let over = changes.iter().filter(|change| is_over(change));
                ended.extend(over.filter_map(|change| change.hold_id));
                self.go_live(&mut state, known_until);
                None
            }
            State::GivenUp => None,
        };
        drop(state);
        if let Some(frame) = frame {
            // Where nobody follows, nobody has to be told.
            let _ = self.news.send(News::Frame(frame));
        }
        self.listeners.tell(changes);
    }

    /// Begins to answer, if the log is known for long enough.
    fn go_live(&self, state: &mut State, known_until: Timestamp) {
        let State::Reading { beginning, .. } = state else { return };
        let begun = std::mem::replace(beginning, Beginning::new(Vec::new()));
        match begun.finish(known_until) {
            Ok(map) => {
                let seats = Seats::new(self.event_id, fresh_epoch(), map);
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
            State::Reading { .. } | State::GivenUp => {
                Err(Problem::busy("the seats are being read", Duration::from_secs(1)))
            }
        }
    }

    /// Begins to follow the show; with what was missed since the event of this id, if that is known.
    pub(in crate::serve) fn follow(&self, heard: Option<&str>) -> Result<Following> {
        self.seats(|seats| Following {
            // Subscribed under the lock: nothing is told between what is kept and what comes.
            news: self.news.subscribe(),
            missed: heard.and_then(|id| seats.since(id)),
            epoch: seats.epoch().to_owned(),
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

    /// Only who was let in may check out, where there is a waiting room; whoever was not stands in
    /// line from here on.
    pub(in crate::serve) fn come_in(&self, session: &SessionId, now: Timestamp) -> Result<()> {
        let Some(mut room) = self.room() else { return Ok(()) };
        match room.enter(session, now) {
            Ok(Place::Admitted(_)) => Ok(()),
            Ok(Place::Waiting(place)) => Err(Problem::waiting_room(place, ASK_FOR_PLACE_EVERY)),
            Err(LineIsFull) => Err(Problem::busy("the line is full", ASK_FOR_PLACE_EVERY)),
        }
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

/// Tells the versions of one reading of the seats from those of another.
fn fresh_epoch() -> String {
    format!("{:08x}", rand::random::<u32>())
}
