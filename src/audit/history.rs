//! A run's own history: who was told to own what, from when to when.
//!
//! It is written by whoever talks to the repository, from the answers alone, and is the audit's
//! evidence of what was acknowledged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

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

/// Collects a run's history in memory, and in a file if one is named.
#[derive(Debug, Default)]
pub struct History {
    told: Mutex<Vec<Told>>,
    file: Option<Mutex<File>>,
}

impl History {
    /// A history in memory only.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

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
        Ok(Self { told: Mutex::default(), file: Some(Mutex::new(file)) })
    }

    /// Adds one answer.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn record(&self, told: Told) -> io::Result<()> {
        if let Some(file) = &self.file {
            let mut line = serde_json::to_vec(&told)?;
            line.push(b'\n');
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)?;
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        Ok(())
    }

    /// Everything that was recorded by this process.
    #[must_use]
    pub fn entries(&self) -> Vec<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

/// Reads a history file. A torn line, left by a process that was killed, is passed over.
///
/// # Errors
/// The file cannot be read, or a line is neither history nor the beginning of it.
pub fn read(path: &Path) -> io::Result<Vec<Told>> {
    let mut told = Vec::new();
    for (number, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        match serde_json::from_str(&line?) {
            Ok(entry) => told.push(entry),
            Err(e) if e.is_eof() => {}
            Err(e) => {
                let message = format!("line {} is no history: {e}", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    Ok(told)
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

    #[test]
    fn a_history_goes_on_after_a_torn_line() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("told.jsonl");
        let (first, torn, last) = (told(), serde_json::to_string(&told()).unwrap(), told());
        for length in 0..torn.len() {
            let whole = serde_json::to_string(&first).unwrap();
            std::fs::write(&path, format!("{whole}\n{}", &torn[..length])).unwrap();
            assert_eq!(read(&path).unwrap(), std::slice::from_ref(&first));
            History::in_file(&path).unwrap().record(last.clone()).unwrap();
            assert_eq!(read(&path).unwrap(), [first.clone(), last.clone()]);
        }
    }

    #[test]
    fn what_is_no_history_is_not_passed_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notes.txt");
        for notes in ["no history", "{}", "[1]\n"] {
            std::fs::write(&path, notes).unwrap();
            let message = read(&path).unwrap_err().to_string();
            assert!(message.starts_with("line 1 is no history: "), "{message}");
        }
    }
}
