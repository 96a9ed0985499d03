//! A run's own history: who was told to own what, from when to when.
//!
//! It is written by whoever talks to the repository, from the answers alone, and is the audit's
//! evidence of what was acknowledged.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tempfile::{SpooledTempFile, spooled_tempfile};

use crate::domain::{BuyerId, EventId, HoldId, OrderId, TicketId, Timestamp};

/// One answer that a buyer got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When the request was sent.
    pub sent_at: Timestamp,
    /// When its answer was there.
    pub told_at: Timestamp,
    /// The event.
    pub event_id: EventId,
    /// The hold that the answer is about.
    pub hold_id: HoldId,
    /// The buyer.
    pub buyer_id: BuyerId,
    /// The tickets of the hold.
    pub tickets: Vec<TicketId>,
    /// What he was told.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a buyer was told about a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The tickets are his from one time to the other.
    Held {
        /// When the hold was started, by the store's clock.
        from: Timestamp,
        /// Its deadline.
        until: Timestamp,
    },
    /// The tickets are his for good.
    Paid {
        /// The order.
        order_id: OrderId,
        /// What was captured, in minor units.
        amount_minor: i64,
    },
    /// His payment was declined, or came too late.
    NotPaid {
        /// The order; none where the payment could not even begin.
        order_id: Option<OrderId>,
    },
    /// His hold is given up.
    Abandoned,
    /// His order is cancelled.
    Refunded {
        /// The order.
        order_id: OrderId,
    },
}

/// How much of a history is kept in memory; beyond that all of it is in a temporary file.
const IN_MEMORY_MAX: usize = 1 << 20;

/// Collects a run's history, and hands it out again, one answer after the other.
///
/// However long it gets, little of it is in memory: the rest is in a temporary file without a name,
/// which is gone with the process.
#[derive(Debug, Default)]
pub struct History {
    lines: Mutex<Lines>,
    file: Option<Mutex<File>>,
}

impl History {
    /// A history that is also appended to the file at `path`, one JSON object a line. A line is
    /// handed to the operating system before [`History::record`] returns. A torn line, left by a
    /// process that was killed, is ended first and stays as it is.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let mut file = File::options().create(true).append(true).open(path)?;
        if ends_amid_a_line(path)? {
            file.write_all(b"\n")?;
        }
        Ok(Self { lines: Mutex::default(), file: Some(Mutex::new(file)) })
    }

    /// The history that a file has. A torn line, left by a process that was killed, is passed over.
    ///
    /// # Errors
    /// The file cannot be read, or a line is neither history nor the beginning of it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut lines = Lines::default();
        for (number, line) in BufReader::new(File::open(path)?).lines().enumerate() {
            let mut line = line?;
            match serde_json::from_str::<Told>(&line) {
                Ok(told) => {
                    line.push('\n');
                    lines.push(told.event_id, line.as_bytes())?;
                }
                Err(e) if e.is_eof() => {}
                Err(e) => {
                    let message = format!("line {} is no history: {e}", number + 1);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
            }
        }
        Ok(Self { lines: Mutex::new(lines), file: None })
    }

    /// Adds one answer.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn record(&self, told: &Told) -> io::Result<()> {
        let mut line = serde_json::to_vec(told)?;
        line.push(b'\n');
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)?;
        }
        self.lines().push(told.event_id, &line)
    }

    /// The events that the answers are about, and how many answers are about each.
    #[must_use]
    pub fn events(&self) -> HashMap<EventId, u64> {
        self.lines().spans.iter().map(|(event, span)| (*event, span.answers)).collect()
    }

    /// Hands over every answer about an event, in the order in which they were recorded. Nothing can
    /// be recorded meanwhile.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn each(&self, event: EventId, mut hear: impl FnMut(&Told)) -> io::Result<()> {
        let mut lines = self.lines();
        let Some(span) = lines.spans.get(&event).copied() else { return Ok(()) };
        lines.spool.seek(SeekFrom::Start(span.begin))?;
        let mut reader = BufReader::new((&mut lines.spool).take(span.end - span.begin));
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let told: Told = serde_json::from_slice(&line)?;
            if told.event_id == event {
                hear(&told);
            }
            line.clear();
        }
        Ok(())
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers as they are in a history's file, each of them whole.
#[derive(Debug)]
struct Lines {
    spool: SpooledTempFile,
    end: u64,
    spans: HashMap<EventId, Span>,
}

