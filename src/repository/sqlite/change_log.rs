//! Reading the change log, in short steps that do not pin the write-ahead log.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::deletion;
use super::failure::Outcome;
use super::values::{corrupt_row, decode, unknown_word};
use crate::domain::{Change, ChangeKind, FollowerName, Position, SeatLabel, Timestamp};
use crate::repository::LogFault;
use crate::repository::shared_text::SharedText;

/// Columns that [`read_change`] reads, of `tickets t`, `venue_sections s`, `events e`, `holds h`.
const SEAT_AND_HOLD: &str = "e.event_id, t.ticket_id, s.name, t.row_name, t.seat_name, \
     h.hold_id, h.session_id, h.buyer_id, h.expires_at";

/// What an entry `l` of the log is about, even where nothing of it is there.
const JOINS: &str = "LEFT JOIN tickets t USING (ticket_no) LEFT JOIN venue_sections s \
     USING (section_no) LEFT JOIN events e USING (event_no) LEFT JOIN holds h \
     ON h.hold_id = l.hold_id";

/// An entry, or what is wrong with it.
pub(super) type Entry = Result<Change, LogFault>;

fn read_change(
    row: &Row<'_>,
    names: &mut SharedText,
    position: Position,
    at: Timestamp,
    change: ChangeKind,
) -> rusqlite::Result<Change> {
    let mut name = |column| Ok::<_, rusqlite::Error>(names.of(row.get_ref(column)?.as_str()?));
    Ok(Change {
        position,
        at,
        change,
        event_id: row.get(3)?,
        ticket_id: row.get(4)?,
        label: SeatLabel { section: name(5)?, row: name(6)?, seat: name(7)? },
        hold_id: row.get(8)?,
        session_id: row.get(9)?,
        buyer_id: row.get(10)?,
        expires_at: row.get(11)?,
    })
}

fn kind(word: &str) -> rusqlite::Result<ChangeKind> {
    ChangeKind::of_word(word).ok_or_else(|| unknown_word(word, "change"))
}

fn stored_position(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

fn read_position(position: i64) -> Position {
    Position(u64::try_from(position).unwrap_or(0))
}

/// Reads an entry of the log whose position is that of the row's first column.
fn read_entry(row: &Row<'_>, names: &mut SharedText) -> rusqlite::Result<(Position, Entry)> {
    let position = read_position(row.get(0)?);
    let mut entry =
        || read_change(row, names, position, row.get(1)?, kind(row.get_ref(2)?.as_str()?)?);
    Ok((position, entry().map_err(|e| fault(position, &e))))
}

fn fault(position: Position, error: &rusqlite::Error) -> LogFault {
    let why = match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, why) => why.to_string(),
        other => other.to_string(),
    };
    LogFault { entry: position.0.to_string(), why }
}

/// Entries that were read in one step.
pub(super) struct Read {
    /// The entries, each with its position; those of deleted events are left out.
    pub(super) entries: Vec<(Position, Entry)>,
    /// The position of the last one, left out or not.
    pub(super) last: Option<Position>,
    /// Whether there were no more.
    pub(super) is_all: bool,
}

/// The first `limit` entries after `after`.
pub(super) fn after(
    connection: &Connection,
    after: Position,
    limit: u32,
    names: &mut SharedText,
) -> Outcome<Read> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT l.position, l.at, l.change, {SEAT_AND_HOLD}, l.ticket_no FROM change_log l {JOINS}
          WHERE l.position > ?1 ORDER BY l.position LIMIT ?2"
    ))?;
    let mut rows = statement.query(params![stored_position(after), limit])?;
    let (mut entries, mut last, mut count) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        let (position, entry) = read_entry(row, names)?;
        (last, count) = (Some(position), count + 1);
        if entry.is_ok() || !deletion::was_of_deleted(connection, row.get("ticket_no")?)? {
            entries.push((position, entry));
        }
    }
    Ok(Read { entries, last, is_all: count < limit })
}

