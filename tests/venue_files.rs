//! The venue files in `fixtures/venues`, and that any layout can be written as such a file.

// Clippy knows functions that are tests, but not those that only tests call.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use insta::assert_snapshot;
use proptest::prelude::*;
use tix::domain::{Currency, Money};
use tix::minting::{Layout, ListedSeat, Seating, SectionLayout, VenueFaults, read_layout};

fn read(name: &str) -> Result<Layout, VenueFaults> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/venues").join(name);
    read_layout(&fs::read(path).unwrap(), Currency::EUR)
}

fn faults(name: &str) -> String {
    read(name).unwrap_err().to_string()
}

/// Types with their seats, in the order of the file.
fn types(layout: &Layout) -> Vec<(String, u64)> {
    let mut types: Vec<(String, u64)> = Vec::new();
    for section in &layout.sections {
        for seat in (0..section.seats()).filter_map(|index| section.seat(index)) {
            match types.iter_mut().find(|(type_id, _)| **type_id == *seat.type_id) {
                Some((_, seats)) => *seats += 1,
                None => types.push((seat.type_id.to_string(), 1)),
            }
        }
    }
    types
}

#[test]
fn the_theatre_can_be_read_in_full() {
    let theatre = read("theatre.csv").unwrap();
    let lines: Vec<String> = theatre
        .sections
        .iter()
        .map(|section| {
            let price = section.seat(0).unwrap().price;
            let (name, type_id, entrance) = (&section.name, &section.type_id, &section.entrance);
            format!("{name}: {} {type_id} at {price}, {entrance}", section.seats())
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    Orchestra Stalls: 108 premium at 94.50 EUR, Foyer left
    Centre Stalls: 176 regular at 72.00 EUR, Foyer left
    Rear Stalls: 120 economy at 49.50 EUR, Foyer right
    Dress Circle Centre: 64 premium at 89.00 EUR, Grand staircase
    Dress Circle Sides: 48 regular at 64.00 EUR, Grand staircase
    Royal Box: 8 VIP at 165.00 EUR, Private stairs
    Box A: 6 VIP at 120.00 EUR, Box corridor left
    Box B: 6 VIP at 120.00 EUR, Box corridor right
    Upper Circle: 120 economy at 38.50 EUR, Side street stairs
    Balcony: 104 economy at 24.00 EUR, Side street stairs
    ");
}

#[test]
fn the_arena_has_10_000_seats() {
    let arena = read("arena.csv").unwrap();
    assert_eq!((arena.sections.len(), arena.tickets()), (38, 10_000));
    assert_snapshot!(format!("{:?}", types(&arena)), @r#"[("premium", 1488), ("regular", 5312), ("economy", 2800), ("VIP", 400)]"#);
}

#[test]
fn the_stadium_has_50_000_seats() {
    let stadium = read("stadium.csv").unwrap();
    assert_eq!((stadium.sections.len(), stadium.tickets()), (130, 50_000));
    assert_snapshot!(format!("{:?}", types(&stadium)), @r#"[("premium", 10420), ("regular", 17380), ("economy", 20640), ("VIP", 1560)]"#);
}

#[test]
fn the_hall_names_every_seat() {
    let hall = read("hall_per_seat.csv").unwrap();
    assert_eq!(hall.tickets(), 296);
    let sections: Vec<(&str, u32, u64)> =
        hall.sections.iter().map(|s| (s.name.as_str(), s.rows(), s.seats())).collect();
    assert_snapshot!(format!("{sections:?}"), @r#"[("Parterre", 12, 188), ("Gallery left", 2, 27), ("Gallery right", 2, 27), ("Rear gallery", 2, 32), ("Choir", 2, 22)]"#);
    assert_snapshot!(format!("{:?}", types(&hall)), @r#"[("regular", 106), ("premium", 38), ("economy", 120), ("wheelchair", 2), ("companion", 2), ("restricted view", 28)]"#);
}

#[test]
fn the_broken_file_has_one_fault_of_each_kind_that_a_line_per_section_can_have() {
    assert_snapshot!(faults("broken.csv"), @r"
    line 3, column section: empty
    line 4, column type: empty
    line 5, column price: empty
    line 6, column price: `forty` is not a decimal number such as 49.50
    line 7, column price: `-5.00` is negative
    line 8, column price: `1049.505` has more than the 2 decimals of EUR
    line 9, column price: `3500000000` is more than 1000000000 EUR, the most that a ticket may cost
    line 10, column rows: `0` is not a whole number from 1 to 10000, in digits alone
    line 11, column seats_per_row: `twenty` is not a whole number from 1 to 10000, in digits alone
    line 12, column rows: `100000` is not a whole number from 1 to 10000, in digits alone
    line 13, column section: `Stalls` is already on line 2
    line 14, column section: `This name goes on and on until it is lon…` is 96 bytes long; 80 are allowed
    line 15, column section: `A tab\tin the name` contains U+0009 (tab) as character 6; remove it
    line 16: 5 fields, but the header has 6
    line 17: 7 fields, but the header has 6; a value that contains the separator stands in quotes
    line 18, column type: a quote opens here and is not closed on the same line
    line 19, column section: text follows the closing quote; a quote within a quoted value is written twice
    line 20, column type: a space stands before the opening quote
    line 21, column price: `1.500` is ambiguous: 1.5 EUR with a decimal point, or 1500 EUR with a thousands separator; write 1.50 or 1500
    line 22, column price: `1'500.00` has an apostrophe as thousands separator; write 1500.00
    line 23, column price: `49,50` has a decimal comma, but the price on line 2 has another decimal mark; write all prices of the file with the same one
    line 24, column price: `49.50 EUR` names a currency; write the number alone, which is read in EUR
    line 25, column type: `#REF!` is what a spreadsheet writes for a formula that fails or a column that is too narrow; fix the cell there and export the sheet again
    line 26, column section: `An invisible\u{200b} character` contains U+200B (zero width space) as character 13; remove it
    line 27, column section: `STALLS` is already on line 2
    line 28: with this line there are 100000800 tickets; an event has at most 5000000
    ");
}

#[test]
fn the_broken_file_per_seat_has_one_fault_of_each_kind_that_a_line_per_seat_can_have() {
    assert_snapshot!(faults("broken_per_seat.csv"), @"
    line 4, column section: empty
    line 5, column row: empty
    line 6, column seat: empty
    line 7, column type: empty
    line 8, column price: empty
    line 9, column price: `1036.005` has more than the 2 decimals of EUR
    line 10, column row: `A/B` contains a slash, which parts section, row and seat
    line 11, column seat: `10/11` contains a slash, which parts section, row and seat
    line 12, column seat: `Parterre/A/2` is already on line 3
    line 13: 4 fields, but the header has 5
    line 14, column seat: a quote opens here and is not closed on the same line
    line 15, column type: text follows the closing quote; a quote within a quoted value is written twice
    ");
}

#[test]
fn a_fault_that_hides_all_others_is_told_alone() {
    assert_snapshot!(faults("broken/empty.csv"), @"line 1: the file is empty");
    assert_snapshot!(faults("broken/header_only.csv"), @"line 1: the file has a header and nothing below it");
    assert_snapshot!(faults("broken/other_file.csv"), @"line 1: `name,city,country` is not the header of a venue file; write section,type,price,rows,seats_per_row[,entrance][,aisle_after] or section,row,seat,type,price[,aisle_after]");
    assert_snapshot!(faults("broken/unclosed_quote.csv"), @"line 1: a quote opens here and is not closed on the same line");
    assert_snapshot!(faults("broken/utf16.csv"), @"line 1: the file is UTF-16 without a byte-order mark; save it as UTF-8");
    assert_snapshot!(faults("broken/workbook.csv"), @"line 1: the file is an Excel workbook (.xlsx), not CSV; export the sheet as CSV (UTF-8)");
}

#[test]
fn a_wrong_header_is_told_column_by_column() {
    assert_snapshot!(faults("broken/wrong_header.csv"), @"
    line 1: `colour` is not a column of such a file; write section,type,price,rows,seats_per_row[,entrance][,aisle_after]
    line 1, column price: the header names this column twice
    line 1, column seats_per_row: the header does not name this column; write section,type,price,rows,seats_per_row[,entrance][,aisle_after]
    ");
}

#[test]
fn lines_that_are_not_utf8_are_told_one_by_one() {
    assert_snapshot!(faults("broken/not_utf8.csv"), @"line 3, column type: the byte 0xE9 is not UTF-8 (it is `é` in Windows-1252); save the file as UTF-8");
}

#[test]
fn ambiguous_prices_are_refused_with_both_readings() {
    let header = "section;row;seat;type;price\n";
    let faults = |lines: &str, currency: &str| {
        let currency = Currency::of_code(currency).unwrap();
        read_layout(format!("{header}{lines}").as_bytes(), currency).unwrap_err().to_string()
    };
    assert_snapshot!(faults("Loge;A;1;VIP;1.500\n", "EUR"), @"line 2, column price: `1.500` is ambiguous: 1.5 EUR with a decimal point, or 1500 EUR with a thousands separator; write 1.50 or 1500");
    assert_snapshot!(faults("S;A;1;std;12.000\n", "JPY"), @"line 2, column price: `12.000` is ambiguous: 12 JPY with a decimal point, or 12000 JPY with a thousands separator; write 12 or 12000");
    assert_snapshot!(faults("Loge;A;1;VIP;1.500\nLoge;A;2;VIP;99,50\n", "EUR"), @"line 2, column price: `1.500` is ambiguous: 1.5 EUR with a decimal point, or 1500 EUR with a thousands separator; write 1.50 or 1500");
    assert_snapshot!(faults("Loge;A;1;VIP;1.50\nLoge;A;2;VIP;99,50\nLoge;A;3;VIP;9,5\n", "EUR"), @"
    line 3, column price: `99,50` has a decimal comma, but the price on line 2 has another decimal mark; write all prices of the file with the same one
    line 4, column price: `9,5` has a decimal comma, but the price on line 2 has another decimal mark; write all prices of the file with the same one
    ");
}

/// What a spreadsheet makes of a small file, and the prices that are read of it.
fn prices(bytes: &[u8], currency: &str) -> Vec<String> {
    let layout = read_layout(bytes, Currency::of_code(currency).unwrap()).unwrap();
    let seats = layout.sections.iter().flat_map(|s| (0..s.seats()).filter_map(|n| s.seat(n)));
    seats.map(|seat| seat.price.to_string()).collect()
}

#[test]
fn decimal_comma_is_read() {
    let text = "section;row;seat;type;price\nA;1;1;x;99,50\nA;1;2;x;7\nA;1;3;x;1,5\n";
    assert_eq!(prices(text.as_bytes(), "EUR"), ["99.50 EUR", "7.00 EUR", "1.50 EUR"]);
}

#[test]
fn price_bound_is_on_the_value() {
    let text = "section,row,seat,type,price\nS,A,1,vip,11000000\n";
    assert_eq!(prices(text.as_bytes(), "IDR"), ["11000000.00 IDR"]);
}

#[test]
fn leftovers_of_spreadsheets_are_read() {
    let plain = "section,row,seat,type,price\nS,A,1,t,1\nS,A,2,t,1\n";
    let expected = read_layout(plain.as_bytes(), Currency::EUR).unwrap();
    let utf16 = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect()
    };
    let same = [
        format!("sep=;\n{}", plain.replace(',', ";")).into_bytes(),
        format!("\u{feff}sep=,\r\n{}", plain.replace('\n', "\r\n")).into_bytes(),
        format!("sep=;\n{plain}").into_bytes(),
        plain.replace('\n', ",,\n").into_bytes(),
        plain.replace("price\n", "price,,\n").into_bytes(),
        plain.replace(",1\n", ",1,\n").into_bytes(),
        format!("{plain},,,,,,\n\n").into_bytes(),
        utf16(plain, u16::to_le_bytes),
        utf16(&plain.replace(',', "\t"), u16::to_be_bytes),
    ];
    for bytes in same {
        let layout = read_layout(&bytes, Currency::EUR);
        assert_eq!(layout.as_ref(), Ok(&expected), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn leftovers_of_spreadsheets_hide_no_fault() {
    let faults = |text: &str| read_layout(text.as_bytes(), Currency::EUR).unwrap_err().to_string();
    assert_snapshot!(faults("sep=;\nsection;row;seat;type;price;\nS;A;1;t;#N/A;\nS;A;#VALUE!;t;1;x\nS;###;3;t;1\n"), @"
    line 3, column price: `#N/A` is what a spreadsheet writes for a formula that fails or a column that is too narrow; fix the cell there and export the sheet again
    line 4: 6 fields, but the header has 5; a value that contains the separator stands in quotes
    line 5, column row: `###` is what a spreadsheet writes for a formula that fails or a column that is too narrow; fix the cell there and export the sheet again
    ");
    assert_snapshot!(faults("section,,row,seat,type,price,\n"), @"line 1: field 2 of the header has no name; write section,row,seat,type,price[,aisle_after]");
    assert_snapshot!(faults("sep=x\nsection,row\n"), @"line 1: `sep=x` names no separator; write sep=, or sep=; above the header, or nothing");
    assert_snapshot!(faults("sep=;\n"), @"line 1: the file is empty");
    assert_snapshot!(faults("sep=;\nsection;row;seat;type;price\n"), @"line 2: the file has a header and nothing below it");
}

/// Names as people write them, and as they don't: commas, quotes, leading signs. In lower case, so
/// that no two of them are spellings of one name.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{2,9}( [0-9]{1,3})?",
        "[!-.0-@\\[-~äé]([ -.0-@\\[-~äé]{0,10}[!-.0-@\\[-~äé])?"
    ]
    .prop_filter("not a failed formula", |name| !name.starts_with('#'))
    .prop_map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn section_name() -> impl Strategy<Value = String> {
    prop_oneof![name(), "[A-Z]/[0-9]"]
}

fn price() -> impl Strategy<Value = Money> {
    (0..=1_000_000_000_i64).prop_map(|minor| Money::from_minor(minor, Currency::EUR))
}

fn grid() -> impl Strategy<Value = Seating> {
    (1..=50_u32, 1..=50_u32, price()).prop_map(|(rows, seats_per_row, price)| Seating::Grid {
        rows,
        seats_per_row,
        price,
    })
}

/// Rows with different names, each of seats with different names.
fn listed() -> impl Strategy<Value = Seating> {
    let aisle = prop::option::of(any::<bool>());
    let seats = prop::collection::btree_map(name(), (name(), price(), aisle), 1..6);
    prop::collection::btree_map(name(), seats, 1..5).prop_map(|rows| {
        let mut listed = Vec::new();
        for (row, seats) in rows {
            for (seat, (type_id, price, aisle_after)) in seats {
                let [row, seat, type_id] = [&row, &seat, &type_id].map(|s| Arc::from(s.as_str()));
                listed.push(ListedSeat { row, seat, type_id, price, aisle_after });
            }
        }
        Seating::Listed(listed)
    })
}

/// Sections with different names, all of one kind of seating.
fn sections(seating: impl Strategy<Value = Seating>) -> impl Strategy<Value = Vec<SectionLayout>> {
    let section = (name(), prop_oneof![Just(String::new()), name()], seating);
    prop::collection::btree_map(section_name(), section, 1..6).prop_map(|sections| {
        let section = |(name, (type_id, entrance, seating))| match seating {
            Seating::Grid { .. } => {
                SectionLayout { name, type_id: String::into(type_id), entrance, seating }
            }
            Seating::Listed(ref seats) => SectionLayout {
                name,
                type_id: Arc::clone(&seats[0].type_id),
                entrance: String::new(),
                seating,
            },
        };
        sections.into_iter().map(section).collect()
    })
}

/// Writes sections as a venue file, as another program would.
fn write(sections: &[SectionLayout], separator: u8, line_end: csv::Terminator) -> Vec<u8> {
    let mut csv = csv::WriterBuilder::new();
    let mut csv = csv.delimiter(separator).terminator(line_end).from_writer(Vec::new());
    match sections[0].seating {
        Seating::Grid { .. } => {
            csv.write_record(["section", "type", "price", "rows", "seats_per_row", "entrance"])
        }
        Seating::Listed(_) => {
            csv.write_record(["section", "row", "seat", "type", "price", "aisle_after"])
        }
    }
    .unwrap();
    for section in sections {
        match &section.seating {
            Seating::Grid { rows, seats_per_row, price } => {
                let [price, rows, seats_per_row] =
                    [price.decimal().to_string(), rows.to_string(), seats_per_row.to_string()];
                let (name, type_id, entrance) =
                    (&section.name, &section.type_id, &section.entrance);
                csv.write_record([name, &**type_id, &price, &rows, &seats_per_row, entrance])
                    .unwrap();
            }
            Seating::Listed(seats) => {
                for seat in seats {
                    let price = seat.price.decimal().to_string();
                    let aisle = seat.aisle_after.map_or("", |it| if it { "yes" } else { "no" });
                    csv.write_record([
                        section.name.as_str(),
                        &seat.row,
                        &seat.seat,
                        &seat.type_id,
                        &price,
                        aisle,
                    ])
                    .unwrap();
                }
            }
        }
    }
    csv.into_inner().unwrap()
}

/// Bytes that often look like a venue file.
fn file_like_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "section,type,price,rows,seats_per_row\n",
        "section,row,seat,type,price\n",
        "A,1,1,x,1\n",
        "A,x,1,1,1\n",
        "\"",
        ",",
        ";",
        "\r\n",
        "\r",
        "\n",
        " ",
        "9999999",
        "-",
        "\u{feff}",
        "é",
    ]);
    let piece = prop_oneof![
        8 => pieces.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_layout_that_is_written_reads_back_the_same(
        sections in prop_oneof![sections(grid()).boxed(), sections(listed()).boxed()],
        separator in prop::sample::select(b",;\t".to_vec()),
        crlf: bool,
    ) {
        let line_end =
            if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let layout = read_layout(&write(&sections, separator, line_end), Currency::EUR);
        prop_assert_eq!(layout.map(|layout| layout.sections), Ok(sections));
    }

    #[test]
    fn any_bytes_are_read_or_refused_with_lines_in_order(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), file_like_bytes()],
    ) {
        match read_layout(&bytes, Currency::EUR) {
            Ok(layout) => prop_assert!(layout.tickets() > 0),
            Err(faults) => {
                prop_assert!(!faults.faults().is_empty());
                prop_assert!(faults.faults().is_sorted_by_key(|fault| fault.line));
                let lines = 1 + bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() as u64;
                prop_assert!(faults.faults().iter().all(|f| (1..=lines).contains(&f.line)));
                let text = faults.to_string();
                prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