/// Where the answers about an event are; there may be others in between.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: u64,
    end: u64,
    answers: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { spool: spooled_tempfile(IN_MEMORY_MAX), end: 0, spans: HashMap::new() }
    }
}

impl Lines {
    /// Appends a line, with its end. One that could not be written is overwritten by the next.
    fn push(&mut self, event: EventId, line: &[u8]) -> io::Result<()> {
        let begin = self.end;
        self.spool.seek(SeekFrom::Start(begin))?;
        self.spool.write_all(line)?;
        self.end += line.len() as u64;
        let fresh = Span { begin, end: begin, answers: 0 };
        let span = self.spans.entry(event).or_insert(fresh);
        span.end = self.end;
        span.answers += 1;
        Ok(())
    }
}

/// Whether the last line of a file lacks its end. Pipes have none that could be looked at.
fn ends_amid_a_line(path: &Path) -> io::Result<bool> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        let order_id = OrderId::of_payment(HoldId::fresh(), &"card".parse().unwrap());
        Told {
            sent_at: Timestamp::from_millis(0),
            told_at: Timestamp::from_millis(1),
            event_id: EventId::of_slug("hall"),
            hold_id: HoldId::fresh(),
            buyer_id: BuyerId::fresh(),
            tickets: Vec::new(),
            answer: Answer::Paid { order_id, amount_minor: 4950 },
        }
    }

    /// What a file has about the event of [`told`].
    fn read(path: &Path) -> Vec<Told> {
        heard(&History::read(path).unwrap(), EventId::of_slug("hall"))
    }

    fn heard(history: &History, event: EventId) -> Vec<Told> {
        let mut heard = Vec::new();
        history.each(event, |told| heard.push(told.clone())).unwrap();
        heard
    }

    #[test]
    fn a_history_goes_on_after_a_torn_line() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("told.jsonl");
        let (first, torn, last) = (told(), serde_json::to_string(&told()).unwrap(), told());
        for length in 0..torn.len() {
            let whole = serde_json::to_string(&first).unwrap();
            std::fs::write(&path, format!("{whole}\n{}", &torn[..length])).unwrap();
            assert_eq!(read(&path), std::slice::from_ref(&first));
            History::in_file(&path).unwrap().record(&last).unwrap();
            assert_eq!(read(&path), [first.clone(), last.clone()]);
        }
    }

    #[test]
    fn answers_are_heard_event_by_event_while_others_are_added() {
        let history = History::default();
        let (hall, house) = (EventId::of_slug("hall"), EventId::of_slug("house"));
        let mut all: Vec<Told> = Vec::new();
        // More than is kept in memory.
        while all.len() * 300 < 2 * IN_MEMORY_MAX {
            let event_id = if all.len().is_multiple_of(3) { house } else { hall };
            all.push(Told { event_id, ..told() });
            history.record(&all[all.len() - 1]).unwrap();
            if all.len().is_multiple_of(2_000) {
                assert_eq!(heard(&history, hall).len() + heard(&history, house).len(), all.len());
            }
        }
        for event in [hall, house] {
            let of_event: Vec<Told> =
                all.iter().filter(|told| told.event_id == event).cloned().collect();
            assert_eq!(history.events()[&event], of_event.len() as u64);
            assert_eq!(heard(&history, event), of_event);
        }
        assert_eq!(heard(&history, EventId::of_slug("field")), []);
    }

    #[test]
    fn what_is_no_history_is_not_passed_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notes.txt");
        for notes in ["no history", "{}", "[1]\n"] {
            std::fs::write(&path, notes).unwrap();
            let message = History::read(&path).unwrap_err().to_string();
            assert!(message.starts_with("line 1 is no history: "), "{message}");
        }
    }
}
