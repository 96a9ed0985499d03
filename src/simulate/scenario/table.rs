//! Every parameter, in the order of the files. Options, faults and `docs/scenarios.md` go by it.

use super::parameter::{Kind, Parameter};
use super::{
    BUYERS_MAX, FAVOURITES_MAX, PRESENT_MAX, READERS_MAX, SECONDS_MAX, SERVICE_MS_MAX, TRIES_MAX,
};
use crate::domain::event::{LIMIT_MAX, TIME_TO_PAY_MAX, TIME_TO_PAY_MIN};
use crate::minting::TICKETS_MAX;

const SPAN: Kind = Kind::Span(0.0, SECONDS_MAX);
const TIME_TO_PAY: Kind = Kind::Span(TIME_TO_PAY_MIN.as_secs_f64(), TIME_TO_PAY_MAX.as_secs_f64());
const SERVICE: Kind = Kind::Number(0.0, SERVICE_MS_MAX);
const SIGMA: Kind = Kind::Number(0.0, 5.0);

const fn count(low: u32, high: u32) -> Kind {
    Kind::Count(low as u64, high as u64)
}

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about, short: None }
}

/// One that is asked for often.
const fn common(
    name: &'static str,
    option: &'static str,
    kind: Kind,
    about: &'static str,
) -> Parameter {
    Parameter { name, kind, about, short: Some(option) }
}

/// All parameters of a scenario.
pub const PARAMETERS: &[Parameter] = &[
    common("buyers", "buyers", count(1, BUYERS_MAX), "How many buyers arrive"),
    common(
        "seats",
        "seats",
        Kind::Count(1, TICKETS_MAX),
        "How many seats the event has; as many as buyers unless given",
    ),
    parameter(
        "buyers_per_seat",
        Kind::Number(0.001, 1000.0),
        "How many buyers there are for each seat, where the number of seats is not given",
    ),
    common(
        "speed",
        "speed",
        Kind::Speed,
        "How many seconds of buyer time pass in a second, or `max` for no pauses at all",
    ),
    parameter(
        "present_max",
        count(1, PRESENT_MAX),
        "How many buyers are present at a time at speed max",
    ),
    parameter(
        "arrival.shape",
        Kind::Word(&["spike", "even"]),
        "Whether most buyers arrive when the sale opens, or all at the same rate",
    ),
    parameter("arrival.window_seconds", SPAN, "How long buyers arrive"),
    parameter(
        "arrival.decay_seconds",
        Kind::Span(0.001, SECONDS_MAX),
        "For a spike: the time in which the rate of arrivals falls to 37 %",
    ),
    parameter(
        "parties",
        Kind::Parties,
        "How large parties are, as SIZE:SHARE or FROM-TO:SHARE with commas between; the shares add \
         up to 1",
    ),
    parameter("bots.share", Kind::Share, "The share of buyers that are programs"),
    parameter("bots.window_seconds", SPAN, "How long they arrive, from the start of the sale"),
    parameter("bots.tries_max", count(1, TRIES_MAX), "The most attempts in one of their visits"),
    parameter("bots.returns_max", count(0, TRIES_MAX), "The most times they return"),
    parameter("bots.return_after_median_seconds", SPAN, "How soon half of them return"),
    parameter("bots.looking_median_seconds", SPAN, "How soon half of them choose from the map"),
    parameter(
        "bots.checkout_median_seconds",
        SPAN,
        "How soon half of them pay or abandon their hold",
    ),
    parameter("bots.unpaid_share", Kind::Share, "The share of their holds that are not paid"),
    parameter("bots.silent_share", Kind::Share, "The share of those that are left to expire"),
    parameter(
        "taste.section_exponent",
        Kind::Number(0.0, 5.0),
        "How unequal sections are: the n-th is preferred in proportion to 1 / n to this power",
    ),
    parameter(
        "taste.favourites",
        count(1, FAVOURITES_MAX),
        "How many sections a buyer prefers before taking any",
    ),
    parameter(
        "taste.own_share",
        Kind::Share,
        "The share of attempts at other seats than the best of the section",
    ),
    parameter("patience.tries_max", count(1, TRIES_MAX), "The most attempts in one visit"),
    parameter("patience.returns_max", count(0, TRIES_MAX), "The most times a buyer returns"),
    parameter("patience.return_after_median_seconds", SPAN, "How soon half of them return"),
    parameter(
        "patience.looking_median_seconds",
        SPAN,
        "How soon half of them have chosen from the map",
    ),
    parameter(
        "patience.sigma",
        SIGMA,
        "The spread of both: the standard deviation of the logarithm",
    ),
    parameter(
        "waitlist.join_share",
        Kind::Share,
        "The share of buyers who join the waitlist when nothing is left that fits",
    ),
    parameter(
        "waitlist.patience_median_seconds",
        SPAN,
        "How long half of them wait at least; none waits more than three times as long",
    ),
    parameter("waitlist.patience_sigma", SIGMA, "The spread of that"),
    parameter("checkout.median_seconds", SPAN, "How soon half of the holds are paid or abandoned"),
    parameter("checkout.sigma", SIGMA, "The spread of that"),
    parameter("checkout.unpaid_share", Kind::Share, "The share of holds that are not paid"),
    parameter(
        "checkout.silent_share",
        Kind::Share,
        "The share of those whose buyer falls silent; the others are abandoned",
    ),
    parameter("payment.declined_share", Kind::Share, "The share of payments that are declined"),
    parameter(
        "payment.second_card_share",
        Kind::Share,
        "The share of buyers who have a second card",
    ),
    parameter("payment.second_card_median_seconds", SPAN, "How soon half of them use it"),
    parameter(
        "payment.lost_share",
        Kind::Share,
        "The share of answers of the payment provider that are lost",
    ),
    parameter("payment.lost_after_seconds", SPAN, "How long an answer is waited for"),
    parameter("payment.latency_min_seconds", SPAN, "How soon the provider answers at the earliest"),
    parameter(
        "payment.latency_max_seconds",
        SPAN,
        "How soon the provider answers at the latest, if it does",
    ),
    common("sale.limit", "limit", count(1, LIMIT_MAX), "The most tickets that one buyer may own"),
    common("sale.time_to_pay_seconds", "ttl", TIME_TO_PAY, "How long a hold lasts"),
    parameter("sale.payment_time_seconds", TIME_TO_PAY, "How long a payment may take"),
    parameter("service.read_ms", SERVICE, "The milliseconds of a read in virtual time"),
    parameter(
        "service.write_ms",
        SERVICE,
        "The milliseconds of a write in virtual time; writes are served one after the other",
    ),
    parameter(
        "service.readers",
        count(1, READERS_MAX),
        "How many reads are served at a time in virtual time",
    ),
    parameter(
        "faults.refused_share",
        Kind::Share,
        "The share of requests that never reach the store, on purpose",
    ),
    parameter(
        "faults.lost_share",
        Kind::Share,
        "The share of requests that are carried out but whose answer is lost",
    ),
    parameter(
        "faults.crash_share",
        Kind::Share,
        "The share of requests that are carried out but whose buyer crashes",
    ),
    parameter(
        "faults.stall_share",
        Kind::Share,
        "The share of requests that begin a stall of the store",
    ),
    parameter("faults.stall_seconds", SPAN, "How long a stall lasts"),
];
