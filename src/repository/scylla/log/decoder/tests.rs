//! Recorded rows and what they mean; rows as they should never be.

use serde::Deserialize;
use uuid::Uuid;

use super::*;

const RECORDED: &str = include_str!("../../../../../fixtures/change_log/order_queue.json");

#[derive(Deserialize)]
struct Recorded {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    ticket: usize,
    #[serde(rename = "step")]
    tried: String,
    rows: Vec<Row>,
}

/// A row as its table has it.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "cdc$stream_id")]
    stream: String,
    #[serde(rename = "cdc$time")]
    time: Uuid,
    #[serde(rename = "cdc$batch_seq_no")]
    batch_seq_no: i32,
    #[serde(rename = "cdc$end_of_batch", default)]
    end_of_batch: bool,
    #[serde(rename = "cdc$operation")]
    operation: i8,
    event_id: Option<EventId>,
    ticket_id: Option<TicketId>,
    hold_id: Option<HoldId>,
    order_id: Option<OrderId>,
    session_id: Option<SessionId>,
    buyer_id: Option<BuyerId>,
    status: Option<String>,
    expires_at: Option<i64>,
}

impl From<Row> for LogRow {
    fn from(row: Row) -> Self {
        Self {
            key: RowKey::new(row.stream.replace("0x", ""), row.time, row.batch_seq_no),
            end_of_batch: row.end_of_batch,
            operation: Operation::of_number(row.operation),
            event_id: row.event_id,
            ticket_id: row.ticket_id,
            hold_id: row.hold_id,
            order_id: row.order_id,
            session_id: row.session_id,
            buyer_id: row.buyer_id,
            status: row.status,
            expires_at: row.expires_at.map(Timestamp::from_millis),
        }
    }
}

/// The recorded steps: which ticket, what was tried, and the rows that it left.
fn recorded() -> Vec<(usize, String, Vec<LogRow>)> {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    let steps = recorded.steps.into_iter();
    steps.map(|s| (s.ticket, s.tried, s.rows.into_iter().map(LogRow::from).collect())).collect()
}

/// The rows of the step of this name, the first if there are several.
fn rows_of(name: &str) -> Vec<LogRow> {
    recorded().into_iter().find(|(_, step, _)| step == name).unwrap().2
}

/// Feeds rows; returns what was told and what made no sense.
fn feed(decoder: &mut Decoder, rows: &[LogRow]) -> (Vec<Entry>, Vec<LogFault>) {
    let (mut told, mut faults) = (Vec::new(), Vec::new());
    decoder.feed(rows, &mut told, &mut faults);
    (told, faults)
}

/// What an entry says, without its keys: what happened, and in whose session.
fn line(entry: &Entry) -> String {
    let word = match entry.what {
        What::Surely(kind) | What::Freed(kind) => kind.word(),
        What::FreedBySomebody => "freed by somebody",
        What::Left => "left",
    };
    let session = entry.owner.as_ref().and_then(|owner| owner.session_id.as_ref());
    format!("{word} {}", session.map_or("-", |session| session.as_str()))
}

fn lines(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(line).collect()
}

#[test]
fn every_recorded_step_is_told_as_what_it_was() {
    let mut decoder = Decoder::default();
    let mut told = Vec::new();
    for (ticket, step, rows) in recorded() {
        let (entries, faults) = feed(&mut decoder, &rows);
        assert_eq!(faults, [], "{step}");
        assert!(entries.len() <= 1, "{step}");
        told.extend(entries.iter().map(|entry| format!("{ticket}, {step}: {}", line(entry))));
    }
    assert_eq!(
        told,
        [
            "0, claim: held session-0",
            "0, payment begins: paying session-0",
            "0, sold: sold session-0",
            "0, refunded: refunded session-0",
            "0, claimed by the next buyer: held session-2",
            "1, claim: held session-3",
            "1, abandon: abandoned session-3",
            "2, claim, 2 s, then silence: held session-5",
            "2, the next buyer takes the lapsed hold over: held session-6",
            "3, claim: held session-8",
            "3, payment begins: paying session-8",
            "3, card declined in time, held again with the time left: held_again session-8",
            "3, payment with another card: paying session-8",
            "3, sold: sold session-8",
            "4, claim: held session-9",
            "4, payment begins: paying session-9",
            "4, recovery aborts the overdue payment: aborted session-9",
            "5, blocked by ops: blocked -",
            "5, unblocked: unblocked -",
        ]
    );
}

