//! Who may check out now, and who waits outside: at most so many checkouts of an event at a time.
//!
//! A checkout begins when a session is let in and ends when the last of its holds does; a session that
//! holds nothing in good time has to leave, too. Others stand in line in the order in which they came,
//! and are let in as places come free. It reads no clock: the time comes in as an argument.
//!
//! A claim that is refused half way may be told as a hold that was given up. So whose holds are given up,
//! for all that is known, goes on choosing for as long as he would have; only what ends a checkout for sure
//! ends it at once.
//!
//! It lives in the memory of one server and decides nothing about tickets. A server that is started
//! anew begins with the checkouts that go on, and an empty line.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::extract::Client;
use super::problem::Problem;
use crate::domain::{BuyerId, Hold, HoldId, SessionId, Timestamp};
use crate::repository::Caller;

/// The most sessions that wait in one line.
const LINE_MAX: usize = 200_000;
/// The most sessions of one client, and of one buyer, that wait or choose at an event at a time. A client
/// is an address, and may be all of an office: hence more than a household needs.
const SESSIONS_PER_CLIENT: usize = 20;
const SESSIONS_PER_BUYER: usize = 4;
/// How often the line is looked through for those who have left.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How long it is remembered that a hold is over: the log may tell late what was before.
const OVER_FOR: Duration = Duration::from_mins(1);
/// How long somebody who waits may be silent; then he has left.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The terms of a waiting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Checkouts of one event at a time; at least 1.
    pub checkouts_max: usize,
    /// How long whoever was let in may take until he holds tickets.
    pub choose_time: Duration,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It may check out; until then only, if it holds nothing yet.
    Admitted(Option<Timestamp>),
    /// It is at this place of the line, 1 for the first.
    Waiting(u64),
}

/// Why a session is not let into the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// The line is as long as it may be.
    Line,
    /// As many sessions of the client wait or choose as may.
    Client,
    /// As many sessions of the buyer wait or choose as may.
    Buyer,
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        match full {
            Full::Line => Self::busy("the line is full", PATIENCE),
            Full::Client => Self::waiting_room_limit("client", SESSIONS_PER_CLIENT, PATIENCE),
            Full::Buyer => Self::waiting_room_limit("buyer", SESSIONS_PER_BUYER, PATIENCE),
        }
    }
}

/// Whom a session is counted for until it holds tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// None where clients are not told apart.
    client: Option<IpAddr>,
    buyer: BuyerId,
}

impl Origin {
    /// The origin of a request.
    pub(super) const fn of(caller: &Caller, client: Client) -> Self {
        Self { client: client.0, buyer: caller.buyer_id }
    }
}

/// The sessions that wait or choose, counted by where they come from.
#[derive(Debug, Default)]
struct Origins {
    of: HashMap<SessionId, Origin>,
    clients: HashMap<IpAddr, usize>,
    buyers: HashMap<BuyerId, usize>,
}

impl Origins {
    /// Counts a session.
    fn add(&mut self, session: &SessionId, origin: Origin) -> Result<(), Full> {
        let count = |of: Option<&usize>| of.copied().unwrap_or(0);
        let clients = origin.client.map_or(0, |client| count(self.clients.get(&client)));
        if clients >= SESSIONS_PER_CLIENT {
            return Err(Full::Client);
        }
        if count(self.buyers.get(&origin.buyer)) >= SESSIONS_PER_BUYER {
            return Err(Full::Buyer);
        }
        if let Some(client) = origin.client {
            *self.clients.entry(client).or_default() += 1;
        }
        *self.buyers.entry(origin.buyer).or_default() += 1;
        self.of.insert(session.clone(), origin);
        Ok(())
    }

    /// Counts a session no more, if it was counted.
    fn remove(&mut self, session: &SessionId) {
        let Some(origin) = self.of.remove(session) else { return };
        if let Some(client) = origin.client {
            take_one(&mut self.clients, client);
        }
        take_one(&mut self.buyers, origin.buyer);
    }
}

fn take_one<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

/// A session that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Inside {
    Choosing { until: Timestamp },
    Holding { holds: Vec<Begun>, may_choose_until: Option<Timestamp> },
}

/// A hold, and when it began: an attempt that is made again has the id of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    hold: HoldId,
    at: Timestamp,
}

