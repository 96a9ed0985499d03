//! How the sale went, second by second: the charts over time.

use maud::{Markup, html};
use plotters::prelude::*;

use super::chart::{Area, Axes, Figure, Plane, Result, Size, mark, plane};
use super::ink::Ink;
use super::parts::{count_figure, first_figure, moment_figure, percent_figure, sale_span_figure};
use crate::simulate::figures::{
    AT_ONCE, counted, grouped, percent, rate, sale_moment, sale_span, time_name,
};
use crate::simulate::insight::PhantomSellOut;
use crate::simulate::pace::Pace;
use crate::simulate::report::{SimulationReport, float};
use crate::simulate::timeline::Point;

/// The most points that are drawn: more would be closer than the pixels of a phone.
const POINTS_DRAWN_MAX: usize = 240;
/// The rows of a chart's table.
const ROWS_MAX: usize = 12;

/// How many of something there are at a point.
type Level = fn(&Point) -> u64;

/// A time line as it is drawn.
struct Course<'r> {
    report: &'r SimulationReport,
    points: Vec<Point>,
    /// How many seconds the unit of the time axis has, and its name.
    unit: (f64, &'static str),
    end: f64,
}

/// The charts over time; a sentence where there is nothing to draw.
pub(super) fn section(report: &SimulationReport) -> Result<Markup> {
    let Some(last) = report.timeline.points.last() else {
        return Ok(html! {
            section { h2 { "Course of the sale" }
            p { "The rehearsal ended before anything was noted of its course." } }
        });
    };
    let end = last.at_seconds.max(report.timeline.step_seconds).max(0.001);
    let unit = match end {
        ..180.0 => (1.0, "seconds"),
        ..10_800.0 => (60.0, "minutes"),
        _ => (3600.0, "hours"),
    };
    let points = thinned(&report.timeline.points, POINTS_DRAWN_MAX);
    let course = Course { report, points, unit, end };
    Ok(html! {
        section {
            h2 { "Course of the sale" }
            p.note { (time_note(report)) }
            (course.sold()?)
            (course.tickets()?)
            (course.people()?)
            (course.work()?)
        }
    })
}

fn time_note(report: &SimulationReport) -> &'static str {
    match report.scenario.speed {
        Pace::Max => {
            "This rehearsal ran without pauses, to load the store. Times are clock time: they say \
             how fast the store worked, not how long buyers would take."
        }
        Pace::Factor(_) => {
            "Times are buyer time: what a clock on a buyer's wall would show since the sale opened."
        }
    }
}

/// At most `most` points in place of these; what happened between two is added up.
fn thinned(points: &[Point], most: usize) -> Vec<Point> {
    let together = points.len().div_ceil(most).max(1);
    let merge = |some: &[Point]| some.iter().copied().reduce(|before, point| point.after(before));
    points.chunks(together).filter_map(merge).collect()
}

