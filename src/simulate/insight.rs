//! What a sale was like for those who ran it and those who came: read off what was noted of it.
//!
//! Times are buyer time; at speed `max`, where there is none, clock time.

use std::time::Duration;

use serde::Serialize;

use super::pace::Pace;
use super::report::{float, rounded, share_of};
use super::tally::Wait;
use super::timeline::{Point, Timeline};
use crate::repository::SectionCounts;

/// A sale counts as sold out when so much of what is for sale is sold. The last odd seats between
/// groups may never be.
const SOLD_OUT_SHARE: f64 = 0.99;
/// Nothing is to be had where less than this of what is for sale is available.
const NOTHING_LEFT_SHARE: f64 = 0.01;
/// Little is sold where less than this of what is for sale is.
const LITTLE_SOLD_SHARE: f64 = 0.5;

/// How fast it sold.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct SellThrough {
    /// What was sold of what was for sale, at the end.
    pub share: f64,
    /// When half of it was sold.
    pub half_after_seconds: Option<f64>,
    /// When nine tenths were.
    pub most_after_seconds: Option<f64>,
    /// When it was sold out, but for the last hundredth.
    pub sold_out_after_seconds: Option<f64>,
}

impl SellThrough {
    /// Reads it off a time line.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let after = |share: f64| {
            let reached = |p: &&Point| p.for_sale() > 0 && sold_share(p) >= share;
            timeline.points.iter().find(reached).map(|point| point.at_seconds)
        };
        Self {
            share: timeline.points.last().map_or(0.0, |end| rounded(sold_share(end))),
            half_after_seconds: after(0.5),
            most_after_seconds: after(0.9),
            sold_out_after_seconds: after(SOLD_OUT_SHARE),
        }
    }
}

/// When buyers found nothing, though little was sold: all of it was held, much of it to come back.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct PhantomSellOut {
    /// How long it was so, in all: less than a hundredth available, less than half sold.
    pub seconds: f64,
    /// When it began to be so for the first time.
    pub from_seconds: Option<f64>,
    /// The most that was held or being paid for at any time, of what was for sale.
    pub held_share_max: f64,
}

impl PhantomSellOut {
    /// Reads it off a time line.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let spans = Self::spans(timeline);
        let held = |p: &Point| share_of(p.held + p.paying, p.for_sale());
        Self {
            seconds: rounded(spans.iter().map(|(from, to)| to - from).sum()),
            from_seconds: spans.first().map(|(from, _)| *from),
            held_share_max: timeline.points.iter().map(held).fold(0.0, f64::max),
        }
    }

    /// From when to when it was so, in seconds; in order of time, with a gap between any two.
    pub(super) fn spans(timeline: &Timeline) -> Vec<(f64, f64)> {
        spans(timeline, is_phantom)
    }
}

/// When no ticket was available: each was sold, held or being paid for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct NothingAvailable {
    /// How long it was so, in all.
    pub seconds: f64,
    /// How long without a break.
    pub longest_seconds: f64,
    /// When it began to be so for the first time.
    pub from_seconds: Option<f64>,
}

impl NothingAvailable {
    /// Reads it off a time line.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let spans = spans(timeline, |point| point.for_sale() > 0 && point.available == 0);
        let lengths = || spans.iter().map(|(from, to)| to - from);
        Self {
            seconds: rounded(lengths().sum()),
            longest_seconds: rounded(lengths().fold(0.0, f64::max)),
            from_seconds: spans.first().map(|(from, _)| *from),
        }
    }
}

/// From when to when something was so, in seconds; in order of time, with a gap between any two.
fn spans(timeline: &Timeline, is_so: impl Fn(&Point) -> bool) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = Vec::new();
    // A point stands for the time since the one before.
    let (mut before, mut going_on) = (0.0, false);
    for point in &timeline.points {
        let so = is_so(point);
        match spans.last_mut() {
            Some(last) if so && going_on => last.1 = point.at_seconds,
            _ if so => spans.push((before, point.at_seconds)),
            _ => {}
        }
        (before, going_on) = (point.at_seconds, so);
    }
    spans
}

