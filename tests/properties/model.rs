//! The rules as a person would write them down: no store, no concurrency, no crash.

mod line;
mod payments;

use std::collections::HashMap;

use std::ops::Range;

use tix::domain::{HoldStatus, TicketStatus};

use crate::steps::Step;
use line::{Entry, seats_with};

pub(crate) const SEATS: usize = 8;
/// Name, ticket type and seats of each section, which has one row.
pub(crate) const SECTIONS: [(&str, &str, u32); 2] = [("A", "regular", 5), ("B", "VIP", 3)];
pub(crate) const LIMIT: u32 = 4;
/// Milliseconds.
pub(crate) const TIME_TO_PAY: u64 = 10_000;
/// Milliseconds.
pub(crate) const PAYMENT_TIME: u64 = 4_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seat {
    Free,
    /// Lapsed or not, until somebody else takes it.
    Held {
        hold: usize,
    },
    Paying {
        hold: usize,
        card: u8,
        deadline: u64,
    },
    Sold {
        hold: usize,
        card: u8,
    },
    Blocked,
}

#[derive(Debug, Clone)]
struct Asked {
    buyer: u8,
    session: u8,
    seats: Vec<usize>,
    /// None where the claim was refused.
    expires: Option<u64>,
    ended: Option<HoldStatus>,
}

#[derive(Debug, Clone, Copy)]
struct Order {
    hold: usize,
    card: u8,
    status: &'static str,
}

/// The whole sale.
#[derive(Debug)]
pub(crate) struct Model {
    now: u64,
    seats: [Seat; SEATS],
    /// Claims and offers.
    asked: Vec<Asked>,
    /// The same in the order in which steps name them: offers of one step in the order of the line.
    named: Vec<usize>,
    orders: Vec<Order>,
    /// The hold for which each buyer used each card first.
    references: HashMap<(u8, u8), usize>,
    line: Vec<Entry>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            now: 0,
            seats: [Seat::Free; SEATS],
            asked: Vec::new(),
            named: Vec::new(),
            orders: Vec::new(),
            references: HashMap::new(),
            line: Vec::new(),
        }
    }
}

impl Model {
    pub(crate) fn take(&mut self, step: &Step) -> String {
        let answer = self.take_step(step);
        let offers = self.line.iter().filter_map(|entry| entry.offer);
        let new: Vec<usize> = offers.filter(|hold| !self.named.contains(hold)).collect();
        self.named.extend(new);
        answer
    }

    fn take_step(&mut self, step: &Step) -> String {
        match step {
            Step::Claim { buyer, session, seats } => self.ask(*buyer, *session, seats.clone()),
            Step::Best { buyer, session, wish } => {
                match self.search(&(0..SECTIONS.len()).collect::<Vec<_>>(), wish).finish() {
                    Ok(choice) => self.ask(*buyer, *session, seats_with(&choice.tickets)),
                    Err(refusal) => refusal.code().into(),
                }
            }
            Step::Reclaim { hold } => self.known(*hold, Model::reclaim),
            Step::Abandon { hold, session } => {
                self.known(*hold, |m, hold| m.abandon(hold, *session))
            }
            Step::Begin { hold, session, card } => {
                self.known(*hold, |m, hold| m.begin(hold, *session, *card))
            }
            Step::Record { hold, card, captured } => {
                self.known(*hold, |m, hold| m.record(hold, *card, *captured))
            }
            Step::BeginRefund { hold, card } => {
                self.known(*hold, |m, hold| m.begin_refund(hold, *card))
            }
            Step::FinishRefund { hold, card } => {
                self.known(*hold, |m, hold| m.finish_refund(hold, *card))
            }
            Step::Recover => self.recover(),
            Step::Block { seats } => self.block(seats),
            Step::Unblock { seats } => self.unblock(seats),
            Step::Join { buyer, session, wish } => self.join(*buyer, *session, wish),
            Step::Leave { entry, session } => self.leave(*entry, *session),
            Step::Serve => self.serve(&(0..SECTIONS.len()).collect::<Vec<_>>()).to_string(),
            Step::Pass { millis } => {
                self.now += millis;
                "ok".into()
            }
            Step::Restart => "ok".into(),
        }
    }

    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// How long to wait at `now` until no deadline is within `span`; none where that is so already.
    pub(crate) fn nearest_deadline(&self, now: u64, span: u64) -> Option<u64> {
        let holds = self.asked.iter().filter_map(|asked| asked.expires);
        let payments = self.seats.iter().filter_map(|seat| match seat {
            Seat::Paying { deadline, .. } => Some(*deadline),
            _ => None,
        });
        let near = holds.chain(payments).filter(|deadline| deadline.abs_diff(now) <= span);
        near.map(|deadline| deadline + span + 1 - now).max()
    }

