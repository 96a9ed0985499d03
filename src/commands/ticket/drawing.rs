//! The venue in the terminal: one sign per seat, told apart by shape and by colour.
//!
//! Sections stand side by side where the page has room. A row that is wider than the page goes on
//! in the next line.

use crate::domain::{Money, SeatMap, SectionMap, Ticket, TicketStatus, name};
use crate::output::{Page, Tone, grouped};

/// Columns between two sections that stand side by side.
const BETWEEN: usize = 3;
/// A row that goes on in the next line breaks after a multiple of this many seats, if it can.
const BREAK_AT: usize = 10;

/// The sign of a seat.
pub(in crate::commands) const fn sign(status: TicketStatus) -> char {
    match status {
        TicketStatus::Available => '○',
        TicketStatus::Held => '◐',
        TicketStatus::Paying => '$',
        TicketStatus::Sold => '●',
        TicketStatus::Blocked => '×',
    }
}

/// A line of a drawing, and how many columns it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    text: String,
    width: usize,
}

impl Line {
    fn painted(text: &str, tone: Tone, page: &Page) -> Self {
        let mut line = Self::default();
        line.push(text, tone, page);
        line
    }

    fn push(&mut self, text: &str, tone: Tone, page: &Page) {
        let text = &*name::shown(text);
        self.text.push_str(&page.paint(tone, text));
        self.width += text.chars().count();
    }

    /// The text, filled up with blanks to `width` columns.
    fn padded(&self, width: usize) -> String {
        format!("{}{}", self.text, " ".repeat(width.saturating_sub(self.width)))
    }
}

/// Draws sections, side by side where the page has room.
pub(super) fn venue(map: &SeatMap, page: &Page) -> String {
    let mut text = String::new();
    let mut band: Vec<Vec<Line>> = Vec::new();
    let mut taken = 0;
    for map in &map.sections {
        let block = section(map, page);
        let needed = block_width(&block) + BETWEEN;
        if !band.is_empty() && taken + needed > page.width + BETWEEN {
            text.push_str(&side_by_side(&band));
            band.clear();
            taken = 0;
        }
        taken += needed;
        band.push(block);
    }
    text.push_str(&side_by_side(&band));
    text
}

fn block_width(block: &[Line]) -> usize {
    block.iter().map(|line| line.width).max().unwrap_or(0)
}

/// Writes blocks beside each other, and an empty line after them.
fn side_by_side(band: &[Vec<Line>]) -> String {
    let height = band.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for number in 0..height {
        let mut line = String::new();
        for block in band {
            let empty = Line::default();
            let part = block.get(number).unwrap_or(&empty);
            line.push_str(&part.padded(block_width(block) + BETWEEN));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if height > 0 {
        text.push('\n');
    }
    text
}

/// Draws one section: its name, what it costs, what is left, and its rows.
fn section(map: &SectionMap, page: &Page) -> Vec<Line> {
    let section = map.section();
    let prices = prices(map.tickets().tickets());
    let (free, all) = (map.counts().available, section.seats);
    let left = format!("{} of {} available", grouped(free), grouped(all));
    let cut = |text: &str| text.chars().take(page.width).collect::<String>();
    let mut block = vec![
        Line::painted(&cut(&section.name), Tone::Strong, page),
        Line::painted(&cut(&format!("{} · {prices}", section.type_id)), Tone::Plain, page),
        Line::painted(&cut(&left), Tone::Faint, page),
    ];
    let depths = 0..map.tickets().rows().len();
    let names = depths.clone().map(|depth| map.tickets().row_name(depth).chars().count());
    let margin = names.max().unwrap_or(0) + 1;
    let rows: Vec<Vec<Cell>> = depths.map(|depth| cells(map, depth)).collect();
    let per_line = per_line(&rows, page.width.saturating_sub(margin));
    for (depth, cells) in rows.iter().enumerate() {
        let name = map.tickets().row_name(depth);
        block.extend(row_lines(name, cells, margin, per_line, page));
    }
    block
}

/// What tickets cost: one price, or from the lowest to the highest.
pub(in crate::commands) fn prices(tickets: &[Ticket]) -> String {
    let by_amount = |ticket: &&Ticket| ticket.price.minor();
    let price = |ticket: Option<&Ticket>| ticket.map(|ticket| ticket.price);
    let lowest: Option<Money> = price(tickets.iter().min_by_key(by_amount));
    let highest: Option<Money> = price(tickets.iter().max_by_key(by_amount));
    match (lowest, highest) {
        (Some(lowest), Some(highest)) if lowest == highest => lowest.to_string(),
        (Some(lowest), Some(highest)) => format!("{} to {highest}", lowest.decimal()),
        _ => String::new(),
    }
}

/// A seat by its condition, or nothing where an aisle is.
pub(in crate::commands) type Cell = Option<TicketStatus>;

/// How many cells stand on one line: all of a row, or as many as there is room for.
fn per_line(rows: &[Vec<Cell>], room: usize) -> usize {
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
    if widest <= room {
        widest.max(1)
    } else if room > BREAK_AT {
        room - room % BREAK_AT
    } else {
        room.max(1)
    }
}

/// The seats of a row with nothing where an aisle is.
pub(in crate::commands) fn cells(map: &SectionMap, depth: usize) -> Vec<Cell> {
    let row = map.tickets().rows()[depth].clone();
    let mut cells = Vec::with_capacity(row.len());
    for place in row.clone() {
        let aisle = place > row.start && !map.tickets().is_joined(place);
        cells.extend(aisle.then_some(None));
        cells.push(Some(map.statuses()[place]));
    }
    cells
}

fn row_lines(name: &str, cells: &[Cell], margin: usize, per_line: usize, page: &Page) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, part) in cells.chunks(per_line).enumerate() {
        let mut line = Line::default();
        let name = if number == 0 { name } else { "" };
        line.push(&format!("{name:>width$} ", width = margin - 1), Tone::Faint, page);
        for run in part.chunk_by(|a, b| a == b) {
            let (sign, tone) = run[0].map_or((' ', Tone::Plain), |s| (sign(s), s.into()));
            line.push(&sign.to_string().repeat(run.len()), tone, page);
        }
        lines.push(line);
    }
    lines
}

