//! How a chart is drawn: once for a wide page and once for a phone, as SVG that the style sheet
//! colours; with a title, what one sees, and the same in a table for who cannot see it.

use std::io;

use maud::{Markup, PreEscaped, html};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::ink::Ink;

/// Why a chart could not be drawn.
pub(super) type Error = DrawingAreaErrorKind<io::Error>;
pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Where a chart is drawn.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
/// A chart with two axes of numbers.
pub(super) type Plane<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The height of letters; the library's unit is 1.24 times as small as a pixel.
const LETTERS: f64 = 12.0 * 1.24;
/// About how wide one of them is, in pixels.
const LETTER_WIDTH: usize = 7;
/// Room above the axes for what the upright one counts.
const HEADROOM: u32 = 26;

/// How large a chart is drawn, in pixels; a browser scales it to its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) class: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    /// About how many marks the level axis has.
    pub(super) marks: usize,
}

/// For a page of paper or a screen, and for a phone.
const SIZES: [Size; 2] = [
    Size { class: "plot wide", width: 760, height: 280, marks: 9 },
    Size { class: "plot narrow", width: 350, height: 240, marks: 5 },
];

/// A chart and everything around it.
pub(super) struct Figure<'f> {
    /// What it is about.
    pub(super) title: &'f str,
    /// What one sees and why it matters.
    pub(super) caption: Markup,
    /// The same in a sentence, for who has it read out.
    pub(super) spoken: String,
    /// What the colours mean.
    pub(super) legend: Vec<(Ink, String)>,
    /// How high it is, wide and narrow, where that is not as high as others.
    pub(super) heights: Option<[u32; 2]>,
    /// Its figures, where they do not stand beside it.
    pub(super) table: Option<Markup>,
}

impl Figure<'_> {
    /// Draws it in both sizes.
    ///
    /// # Errors
    /// The library could not draw it.
    pub(super) fn drawn(self, draw: &dyn Fn(&Area<'_>, Size) -> Result<()>) -> Result<Markup> {
        let mut plots = Vec::new();
        let heights = self.heights.unwrap_or(SIZES.map(|size| size.height));
        for (size, height) in SIZES.into_iter().zip(heights) {
            let size = Size { height, ..size };
            plots.push(plot(size, &self.spoken, draw)?);
        }
        Ok(html! {
            figure {
                h3 { (self.title) }
                @if !self.legend.is_empty() {
                    ul.legend {
                        @for (ink, meaning) in &self.legend { li { (swatch(*ink)) (meaning) } }
                    }
                }
                @for plot in plots { (plot) }
                figcaption { (self.caption) }
                @if let Some(table) = &self.table {
                    details { summary { "The figures of this chart" } (table) }
                }
            }
        })
    }
}

/// A small square of a colour.
fn swatch(ink: Ink) -> Markup {
    let fill = match ink {
        Ink::Phantom => "url(#hatch)".to_owned(),
        _ => format!("var(--{})", ink.name()),
    };
    html! {
        svg.swatch width="12" height="12" aria-hidden="true" {
            rect width="12" height="12" rx="2" style={ "fill:" (fill) } {}
        }
    }
}

fn plot(size: Size, spoken: &str, draw: &dyn Fn(&Area<'_>, Size) -> Result<()>) -> Result<Markup> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        draw(&area, size)?;
        area.present()?;
    }
    // The element itself is written here: it needs a class and words, and no size of its own.
    let inside = svg.split_once('>').map_or("", |(_, rest)| rest);
    let inside = inside.rsplit_once("</svg>").map_or(inside, |(shapes, _)| shapes);
    let frame = format!("0 0 {} {}", size.width, size.height);
    Ok(html! {
        svg class=(size.class) viewBox=(frame) role="img" aria-label=(spoken) {
            (PreEscaped(inside))
        }
    })
}

/// The style of words in this colour.
pub(super) fn words(ink: Ink) -> TextStyle<'static> {
    ("sans-serif", LETTERS).into_font().color(&ink.rgb())
}

/// The axes of a chart: how far each goes, in what unit, how its marks are written.
pub(super) struct Axes<'a> {
    pub(super) along: f64,
    pub(super) along_unit: String,
    pub(super) along_mark: &'a dyn Fn(&f64) -> String,
    pub(super) up: f64,
    pub(super) up_unit: &'a str,
    pub(super) up_mark: &'a dyn Fn(&f64) -> String,
}

/// Draws both axes from 0 on, with a grid.
pub(super) fn plane<'a>(area: &Area<'a>, size: Size, axes: &Axes<'_>) -> Result<Plane<'a>> {
    let widest = (axes.up_mark)(&axes.up).chars().count().max(4) * LETTER_WIDTH;
    let room = u32::try_from(widest).unwrap_or(0) + 10;
    area.draw(&Text::new(axes.up_unit.to_owned(), (0, 2), words(Ink::Muted)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(HEADROOM)
        .margin_right(16)
        .set_label_area_size(LabelAreaPosition::Left, room)
        .set_label_area_size(LabelAreaPosition::Bottom, 44)
        .build_cartesian_2d(0.0..axes.along, 0.0..axes.up)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(Ink::Grid.rgb())
        .axis_style(Ink::Muted.rgb())
        .label_style(words(Ink::Muted))
        .axis_desc_style(words(Ink::Muted))
        .x_desc(axes.along_unit.as_str())
        .x_labels(size.marks)
        .y_labels(6)
        .x_label_formatter(axes.along_mark)
        .y_label_formatter(axes.up_mark)
        .draw()?;
    Ok(chart)
}

/// A number on an axis, without needless zeros.
pub(super) fn mark(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if let Ok(whole) = text.parse::<u64>() {
        return crate::simulate::figures::grouped(whole);
    }
    text.to_owned()
}