    pub(crate) fn statuses(&self) -> Vec<TicketStatus> {
        let status = |seat: &Seat| match *seat {
            Seat::Held { hold } if self.is_live(hold) => TicketStatus::Held,
            Seat::Free | Seat::Held { .. } => TicketStatus::Available,
            Seat::Paying { .. } => TicketStatus::Paying,
            Seat::Sold { .. } => TicketStatus::Sold,
            Seat::Blocked => TicketStatus::Blocked,
        };
        self.seats.iter().map(status).collect()
    }

    /// What became of every hold; none for a claim that was refused.
    pub(crate) fn hold_statuses(&self) -> Vec<Option<HoldStatus>> {
        self.named.iter().map(|hold| self.hold_status(*hold)).collect()
    }

    fn hold_status(&self, hold: usize) -> Option<HoldStatus> {
        let expires = self.asked[hold].expires?;
        let first = self.asked[hold].seats.iter().map(|s| self.seats[*s]);
        let mut own = first.filter(|seat| owner(seat) == Some(hold));
        Some(match own.next() {
            Some(Seat::Sold { .. }) => HoldStatus::Sold,
            Some(Seat::Paying { .. }) => HoldStatus::Paying,
            Some(_) if expires > self.now => HoldStatus::Held,
            _ => self.asked[hold].ended.unwrap_or(HoldStatus::Expired),
        })
    }

    /// Runs a step on the hold that was asked for so many claims back.
    fn known(&mut self, back: usize, step: impl FnOnce(&mut Self, usize) -> String) -> String {
        match self.named.len().checked_sub(1 + back) {
            Some(at) => step(self, self.named[at]),
            None => "none".into(),
        }
    }

    fn is_live(&self, hold: usize) -> bool {
        self.asked[hold].expires.is_some_and(|at| at > self.now)
    }

    fn owns(&self, buyer: u8) -> u32 {
        let owned = self.seats.iter().filter(|seat| match **seat {
            Seat::Held { hold } => self.asked[hold].buyer == buyer && self.is_live(hold),
            Seat::Paying { hold, .. } | Seat::Sold { hold, .. } => self.asked[hold].buyer == buyer,
            Seat::Free | Seat::Blocked => false,
        });
        u32::try_from(owned.count()).unwrap()
    }

    /// Asks for a hold for the first time.
    fn ask(&mut self, buyer: u8, session: u8, seats: Vec<usize>) -> String {
        self.asked.push(Asked { buyer, session, seats, expires: None, ended: None });
        self.named.push(self.asked.len() - 1);
        self.claim(self.asked.len() - 1)
    }

    fn claim(&mut self, hold: usize) -> String {
        let Asked { buyer, seats, .. } = self.asked[hold].clone();
        let asked = u32::try_from(seats.len()).unwrap();
        if self.owns(buyer) + asked > LIMIT {
            return "limit".into();
        }
        let refusal = self.make_way(&seats);
        // What he met may have gone to himself, who waits as well.
        let has_room = self.owns(buyer) + asked <= LIMIT;
        match refusal {
            Some(refusal) if has_room || refusal == "reserved_for_waitlist" => return refusal,
            _ if !has_room => return "limit".into(),
            _ => {}
        }
        self.asked[hold].expires = Some(self.now + TIME_TO_PAY);
        for seat in seats {
            self.seats[seat] = Seat::Held { hold };
        }
        "ok".into()
    }

    /// Gives up the overdue payments on these seats, and hands what lapsed to those who wait; says
    /// what else stands in the way.
    fn make_way(&mut self, seats: &[usize]) -> Option<String> {
        let (mut over, mut lapsed) = (Vec::new(), false);
        for seat in seats {
            match self.seats[*seat] {
                Seat::Paying { hold, card, deadline } if deadline <= self.now => {
                    over.push(*seat);
                    self.abort(hold, card);
                }
                Seat::Held { hold } if !self.is_live(hold) => {
                    over.push(*seat);
                    lapsed = true;
                }
                _ => {}
            }
        }
        if lapsed {
            self.serve(&sections_of(&over));
        }
        let (over, others): (Vec<usize>, Vec<usize>) =
            seats.iter().partition(|seat| over.contains(seat));
        self.obstacle(&others).or_else(|| {
            let gone = self.obstacle(&over).is_some();
            gone.then(|| "reserved_for_waitlist".into())
        })
    }

    /// What stands in the way of who wants these seats.
    fn obstacle(&self, seats: &[usize]) -> Option<String> {
        let statuses = self.statuses();
        let has = |unwanted: &[TicketStatus]| {
            seats.iter().any(|seat| unwanted.contains(&statuses[*seat]))
        };
        if has(&[TicketStatus::Held, TicketStatus::Paying, TicketStatus::Sold]) {
            Some("taken".into())
        } else {
            has(&[TicketStatus::Blocked]).then(|| "blocked".into())
        }
    }

