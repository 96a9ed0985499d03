//! The few numbers by which rehearsals are compared, and how far those of several are apart.

use serde::Serialize;

use super::figures::{grouped, percent, sale_moment, sale_span};
use super::pace::Pace;
use super::report::{SimulationReport, float, rounded};

/// What a rehearsal came to, in few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// When it was sold out but for the last hundredth; none if it never was. In buyer time, like
    /// everything here that is a time.
    pub sold_out_after_seconds: Option<f64>,
    /// How long everything was held and little was sold.
    pub phantom_sell_out_seconds: f64,
    /// Tickets that were sold.
    pub tickets_sold: u64,
    /// Tickets that were for sale and are not sold.
    pub tickets_left: u64,
    /// What the sold ones cost together, in minor units.
    pub revenue_minor: i64,
    /// Buyers who left with tickets.
    pub buyers_bought: u64,
    /// Buyers who left with nothing.
    pub buyers_empty_handed: u64,
    /// The share of pairs of buyers of whom the later one overtook the earlier.
    pub out_of_order_share: f64,
}

/// One of the numbers of a [`Summary`].
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Its name in machine output.
    pub name: &'static str,
    /// Its name for people.
    pub heading: &'static str,
    /// The same where there is little room.
    pub column: &'static str,
    /// Its value, where it has one.
    pub of: fn(&Summary) -> Option<f64>,
    /// Its value as people read it.
    pub written: fn(f64, Pace) -> String,
}

const PHANTOM: &str = "phantom_sell_out_seconds";

/// All of them, in the order in which they are shown.
pub const FIGURES: [Figure; 8] = [
    Figure {
        name: "sold_out_after_seconds",
        heading: "sold out after",
        column: "sold out",
        of: |s| s.sold_out_after_seconds,
        written: |seconds, pace| sale_moment(pace, seconds),
    },
    Figure {
        name: PHANTOM,
        heading: "phantom sell-out",
        column: "phantom",
        of: |s| Some(s.phantom_sell_out_seconds),
        written: span,
    },
    Figure {
        name: "tickets_sold",
        heading: "tickets sold",
        column: "sold",
        of: |s| Some(float(s.tickets_sold)),
        written: |number, _| count(number),
    },
    Figure {
        name: "tickets_left",
        heading: "tickets left",
        column: "left",
        of: |s| Some(float(s.tickets_left)),
        written: |number, _| count(number),
    },
    Figure {
        name: "revenue_minor",
        heading: "revenue",
        column: "revenue",
        of: |s| Some(float(u64::try_from(s.revenue_minor).unwrap_or(0))),
        written: |minor, _| count(minor / 100.0),
    },
    Figure {
        name: "buyers_bought",
        heading: "bought",
        column: "bought",
        of: |s| Some(float(s.buyers_bought)),
        written: |number, _| count(number),
    },
    Figure {
        name: "buyers_empty_handed",
        heading: "empty-handed",
        column: "empty-handed",
        of: |s| Some(float(s.buyers_empty_handed)),
        written: |number, _| count(number),
    },
    Figure {
        name: "out_of_order_share",
        heading: "out of order",
        column: "out of order",
        of: |s| Some(s.out_of_order_share),
        written: |share, _| percent(share),
    },
];

fn span(seconds: f64, pace: Pace) -> String {
    if seconds > 0.0 { sale_span(pace, seconds) } else { "none".into() }
}

impl Figure {
    /// Whether it was seen in a rehearsal: it has a value, and as a span it is not empty.
    #[must_use]
    pub fn is_seen(&self, summary: &Summary) -> bool {
        (self.of)(summary).is_some_and(|value| value > 0.0 || self.name != PHANTOM)
    }
}

fn count(value: f64) -> String {
    std::time::Duration::try_from_secs_f64(value.round())
        .map_or_else(|_| "-".into(), |whole| grouped(whole.as_secs()))
}

impl From<&SimulationReport> for Summary {
    fn from(report: &SimulationReport) -> Self {
        let tickets = &report.tickets;
        Self {
            sold_out_after_seconds: report.sell_through.sold_out_after_seconds,
            phantom_sell_out_seconds: report.phantom_sell_out.seconds,
            tickets_sold: tickets.sold,
            tickets_left: tickets.minted - tickets.sold - tickets.blocked,
            revenue_minor: report.revenue.minor(),
            buyers_bought: report.buyers.bought,
            buyers_empty_handed: report.buyers.empty_handed,
            out_of_order_share: report.fairness.out_of_order_share,
        }
    }
}

