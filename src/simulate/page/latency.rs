//! How long the store took to answer, per operation and outcome.

use maud::{Markup, html};
use plotters::prelude::*;

use super::chart::{Area, Figure, Result, Size, words};
use super::ink::Ink;
use super::parts::{count_figure, micros_figure};
use crate::simulate::figures::latency_kind;
use crate::simulate::measure::Latencies;
use crate::simulate::report::{SimulationReport, float};

/// Room for the name of an operation beside its line.
const NAMES_WIDTH: u32 = 190;
/// The height of a line on a wide page, and on a narrow one, where its name stands above it; that
/// of the axis, and of what stands above.
const ROW_HEIGHTS: [u32; 2] = [28, 36];
const AXIS_HEIGHT: u32 = 44;
/// The height of a name, in pixels.
const NAME_HEIGHT: i32 = 13;
const TOP: u32 = 8;

/// The chart and the table; a sentence where nothing was asked.
pub(super) fn section(report: &SimulationReport) -> Result<Markup> {
    let measured = &report.operations;
    if measured.is_empty() {
        return Ok(html! { section { h2 { "Latency" } p { "Nothing was asked of the store." } } });
    }
    let rows = u32::try_from(measured.len()).unwrap_or(1);
    let figure = Figure {
        title: "Latency by percentile",
        caption: caption(report),
        spoken: format!(
            "One line for each of {} operations and outcomes, from the median to the longest; the \
             table below has the figures.",
            measured.len()
        ),
        legend: vec![
            (Ink::First, "p50 (dot), p90, p99, p99.9 (ticks), longest (end)".into()),
            (Ink::Second, "p99 from due time (ring)".into()),
        ],
        heights: Some(ROW_HEIGHTS.map(|height| TOP + AXIS_HEIGHT + height * rows)),
        table: None,
    };
    Ok(html! {
        section {
            h2 { "Latency, " (latency_kind(report)) }
            (figure.drawn(&|area, size| lines(area, size, measured))?)
            (table(measured))
        }
    })
}

fn caption(report: &SimulationReport) -> Markup {
    html! {
        @if report.virtual_time {
            "These times are modeled, not measured: by a virtual clock the store takes as long as the scenario \
             says, and an answer arrives at a whole millisecond. They show the waiting in front of the store, \
             not the speed of a machine. "
        } @else {
            "How long the store took to answer, on this machine, in clock time. "
        }
        "The scale is logarithmic: each mark is ten times the one before. p99 is the time within which 99 of 100 \
         were answered. From due time means from when a buyer's plan meant to ask: where the ring lies far to \
         the right, requests had to wait before they could be sent."
    }
}

fn lines(area: &Area<'_>, size: Size, measured: &[Latencies]) -> Result<()> {
    let narrow = size.class.contains("narrow");
    let (low, high) = decades(measured);
    let rows = float(measured.len() as u64);
    let mut chart = ChartBuilder::on(area)
        .margin_top(TOP)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, if narrow { 20 } else { NAMES_WIDTH })
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS_HEIGHT)
        .build_cartesian_2d((low..high).log_scale(), rows..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(Ink::Grid.rgb())
        .axis_style(Ink::Muted.rgb())
        .label_style(words(Ink::Muted))
        .axis_desc_style(words(Ink::Muted))
        .x_desc("time to answer, logarithmic")
        .x_labels(if narrow { 4 } else { 8 })
        .x_label_formatter(&|us| power(*us))
        .draw()?;
    for (row, latencies) in (0_u64..).zip(measured) {
        let middle = float(row) + if narrow { 0.75 } else { 0.5 };
        line(&mut chart, latencies, middle)?;
        let (_, y) = chart.backend_coord(&(low, middle));
        let at = if narrow { (0, y - NAME_HEIGHT - 7) } else { (0, y - NAME_HEIGHT / 2) };
        area.draw(&Text::new(name(latencies), at, words(Ink::Text)))?;
    }
    Ok(())
}