/// What the signs mean, and how many seats have each.
pub(super) fn legend(map: &SeatMap, page: &Page) -> String {
    let counts = map.counts();
    let mut legend = Line::default();
    let mut lines = Vec::new();
    for status in TicketStatus::ALL {
        let entry = format!("{} {status} {}", sign(status), grouped(counts.of(status)));
        if legend.width > 0 && legend.width + BETWEEN + entry.chars().count() > page.width {
            lines.push(std::mem::take(&mut legend).text);
        }
        if legend.width > 0 {
            legend.push(&" ".repeat(BETWEEN), Tone::Plain, page);
        }
        legend.push(&entry, status.into(), page);
    }
    lines.push(legend.text);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::seat_map::drawn::drawn;

    fn page(width: usize) -> Page {
        Page { width, color: false, now: Timestamp::from_millis(0) }
    }

    fn map<const N: usize>(sections: [(&str, &[&str]); N]) -> SeatMap {
        SeatMap { sections: sections.map(|(name, rows)| drawn(name, rows)).into() }
    }

    #[test]
    fn sections_stand_side_by_side_where_there_is_room() {
        let map = map([("Floor A", &["..hh ss..", "...p xx.."]), ("Floor B", &["....", "ssss"])]);
        insta::assert_snapshot!(venue(&map, &page(60)), @r"
        Floor A               Floor B
        regular · 89.50 EUR   regular · 89.50 EUR
        9 of 16 available     4 of 8 available
        1 ○○◐◐ ●●○○           1 ○○○○
        2 ○○○$ ××○○           2 ●●●●
        ");
    }

    #[test]
    fn sections_stand_one_below_the_other_where_there_is_none() {
        let map = map([("Floor A", &["..hh"]), ("Floor B", &["...."])]);
        insta::assert_snapshot!(venue(&map, &page(24)), @r"
        Floor A
        regular · 89.50 EUR
        2 of 4 available
        1 ○○◐◐

        Floor B
        regular · 89.50 EUR
        4 of 4 available
        1 ○○○○
        ");
    }

    #[test]
    fn a_row_wider_than_the_page_goes_on_in_the_next_line() {
        let wide = ".".repeat(25) + "sssss";
        let map = map([("Tier 1", &[&wide, &wide])]);
        insta::assert_snapshot!(venue(&map, &page(26)), @r"
        Tier 1
        regular · 89.50 EUR
        50 of 60 available
        1 ○○○○○○○○○○○○○○○○○○○○
          ○○○○○●●●●●
        2 ○○○○○○○○○○○○○○○○○○○○
          ○○○○○●●●●●
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let wide = "s.".repeat(40);
        let map = map([("A section with a very long name indeed", &[&wide]), ("B", &["."])]);
        for width in [20, 23, 40, 60, 80, 200] {
            let drawn = venue(&map, &page(width)) + &legend(&map, &page(width));
            for line in drawn.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_legend_counts_and_breaks_between_entries() {
        let map = map([("Floor A", &["..hhp", "sxxxx"])]);
        insta::assert_snapshot!(legend(&map, &page(40)), @r"
        ○ available 2   ◐ held 2   $ paying 1
        ● sold 1   × blocked 4
        ");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let map = map([("Floor A", &["..hh ssxx"])]);
        let colored = venue(&map, &Page { color: true, ..page(80) });
        assert!(colored.contains("\u{1b}[33m◐◐\u{1b}[0m"), "{colored:?}");
    }
}
