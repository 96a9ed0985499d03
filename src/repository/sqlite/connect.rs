//! Opening a SQLite store: which files are one, and the settings of a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::failure::sqlite_error;
use super::schema;
use crate::repository::store_url::{Durability, SqliteLocation, SqlitePlace};
use crate::repository::{Access, Result, StoreError, StoreFault};

/// How long a connection waits between two tries for a lock that another process has.
///
/// Flat, where SQLite's own handler backs off: two processes that write at full speed then get even
/// shares, instead of one starving the other.
const LOCK_RETRY: Duration = Duration::from_micros(300);

/// How long a connection waits for a lock before it gives up with `busy`.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(20);

/// Pages of the write-ahead log after which it is copied into the file: 16 MiB. A longer log is no
/// faster: it is written to fresh pages of memory, a short one to those of the round before.
const WAL_PAGES_MAX: u32 = 4_000;

/// The page cache of one connection, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 64;

/// Opens the connection that writes.
///
/// # Errors
/// [`StoreFault::Missing`], [`StoreFault::NotAStore`], [`StoreFault::ReadOnly`] or
/// [`StoreFault::OtherSchema`].
pub(super) fn open_writer(location: &SqliteLocation, access: Access) -> Result<Connection> {
    if let SqlitePlace::File(path) = &location.place {
        check_path(path, access)?;
    }
    let mut connection = open(location, OpenFlags::SQLITE_OPEN_READ_WRITE | create_flag(access))?;
    settle(&mut connection).map_err(|e| unusable(location, e))?;
    if connection.is_readonly("main").unwrap_or(false) {
        let message = format!("{} cannot be written", name_of(location));
        return Err(StoreError::new(StoreFault::ReadOnly, message).into());
    }
    schema::check_kind(&connection, &name_of(location), access)?;
    write_ahead(&connection, location).map_err(|e| unusable(location, e))?;
    Ok(connection)
}

/// Opens a connection that only reads. The audit has its own, too.
///
/// # Errors
/// [`StoreFault::Missing`] or [`StoreFault::NotAStore`].
pub fn open_reader(location: &SqliteLocation) -> Result<Connection> {
    if let SqlitePlace::File(path) = &location.place {
        check_path(path, Access::Existing)?;
    }
    // A reader of a write-ahead log has to be able to write its index, hence not READ_ONLY.
    let mut connection = open(location, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle(&mut connection)
        .and_then(|()| connection.pragma_update(None, "cache_size", -READER_CACHE_KIB))
        .and_then(|()| connection.pragma_update(None, "query_only", true))
        .map_err(|e| unusable(location, e))?;
    Ok(connection)
}

fn open(location: &SqliteLocation, flags: OpenFlags) -> Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match &location.place {
        SqlitePlace::File(path) => Connection::open_with_flags(path, flags),
        SqlitePlace::Memory(number) => Connection::open_with_flags(
            format!("file:/tix-memory-{number}?vfs=memdb"),
            flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_CREATE,
        ),
    };
    opened.map_err(|e| unusable(location, e))
}

fn create_flag(access: Access) -> OpenFlags {
    match access {
        Access::Create => OpenFlags::SQLITE_OPEN_CREATE,
        Access::Existing => OpenFlags::empty(),
    }
}

/// The settings every connection has.
fn settle(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait_for_lock))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // The write-ahead log is synced by `answers`, beside the next transaction.
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// The file that must be synced before a request is answered; none where the store's durability, or
/// its place, does not ask for it.
pub(super) fn wal_to_sync(location: &SqliteLocation) -> Option<PathBuf> {
    match (&location.place, location.durability) {
        (SqlitePlace::File(path), Durability::Full) => {
            let mut name = path.clone().into_os_string();
            name.push("-wal");
            Some(name.into())
        }
        _ => None,
    }
}

/// The settings of the connection that writes.
fn write_ahead(connection: &Connection, location: &SqliteLocation) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // Every reference is made from a row that was read in the same transaction.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    let journal = match location.place {
        SqlitePlace::File(_) => "WAL",
        SqlitePlace::Memory(_) => "MEMORY",
    };
    // Unlike other statements, the switch to WAL does not wait for a lock by itself; several
    // processes may be making the same store.
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", journal) {
            Err(e) if is_busy(&e) && wait_for_lock(tries) => tries += 1,
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Waits once more for a lock, up to [`LOCK_WAIT_MAX`] in all; `tries` is how often it did before.
fn wait_for_lock(tries: i32) -> bool {
    let waited = LOCK_RETRY.saturating_mul(u32::try_from(tries).unwrap_or(u32::MAX));
    if waited >= LOCK_WAIT_MAX {
        return false;
    }
    std::thread::sleep(LOCK_RETRY);
    true
}

/// Tells apart what SQLite reports with one and the same code.
fn check_path(path: &Path, access: Access) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let message = format!("{} is a folder", path.display());
            Err(StoreError::new(StoreFault::NotAStore, message).into())
        }
        Ok(found) if found.permissions().readonly() => {
            let message = format!("{} cannot be written", path.display());
            Err(StoreError::new(StoreFault::ReadOnly, message).into())
        }
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && access == Access::Existing => {
            Err(StoreError::missing(path).into())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => check_folder(path),
        Err(e) => {
            let tried = format!("could not open {}", path.display());
            Err(StoreError::caused(StoreFault::Failed, tried, e).into())
        }
    }
}

fn check_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let message = format!("there is no folder {}", folder.display());
            Err(StoreError::new(StoreFault::NoFolder, message).into())
        }
        _ => Ok(()),
    }
}

fn unusable(location: &SqliteLocation, error: rusqlite::Error) -> crate::repository::Error {
    sqlite_error(error, &format!("open the store {}", name_of(location)))
}

/// How messages name the store.
pub(super) fn name_of(location: &SqliteLocation) -> String {
    match &location.place {
        SqlitePlace::File(path) => path.display().to_string(),
        SqlitePlace::Memory(_) => "in memory".into(),
    }
}