#[test]
fn whoever_loses_a_ticket_is_named_with_his_hold() {
    let mut decoder = Decoder::default();
    let rows: Vec<LogRow> = recorded().into_iter().flat_map(|(_, _, rows)| rows).collect();
    let (told, _) = feed(&mut decoder, &rows);
    for freed in told.iter().filter(|entry| matches!(entry.what, What::Freed(_))) {
        let of_ticket = told.iter().filter(|entry| entry.ticket == freed.ticket);
        let before = of_ticket.take_while(|entry| entry.micros < freed.micros).last().unwrap();
        assert_eq!(freed.owner, before.owner);
        assert!(freed.owner.as_ref().unwrap().hold_id.is_some());
    }
    assert_eq!(decoder.owned().count(), 3, "held once more, taken over, and sold");
}

#[test]
fn a_follower_that_begins_in_the_middle_knows_who_left() {
    let claim = rows_of("claim");
    let (told, _) = feed(&mut Decoder::default(), &claim);
    let owner = told[0].owner.clone().unwrap();
    let held = (told[0].ticket, told[0].micros, Owner { status: TicketStatus::Sold, ..owner });
    let mut decoder = Decoder::starting_with([held]);
    let (told, _) = feed(&mut decoder, &[claim, rows_of("refunded")].concat());
    assert_eq!(lines(&told), ["refunded session-0"], "what was seen already is not told");
}

#[test]
fn what_came_free_from_somebody_unknown_is_told_as_such() {
    let (told, faults) = feed(&mut Decoder::default(), &rows_of("refunded"));
    assert_eq!((lines(&told), faults), (vec!["freed by somebody -".to_string()], vec![]));
}

#[test]
fn rows_that_are_read_again_are_not_told_again() {
    let rows: Vec<LogRow> = recorded().into_iter().flat_map(|(_, _, rows)| rows).collect();
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, &rows).0.len(), 19);
    assert_eq!(feed(&mut decoder, &rows), (vec![], vec![]));
    assert_eq!(feed(&mut decoder, &rows[7..]), (vec![], vec![]));
}

#[test]
fn images_of_rows_beside_an_operation_say_nothing() {
    let mut image = rows_of("claim")[0].clone();
    (image.operation, image.end_of_batch) = (Operation::of_number(0), false);
    let mut row = rows_of("claim")[0].clone();
    row.key.batch_seq_no = 1;
    let (told, faults) = feed(&mut Decoder::default(), &[image, row]);
    assert_eq!((lines(&told), faults), (vec!["held session-0".to_string()], vec![]));
}

#[test]
fn a_time_to_live_that_is_logged_is_an_expiry() {
    let mut row = rows_of("abandon")[0].clone();
    row.operation = Operation::of_number(-4);
    let mut decoder = Decoder::default();
    let claim: Vec<LogRow> = recorded()
        .into_iter()
        .flat_map(|(_, _, rows)| rows)
        .take_while(|r| r.key < row.key)
        .collect();
    feed(&mut decoder, &claim);
    assert_eq!(lines(&feed(&mut decoder, &[row]).0), ["expired session-3"]);
}

/// Damages the first payment of a ticket, then lets everything go on.
fn damaged(damage: impl Fn(&mut Vec<LogRow>)) -> (Vec<String>, Vec<LogFault>) {
    let [claim, mut paying, sold, refunded] =
        ["claim", "payment begins", "sold", "refunded"].map(rows_of);
    damage(&mut paying);
    let rows = [claim, paying, sold, refunded].concat();
    let (told, faults) = feed(&mut Decoder::default(), &rows);
    (lines(&told), faults)
}

#[test]
fn a_row_that_makes_no_sense_is_named_and_what_follows_is_told() {
    type Damage = fn(&mut Vec<LogRow>);
    let cases: [(&str, Damage); 11] = [
        ("cdc$operation is missing", |rows| rows[0].operation = Operation::Other(None)),
        ("status is missing", |rows| rows[0].status = None),
        ("status is `gone`", |rows| rows[0].status = Some("gone".into())),
        ("status is `available`", |rows| rows[0].status = Some("available".into())),
        ("hold_id is missing", |rows| rows[0].hold_id = None),
        ("session_id is missing", |rows| rows[0].session_id = None),
        ("order_id is missing", |rows| rows[0].order_id = None),
        ("expires_at is missing", |rows| rows[0].expires_at = None),
        ("operation 42 is none of a ticket sale", |rows| {
            rows[0].operation = Operation::of_number(42);
        }),
        ("its batch is not complete", |rows| rows[0].end_of_batch = false),
        ("its batch is not complete", |rows| rows[0].key.batch_seq_no = 1),
    ];
    for (why, damage) in cases {
        let key = {
            let mut rows = rows_of("payment begins");
            damage(&mut rows);
            rows[0].key.to_string()
        };
        let (told, faults) = damaged(damage);
        assert_eq!(faults, [LogFault { entry: key, why: why.into() }]);
        assert_eq!(told, ["held session-0", "sold session-0", "refunded session-0"], "{why}");
    }
}