impl Course<'_> {
    /// A level over time: a point is a reading at its moment, and lines join the readings. Those at
    /// `marked` times are among them, however many others are left out.
    fn levels(&self, marked: &[f64], value: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
        let all = &self.report.timeline.points;
        let together = all.len().div_ceil(POINTS_DRAWN_MAX).max(1);
        let is_drawn = |(n, point): &(usize, &Point)| {
            *n == 0
                || (n + 1).is_multiple_of(together)
                || n + 1 == all.len()
                || marked.contains(&point.at_seconds)
        };
        let drawn = all.iter().enumerate().filter(is_drawn);
        let mut line: Vec<(f64, f64)> =
            drawn.map(|(_, point)| (point.at_seconds / self.unit.0, value(point))).collect();
        if let [(_, only)] = line[..] {
            line.insert(0, (0.0, only));
        }
        line
    }

    /// What happened over time. A point stands for the time since the one before, so lines are steps.
    fn steps(&self, value: impl Fn(&Point, f64) -> f64) -> Vec<(f64, f64)> {
        let mut before = 0.0;
        let mut steps = Vec::with_capacity(self.points.len() * 2);
        for point in &self.points {
            let value = value(point, point.at_seconds - before);
            let (from, to) = (before / self.unit.0, point.at_seconds / self.unit.0);
            steps.extend([(from, value), (to, value)]);
            before = point.at_seconds;
        }
        steps
    }

    fn plane<'a>(
        &self,
        area: &Area<'a>,
        size: Size,
        (up, up_unit): (f64, &str),
        up_mark: &dyn Fn(&f64) -> String,
    ) -> Result<Plane<'a>> {
        let along_unit =
            format!("{} since the sale opened ({})", self.unit.1, time_name(self.report));
        let along_mark = |at: &f64| mark(*at);
        let along = self.end / self.unit.0;
        plane(
            area,
            size,
            &Axes { along, along_unit, along_mark: &along_mark, up, up_unit, up_mark },
        )
    }

    /// A table of some of its points.
    fn table(&self, heads: &[&str], cells: &dyn Fn(&Point, f64) -> Vec<String>) -> Markup {
        let mut before = 0.0;
        let rows = thinned(&self.points, ROWS_MAX).into_iter().map(|point| {
            let cells = cells(&point, point.at_seconds - before);
            before = point.at_seconds;
            (sale_span(self.report.scenario.speed, point.at_seconds), cells)
        });
        html! {
            div.scroll { table {
                thead { tr { th scope="col" { "until" } @for head in heads { th scope="col" { (head) } } } }
                tbody { @for (at, cells) in rows {
                    tr { th scope="row" { (at) } @for cell in cells { td { (cell) } } }
                } }
            } }
        }
    }

    fn sold(&self) -> Result<Markup> {
        let sell_through = &self.report.sell_through;
        let share = |p: &Point| 100.0 * ratio(p.sold, p.for_sale());
        let marks = [
            sell_through.half_after_seconds,
            sell_through.most_after_seconds,
            sell_through.sold_out_after_seconds,
        ];
        let marks: Vec<f64> = marks.into_iter().flatten().collect();
        let points = &self.report.timeline.points;
        let is_marked = |point: &&Point| marks.contains(&point.at_seconds);
        let dots: Vec<(f64, f64)> = points
            .iter()
            .filter(is_marked)
            .map(|point| (point.at_seconds / self.unit.0, share(point)))
            .collect();
        let figure = Figure {
            title: "Tickets sold over time",
            caption: self.sold_caption(),
            spoken: format!(
                "A line from nothing to {} sold at the end.",
                percent(sell_through.share)
            ),
            legend: vec![],
            heights: None,
            table: Some(self.table(&["sold", "of those for sale"], &|p, _| {
                vec![grouped(p.sold), percent(ratio(p.sold, p.for_sale()))]
            })),
        };
        let line = self.levels(&marks, share);
        figure.drawn(&|area, size| {
            let up = (100.0, "% of the tickets for sale");
            let mut chart = self.plane(area, size, up, &|y| mark(*y))?;
            let fill = Ink::First.rgb().mix(0.15);
            chart.draw_series(AreaSeries::new(line.clone(), 0.0, fill))?;
            chart.draw_series(LineSeries::new(line.clone(), Ink::First.rgb().stroke_width(2)))?;
            for dot in &dots {
                chart.draw_series([Circle::new(*dot, 4, Ink::First.rgb().filled())])?;
            }
            Ok(())
        })
    }

    fn sold_caption(&self) -> Markup {
        let sold = &self.report.sell_through;
        let reached = sold.half_after_seconds.is_some();
        let pace = self.report.scenario.speed;
        html! {
            "How fast it sold, in " (time_name(self.report)) ". A steep start with a long flat end means that most seats went at once and \
             the rest came back from holds that were not paid. Half was sold after: "
            (moment_figure(pace, "/sell_through/half_after_seconds", sold.half_after_seconds))
            "; nine tenths: " (moment_figure(pace, "/sell_through/most_after_seconds", sold.most_after_seconds))
            "; all but the last hundredth: "
            (moment_figure(pace, "/sell_through/sold_out_after_seconds", sold.sold_out_after_seconds))
            "; at the end: " (percent_figure("/sell_through/share", sold.share)) "."
            @if reached { " Dots mark the first readings at or above these shares." }
        }
    }

    fn tickets(&self) -> Result<Markup> {
        let last = self.points.last().copied().unwrap_or_default();
        let phantom = PhantomSellOut::spans(&self.report.timeline);
        let statuses = self.statuses();
        let mut legend: Vec<(Ink, String)> = statuses
            .iter()
            .map(|(ink, of)| (*ink, format!("{} {}", ink.name(), grouped(of(&last)))))
            .collect();
        if !phantom.is_empty() {
            legend.push((Ink::Phantom, "phantom sell-out (hatched)".into()));
        }
        let heads: Vec<&str> = statuses.iter().map(|(ink, _)| ink.name()).collect();
        let figure = Figure {
            title: "Tickets by status over time",
            caption: self.phantom_caption(),
            spoken: format!(
                "Areas on top of each other; at the end {} of {} sold. {}",
                counted(last.sold, "ticket"),
                grouped(last.for_sale() + last.blocked),
                self.phantom_sentence()
            ),
            legend,
            heights: None,
            table: Some(
                self.table(&heads, &|p, _| statuses.iter().map(|(_, of)| grouped(of(p))).collect()),
            ),
        };
        let most = self.points.iter().map(|p| p.for_sale() + p.blocked).max().unwrap_or(0).max(1);
        figure.drawn(&|area, size| {
            let mut chart = self.plane(area, size, (float(most), "tickets"), &|y| mark(*y))?;
            // From the back to the front: each covers the lower part of the one behind it.
            for top in (0..statuses.len()).rev() {
                let sum = |p: &Point| float(statuses[..=top].iter().map(|(_, of)| of(p)).sum());
                let area = AreaSeries::new(self.levels(&[], sum), 0.0, statuses[top].0.rgb());
                chart.draw_series([area.border_style(Ink::Paper.rgb())].into_iter().flatten())?;
            }
            for (from, to) in &phantom {
                let corners = [(from / self.unit.0, 0.0), (to / self.unit.0, float(most))];
                chart.draw_series([Rectangle::new(corners, Ink::Phantom.rgb().filled())])?;
            }
            Ok(())
        })
    }

    /// What is drawn of the tickets, from below; blocked ones only where there are any.
    fn statuses(&self) -> Vec<(Ink, Level)> {
        let mut statuses: Vec<(Ink, Level)> = vec![
            (Ink::Sold, |p| p.sold),
            (Ink::Paying, |p| p.paying),
            (Ink::Held, |p| p.held),
            (Ink::Available, |p| p.available),
        ];
        if self.points.iter().any(|p| p.blocked > 0) {
            statuses.push((Ink::Blocked, |p| p.blocked));
        }
        statuses
    }

    fn phantom_sentence(&self) -> String {
        let phantom = &self.report.phantom_sell_out;
        match phantom.from_seconds {
            None => "There was no phantom sell-out.".into(),
            Some(from) => {
                let pace = self.report.scenario.speed;
                let (long, moment) = (sale_span(pace, phantom.seconds), sale_moment(pace, from));
                let after = if moment == AT_ONCE { "" } else { "after " };
                format!("The sale looked sold out for {long}, first {after}{moment}.")
            }
        }
    }

    fn phantom_caption(&self) -> Markup {
        let (phantom, pace) = (&self.report.phantom_sell_out, self.report.scenario.speed);
        let most = percent_figure("/phantom_sell_out/held_share_max", phantom.held_share_max);
        html! {
            @match phantom.from_seconds {
                Some(from) => {
                    "For " strong { (sale_span_figure(pace, "/phantom_sell_out/seconds", Some(phantom.seconds))) }
                    ", " (first_figure(pace, "/phantom_sell_out/from_seconds", from))
                    ", buyers saw a sold-out event that was not: less than a hundredth of the tickets was \
                     available and less than half was sold. The others were in the baskets of people who \
                     had yet to pay, and many of them never did. A shorter time to pay makes this shorter."
                }
                None => {
                    "There was no phantom sell-out: at no time was less than a hundredth of the tickets available \
                     while less than half was sold. "
                }
            }
            " At the most, " (most) " was held or being paid for at once. "
            @let nothing = &self.report.nothing_available;
            @match nothing.from_seconds {
                None => { "Some ticket was available at every reading." }
                Some(from) => {
                    "No ticket at all was available, because each was sold, held or being paid for, for "
                    (sale_span_figure(pace, "/nothing_available/longest_seconds", Some(nothing.longest_seconds)))
                    " at the longest and " (sale_span_figure(pace, "/nothing_available/seconds", Some(nothing.seconds)))
                    " in all, " (first_figure(pace, "/nothing_available/from_seconds", from)) "."
                }
            }
            " Tickets are read every "
            (sale_span_figure(pace, "/timeline/step_seconds", Some(self.report.timeline.step_seconds)))
            "; what happens between two readings is not seen."
        }
    }

    fn people(&self) -> Result<Markup> {
        let nobody = self.report.buyers.waitlisted == 0;
        let buyers = &self.report.buyers;
        let (present, waiting) = (buyers.present_max, buyers.waitlist.most_at_once);
        let mut legend = vec![(Ink::First, format!("present, at most {}", grouped(present)))];
        if !nobody {
            legend.push((
                Ink::Second,
                format!("of them on the waitlist, at most {}", grouped(waiting)),
            ));
        }
        let caption = html! {
            "How many buyers were there at once: looking, paying or waiting. At most "
            (count_figure("/buyers/present_max", present)) " were present, which is what a website must bear. "
            @if nobody { "No buyer joined the waitlist." }
            @else {
                (count_figure("/buyers/waitlisted", buyers.waitlisted)) " joined the waitlist because nothing was \
                 left that fits, at most " (count_figure("/buyers/waitlist/most_at_once", waiting)) " at once. "
                @if self.report.scenario.speed == Pace::Max {
                    "Without pauses no buyer waits: each leaves the waitlist at once. "
                }
            }
            " Peaks between two readings are counted and not drawn."
        };
        let figure = Figure {
            title: "Buyers present and waiting",
            caption,
            spoken: format!(
                "At most {} present at once, {} on the waitlist at most.",
                counted(present, "buyer"),
                grouped(waiting)
            ),
            legend,
            heights: None,
            table: Some(self.table(&["present", "on the waitlist"], &|p, _| {
                vec![grouped(p.present), grouped(p.waiting)]
            })),
        };
        figure.drawn(&|area, size| {
            let up = (float(present.max(1)), "buyers");
            let mut chart = self.plane(area, size, up, &|y| mark(*y))?;
            let there = self.levels(&[], |p| float(p.present));
            chart.draw_series(LineSeries::new(there, Ink::First.rgb().stroke_width(2)))?;
            if !nobody {
                let line = self.levels(&[], |p| float(p.waiting));
                chart.draw_series(AreaSeries::new(
                    line.clone(),
                    0.0,
                    Ink::Second.rgb().mix(0.15),
                ))?;
                chart.draw_series(LineSeries::new(line, Ink::Second.rgb().stroke_width(2)))?;
            }
            Ok(())
        })
    }

    fn work(&self) -> Result<Markup> {
        // Of clock time, whatever the buyers' time: it is what the store had to do.
        let per_second = |count: u64, between: f64| match self.report.scenario.speed {
            Pace::Factor(factor) => per(count, between / factor),
            Pace::Max => per(count, between),
        };
        let operations = |p: &Point, between: f64| per_second(p.operations, between);
        let refused = |p: &Point, between: f64| per_second(p.refused_taken, between);
        let (all, lost) = (self.steps(operations), self.steps(refused));
        let peak = |line: &[(f64, f64)]| line.iter().map(|(_, y)| *y).fold(0.0, f64::max);
        let (busiest, taken) = (peak(&all), peak(&lost));
        let clock = if self.report.virtual_time { "virtual time" } else { "clock time" };
        let figure = Figure {
            title: "Operations and conflicts per second",
            caption: html! {
                "What the store had to do per second of " (clock) ", between each two readings, and how many \
                 claims it refused because another buyer was quicker. A short burst can be above the peak of \
                 the report, which is over a whole second. Conflicts are where buyers choose a seat and lose it. "
                @if taken <= 0.0 { "There were none." }
            },
            spoken: format!(
                "Two lines: operations, and conflicts among them. The busiest second had {} operations.",
                rate(self.report.throughput.peak_operations_per_second)
            ),
            legend: vec![
                (Ink::First, "operations".into()),
                (Ink::Second, "of them refused: taken".into()),
            ],
            heights: None,
            table: Some(self.table(&["operations per second", "refused: taken"], &|p, between| {
                vec![rate(operations(p, between)), rate(refused(p, between))]
            })),
        };
        figure.drawn(&|area, size| {
            let mut chart =
                self.plane(area, size, (busiest.max(1.0), "per second"), &|y| mark(*y))?;
            chart.draw_series(LineSeries::new(all.clone(), Ink::First.rgb().stroke_width(2)))?;
            chart.draw_series(LineSeries::new(lost.clone(), Ink::Second.rgb().stroke_width(2)))?;
            Ok(())
        })
    }
}

fn per(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { float(count) / seconds } else { 0.0 }
}

fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { float(part) / float(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_line_is_thinned_and_loses_no_count() {
        let point = |n| Point { at_seconds: float(n), sold: n, operations: 2, ..Point::default() };
        let points: Vec<Point> = (1..=3601).map(point).collect();
        let drawn = thinned(&points, POINTS_DRAWN_MAX);
        assert!((120..=POINTS_DRAWN_MAX).contains(&drawn.len()), "{}", drawn.len());
        assert_eq!(drawn.last().map(|p| p.sold), Some(3601), "the end is the end");
        assert_eq!(drawn.iter().map(|p| p.operations).sum::<u64>(), 7202);
        assert_eq!(thinned(&points[..1], POINTS_DRAWN_MAX).len(), 1);
        assert!(thinned(&[], POINTS_DRAWN_MAX).is_empty());
    }
}