    /// How many tickets of each section are available, held, paying, sold and blocked.
    pub(crate) fn counts(&self) -> Vec<[u64; 5]> {
        let statuses = self.statuses();
        (0..SECTIONS.len()).map(|section| tally(&statuses[seats_of(section)])).collect()
    }

    /// How many holds run, and how many orders there are of each status.
    pub(crate) fn books(&self) -> (usize, Vec<&'static str>) {
        let runs = |status| matches!(status, Some(HoldStatus::Held | HoldStatus::Paying));
        let running = self.hold_statuses().into_iter().filter(|status| runs(*status)).count();
        let mut orders: Vec<&str> = self.orders.iter().map(|order| order.status).collect();
        orders.sort_unstable();
        (running, orders)
    }

    fn reclaim(&mut self, hold: usize) -> String {
        if self.line.iter().any(|entry| entry.offer == Some(hold)) {
            // The store made the id of an offer; no client can send it.
            return "reserved_id".into();
        }
        if self.asked[hold].expires.is_none() {
            // The refused claim is made again, and may be granted now.
            return self.claim(hold);
        }
        // A claim that was granted once is never granted anew; it is answered as it stands. What it
        // meets on the way is given up all the same, unless the limit says no before.
        let Asked { buyer, seats, .. } = self.asked[hold].clone();
        if self.owns(buyer) + u32::try_from(seats.len()).unwrap() <= LIMIT {
            let _ = self.make_way(&seats);
        }
        let all = seats.iter().all(|seat| match self.seats[*seat] {
            Seat::Held { hold: own } => own == hold && self.is_live(hold),
            Seat::Paying { hold: own, .. } | Seat::Sold { hold: own, .. } => own == hold,
            _ => false,
        });
        if all && self.asked[hold].ended.is_none() { "ok".into() } else { "expired".into() }
    }

    fn abandon(&mut self, hold: usize, session: u8) -> String {
        if self.asked[hold].expires.is_none() {
            return "unknown_hold".into();
        }
        if self.asked[hold].session != session {
            return "not_yours".into();
        }
        match self.pinned(hold) {
            Some((card, Some(deadline))) if deadline <= self.now => self.abort(hold, card),
            Some((_, Some(_))) => return "payment_in_progress".into(),
            Some((_, None)) => return "already_paid".into(),
            None => {
                let live = self.is_live(hold);
                let freed = self.free(hold);
                if live && freed {
                    self.asked[hold].ended = Some(HoldStatus::Abandoned);
                }
                if freed {
                    self.came_free(hold);
                }
            }
        }
        "ok".into()
    }

    fn free(&mut self, hold: usize) -> bool {
        let mut freed = false;
        for seat in &mut self.seats {
            if owner(seat) == Some(hold) {
                *seat = Seat::Free;
                freed = true;
            }
        }
        freed
    }

    /// The tickets of a hold came free: those who wait are served.
    fn came_free(&mut self, hold: usize) {
        let sections = sections_of(&self.asked[hold].seats);
        self.serve(&sections);
    }

    fn block(&mut self, seats: &[usize]) -> String {
        let open: Vec<usize> =
            seats.iter().copied().filter(|s| self.seats[*s] != Seat::Blocked).collect();
        for seat in &open {
            if let Seat::Paying { hold, card, deadline } = self.seats[*seat]
                && deadline <= self.now
            {
                self.abort(hold, card);
            }
        }
        if let Some(refusal) = self.obstacle(&open) {
            return refusal;
        }
        for seat in &open {
            self.seats[*seat] = Seat::Blocked;
        }
        open.len().to_string()
    }

    fn unblock(&mut self, seats: &[usize]) -> String {
        let blocked: Vec<usize> =
            seats.iter().copied().filter(|seat| self.seats[*seat] == Seat::Blocked).collect();
        for seat in &blocked {
            self.seats[*seat] = Seat::Free;
        }
        self.serve(&sections_of(seats));
        blocked.len().to_string()
    }
}

/// The seats of a section.
fn seats_of(section: usize) -> Range<usize> {
    let seats = |section: &(&str, &str, u32)| section.2 as usize;
    let start: usize = SECTIONS[..section].iter().map(seats).sum();
    start..start + seats(&SECTIONS[section])
}

/// The sections that these seats are in, in the order of the venue.
fn sections_of(seats: &[usize]) -> Vec<usize> {
    let has_one = |section: &usize| seats.iter().any(|seat| seats_of(*section).contains(seat));
    (0..SECTIONS.len()).filter(has_one).collect()
}

/// How many are available, held, paying, sold and blocked.
pub(crate) fn tally(statuses: &[TicketStatus]) -> [u64; 5] {
    TicketStatus::ALL.map(|kind| statuses.iter().filter(|status| **status == kind).count() as u64)
}

fn owner(seat: &Seat) -> Option<usize> {
    match seat {
        Seat::Held { hold } | Seat::Paying { hold, .. } | Seat::Sold { hold, .. } => Some(*hold),
        Seat::Free | Seat::Blocked => None,
    }
}