#[test]
fn a_row_without_its_ticket_is_named_by_its_place() {
    for damage in [|row: &mut LogRow| row.ticket_id = None, |row: &mut LogRow| row.event_id = None]
    {
        let (told, faults) = damaged(|rows| damage(&mut rows[0]));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].entry.contains(" 255"), "{}", faults[0].entry);
        assert!(faults[0].why.ends_with("_id is missing"));
        assert_eq!(told.len(), 3);
    }
}

#[test]
fn who_left_a_ticket_whose_last_entry_made_no_sense_is_not_guessed() {
    let mut rows = rows_of("claim");
    rows[0].buyer_id = None;
    let rows = [rows, rows_of("refunded")].concat();
    let (told, faults) = feed(&mut Decoder::default(), &rows);
    assert_eq!((told.len(), faults.len()), (1, 1));
    assert_eq!(lines(&told), ["freed by somebody -"]);
}

#[test]
fn half_of_a_take_over_is_not_told_as_one() {
    let whole = rows_of("the next buyer takes the lapsed hold over");
    assert_eq!(whole.len(), 2);
    for half in &whole {
        let (told, faults) = feed(&mut Decoder::default(), std::slice::from_ref(half));
        assert_eq!((told, faults.len()), (vec![], 1));
    }
    let (told, _) = feed(&mut Decoder::default(), &whole);
    assert_eq!(lines(&told), ["held session-6"]);
}

#[test]
fn a_batch_about_two_tickets_makes_no_sense() {
    let mut rows = rows_of("the next buyer takes the lapsed hold over");
    rows[1].ticket_id = rows_of("claim")[0].ticket_id;
    let (told, faults) = feed(&mut Decoder::default(), &rows);
    assert_eq!(told, []);
    assert_eq!(faults[0].why, "its batch is about several tickets");
}

#[test]
fn an_entry_stands_where_its_time_is() {
    let row = &rows_of("claim")[0];
    assert_eq!(row.key.micros, 1_795_254_698_480_841);
    assert_eq!(super::super::row::at(row.key.micros).to_string(), "2026-11-21T09:51:38.480Z");
}

/// A row with which somebody else is given the ticket of `before`, so many microseconds later.
fn handed_over(before: &[LogRow], micros: u64, session: &str) -> LogRow {
    let mut row = rows_of("claim")[0].clone();
    let last = before.last().unwrap();
    row.key.micros = last.key.micros + micros;
    row.key.time = Uuid::from_u128(last.key.time.as_u128() + u128::from(micros));
    (row.event_id, row.ticket_id) = (last.event_id, last.ticket_id);
    row.operation = Operation::Update;
    row.hold_id = Some(HoldId::from_uuid(Uuid::from_u128(77)));
    row.session_id = SessionId::new(session).ok();
    row
}

#[test]
fn a_hand_over_is_told_as_two_changes() {
    let cases: [(&[&str], &[&str]); 4] = [
        (&["claim"], &["left session-0", "held cleo"]),
        (&["claim", "payment begins"], &["aborted session-0", "held cleo"]),
        (&["claim", "payment begins", "sold"], &["refunded session-0", "held cleo"]),
        (&["blocked by ops"], &["unblocked -", "held cleo"]),
    ];
    for (steps, expected) in cases {
        let before: Vec<LogRow> = steps.iter().flat_map(|step| rows_of(step)).collect();
        let mut decoder = Decoder::default();
        feed(&mut decoder, &before);
        let (told, faults) = feed(&mut decoder, &[handed_over(&before, 1000, "cleo")]);
        assert_eq!(
            (lines(&told), faults),
            (expected.iter().map(ToString::to_string).collect(), vec![])
        );
        assert!(told[0].micros < told[1].micros, "each has a place of its own");
        assert!(told[0].micros > before.last().unwrap().key.micros);
        let owners: Vec<Owner> = decoder.owned().map(|(_, _, owner)| owner.clone()).collect();
        assert_eq!(owners, [told[1].owner.clone().unwrap()]);
    }
}

#[test]
fn a_lapsed_hold_that_is_taken_over_left_nothing() {
    let claim = rows_of("claim");
    let mut decoder = Decoder::default();
    feed(&mut decoder, &claim);
    let lasts = claim[0].expires_at.unwrap().as_millis() - at(claim[0].key.micros).as_millis();
    let micros = u64::try_from(lasts + 1).unwrap() * 1000;
    let (told, _) = feed(&mut decoder, &[handed_over(&claim, micros, "cleo")]);
    assert_eq!(lines(&told), ["held cleo"]);
}
