//! The tables of the report whose parts add up to a whole. Terminal and page show the same ones.

use super::leaving::Reason;
use super::report::SimulationReport;

/// A whole and its parts; every share is one of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// What it is about.
    pub title: &'static str,
    /// The whole, as the last row names it.
    pub whole: &'static str,
    /// Where the whole stands in the JSON report (RFC 6901).
    pub pointer: &'static str,
    /// How many there are in all.
    pub total: u64,
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Where its count stands in the JSON report; none where it only follows from other figures.
    pub pointer: Option<&'static str>,
    /// How many there are.
    pub count: u64,
    /// What it is coloured as.
    pub(super) tint: Tint,
}

/// What a part is coloured as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    Plain,
    Refused,
    Sold,
    Held,
    Paying,
    Available,
    Blocked,
}

const fn part(name: &'static str, pointer: &'static str, count: u64) -> Part {
    Part { name, pointer: Some(pointer), count, tint: Tint::Plain }
}

impl Part {
    const fn tinted(self, tint: Tint) -> Self {
        Self { tint, ..self }
    }
}

/// All tables of a report, in the order in which they are shown; only those that are about something.
#[must_use]
pub fn all(report: &SimulationReport) -> Vec<Breakdown> {
    let always = [tickets(report), buyers(report)];
    let others = [
        reasons(report),
        requests(report),
        origins(report),
        endings(report),
        waitlist(report),
        bots(report),
    ];
    always.into_iter().chain(others.into_iter().filter(|table| table.total > 0)).collect()
}

fn tickets(report: &SimulationReport) -> Breakdown {
    let t = &report.tickets;
    Breakdown {
        title: if report.read_at_end { "Tickets at the end" } else { "Tickets, as last read" },
        whole: "all tickets",
        pointer: "/tickets/minted",
        total: t.minted,
        parts: vec![
            part("sold", "/tickets/sold", t.sold).tinted(Tint::Sold),
            part("held", "/tickets/held", t.held).tinted(Tint::Held),
            part("paying", "/tickets/paying", t.paying).tinted(Tint::Paying),
            part("available", "/tickets/available", t.available).tinted(Tint::Available),
            part("blocked", "/tickets/blocked", t.blocked).tinted(Tint::Blocked),
        ],
    }
}

fn buyers(report: &SimulationReport) -> Breakdown {
    let b = &report.buyers;
    Breakdown {
        title: "Buyers",
        whole: "all who arrived",
        pointer: "/buyers/total",
        total: b.total,
        parts: vec![
            part("bought", "/buyers/bought", b.bought),
            part("abandoned a hold", "/buyers/gave_up", b.gave_up),
            part("fell silent", "/buyers/silent", b.silent),
            part("crashed", "/buyers/crashed", b.crashed),
            part("left with nothing", "/buyers/empty_handed", b.empty_handed),
            part("still running", "/buyers/still_running", b.still_running),
        ],
    }
}

fn reasons(report: &SimulationReport) -> Breakdown {
    let because = &report.buyers.empty_handed_because;
    let of = |reason: Reason| part(reason.words(), reason.pointer(), because.count(reason));
    Breakdown {
        title: "Why buyers left with nothing",
        whole: "all of these",
        pointer: "/buyers/empty_handed",
        total: report.buyers.empty_handed,
        parts: Reason::ALL.map(of).to_vec(),
    }
}

fn requests(report: &SimulationReport) -> Breakdown {
    let h = &report.holds;
    let refused = |name, pointer, count| part(name, pointer, count).tinted(Tint::Refused);
    Breakdown {
        title: "Requests for seats",
        whole: "all requests",
        pointer: "/holds/requests",
        total: h.requests,
        parts: vec![
            part("granted", "/holds/claimed", h.claimed),
            refused("refused: taken", "/holds/refused_taken", h.refused_taken),
            refused("refused: limit", "/holds/refused_limit", h.refused_limit),
            refused("refused: other", "/holds/refused_other", h.refused_other),
            refused("outcome unknown", "/holds/unanswered", h.unanswered),
        ],
    }
}

fn origins(report: &SimulationReport) -> Breakdown {
    let h = &report.holds;
    Breakdown {
        title: "Where holds came from",
        whole: "all holds",
        pointer: "/holds/started",
        total: h.started,
        parts: vec![
            part("claimed", "/holds/claimed", h.claimed),
            part("waitlist offer", "/holds/offered", h.offered),
        ],
    }
}

fn endings(report: &SimulationReport) -> Breakdown {
    let h = &report.holds;
    Breakdown {
        title: "How holds ended",
        whole: "all holds",
        pointer: "/holds/started",
        total: h.started,
        parts: vec![
            part("confirmed", "/holds/confirmed", h.confirmed),
            part("abandoned", "/holds/abandoned", h.abandoned),
            part("expired", "/holds/expired", h.expired),
            part("outcome unknown", "/holds/unknown", h.unknown),
            part("still held", "/holds/running", h.running),
        ],
    }
}

fn waitlist(report: &SimulationReport) -> Breakdown {
    let (b, w) = (&report.buyers, &report.buyers.waitlist);
    Breakdown {
        title: "Waitlist",
        whole: "all who joined",
        pointer: "/buyers/waitlisted",
        total: b.waitlisted,
        parts: vec![
            part("offered, bought", "/buyers/waitlist/bought", w.bought),
            part(
                "offered, not bought",
                "/buyers/waitlist/offered_not_bought",
                w.offered_not_bought,
            ),
            part("left without offer", "/buyers/waitlist/left_without_offer", w.left_without_offer),
            part("still waiting", "/buyers/waitlist/still_waiting", w.still_waiting),
        ],
    }
}

fn bots(report: &SimulationReport) -> Breakdown {
    let bots = &report.buyers.bots;
    let rest = bots.total.saturating_sub(bots.bought);
    Breakdown {
        title: "Bots among the buyers",
        whole: "all bots",
        pointer: "/buyers/bots/total",
        total: bots.total,
        parts: vec![
            part("bought", "/buyers/bots/bought", bots.bought),
            Part { name: "did not buy", pointer: None, count: rest, tint: Tint::Plain },
        ],
    }
}
