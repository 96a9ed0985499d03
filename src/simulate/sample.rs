//! A report for tests of those that write reports.

use super::fairness::Fairness;
use super::insight::{NothingAvailable, PhantomSellOut, SellThrough};
use super::leaving::Reasons;
use super::measure::Latencies;
use super::report::{
    BotBuyers, Buyers, Circumstances, Holds, SimulationReport, SoldInRun, Throughput, Tickets,
    WaitlistBuyers,
};
use super::sale::FailureReport;
use super::scenario::Scenario;
use super::timeline::Timeline;
use crate::audit::{AuditReport, Check};
use crate::domain::{Currency, EventId, Money};

fn latencies(name: &'static str, outcome: &'static str, count: u64) -> Latencies {
    Latencies {
        name,
        outcome,
        count,
        p50_us: 850,
        p90_us: 1_910,
        p99_us: 12_340,
        p999_us: 123_400,
        max_us: 1_234_000,
        due_p99_us: 14_100,
    }
}

/// A rehearsal of ten thousand buyers, as it might have been.
#[allow(clippy::too_many_lines)] // One value, field by field.
pub(super) fn report() -> SimulationReport {
    SimulationReport {
        schema_version: 1,
        tix_version: "0.1.0",
        store: "sqlite:tix.db".into(),
        target: None,
        virtual_time: false,
        seed: 42,
        scenario: Scenario::default(),
        event_id: EventId::of_slug("x"),
        elapsed_seconds: 38.25,
        buyers: Buyers {
            total: 10_000,
            bought: 3_682,
            gave_up: 1_460,
            silent: 1_475,
            crashed: 0,
            empty_handed: 3_383,
            empty_handed_because: Reasons([1_400, 500, 340, 1_143, 0, 0, 0, 0]),
            still_running: 0,
            present_max: 4_012,
            waitlisted: 1_204,
            served_from_waitlist: 61,
            waitlist: WaitlistBuyers {
                bought: 61,
                offered_not_bought: 33,
                left_without_offer: 1_110,
                still_waiting: 0,
                most_at_once: 640,
            },
            bots: BotBuyers::default(),
        },
        tickets: Tickets {
            minted: 10_000,
            sold: 8_900,
            held: 33,
            paying: 0,
            available: 1_067,
            blocked: 0,
        },
        revenue: Money::from_minor(76_602_100, Currency::EUR),
        sold: SoldInRun {
            tickets: 8_900,
            revenue: Money::from_minor(76_602_100, Currency::EUR),
            unanswered: 0,
        },
        interrupted: false,
        read_at_end: true,
        outages: None,
        failures: FailureReport::default(),
        holds: Holds {
            requests: 26_957,
            unanswered: 0,
            claimed: 6_523,
            offered: 94,
            started: 6_617,
            refused_taken: 20_431,
            refused_limit: 0,
            refused_other: 3,
            abandoned: 1_460,
            expired: 1_463,
            confirmed: 3_682,
            unknown: 0,
            running: 12,
        },
        operations: vec![
            latencies("counts", "ok", 267),
            latencies("start_hold", "ok", 6_523),
            latencies("start_hold", "taken", 20_431),
            latencies("confirm", "payment_in_progress", 3),
        ],
        throughput: Throughput {
            holds_per_second: 172.993,
            operations_per_second: 1_870.4,
            peak_operations_per_second: 15_461.0,
        },
        sell_through: SellThrough {
            share: 0.89,
            half_after_seconds: Some(130.0),
            most_after_seconds: None,
            sold_out_after_seconds: None,
        },
        phantom_sell_out: PhantomSellOut {
            seconds: 95.0,
            from_seconds: Some(60.0),
            held_share_max: 0.934,
        },
        nothing_available: NothingAvailable {
            seconds: 310.0,
            longest_seconds: 240.0,
            from_seconds: Some(65.0),
        },
        fairness: Fairness {
            seated: 6_617,
            out_of_order_share: 0.213,
            overtaken_p50: 31,
            overtaken_p90: 2_204,
            overtaken_max: 6_020,
        },
        waiting: vec![],
        sections: vec![],
        faults: None,
        timeline: Timeline::default(),
        audit_made: true,
        audit_not_made_because: None,
        audit: AuditReport {
            passed: true,
            violations: vec![],
            checks: vec![
                Check { rule: "one_owner", examined: 10_000 },
                Check { rule: "acknowledged", examined: 11_759 },
            ],
            log: None,
            unfinished: 0,
            changing: 0,
        },
        circumstances: Circumstances {
            store_option: String::new(),
            slug: "simulation-42-1a2b3c4d".into(),
            engine: "SQLite 3.54.1".into(),
            ..Circumstances::default()
        },
    }
}
