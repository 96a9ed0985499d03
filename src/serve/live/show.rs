//! One show: its seats in memory, those who follow it, those who wait before it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::frames::{Frame, News};
use super::listeners::{Listeners, Listening};
use crate::domain::{Change, ChangeKind, EventId, Hold, Refusal, SectionMap, SessionId, Timestamp};
use crate::repository::Caller;
use crate::serve::extract::Client;
use crate::serve::problem::{Problem, Result};
use crate::serve::seats::Seats;
use crate::serve::waiting_room::{Origin, Place, Terms, WaitingRoom};
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
    /// When its sale closes, in milliseconds of the epoch; known once it is read.
    closes_at_ms: AtomicI64,
    /// How many seats were read.
    size: AtomicU64,
    /// When somebody last asked for it, in milliseconds since it was begun.
    asked_after_ms: AtomicU64,
}

#[derive(Debug)]
enum State {
    /// The seats are being read, or were, and the log is not known up to the end of that reading.
    Reading { number: u32, beginning: Beginning },
    /// They are followed.
    Live(Box<Seats>),
    /// Nobody follows them any more.
    GivenUp,
}

impl State {
    fn reading(number: u32) -> Self {
        Self::Reading { number, beginning: Beginning::new(Vec::new()) }
    }

    fn is_reading(&self, reading: u32) -> bool {
        matches!(self, Self::Reading { number, .. } if *number == reading)
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
            state: Mutex::new(State::reading(0)),
            is_ready: AtomicBool::new(false),
            readiness: watch::Sender::new(None),
            news: broadcast::Sender::new(FRAMES_BEHIND_MAX),
            listeners: Arc::default(),
            room: room.map(|terms| Mutex::new(WaitingRoom::new(terms))),
            waitlist: Waitlist::default(),
            begun_at: Instant::now(),
            closes_at_ms: AtomicI64::new(i64::MAX),
            size: AtomicU64::new(0),
            asked_after_ms: AtomicU64::new(0),
        }
    }

    pub(in crate::serve) const fn event_id(&self) -> EventId {
        self.event_id
    }

    /// Notes when its sale closes.
    pub(super) fn closes_at(&self, time: Timestamp) {
        self.closes_at_ms.store(time.as_millis(), Ordering::Relaxed);
    }

    /// Refuses whoever comes after the sale closed. The repository decides; this spares it the work.
    pub(in crate::serve) fn may_hold(&self, now: Timestamp) -> Result<()> {
        let at = Timestamp::from_millis(self.closes_at_ms.load(Ordering::Relaxed));
        if at <= now { Err(Refusal::SaleClosed { at }.into()) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody wants its seats; tells whether they can be asked for.
    pub(super) fn asked_for(&self) -> bool {
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

    /// When somebody last asked for it.
    pub(super) fn asked_at(&self) -> Instant {
        self.begun_at + Duration::from_millis(self.asked_after_ms.load(Ordering::Relaxed))
    }

    /// Whether anybody follows it, checks out, or waits to.
    pub(super) fn is_followed(&self) -> bool {
        self.is_waited_for() || self.news.receiver_count() > 0
    }

    /// How many seats are kept of it.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Whether anybody checks out, or waits to.
    pub(super) fn is_waited_for(&self) -> bool {
        self.room().is_some_and(|room| room.crowd() != (0, 0))
    }

    /// Its seats were read, as the reading of this number: all of it before `read_at`.
    pub(super) fn was_read(
        &self,
        reading: u32,
        maps: Vec<SectionMap>,
        holds: &[Hold],
        read_at: Timestamp,
    ) {
        if let State::Reading { number, beginning } = &mut *self.state()
            && *number == reading
        {
            let size = maps.iter().map(|map| map.section().seats).sum();
            self.size.store(size, Ordering::Relaxed);
            for map in maps {
                beginning.section(map);
            }
            beginning.all_read(read_at);
            if let Some(mut room) = self.room() {
                room.begin(holds);
                // What began or ended while they were read.
                follow_checkouts(&mut room, beginning.changes(), read_at);
            }
        }
    }

    /// Whether the reading of this number goes on, and is the one that counts.
    pub(super) fn is_read_as(&self, reading: u32) -> bool {
        self.state().is_reading(reading)
    }

    /// Gives up the reading of this number, if it is the one that counts: whoever waits for it is told so.
    pub(super) fn give_up_reading(&self, reading: u32, why: Problem) -> bool {
        let mut state = self.state();
        let counts = state.is_reading(reading);
        if counts {
            self.end(&mut state, why);
        }
        counts
    }

    /// Nobody follows it any more: whoever asks for it is told so.
    pub(super) fn give_up(&self, why: Problem) {
        self.end(&mut self.state(), why);
    }

    fn end(&self, state: &mut State, why: Problem) {
        self.is_ready.store(false, Ordering::Release);
        *state = State::GivenUp;
        self.readiness.send_replace(Some(Err(why)));
        // Where nobody follows, nobody has to know.
        let _ = self.news.send(News::Reset);
    }

    /// The log cannot be followed: requests that wait for the seats fail, instead of waiting for a log
    /// that may never come.
    pub(super) fn log_is_lost(&self) {
        if matches!(&*self.state(), State::Reading { .. }) {
            self.readiness.send_replace(Some(Err(Problem::failed())));
        }
    }

    /// It is about to be read once more, as the reading of this number, which is higher than those before;
    /// those who wait before it keep their places.
    pub(super) fn begin_anew(&self, reading: u32) {
        let mut state = self.state();
        self.is_ready.store(false, Ordering::Release);
        *state = State::reading(reading);
        self.readiness.send_replace(None);
        // Where nobody follows, nobody has to know.
        let _ = self.news.send(News::Reset);
    }

    /// Takes over what the log told; all of it is known up to `known_until`.
    pub(super) fn happened(&self, changes: &[Change], known_until: Timestamp, now: Timestamp) {
        let mut state = self.state();
        if let Some(mut room) = self.room() {
            follow_checkouts(&mut room, changes, now);
        }
        let frame = match &mut *state {
            State::Live(seats) => seats.happened(changes, known_until),
            State::Reading { beginning, .. } => {
                beginning.happened(changes);
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
    pub(in crate::serve) fn come_in(
        &self,
        caller: &Caller,
        client: Client,
        now: Timestamp,
    ) -> Result<()> {
        let Some(mut room) = self.room() else { return Ok(()) };
        match room.enter(&caller.session_id, Origin::of(caller, client), now)? {
            Place::Admitted(_) => Ok(()),
            Place::Waiting(place) => Err(Problem::waiting_room(place, ASK_FOR_PLACE_EVERY)),
        }
    }
}

/// Follows the checkouts that go on, whoever began or ended them.
fn follow_checkouts(room: &mut WaitingRoom, changes: &[Change], now: Timestamp) {
    for change in changes {
        let (Some(session), Some(hold)) = (&change.session_id, change.hold_id) else { continue };
        match change.change {
            ChangeKind::Held | ChangeKind::HeldAgain | ChangeKind::Paying => {
                room.holds(session, hold, change.at);
            }
            // So is told what becomes of a claim that is refused half way, too.
            ChangeKind::Abandoned => room.ended(session, hold, change.at, now),
            _ => room.checked_out(session, hold, change.at, now),
        }
    }
    room.let_in(now);
}

/// Tells the versions of one reading of the seats from those of another.
fn fresh_epoch() -> String {
    format!("{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::seat_map::drawn::drawn;
    use crate::watch::story::Story;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn show(room: Option<Terms>) -> Show {
        Show::new(EventId::of_slug("hamlet"), room)
    }

    fn one_at_a_time() -> Show {
        show(Some(Terms { checkouts_max: 1, choose_time: Duration::from_secs(30) }))
    }

    #[tokio::test]
    async fn waiting_for_seats_ends_when_the_log_is_lost() {
        let show = show(None);
        show.log_is_lost();
        assert_eq!(show.readiness().await.unwrap_err().reason(), "failed");
        show.begin_anew(1);
        let wait = tokio::time::timeout(Duration::from_millis(10), show.readiness());
        assert!(wait.await.is_err());
    }

    #[tokio::test]
    async fn of_two_readings_the_later_one_counts() {
        let show = show(None);
        show.begin_anew(1);
        show.was_read(0, vec![drawn("A", &["s"])], &[], at(1));
        show.happened(&[], at(2), at(2));
        assert!(!show.asked_for(), "the first one was begun before something was missed");
        assert!(!show.give_up_reading(0, Problem::failed()));
        show.was_read(1, vec![drawn("A", &[".."])], &[], at(3));
        show.happened(&[], at(4), at(4));
        assert!(show.asked_for());
        show.readiness().await.unwrap();
        let seats = show.seats(|seats| seats.sections().iter().map(SectionMap::counts).collect());
        let counts: Vec<_> = seats.unwrap();
        assert_eq!((counts.len(), counts[0].available), (1, 2));
    }

    #[tokio::test]
    async fn a_reading_that_failed_is_told_to_those_who_wait_for_it() {
        let show = show(None);
        assert!(show.give_up_reading(0, Problem::failed()));
        assert_eq!(show.readiness().await.unwrap_err().reason(), "failed");
        assert!(show.seats(|_| ()).is_err());
    }

    #[test]
    fn who_began_to_check_out_while_the_seats_were_read_is_inside() {
        let show = one_at_a_time();
        let mut story = Story::default();
        let begun = story.change(ChangeKind::Held, "A/1/1");
        show.happened(&[begun], at(1), at(1));
        // What was read is from before.
        show.was_read(0, vec![drawn("A", &[".."])], &[], at(2));
        assert_eq!(show.room().unwrap().crowd(), (1, 0));
        story.at = at(3);
        show.happened(&[story.change(ChangeKind::Expired, "A/1/1")], at(4), at(4));
        assert_eq!(show.room().unwrap().crowd(), (0, 0));
    }

    #[test]
    fn whose_claim_was_undone_may_choose_again_and_whose_hold_is_over_may_not() {
        let show = one_at_a_time();
        let ann = SessionId::new("ann").unwrap();
        let caller =
            Caller { buyer_id: crate::domain::BuyerId::of_session(&ann), session_id: ann.clone() };
        show.come_in(&caller, Client(None), at(0)).unwrap();
        let mut story = Story::default();
        let mut tell = |change, millis| {
            story.at = at(millis);
            show.happened(&[story.change(change, "A/1/1")], at(millis), at(millis));
            show.room().unwrap().crowd()
        };
        tell(ChangeKind::Held, 10);
        assert_eq!(tell(ChangeKind::Abandoned, 20), (1, 0), "for the rest of her time to choose");
        tell(ChangeKind::Held, 30);
        assert_eq!(tell(ChangeKind::Sold, 40), (0, 0));
    }
}
