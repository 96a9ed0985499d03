//! What is told to everybody who follows a show, written once for all of them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::Timestamp;
use crate::serve::documents::seats::{CountsDocument, letter};
use crate::watch::Turn;

/// Frames that are kept for those who come back, and the most bytes of them.
const FRAMES_KEPT_MAX: usize = 2_048;
const BYTES_KEPT_MAX: usize = 2 << 20;

/// A server-sent event about changes.
#[derive(Debug)]
pub(in crate::serve) struct Frame {
    /// The version of the map after it.
    pub(in crate::serve) version: u64,
    /// As it goes over the line.
    pub(in crate::serve) text: Bytes,
}

/// What followers are told.
#[derive(Debug, Clone)]
pub(in crate::serve) enum News {
    /// Something changed.
    Frame(Arc<Frame>),
    /// The map is read anew, and has to be read again by who follows it.
    Reset,
}

#[derive(Serialize)]
struct Document {
    version: u64,
    at: Timestamp,
    counts: CountsDocument,
    changes: Vec<(usize, usize, char)>,
}

impl Frame {
    /// Tells what changed up to this version.
    pub(in crate::serve) fn new(
        epoch: &str,
        version: u64,
        at: Timestamp,
        counts: CountsDocument,
        turns: &[Turn],
    ) -> Self {
        let change = |turn: &Turn| (turn.spot.section, turn.spot.place, letter(turn.after));
        let changes = turns.iter().map(change).collect();
        let id = format!("{epoch}-{version}");
        let text = event("changes", Some(&id), &Document { version, at, counts, changes });
        Self { version, text }
    }
}

/// Writes one server-sent event.
pub(in crate::serve) fn event(name: &str, id: Option<&str>, data: &impl Serialize) -> Bytes {
    // Numbers and text always make a document.
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("{id}event: {name}\ndata: {data}\n\n"))
}

/// The last frames, for those who come back.
#[derive(Debug, Default)]
pub(in crate::serve) struct Kept {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
}

impl Kept {
    /// Keeps one more, and lets go of the oldest where there is no room.
    pub(in crate::serve) fn push(&mut self, frame: Arc<Frame>) {
        self.bytes += frame.text.len();
        self.frames.push_back(frame);
        while self.frames.len() > FRAMES_KEPT_MAX || self.bytes > BYTES_KEPT_MAX {
            match self.frames.pop_front() {
                Some(oldest) => self.bytes -= oldest.text.len(),
                None => return,
            }
        }
    }

    /// Every frame after the version that somebody has; none where some of them are gone.
    pub(in crate::serve) fn since(&self, version: u64, latest: u64) -> Option<Vec<Arc<Frame>>> {
        if version == latest {
            return Some(Vec::new());
        }
        // Versions follow each other without a gap.
        let oldest = self.frames.front()?.version;
        if version > latest || version + 1 < oldest {
            return None;
        }
        let later = |frame: &&Arc<Frame>| frame.version > version;
        Some(self.frames.iter().filter(later).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{StatusCounts, TicketStatus};
    use crate::watch::Spot;

    fn frame(version: u64) -> Arc<Frame> {
        let spot = Spot { section: 0, place: 17 };
        let turn = Turn { spot, before: TicketStatus::Available, after: TicketStatus::Held };
        let counts = StatusCounts { held: 1, ..StatusCounts::default() };
        Arc::new(Frame::new("e", version, Timestamp::from_millis(0), counts.into(), &[turn]))
    }

    #[test]
    fn a_frame_is_a_server_sent_event_that_can_be_resumed_from() {
        let text = String::from_utf8(frame(12).text.to_vec()).unwrap();
        assert_eq!(
            text,
            "id: e-12\nevent: changes\ndata: {\"version\":12,\"at\":\"1970-01-01T00:00:00.000Z\",\
             \"counts\":{\"minted\":1,\"available\":0,\"held\":1,\"paying\":0,\"sold\":0,\
             \"blocked\":0},\"changes\":[[0,17,\"h\"]]}\n\n"
        );
    }

    #[test]
    fn who_comes_back_is_told_what_he_missed_or_that_it_is_gone() {
        let mut kept = Kept::default();
        assert_eq!(kept.since(1, 1).map(|missed| missed.len()), Some(0));
        assert!(kept.since(0, 1).is_none());
        for version in 2..=4 {
            kept.push(frame(version));
        }
        let versions = |since| {
            let missed = kept.since(since, 4)?;
            Some(missed.iter().map(|frame| frame.version).collect::<Vec<_>>())
        };
        assert_eq!(versions(1), Some(vec![2, 3, 4]));
        assert_eq!(versions(3), Some(vec![4]));
        assert_eq!(versions(4), Some(vec![]));
        assert_eq!(versions(0), None, "the second version is the oldest that is kept");
        assert_eq!(versions(5), None, "nobody has that");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut kept = Kept::default();
        for version in 0..FRAMES_KEPT_MAX as u64 + 10 {
            kept.push(frame(version));
        }
        assert_eq!(kept.frames.len(), FRAMES_KEPT_MAX);
        assert_eq!(kept.bytes, kept.frames.iter().map(|frame| frame.text.len()).sum::<usize>());
        assert_eq!(kept.frames[0].version, 10);
    }
}
