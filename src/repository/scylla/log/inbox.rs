//! What was read of the log and is not told yet, and how far every stream of it is read.
//!
//! Each stream is read for itself, some further than others. Rows wait here until all streams are
//! read up to their time, so that they leave in the order of time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::row::{LogRow, RowKey};
use crate::domain::Timestamp;

/// Rows that wait here before streams that are ahead of others are held up.
const ROWS_MAX: usize = 200_000;

/// For how long it is remembered which rows were here: longer than late ones are looked for.
const KEYS_KEPT: Duration = Duration::from_secs(20);

/// How often a stream that is held up looks whether it may go on.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Rows on their way from the readers of the streams to the follower.
#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    rows: BTreeMap<RowKey, LogRow>,
    /// Up to when each stream of the present generation is read; none of a generation before the
    /// first of its streams is known.
    read_until: HashMap<String, Timestamp>,
    /// The keys of the rows that left a short while ago: these are not taken again.
    left: BTreeSet<RowKey>,
    /// How many rows ever came.
    came: u64,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reading begins with these streams, which are not read before `at`.
    pub(super) fn begin(&self, streams: impl IntoIterator<Item = String>, at: Timestamp) {
        self.lock().read_until = streams.into_iter().map(|stream| (stream, at)).collect();
    }

    /// The readers have ended, and which streams come next is not known. Answers those they read.
    pub(super) fn interrupt(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().read_until).into_keys().collect()
    }

    /// Whether a row of this time may come. Where so many wait already, its stream should let others
    /// catch up first; a stream that no other is behind by more than `ahead_max` is never held up.
    pub(super) fn has_room_for(&self, at: Timestamp, ahead_max: Duration) -> bool {
        let content = self.lock();
        let slowest = content.read_until.values().min();
        content.rows.len() < ROWS_MAX || slowest.is_none_or(|slow| at <= slow.plus(ahead_max))
    }

    /// Takes a row, unless it was here a short while ago.
    pub(super) fn push(&self, row: LogRow) {
        let mut content = self.lock();
        if !content.left.contains(&row.key) {
            content.rows.insert(row.key.clone(), row);
            content.came += 1;
        }
    }

    /// A stream is read up to, and not including, `until`.
    pub(super) fn mark(&self, stream: &str, until: Timestamp) {
        if let Some(mark) = self.lock().read_until.get_mut(stream) {
            *mark = until.max(*mark);
        }
    }

    /// How many rows ever came.
    pub(super) fn came(&self) -> u64 {
        self.lock().came
    }

    /// The time before which everything is read; none where that is not known.
    pub(super) fn read_until(&self) -> Option<Timestamp> {
        self.lock().read_until.values().min().copied()
    }

    /// The streams that are read now, and the time before which all of them are.
    pub(super) fn streams(&self) -> Option<(Vec<String>, Timestamp)> {
        let content = self.lock();
        let until = content.read_until.values().min().copied()?;
        Some((content.read_until.keys().cloned().collect(), until))
    }

    /// Takes out the rows before `until`, in order.
    pub(super) fn take_until(&self, until: Timestamp) -> Vec<LogRow> {
        let mut content = self.lock();
        let later = content.rows.split_off(&first_of(until));
        let rows = std::mem::replace(&mut content.rows, later);
        let kept = until.minus(KEYS_KEPT);
        content.left = content.left.split_off(&first_of(kept));
        let recent = rows.range(first_of(kept)..).map(|(key, _)| key.clone());
        content.left.extend(recent);
        rows.into_values().collect()
    }
}

/// The first key that a row of this time could have.
fn first_of(time: Timestamp) -> RowKey {
    let micros = u64::try_from(time.as_millis()).unwrap_or(0).saturating_mul(1000);
    RowKey { micros, ..RowKey::new(String::new(), uuid::Uuid::nil(), i32::MIN) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::repository::scylla::log::row::Operation;

    fn row(micros: u64, stream: &str) -> LogRow {
        let key = RowKey { micros, ..RowKey::new(stream.into(), Uuid::nil(), 0) };
        LogRow {
            key,
            end_of_batch: true,
            operation: Operation::Delete,
            event_id: None,
            ticket_id: None,
            hold_id: None,
            order_id: None,
            session_id: None,
            buyer_id: None,
            status: None,
            expires_at: None,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn rows_wait_for_the_slowest_stream_and_leave_in_the_order_of_time() {
        let inbox = Inbox::default();
        assert_eq!(inbox.read_until(), None);
        inbox.begin(["a".into(), "b".into()], at(1));
        for (micros, stream) in [(5_000, "a"), (3_000, "a"), (4_999, "b"), (3_000, "a")] {
            inbox.push(row(micros, stream));
        }
        inbox.mark("a", at(9));
        assert_eq!(inbox.read_until(), Some(at(1)));
        inbox.mark("b", at(5));
        assert_eq!(inbox.read_until(), Some(at(5)));
        let micros = |rows: Vec<LogRow>| rows.iter().map(|row| row.key.micros).collect::<Vec<_>>();
        assert_eq!(micros(inbox.take_until(at(5))), [3_000, 4_999], "what was read twice is once");
        assert_eq!(micros(inbox.take_until(at(9))), [5_000]);
        for micros in [3_000, 3_500, 4_999, 5_000] {
            inbox.push(row(micros, "b"));
            inbox.push(row(micros, "a"));
        }
        let late = inbox.take_until(at(9));
        let late = late.iter().map(|row| (row.key.micros, row.key.stream.as_str()));
        let expected = [(3_000, "b"), (3_500, "a"), (3_500, "b"), (4_999, "a"), (5_000, "b")];
        assert_eq!(late.collect::<Vec<_>>(), expected, "only what was not here before");
    }

    #[test]
    fn only_streams_that_are_ahead_are_held_up() {
        let inbox = Inbox::default();
        inbox.begin(["a".into(), "b".into()], at(100));
        for micros in 0..ROWS_MAX as u64 {
            assert!(inbox.has_room_for(at(1_000_000), Duration::ZERO));
            inbox.push(row(micros, "a"));
        }
        let ahead = Duration::from_millis(50);
        assert!(inbox.has_room_for(at(150), ahead));
        assert!(!inbox.has_room_for(at(151), ahead));
        inbox.mark("b", at(101));
        assert!(!inbox.has_room_for(at(151), ahead), "the other is not on");
        inbox.mark("a", at(101));
        assert!(inbox.has_room_for(at(151), ahead));
    }
}