type Lines<'a> = ChartContext<
    'a,
    SVGBackend<'a>,
    Cartesian2d<LogCoord<f64>, plotters::coord::types::RangedCoordf64>,
>;

/// One operation and outcome: from the median to the longest.
fn line(chart: &mut Lines<'_>, l: &Latencies, y: f64) -> Result<()> {
    let ink = Ink::First.rgb();
    let at = |us: u64| (float(us.max(1)), y);
    chart.draw_series([PathElement::new([at(l.p50_us), at(l.max_us)], ink)])?;
    let body = PathElement::new([at(l.p50_us), at(l.p99_us)], ink.stroke_width(3));
    chart.draw_series([body])?;
    for us in [l.p90_us, l.p99_us, l.p999_us, l.max_us] {
        let tick =
            EmptyElement::at(at(us)) + PathElement::new([(0, -4), (0, 4)], ink.stroke_width(2));
        chart.draw_series([tick])?;
    }
    chart.draw_series([Circle::new(at(l.p50_us), 4, ink.filled())])?;
    chart.draw_series([Circle::new(at(l.due_p99_us), 5, Ink::Second.rgb().stroke_width(2))])?;
    Ok(())
}

/// The powers of ten around everything that was measured, in microseconds.
fn decades(measured: &[Latencies]) -> (f64, f64) {
    let all =
        || measured.iter().flat_map(|l| [l.p50_us, l.max_us, l.due_p99_us]).map(|us| us.max(1));
    let (least, most) = (all().min().unwrap_or(1), all().max().unwrap_or(1));
    let low = 10_f64.powf(float(least).log10().floor());
    let high = 10_f64.powf(float(most).log10().ceil());
    // A little more, so that the last mark is within; and something, if all took the same.
    (low, high.max(10.0 * low) * 1.001)
}

/// A mark of the axis: `1 ms`, `10 s`.
fn power(us: f64) -> String {
    match us {
        ..999.0 => format!("{us:.0} µs"),
        ..999_000.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.0} s", us / 1e6),
    }
}

fn name(latencies: &Latencies) -> String {
    match latencies.outcome {
        "ok" => latencies.name.to_owned(),
        // The longest reason goes without its operation, which stands above it.
        outcome => format!("– {outcome}"),
    }
}

fn table(measured: &[Latencies]) -> Markup {
    html! {
        div.scroll { table.numbers {
            thead { tr {
                th scope="col" { "operation" } th scope="col" { "count" }
                @for head in ["p50", "p90", "p99", "p99.9", "max", "p99 due"] { th scope="col" { (head) } }
            } }
            tbody { @for (n, l) in measured.iter().enumerate() {
                @let at = |name: &str| format!("/operations/{n}/{name}");
                tr {
                    th scope="row" { (l.name) @if l.outcome != "ok" { " " small { (l.outcome) } } }
                    td { (count_figure(at("count"), l.count)) }
                    td { (micros_figure(at("p50_us"), l.p50_us)) }
                    td { (micros_figure(at("p90_us"), l.p90_us)) }
                    td { (micros_figure(at("p99_us"), l.p99_us)) }
                    td { (micros_figure(at("p999_us"), l.p999_us)) }
                    td { (micros_figure(at("max_us"), l.max_us)) }
                    td { (micros_figure(at("due_p99_us"), l.due_p99_us)) }
                }
            } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_goes_from_a_power_of_ten_to_another() {
        let measured = |p50_us, max_us| Latencies {
            name: "hold",
            outcome: "ok",
            count: 1,
            p50_us,
            p90_us: p50_us,
            p99_us: max_us,
            p999_us: max_us,
            max_us,
            due_p99_us: max_us,
        };
        let (low, high) = decades(&[measured(1000, 1000)]);
        assert_eq!((power(low), power(high)), ("1 ms".into(), "10 ms".into()), "not empty");
        let (low, high) = decades(&[measured(850, 12_340), measured(0, 5)]);
        assert_eq!((power(low), power(high)), ("1 µs".into(), "100 ms".into()));
    }
}