fn last(connection: &Connection) -> Outcome<Position> {
    let sql = "SELECT coalesce(max(position), 0) FROM change_log";
    Ok(read_position(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

/// Where the log ends, and what is owned there.
pub(super) struct End {
    /// The last position.
    pub(super) position: Position,
    /// The tickets that are held or being paid for at that point.
    pub(super) owned: Vec<Change>,
    /// What is wrong with the rows of others, one sentence each.
    pub(super) faults: Vec<String>,
}

/// The last position, and the tickets that are held or being paid for at that point. A row that
/// cannot be read does not keep a follower from the others.
pub(super) fn end(connection: &Connection, now: Timestamp) -> Outcome<End> {
    let position = last(connection)?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT q.status, h.started_at, q.ticket_no, {SEAT_AND_HOLD} FROM order_queue q
           JOIN holds h USING (hold_id) JOIN tickets t USING (ticket_no)
           JOIN venue_sections s USING (section_no) JOIN events e ON e.event_no = s.event_no
          WHERE q.status = 'paying' OR (q.status = 'held' AND q.expires_at > ?1)
          ORDER BY q.ticket_no"
    ))?;
    let mut names = SharedText::default();
    let mut rows = statement.query([now])?;
    let mut end = End { position, owned: Vec::new(), faults: Vec::new() };
    while let Some(row) = rows.next()? {
        let read = decode("order_queue", row, 2, |row| {
            let change = kind(row.get_ref(0)?.as_str()?)?;
            read_change(row, &mut names, position, row.get(1)?, change)
        });
        match read {
            Ok(change) => end.owned.push(change),
            Err(error) => match corrupt_row(&error) {
                Some(corrupt) => end.faults.push(corrupt.to_string()),
                None => return Err(error.into()),
            },
        }
    }
    Ok(end)
}

/// The tickets that were held or being paid for at `at`, right after the entry at `position`.
///
/// Whatever was held then was claimed a time to pay earlier at the most, so that no more of the log
/// is read than that.
pub(super) fn owned_at(
    connection: &Connection,
    position: Position,
    at: Timestamp,
) -> Outcome<Vec<Change>> {
    let earlier = at.as_millis().saturating_sub(longest_checkout(connection)?);
    let from = before(connection, Timestamp::from_millis(earlier))?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT l.position, l.at, l.change, {SEAT_AND_HOLD} FROM change_log l {JOINS}
          WHERE l.position IN (SELECT max(position) FROM change_log
                                WHERE position > ?1 AND position <= ?2 GROUP BY ticket_no)
            AND (l.change = 'paying'
                 OR l.change IN ('held', 'held_again') AND h.expires_at > ?3)
          ORDER BY l.position"
    ))?;
    let bounds = params![stored_position(from), stored_position(position), at];
    let mut names = SharedText::default();
    let rows = statement.query_map(bounds, |row| read_entry(row, &mut names))?;
    // What makes no sense was told, or will be, where it stands in the log.
    let entries = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().filter_map(|(_, entry)| entry.ok()).collect())
}

/// The longest time that a ticket may be held and paid for at any event, in milliseconds.
fn longest_checkout(connection: &Connection) -> Outcome<i64> {
    let sql = "SELECT coalesce(max(time_to_pay_ms + payment_time_ms), 0) FROM events";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The last position whose entry is older than `time`. Entries are in the order of time, because the
/// store's time never runs backwards; those of a store that an early tix wrote may not be.
pub(super) fn before(connection: &Connection, time: Timestamp) -> Outcome<Position> {
    // Where an event was deleted, positions are missing.
    let mut statement = connection.prepare_cached(
        "SELECT at FROM change_log WHERE position >= ?1 ORDER BY position LIMIT 1",
    )?;
    let (mut older, mut newer) = (0, stored_position(last(connection)?) + 1);
    while newer - older > 1 {
        let middle = older + (newer - older) / 2;
        let at: Option<Timestamp> = statement.query_row([middle], |row| row.get(0)).optional()?;
        if at.is_some_and(|at| at < time) {
            older = middle;
        } else {
            newer = middle;
        }
    }
    Ok(read_position(older))
}

/// What a follower saved: the last entry that it told, and the time up to which it told what
/// expired.
pub(super) fn progress(
    connection: &Connection,
    follower: &FollowerName,
) -> Outcome<Option<(Position, Timestamp)>> {
    let sql = "SELECT position, seen_until FROM log_progress WHERE follower = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row([follower.as_str()], |row| Ok((read_position(row.get(0)?), row.get(1)?)))
        .optional()?;
    Ok(found)
}

/// Saves how far a follower has told.
pub(super) fn save_progress(
    connection: &Connection,
    follower: &FollowerName,
    position: Position,
    seen_until: Timestamp,
) -> Outcome<()> {
    let sql = "INSERT INTO log_progress (follower, position, seen_until) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET position = ?2, seen_until = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![follower.as_str(), stored_position(position), seen_until])?;
    Ok(())
}
