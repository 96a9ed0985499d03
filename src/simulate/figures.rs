//! How the report of a rehearsal writes numbers.

use std::time::Duration;

use super::pace::Pace;
use super::report::{SimulationReport, float};
use crate::domain::Money;
use crate::domain::time::spoken;

/// When something came to be that was so from the beginning.
pub(super) const AT_ONCE: &str = "at once";

/// A count with its noun, in the plural where it needs one.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A count with a comma between thousands: `10,000`.
pub(super) fn grouped(count: u64) -> String {
    grouped_digits(&count.to_string())
}

fn grouped_digits(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount with a comma between thousands and its currency: `482,310.50 EUR`.
pub(super) fn grouped_money(money: Money) -> String {
    let amount = money.decimal().to_string();
    let (whole, rest) = amount.split_at(amount.find('.').unwrap_or(amount.len()));
    format!("{}{rest} {}", grouped_digits(whole), money.currency())
}

/// A part of 1 in percent: `12.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A part of a whole in percent; of nothing, it is none of it.
pub(super) fn part(count: u64, whole: u64) -> String {
    percent(if whole == 0 { 0.0 } else { float(count) / float(whole) })
}

/// A span of so many seconds, as [`humanised`] writes it.
pub(super) fn span(seconds: f64) -> String {
    humanised(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A span of the sale. Buyer time is written in whole seconds: in a fast run, the clock is no finer.
pub(super) fn sale_span(pace: Pace, seconds: f64) -> String {
    let least = match pace {
        Pace::Factor(_) => 1.0,
        Pace::Max => 0.001,
    };
    let whole = least * (seconds / least).round();
    match (whole > 0.0, pace) {
        (true, Pace::Factor(_)) => spoken(Duration::try_from_secs_f64(whole).unwrap_or_default()),
        (true, Pace::Max) => span(whole),
        (false, Pace::Factor(_)) => "under 1 s".into(),
        (false, Pace::Max) => "under 1 ms".into(),
    }
}

/// When something came to be, after the sale opened.
pub(super) fn sale_moment(pace: Pace, seconds: f64) -> String {
    let moment = sale_span(pace, seconds);
    if moment.starts_with("under") { AT_ONCE.into() } else { moment }
}

/// The same of microseconds.
pub(super) fn span_us(micros: u64) -> String {
    humanised(Duration::from_micros(micros))
}

/// A rate, without digits behind the point unless it is small.
pub(super) fn rate(number: f64) -> String {
    let decimals = if number <= 0.0 || number >= 9.95 {
        0
    } else if number < 0.1 {
        2
    } else {
        1
    };
    let text = format!("{number:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    grouped_digits(whole) + rest
}

/// What the times of the report are: without pauses there is no buyer time.
pub(super) fn time_name(report: &SimulationReport) -> &'static str {
    match report.scenario.speed {
        Pace::Factor(_) => "buyer time",
        Pace::Max => "clock time",
    }
}

/// How long the rehearsal took, by which clock.
pub(super) fn took(report: &SimulationReport) -> String {
    let took = if report.virtual_time {
        sale_span(report.scenario.speed, report.elapsed_seconds)
    } else {
        span(report.elapsed_seconds)
    };
    let end = report.timeline.points.last().map_or(0.0, |point| point.at_seconds);
    match report.scenario.speed {
        _ if report.virtual_time => format!("{took} of buyer time, by a virtual clock"),
        Pace::Factor(_) => {
            format!("{took} of clock time, {} of buyer time", sale_span(report.scenario.speed, end))
        }
        Pace::Max => format!("{took} of clock time; without pauses there is no buyer time"),
    }
}

/// How many operations there were in a second, and of which clock.
pub(super) fn throughput(report: &SimulationReport) -> [String; 4] {
    let t = &report.throughput;
    let clock = if report.virtual_time { "virtual time, modeled" } else { "clock time" };
    [
        rate(t.operations_per_second),
        rate(t.peak_operations_per_second),
        rate(t.holds_per_second),
        format!("seconds of {clock}"),
    ]
}

/// Whether latencies were measured, or follow from the scenario.
pub(super) fn latency_kind(report: &SimulationReport) -> &'static str {
    if report.virtual_time {
        "modeled by the scenario, in whole milliseconds; nothing was measured"
    } else {
        "measured, in clock time"
    }
}

/// A span in three digits and the unit that fits: `850 µs`, `12.3 ms`, `1.25 s`, `3 min 05 s`.
pub(super) fn humanised(span: Duration) -> String {
    let us = span.as_secs_f64() * 1e6;
    match us {
        ..999.5 => format!("{us:.0} µs"),
        ..999_500.0 => format!("{} ms", three_digits(us / 1e3)),
        ..100e6 => format!("{} s", three_digits(us / 1e6)),
        _ => spoken(span),
    }
}

fn three_digits(number: f64) -> String {
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn thousands_are_parted() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(10_000), "10,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        let money = Money::from_minor(48_231_050, Currency::EUR);
        assert_eq!(grouped_money(money), "482,310.50 EUR");
    }

    #[test]
    fn parts_are_read_in_percent() {
        assert_eq!(percent(0.125), "12.5 %");
        assert_eq!(part(1, 3), "33.3 %");
        assert_eq!(part(0, 0), "0.0 %");
    }

    #[test]
    fn spans_are_read_in_the_unit_that_fits() {
        let read = |us| humanised(Duration::from_micros(us));
        assert_eq!(read(7), "7 µs");
        assert_eq!(read(999), "999 µs");
        assert_eq!(read(1000), "1.00 ms");
        assert_eq!(read(12_345), "12.3 ms");
        assert_eq!(read(999_499), "999 ms");
        assert_eq!(read(1_250_000), "1.25 s");
        assert_eq!(read(185_000_000), "3 min 05 s");
    }

    #[test]
    fn buyer_time_is_written_in_whole_seconds() {
        let span = |seconds| sale_span(Pace::Factor(60.0), seconds);
        assert_eq!(span(0.0), "under 1 s");
        assert_eq!(span(0.4), "under 1 s");
        assert_eq!(span(1.25), "1 s");
        assert_eq!(span(185.4), "3 min 05 s");
        let moment = |seconds| sale_moment(Pace::Factor(60.0), seconds);
        assert_eq!((moment(0.0), moment(12.3)), ("at once".into(), "12 s".into()));
    }

    #[test]
    fn clock_time_of_a_sale_is_written_in_milliseconds() {
        let span = |seconds| sale_span(Pace::Max, seconds);
        assert_eq!((span(0.0), span(0.25)), ("under 1 ms".into(), "250 ms".into()));
        assert_eq!(sale_moment(Pace::Max, 0.0), "at once");
    }
}