fn is_phantom(point: &Point) -> bool {
    point.for_sale() > 0
        && share_of(point.available, point.for_sale()) < NOTHING_LEFT_SHARE
        && sold_share(point) < LITTLE_SOLD_SHARE
}

/// The share of what is for sale that is sold, not rounded.
fn sold_share(point: &Point) -> f64 {
    let for_sale = point.for_sale();
    if for_sale == 0 { 0.0 } else { float(point.sold) / float(for_sale) }
}

/// What became of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its tickets at the end.
    #[serde(flatten)]
    pub tickets: SectionCounts,
    /// Claims that were refused because somebody else had one of the tickets.
    pub refused_taken: u64,
}

impl Section {
    /// Puts what was counted and what was noted of each section together.
    #[must_use]
    pub fn all(counts: &[SectionCounts], refused_taken: &[u64]) -> Vec<Self> {
        let section = |(tickets, refused): (&SectionCounts, &u64)| Self {
            tickets: tickets.clone(),
            refused_taken: *refused,
        };
        counts.iter().zip(refused_taken).map(section).collect()
    }
}

/// How long those waited in line who joined it at about the same place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Waiting {
    /// The first place of these.
    pub place_from: u32,
    /// The last.
    pub place_to: u32,
    /// How many waited.
    pub waited: u64,
    /// How many of them were offered tickets; the others left.
    pub offered: u64,
    /// How many tickets their parties need on average.
    pub party_mean: f64,
    /// The same of those who were offered tickets; none where nobody was.
    pub offered_party_mean: Option<f64>,
    /// After how long half of these were offered them; none where nobody was.
    pub offered_after_p50_seconds: Option<f64>,
    /// After how long the last of these was.
    pub offered_after_max_seconds: Option<f64>,
}

impl Waiting {
    /// Sorts everybody who waited by his place: 1 to 10, to 20, to 50, to 100, to 200, and so on.
    #[must_use]
    pub fn by_place(mut waits: Vec<Wait>, speed: Pace) -> Vec<Self> {
        waits.sort_unstable_by_key(|wait| (wait.place, wait.waited));
        let mut groups = Vec::new();
        let (mut rest, mut from, mut scale) = (&waits[..], 1_u32, 1_u32);
        let mut ends = [10, 20, 50].into_iter().cycle();
        while !rest.is_empty() {
            let Some(end) = ends.next() else { break };
            let to: u32 = scale.saturating_mul(end);
            let (group, behind) = rest.split_at(rest.partition_point(|wait| wait.place <= to));
            if !group.is_empty() {
                groups.push(Self::of(group, (from, to), speed));
            }
            (rest, from) = (behind, to.saturating_add(1));
            if end == 50 {
                scale = scale.saturating_mul(10);
            }
        }
        groups
    }