/// How far the values of one figure are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The figure's name.
    pub figure: &'static str,
    /// How many rehearsals have a value: not all are ever sold out.
    pub known: u64,
    /// The least; none where no rehearsal has a value, like the others.
    pub min: Option<f64>,
    /// A quarter is below, or at it.
    pub p25: Option<f64>,
    /// Half is below, or at it.
    pub median: Option<f64>,
    /// Three quarters are below, or at it.
    pub p75: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

impl Spread {
    /// The spread of every figure.
    #[must_use]
    pub fn of(summaries: &[Summary]) -> Vec<Self> {
        FIGURES.iter().map(|figure| Self::of_figure(figure, summaries)).collect()
    }

    fn of_figure(figure: &Figure, summaries: &[Summary]) -> Self {
        let mut values: Vec<f64> = summaries.iter().filter_map(figure.of).collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied().map(rounded)
        };
        Self {
            figure: figure.name,
            known: values.len() as u64,
            min: at(0),
            p25: at(25),
            median: at(50),
            p75: at(75),
            max: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(sold: u64, sold_out_after_seconds: Option<f64>) -> Summary {
        Summary {
            sold_out_after_seconds,
            phantom_sell_out_seconds: 0.0,
            tickets_sold: sold,
            tickets_left: 10 - sold,
            revenue_minor: 1_234_500,
            buyers_bought: sold,
            buyers_empty_handed: 0,
            out_of_order_share: 0.125,
        }
    }

    #[test]
    fn a_spread_goes_from_the_least_to_the_most() {
        let some = [5, 3, 9, 7].map(|sold| summary(sold, (sold == 9).then_some(61.0)));
        let spreads = Spread::of(&some);
        let of = |name| *spreads.iter().find(|spread| spread.figure == name).unwrap();
        let sold = of("tickets_sold");
        assert_eq!((sold.known, sold.min, sold.max), (4, Some(3.0), Some(9.0)));
        assert_eq!((sold.p25, sold.median, sold.p75), (Some(3.0), Some(5.0), Some(7.0)));
        let out = of("sold_out_after_seconds");
        assert_eq!((out.known, out.min, out.median), (1, Some(61.0), Some(61.0)));
        assert_eq!(Spread::of(&[summary(1, None)])[0].max, None);
    }

    #[test]
    fn every_figure_is_named_as_the_summary_writes_it() {
        let written = serde_json::to_value(summary(3, Some(90.0))).unwrap();
        let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        assert_eq!(written.as_object().unwrap().len(), names.len());
        for figure in FIGURES {
            assert_eq!(written[figure.name].as_f64(), (figure.of)(&summary(3, Some(90.0))));
        }
    }

    #[test]
    fn phantom_sell_out_is_seen_only_where_it_lasts() {
        let seen = |summary: &Summary| FIGURES.map(|figure| figure.is_seen(summary));
        let calm = summary(0, None);
        let phantom = Summary { phantom_sell_out_seconds: 2.0, ..calm };
        assert_eq!(seen(&calm), [false, false, true, true, true, true, true, true]);
        assert_eq!(seen(&phantom), [false, true, true, true, true, true, true, true]);
    }

    #[test]
    fn figures_are_read_in_their_units() {
        let written = |name: &str, value| {
            let figure = FIGURES.iter().find(|figure| figure.name == name).unwrap();
            (figure.written)(value, Pace::REAL)
        };
        assert_eq!(written("sold_out_after_seconds", 425.0), "7 min 05 s");
        assert_eq!(written("sold_out_after_seconds", 0.0), "at once");
        assert_eq!(written("phantom_sell_out_seconds", 0.0), "none");
        assert_eq!(written("revenue_minor", 1_234_500.0), "12,345");
        assert_eq!(written("out_of_order_share", 0.125), "12.5 %");
        assert_eq!(written("tickets_left", 12_000.0), "12,000");
    }
}
