//! Tables for people, at the width of the page.

use std::fmt::Display;

use comfy_table::{
    Attribute, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle,
};

use super::fold::UNBROKEN_BLANK;
use super::{Card, Page, Tone, counted, fold};
use crate::domain::name;

/// No lines but one under the headings: what there is to read are the values.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));
/// The least room in which broken values can still be read.
const BROKEN_WIDTH_MIN: u16 = 12;
/// Blanks between two columns.
const BETWEEN: u16 = 2;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    heading: &'static str,
    alignment: CellAlignment,
    /// Whether its values are broken over lines where room is short.
    breaks: bool,
    /// Which columns are left out before it where room is short; none if it always stays.
    rank: Option<u8>,
}

impl Column {
    /// A column of texts, which are kept whole.
    #[must_use]
    pub const fn left(heading: &'static str) -> Self {
        Self { heading, alignment: CellAlignment::Left, breaks: false, rank: None }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn right(heading: &'static str) -> Self {
        Self { alignment: CellAlignment::Right, ..Self::left(heading) }
    }

    /// The same column, whose values may be broken over lines.
    #[must_use]
    pub const fn broken(self) -> Self {
        Self { breaks: true, ..self }
    }

    /// The same column, left out where room is short; columns of a lower rank go first.
    #[must_use]
    pub const fn optional(self, rank: u8) -> Self {
        Self { rank: Some(rank), ..self }
    }
}

/// One value of a table.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A value on one line; control characters are shown as escapes.
    #[must_use]
    pub fn new(value: impl Display) -> Self {
        Self::toned(value, Tone::Plain)
    }

    /// Several values, of which each is kept whole where the line is broken.
    #[must_use]
    pub fn list(values: impl Iterator<Item = impl Display>) -> Self {
        let values: Vec<String> =
            values.map(|value| value.to_string().replace(' ', UNBROKEN_BLANK)).collect();
        Self::new(values.join(", "))
    }

    /// A value with its colour.
    #[must_use]
    pub fn toned(value: impl Display, tone: Tone) -> Self {
        Self { text: name::shown(&value.to_string()).into_owned(), tone }
    }
}

/// The line beneath a table that says how many columns have no room; nothing where all have.
#[must_use]
pub fn left_out(columns: usize, width: usize, color: bool) -> String {
    if columns == 0 {
        return String::new();
    }
    let shows = if columns == 1 { "shows it" } else { "shows them" };
    let columns = counted(columns as u64, "column");
    let line = format!("{columns} left out; -o json or a wider window {shows}");
    fold::folded(&Tone::Faint.paint(&line, color), width) + "\n"
}

/// Columns and lines.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    lines: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without lines.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), lines: Vec::new() }
    }

    /// Adds a line.
    pub fn push(&mut self, line: Vec<Cell>) {
        self.lines.push(line);
    }

    /// Whether it has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes the table, no wider than the page if that can be done, and how many columns are left
    /// out for that. Where columns side by side have no room, each line becomes a card.
    #[must_use]
    pub fn render(&self, page: &Page) -> String {
        let mut table = self.laid_out(page);
        let widths = table.column_max_content_widths();
        let hidden = self.left_out(&widths, page.width);
        if self.needed(&widths, &hidden) > page.width {
            return self.cards(page);
        }
        let last = (0..self.columns.len()).rev().find(|index| !hidden.contains(index));
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(laid_out) = table.column_mut(index) {
                let behind = if Some(index) == last { 0 } else { BETWEEN };
                laid_out.set_padding((0, behind)).set_cell_alignment(column.alignment);
                if hidden.contains(&index) {
                    laid_out.set_constraint(ColumnConstraint::Hidden);
                } else if !column.breaks {
                    laid_out.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        let line = |line: String| line.trim_end().replace(UNBROKEN_BLANK, " ");
        let lines: Vec<String> = table.lines().map(line).collect();
        let without_room = hidden.iter().filter(|index| !self.is_blank(**index)).count();
        lines.join("\n") + "\n" + &left_out(without_room, page.width, page.color)
    }

    fn laid_out(&self, page: &Page) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.force_no_tty().load_style(STYLE).set_width(width(page.width));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if page.color {
            table.enforce_styling().style_text_only();
        }
        let heading =
            |column: &Column| comfy_table::Cell::new(column.heading).add_attribute(Attribute::Bold);
        table.set_header(self.columns.iter().map(heading));
        for line in &self.lines {
            table.add_row(line.iter().map(painted));
        }
        table
    }

    /// The least that the columns need which are not hidden.
    fn needed(&self, widths: &[u16], hidden: &[usize]) -> usize {
        let columns = self.columns.iter().zip(widths).enumerate();
        let shown = columns.filter(|(index, _)| !hidden.contains(index));
        let least = |(_, (column, width)): (usize, (&Column, &u16))| {
            let least = if column.breaks { (*width).min(BROKEN_WIDTH_MIN) } else { *width };
            usize::from(least + BETWEEN)
        };
        shown.map(least).sum::<usize>().saturating_sub(BETWEEN.into())
    }

    /// Writes each line as a card.
    fn cards(&self, page: &Page) -> String {
        let card = |line: &Vec<Cell>| {
            let cells = self.columns.iter().zip(line);
            let add = |card: Card, (column, cell): (&Column, &Cell)| {
                card.toned(column.heading, &cell.text, cell.tone)
            };
            cells.fold(Card::new(), add).render(page).replace(UNBROKEN_BLANK, " ")
        };
        self.lines.iter().map(card).collect::<Vec<_>>().join("\n")
    }

    /// The optional columns that have no room, or nothing in them.
    fn left_out(&self, widths: &[u16], room: usize) -> Vec<usize> {
        let taken = |index: usize| usize::from(widths[index] + BETWEEN);
        let mut needed: usize = (0..widths.len()).map(taken).sum();
        let ranked = |(index, column): (usize, &Column)| column.rank.map(|rank| (rank, index));
        let mut optional: Vec<(u8, usize)> =
            self.columns.iter().enumerate().filter_map(ranked).collect();
        optional.sort_unstable_by_key(|(rank, index)| (!self.is_blank(*index), *rank, *index));
        let mut hidden = Vec::new();
        for (_, index) in optional {
            // Nothing follows the last column but the edge of the page.
            let fits = needed <= room + usize::from(BETWEEN);
            if fits && !self.is_blank(index) {
                break;
            }
            needed -= taken(index);
            hidden.push(index);
        }
        // A column that went before a wider one may have room again.
        for place in (0..hidden.len()).rev() {
            let index = hidden[place];
            let with_it = needed + taken(index);
            if with_it <= room + usize::from(BETWEEN) && !self.is_blank(index) {
                needed = with_it;
                hidden.remove(place);
            }
        }
        hidden
    }

    /// Whether no line has anything in this column.
    fn is_blank(&self, index: usize) -> bool {
        self.lines.iter().all(|line| line.get(index).is_none_or(|cell| cell.text.is_empty()))
    }
}

