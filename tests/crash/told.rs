//! A history that grows while it is read: what the buyers of a rehearsal have been told so far.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// How much of a history file has been seen.
#[derive(Debug)]
pub(crate) struct Told {
    path: PathBuf,
    file: Option<File>,
    unfinished: Vec<u8>,
    answers: u64,
    holds: u64,
}

impl Told {
    /// Follows the file at `path` from its beginning. It need not be there yet.
    pub(crate) fn from_start(path: PathBuf) -> Self {
        Self { path, file: None, unfinished: Vec::new(), answers: 0, holds: 0 }
    }

    /// How many answers there are by now.
    pub(crate) fn answers(&mut self) -> u64 {
        self.catch_up();
        self.answers
    }

    /// How many of them granted a hold.
    pub(crate) fn holds(&mut self) -> u64 {
        self.catch_up();
        self.holds
    }

    fn catch_up(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return };
        file.read_to_end(&mut self.unfinished).unwrap();
        let whole = self.unfinished.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.unfinished.drain(..whole).collect();
        for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            self.answers += 1;
            self.holds += u64::from(String::from_utf8_lossy(line).contains(r#""answer":"held""#));
        }
    }
}