    fn of(group: &[Wait], (place_from, place_to): (u32, u32), speed: Pace) -> Self {
        let mean = |of: &mut dyn Iterator<Item = &Wait>| {
            let (count, tickets) = of.fold((0, 0), |(count, tickets), wait| {
                (count + 1, tickets + u64::from(wait.party))
            });
            (count > 0).then(|| rounded(float(tickets) / float(count)))
        };
        let party_mean = mean(&mut group.iter()).unwrap_or_default();
        let offered_party_mean = mean(&mut group.iter().filter(|wait| wait.offered));
        let offered = group.iter().filter(|wait| wait.offered);
        let mut offered: Vec<Duration> = offered.map(|wait| wait.waited).collect();
        offered.sort_unstable();
        let seconds = |waited: &Duration| rounded(speed.buyer_seconds(*waited));
        Self {
            place_from,
            place_to,
            waited: group.len() as u64,
            offered: offered.len() as u64,
            party_mean,
            offered_party_mean,
            offered_after_p50_seconds: offered
                .get(offered.len().saturating_sub(1) / 2)
                .map(seconds),
            offered_after_max_seconds: offered.last().map(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(points: &[(f64, u64, u64, u64)]) -> Timeline {
        let point = |&(at_seconds, available, held, sold)| Point {
            at_seconds,
            available,
            held,
            sold,
            ..Point::default()
        };
        Timeline { step_seconds: 1.0, points: points.iter().map(point).collect() }
    }

    fn exactly(found: f64, meant: f64) {
        assert!((found - meant).abs() < 1e-9, "{found} is not {meant}");
    }

    #[test]
    fn it_is_sold_out_but_for_the_last_hundredth() {
        let sold = |n| (crate::simulate::report::float(n), 1000 - n, 0, n);
        let timeline = timeline(&[sold(100), sold(500), sold(900), sold(989), sold(990)]);
        let found = SellThrough::of(&timeline);
        assert_eq!(found.half_after_seconds, Some(500.0));
        assert_eq!(found.most_after_seconds, Some(900.0));
        assert_eq!(found.sold_out_after_seconds, Some(990.0));
        exactly(found.share, 0.99);
        let unsold = SellThrough::of(&Timeline::default());
        assert_eq!(unsold, SellThrough::default(), "where nothing is for sale");
    }

    #[test]
    fn it_is_a_phantom_while_all_is_held_and_little_is_sold() {
        let timeline = timeline(&[
            (10.0, 500, 500, 0),
            (20.0, 9, 991, 0),
            (35.0, 0, 501, 499),
            (50.0, 0, 500, 500),
            (60.0, 10, 590, 400),
        ]);
        let found = PhantomSellOut::of(&timeline);
        exactly(found.seconds, 25.0);
        assert_eq!(found.from_seconds, Some(10.0));
        assert_eq!(PhantomSellOut::spans(&timeline), [(10.0, 35.0)]);
        exactly(found.held_share_max, 0.991);
        assert_eq!(PhantomSellOut::of(&Timeline::default()), PhantomSellOut::default());
    }

    #[test]
    fn nothing_is_available_whether_seats_are_sold_or_held() {
        let timeline = timeline(&[
            (10.0, 1, 999, 0),
            (20.0, 0, 1000, 0),
            (30.0, 0, 300, 700),
            (40.0, 5, 295, 700),
            (45.0, 0, 0, 1000),
        ]);
        let found = NothingAvailable::of(&timeline);
        exactly(found.seconds, 25.0);
        exactly(found.longest_seconds, 20.0);
        assert_eq!(found.from_seconds, Some(10.0));
        assert_eq!(NothingAvailable::of(&Timeline::default()), NothingAvailable::default());
    }

    #[test]
    fn who_waited_is_sorted_by_place() {
        let wait = |place, seconds, offered| {
            let party = if offered { 2 } else { 5 };
            Wait { place, party, waited: Duration::from_secs(seconds), offered }
        };
        let waits = vec![wait(70, 9, false), wait(1, 1, true), wait(10, 3, true), wait(2, 2, true)];
        let found = Waiting::by_place(waits, Pace::Factor(60.0));
        let groups: Vec<_> = found.iter().map(|w| (w.place_from, w.place_to)).collect();
        assert_eq!(groups, [(1, 10), (51, 100)]);
        assert_eq!((found[0].waited, found[0].offered), (3, 3));
        assert_eq!(found[0].offered_after_p50_seconds, Some(120.0));
        assert_eq!(found[0].offered_after_max_seconds, Some(180.0));
        assert_eq!((found[1].offered, found[1].offered_after_p50_seconds), (0, None));
        exactly(found[0].party_mean, 2.0);
        assert_eq!((found[0].offered_party_mean, found[1].offered_party_mean), (Some(2.0), None));
        let last = Waiting::by_place(vec![wait(u32::MAX, 1, false)], Pace::Max);
        assert_eq!(last.len(), 1);
    }
}