/// A session in line.
#[derive(Debug)]
struct Waiting {
    number: u64,
    seen_at: Timestamp,
}

/// The waiting room of one event.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    terms: Terms,
    inside: HashMap<SessionId, Inside>,
    /// When those have to leave who hold nothing yet.
    deadlines: BTreeSet<(Timestamp, SessionId)>,
    /// Who waits, by the number that he drew when he came.
    line: VecDeque<(u64, SessionId)>,
    waiting: HashMap<SessionId, Waiting>,
    origins: Origins,
    next_number: u64,
    /// The holds that ended lately, and when they did.
    over: HashMap<HoldId, Timestamp>,
    swept_at: Timestamp,
}

impl WaitingRoom {
    /// An empty room.
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            inside: HashMap::new(),
            deadlines: BTreeSet::new(),
            line: VecDeque::new(),
            waiting: HashMap::new(),
            origins: Origins::default(),
            next_number: 0,
            over: HashMap::new(),
            swept_at: Timestamp::from_millis(0),
        }
    }

    /// Takes over the checkouts that go on, whatever was known of them before. Who is in line, or was
    /// let in and holds nothing yet, stays.
    pub(super) fn begin(&mut self, holds: &[Hold]) {
        let is_choosing = |inside: &Inside| matches!(inside, Inside::Choosing { .. });
        self.inside.retain(|_, inside| is_choosing(inside));
        for hold in holds {
            self.holds(&hold.session_id, hold.hold_id, hold.started_at);
        }
    }

    /// Lets a session in, or has it wait at the end of the line; one that came before keeps its place.
    pub(super) fn enter(
        &mut self,
        session: &SessionId,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Place, Full> {
        if let Some(place) = self.look(session, now) {
            return Ok(place);
        }
        if self.line.len() >= LINE_MAX {
            return Err(Full::Line);
        }
        self.origins.add(session, origin)?;
        let number = self.next_number;
        self.next_number += 1;
        self.line.push_back((number, session.clone()));
        self.waiting.insert(session.clone(), Waiting { number, seen_at: now });
        self.let_in(now);
        Ok(self.place(session).unwrap_or(Place::Waiting(self.line.len() as u64)))
    }

    /// Where a session stands, which is seen by this; none if it never came, or left.
    pub(super) fn look(&mut self, session: &SessionId, now: Timestamp) -> Option<Place> {
        // Seen first: who asks in the last moment has not left.
        if let Some(waiting) = self.waiting.get_mut(session) {
            waiting.seen_at = now;
        }
        self.let_in(now);
        self.place(session)
    }

    /// A session leaves the line, or gives its place inside to the next; not while it holds tickets.
    pub(super) fn leave(&mut self, session: &SessionId, now: Timestamp) {
        self.out_of_line(session);
        if let Some(Inside::Choosing { until }) = self.inside.get(session) {
            self.deadlines.remove(&(*until, session.clone()));
            self.inside.remove(session);
            self.origins.remove(session);
        }
        self.let_in(now);
    }

    /// A session had a hold at this time: it is inside, whether or not it was let in. A hold that was over
    /// later stays so.
    pub(super) fn holds(&mut self, session: &SessionId, hold: HoldId, at: Timestamp) {
        if self.over.get(&hold).is_some_and(|ended_at| at <= *ended_at) {
            return;
        }
        let begun = Begun { hold, at };
        if let Some(Inside::Holding { holds, .. }) = self.inside.get_mut(session) {
            match holds.iter_mut().find(|other| other.hold == hold) {
                Some(known) => known.at = known.at.max(at),
                None => holds.push(begun),
            }
            return;
        }
        self.out_of_line(session);
        self.origins.remove(session);
        let may_choose_until = match self.inside.remove(session) {
            Some(Inside::Choosing { until }) => {
                self.deadlines.remove(&(until, session.clone()));
                Some(until)
            }
            _ => None,
        };
        let holding = Inside::Holding { holds: vec![begun], may_choose_until };
        self.inside.insert(session.clone(), holding);
    }

    /// A hold ended at this time. With its last one a session's checkout ends, unless it may choose again.
    pub(super) fn ended(
        &mut self,
        session: &SessionId,
        hold: HoldId,
        at: Timestamp,
        now: Timestamp,
    ) {
        let over = self.over.entry(hold).or_insert(at);
        *over = at.max(*over);
        let Some(Inside::Holding { holds, may_choose_until }) = self.inside.get_mut(session) else {
            return;
        };
        holds.retain(|known| known.hold != hold || known.at > at);
        if !holds.is_empty() {
            return;
        }
        let may_choose_until = may_choose_until.filter(|until| *until > now);
        self.inside.remove(session);
        if let Some(until) = may_choose_until {
            self.deadlines.insert((until, session.clone()));
            self.inside.insert(session.clone(), Inside::Choosing { until });
        }
        self.let_in(now);
    }

    /// A hold ended for sure: with its last one a session's checkout does.
    pub(super) fn checked_out(
        &mut self,
        session: &SessionId,
        hold: HoldId,
        at: Timestamp,
        now: Timestamp,
    ) {
        if let Some(Inside::Holding { may_choose_until, .. }) = self.inside.get_mut(session) {
            *may_choose_until = None;
        }
        self.ended(session, hold, at, now);
    }

    /// How many are inside, and how many wait.
    pub(super) fn crowd(&self) -> (usize, usize) {
        (self.inside.len(), self.line.len())
    }

    /// Sends away who took too long, and lets in who is next.
    pub(super) fn let_in(&mut self, now: Timestamp) {
        if now.since(self.swept_at) >= SWEEP_EVERY {
            self.sweep(now);
        }
        while let Some((until, session)) = self.deadlines.first()
            && *until <= now
        {
            self.inside.remove(session);
            self.origins.remove(session);
            self.deadlines.pop_first();
        }
        while self.inside.len() < self.terms.checkouts_max
            && let Some((_, session)) = self.line.pop_front()
        {
            let waited = self.waiting.remove(&session);
            if waited.is_some_and(|waiting| now.since(waiting.seen_at) <= PATIENCE) {
                let until = now.plus(self.terms.choose_time);
                self.deadlines.insert((until, session.clone()));
                self.inside.insert(session, Inside::Choosing { until });
            } else {
                self.origins.remove(&session);
            }
        }
    }

    /// Forgets who has left the line without a word, and the holds that were over long ago.
    fn sweep(&mut self, now: Timestamp) {
        self.swept_at = now;
        self.over.retain(|_, ended_at| now.since(*ended_at) < OVER_FOR);
        let origins = &mut self.origins;
        self.waiting.retain(|session, waiting| {
            let stays = now.since(waiting.seen_at) <= PATIENCE;
            if !stays {
                origins.remove(session);
            }
            stays
        });
        let waiting = &self.waiting;
        self.line.retain(|(_, session)| waiting.contains_key(session));
    }

    fn out_of_line(&mut self, session: &SessionId) {
        let waiting = self.waiting.remove(session);
        if waiting.is_some() {
            self.origins.remove(session);
        }
        if let Some(waiting) = waiting
            && let Ok(at) = self.line.binary_search_by_key(&waiting.number, |(number, _)| *number)
        {
            self.line.remove(at);
        }
    }

    fn place(&self, session: &SessionId) -> Option<Place> {
        match self.inside.get(session) {
            Some(Inside::Choosing { until }) => return Some(Place::Admitted(Some(*until))),
            Some(Inside::Holding { .. }) => return Some(Place::Admitted(None)),
            None => {}
        }
        let number = self.waiting.get(session)?.number;
        let at = self.line.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(Place::Waiting(at as u64 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOOSE: Duration = Duration::from_secs(30);

    /// A room for so many checkouts, and the time on its wall in seconds.
    struct Scene {
        room: WaitingRoom,
        now: Timestamp,
    }

    fn scene(checkouts_max: usize) -> Scene {
        let room = WaitingRoom::new(Terms { checkouts_max, choose_time: CHOOSE });
        Scene { room, now: Timestamp::from_millis(0) }
    }

    fn session(name: &str) -> SessionId {
        SessionId::new(name).unwrap()
    }

    impl Scene {
        fn enter(&mut self, name: &str) -> Place {
            self.enter_from(name, None).unwrap()
        }

        fn enter_from(&mut self, name: &str, client: Option<&str>) -> Result<Place, Full> {
            let session = session(name);
            let client = client.map(|address| address.parse().unwrap());
            let origin = Origin { client, buyer: BuyerId::of_session(&session) };
            self.room.enter(&session, origin, self.now)
        }

        fn look(&mut self, name: &str) -> Option<Place> {
            self.room.look(&session(name), self.now)
        }

        fn check_out(&mut self, name: &str, hold: HoldId) {
            self.room.checked_out(&session(name), hold, self.now, self.now);
        }

        fn pass(&mut self, seconds: u64) {
            self.now = self.now.plus(Duration::from_secs(seconds));
        }

        fn admitted(&self) -> Place {
            Place::Admitted(Some(self.now.plus(CHOOSE)))
        }
    }

    #[test]
    fn as_many_are_let_in_as_there_are_places_and_others_wait_in_order() {
        let mut scene = scene(2);
        assert_eq!(scene.enter("ann"), scene.admitted());
        assert_eq!(scene.enter("bob"), scene.admitted());
        assert_eq!(scene.enter("cleo"), Place::Waiting(1));
        assert_eq!(scene.enter("dan"), Place::Waiting(2));
        assert_eq!(scene.enter("cleo"), Place::Waiting(1), "coming again changes nothing");
        assert_eq!(scene.room.crowd(), (2, 2));
    }

    #[test]
    fn the_next_is_let_in_when_a_checkout_ends() {
        let mut scene = scene(1);
        scene.enter("ann");
        scene.enter("bob");
        let (first, second) = (HoldId::fresh(), HoldId::fresh());
        scene.room.holds(&session("ann"), first, scene.now);
        scene.room.holds(&session("ann"), second, scene.now);
        assert_eq!(scene.look("ann"), Some(Place::Admitted(None)), "a hold has its own deadline");
        scene.check_out("ann", first);
        assert_eq!(scene.look("bob"), Some(Place::Waiting(1)), "another hold goes on");
        scene.check_out("ann", second);
        assert_eq!(scene.look("bob"), Some(scene.admitted()));
        assert_eq!(scene.look("ann"), None);
    }

    #[test]
    fn who_holds_nothing_in_time_makes_room_for_the_next() {
        let mut scene = scene(1);
        scene.enter("ann");
        scene.enter("bob");
        scene.pass(29);
        assert_eq!(scene.look("bob"), Some(Place::Waiting(1)));
        scene.pass(1);
        assert_eq!(scene.look("bob"), Some(scene.admitted()));
        assert_eq!(scene.enter("ann"), Place::Waiting(1));
    }

    #[test]
    fn who_is_silent_for_too_long_has_left() {
        let mut scene = scene(1);
        let hold = HoldId::fresh();
        scene.enter("ann");
        scene.room.holds(&session("ann"), hold, scene.now);
        scene.enter("bob");
        scene.enter("cleo");
        scene.pass(59);
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(2)));
        scene.pass(2);
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(2)), "it is not looked all the time");
        scene.pass(5);
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(1)));
        scene.check_out("ann", hold);
        assert_eq!(scene.look("cleo"), Some(scene.admitted()));
        assert_eq!(scene.look("bob"), None);
    }

    #[test]
    fn leaving_makes_room_in_the_line_and_inside_but_not_while_tickets_are_held() {
        let mut scene = scene(1);
        scene.enter("ann");
        scene.enter("bob");
        scene.enter("cleo");
        scene.room.leave(&session("bob"), scene.now);
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(1)));
        scene.room.holds(&session("ann"), HoldId::fresh(), scene.now);
        scene.room.leave(&session("ann"), scene.now);
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(1)));
        let mut scene = self::scene(1);
        scene.enter("ann");
        scene.enter("bob");
        scene.room.leave(&session("ann"), scene.now);
        assert_eq!(scene.look("bob"), Some(scene.admitted()));
    }

    #[test]
    fn one_client_has_a_bounded_number_of_sessions_in_line() {
        let (mut scene, client) = (scene(1), Some("192.0.2.1"));
        scene.enter("first");
        let enter = |scene: &mut Scene, n: usize| scene.enter_from(&format!("bot {n}"), client);
        for n in 0..SESSIONS_PER_CLIENT {
            assert_eq!(enter(&mut scene, n), Ok(Place::Waiting(n as u64 + 1)));
        }
        assert_eq!(enter(&mut scene, 400), Err(Full::Client));
        assert!(enter(&mut scene, 0).is_ok(), "who is in line keeps the place");
        let next = SESSIONS_PER_CLIENT as u64 + 1;
        assert_eq!(scene.enter_from("ann", Some("192.0.2.2")), Ok(Place::Waiting(next)));
        // One that leaves, falls silent, or holds tickets makes room for another.
        scene.room.leave(&session("bot 3"), scene.now);
        assert!(enter(&mut scene, 400).is_ok());
        scene.room.holds(&session("bot 4"), HoldId::fresh(), scene.now);
        assert!(enter(&mut scene, 401).is_ok());
        assert_eq!(enter(&mut scene, 402), Err(Full::Client));
        scene.pass(120);
        assert!(enter(&mut scene, 402).is_ok());
        assert_eq!(scene.room.origins.of.len(), 1);
        assert_eq!(scene.room.origins.clients.values().sum::<usize>(), 1);
    }

    #[test]
    fn one_buyer_has_a_bounded_number_of_sessions_in_line() {
        let mut scene = scene(1);
        scene.enter("first");
        let buyer = BuyerId::fresh();
        let mut enter = |n: usize| {
            let origin = Origin { client: None, buyer };
            scene.room.enter(&session(&format!("tab {n}")), origin, scene.now)
        };
        for n in 0..SESSIONS_PER_BUYER {
            assert!(enter(n).is_ok());
        }
        assert_eq!(enter(SESSIONS_PER_BUYER), Err(Full::Buyer));
    }

    #[test]
    fn a_hold_that_is_over_stays_so_whatever_is_told_late() {
        let mut scene = scene(1);
        let hold = HoldId::fresh();
        scene.enter("ann");
        scene.room.holds(&session("ann"), hold, scene.now);
        scene.check_out("ann", hold);
        scene.room.holds(&session("ann"), hold, scene.now);
        assert_eq!(scene.room.crowd(), (0, 0));
    }

    #[test]
    fn who_was_refused_half_way_goes_on_choosing_for_the_rest_of_his_time() {
        let mut scene = scene(1);
        let (ann, hold) = (session("ann"), HoldId::fresh());
        let until = scene.admitted();
        scene.enter("ann");
        scene.enter("bob");
        scene.pass(5);
        // The log tells of a claim that was undone.
        scene.room.holds(&ann, hold, scene.now);
        scene.pass(1);
        scene.room.ended(&ann, hold, scene.now, scene.now);
        assert_eq!(scene.look("ann"), Some(until));
        scene.pass(24);
        assert_eq!(scene.look("bob"), Some(scene.admitted()));
    }

    #[test]
    fn what_is_told_late_of_an_attempt_before_does_not_end_the_one_after() {
        let mut scene = scene(1);
        let (ann, hold, first) = (session("ann"), HoldId::fresh(), scene.now);
        scene.enter("ann");
        scene.pass(1);
        let undone = scene.now;
        scene.pass(1);
        scene.room.holds(&ann, hold, scene.now);
        scene.room.holds(&ann, hold, first);
        scene.room.ended(&ann, hold, undone, scene.now);
        assert_eq!(scene.look("ann"), Some(Place::Admitted(None)), "the second attempt stands");
        scene.room.checked_out(&ann, hold, scene.now, scene.now);
        assert_eq!(scene.look("ann"), None);
    }

    #[test]
    fn a_line_outlasts_the_reading_of_what_goes_on() {
        let mut scene = scene(1);
        scene.enter("ann");
        scene.room.holds(&session("ann"), HoldId::fresh(), scene.now);
        scene.enter("bob");
        scene.room.begin(&[]);
        assert_eq!(scene.look("bob"), Some(scene.admitted()), "her hold is over, it turns out");
        scene.enter("cleo");
        scene.room.begin(&[]);
        assert_eq!(scene.look("bob"), Some(scene.admitted()), "who was let in stays so");
        assert_eq!(scene.look("cleo"), Some(Place::Waiting(1)));
    }

    #[test]
    fn who_is_offered_tickets_is_inside_though_nobody_let_him_in() {
        let mut scene = scene(1);
        scene.enter("ann");
        scene.enter("bob");
        let hold = HoldId::fresh();
        scene.room.holds(&session("bob"), hold, scene.now);
        assert_eq!(scene.room.crowd(), (2, 0), "one more than there are places");
        scene.check_out("bob", hold);
        assert_eq!(scene.room.crowd(), (1, 0));
        scene.check_out("zoe", hold);
    }
}