fn width(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

fn painted(cell: &Cell) -> comfy_table::Cell {
    let mut painted = comfy_table::Cell::new(&cell.text);
    if let Some(color) = cell.tone.color() {
        painted = painted.fg(terminal_color(color));
    }
    if cell.tone.is_bold() {
        painted = painted.add_attribute(Attribute::Bold);
    }
    painted
}

const fn terminal_color(color: anstyle::AnsiColor) -> comfy_table::Color {
    use anstyle::AnsiColor;
    use comfy_table::Color;
    match color {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::DarkRed,
        AnsiColor::Green => Color::DarkGreen,
        AnsiColor::Yellow => Color::DarkYellow,
        AnsiColor::Blue => Color::DarkBlue,
        AnsiColor::Magenta => Color::DarkMagenta,
        AnsiColor::Cyan => Color::DarkCyan,
        AnsiColor::White => Color::Grey,
        AnsiColor::BrightBlack => Color::DarkGrey,
        AnsiColor::BrightRed => Color::Red,
        AnsiColor::BrightGreen => Color::Green,
        AnsiColor::BrightYellow => Color::Yellow,
        AnsiColor::BrightBlue => Color::Blue,
        AnsiColor::BrightMagenta => Color::Magenta,
        AnsiColor::BrightCyan => Color::Cyan,
        AnsiColor::BrightWhite => Color::White,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn page(width: usize) -> Page {
        Page { width, color: false, now: Timestamp::from_millis(0) }
    }

    fn holds() -> Table {
        let mut table = Table::new(&[
            Column::left("HOLD"),
            Column::left("STATUS"),
            Column::left("SEATS").broken(),
            Column::right("TIME LEFT").optional(0),
        ]);
        table.push(vec![
            Cell::new("0199a7c2"),
            Cell::toned("held", Tone::Waiting),
            Cell::list(["Floor A/3/12", "Floor A/3/13"].iter()),
            Cell::new("14 min 59 s"),
        ]);
        table
    }

    #[test]
    fn there_is_one_line_under_the_headings_and_no_white_space_behind() {
        insta::assert_snapshot!(holds().render(&page(80)), @r"
        HOLD      STATUS  SEATS                         TIME LEFT
        ─────────────────────────────────────────────────────────
        0199a7c2  held    Floor A/3/12, Floor A/3/13  14 min 59 s
        ");
    }

    #[test]
    fn where_room_is_short_optional_columns_go_and_long_values_break() {
        insta::assert_snapshot!(holds().render(&page(36)), @r"
        HOLD      STATUS  SEATS
        ───────────────────────────────
        0199a7c2  held    Floor A/3/12,
                          Floor A/3/13
        1 column left out; -o json or a
        wider window shows it
        ");
    }

    #[test]
    fn where_there_is_no_room_for_columns_each_line_is_a_card() {
        insta::assert_snapshot!(holds().render(&page(26)), @r"
        HOLD       0199a7c2
        STATUS     held
        SEATS      Floor A/3/12,
                   Floor A/3/13
        TIME LEFT  14 min 59 s
        ");
    }

    #[test]
    fn colour_adds_escape_codes_and_nothing_else() {
        let colored = holds().render(&Page { color: true, ..page(80) });
        assert!(colored.contains("\u{1b}["));
    }
}
