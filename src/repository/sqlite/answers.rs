//! Answering requests once their transaction is durable.
//!
//! SQLite would sync the write-ahead log inside of `COMMIT`, and the writer would wait for the disk
//! with every group. Here it does not: `COMMIT` only writes (`synchronous=NORMAL`), the log is synced
//! by this thread, and the writer goes on with the next group meanwhile. Nobody is answered before a
//! sync that began after his transaction was committed has ended, so an answer survives a power cut
//! just as with `synchronous=FULL`. The log is written front to back and recovered up to its first
//! torn frame, so whatever a transaction has read from an earlier one is durable no later than it
//! is itself, in whichever process that one was.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::failure::Failure;
use super::store_file::{ANSWER_CHECK_LASTS, StoreFile};
use super::writer::Request;
use crate::repository::{StoreError, StoreFault};

/// Requests of one transaction.
pub(super) type Group = Vec<Box<dyn Request>>;

/// Groups that wait for the disk before the writer waits, too.
const GROUPS_WAITING_MAX: usize = 2;

/// The way to the thread that answers.
pub(super) struct Answers {
    groups: SyncSender<Group>,
    thread: Option<JoinHandle<()>>,
}

impl Answers {
    /// Starts the thread; with a `wal` it syncs that file before it answers. Nothing is answered
    /// while the store's path does not name `store`.
    pub(super) fn start(wal: Option<PathBuf>, store: StoreFile) -> Self {
        let (groups, committed) = sync_channel(GROUPS_WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("tix-answers".into())
            .spawn(move || serve(&committed, WriteAheadLog { path: wal, file: None }, &store));
        Self { groups, thread: thread.ok() }
    }

    /// Has a group answered whose transaction is committed.
    pub(super) fn give(&self, group: Group) {
        if let Err(lost) = self.groups.send(group) {
            let message = "the thread that syncs the store has ended";
            fail(lost.0, &|| StoreError::new(StoreFault::Failed, message));
        }
    }

    /// Waits until everything is answered.
    pub(super) fn finish(self) {
        drop(self.groups);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
    }
}

fn serve(committed: &Receiver<Group>, mut wal: WriteAheadLog, store: &StoreFile) {
    while let Ok(mut group) = committed.recv() {
        while let Ok(more) = committed.try_recv() {
            group.extend(more);
        }
        let synced = wal.sync();
        // The log that is synced is found by its name: it has to be that of the store.
        if let Err(moved) = store.check_lately(ANSWER_CHECK_LASTS) {
            wal.file = None;
            fail(group, &|| may_be_done(&moved));
            continue;
        }
        match synced {
            Ok(()) => group.into_iter().for_each(Request::answer),
            Err(e) => {
                // After a failed sync nobody can tell what is on the disk, and a second one may
                // succeed without having written anything: no answer can be given any more.
                fail(group, &|| unsynced(&e));
                while let Ok(group) = committed.recv() {
                    fail(group, &|| unsynced(&e));
                }
                return;
            }
        }
    }
}

/// The transaction was committed to files that are gone.
fn may_be_done(moved: &StoreError) -> StoreError {
    StoreError {
        tried: format!("{}; what was asked may be done there", moved.tried),
        ..moved.again()
    }
}

fn unsynced(cause: &io::Error) -> StoreError {
    let fault = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreFault::DiskFull,
        _ => StoreFault::Failed,
    };
    let cause = io::Error::new(cause.kind(), cause.to_string());
    StoreError::caused(
        fault,
        "could not sync the store to the disk; what was asked may be done",
        cause,
    )
}

fn fail(group: Group, error: &dyn Fn() -> StoreError) {
    for request in group {
        request.fail(Failure::Store(error()));
    }
}

/// The file that has to reach the disk.
struct WriteAheadLog {
    path: Option<PathBuf>,
    file: Option<File>,
}

impl WriteAheadLog {
    /// Waits until everything that was written to the log is on the disk.
    fn sync(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            // The log exists from the first transaction on, and stays as long as the writer's
            // connection is open.
            none => none.insert(File::open(path)?),
        };
        file.sync_data()
    }
}
