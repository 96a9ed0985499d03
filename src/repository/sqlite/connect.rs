//! Opening a SQLite store: which files are one, and the settings of a connection.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::failure::sqlite_error;
use super::store_file::{check_names, write_ahead_log};
use super::{lock, schema};
use crate::repository::store_url::{Durability, SqliteLocation, SqlitePlace};
use crate::repository::{Access, Result, StoreError, StoreFault};

/// Pages of the write-ahead log after which it is copied into the file: 16 MiB. A longer log is no
/// faster: it is written to fresh pages of memory, a short one to those of the round before.
const WAL_PAGES_MAX: u32 = 4_000;

/// The page cache of one connection, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 64;

/// How often a link may lead to another one.
const LINKS_MAX: usize = 40;

/// The location with its path resolved: absolute and without links, so that it names the same file
/// from here on, and the files that SQLite keeps beside it are found.
///
/// # Errors
/// [`StoreFault::Missing`], [`StoreFault::NotAStore`], [`StoreFault::ReadOnly`],
/// [`StoreFault::ManyNames`] or [`StoreFault::NoFolder`].
pub(super) fn resolve(location: &SqliteLocation, access: Access) -> Result<SqliteLocation> {
    let SqlitePlace::File(path) = &location.place else { return Ok(location.clone()) };
    check_path(path, access)?;
    let resolved = resolved(path).map_err(|e| {
        let tried = format!("could not find out where {} is", path.display());
        StoreError::caused(StoreFault::Failed, tried, e)
    })?;
    Ok(SqliteLocation { place: SqlitePlace::File(resolved), durability: location.durability })
}

/// Follows links to their end, where a file is or is about to be made.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..LINKS_MAX {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(&path).join(target),
            Err(_) => break,
        }
    }
    let (folder, name) = (path.parent(), path.file_name());
    match (folder, name) {
        (Some(folder), Some(name)) => Ok(std::fs::canonicalize(folder)?.join(name)),
        _ => std::fs::canonicalize(&path),
    }
}

/// Opens the connection that writes; `name` is how messages name the store.
///
/// # Errors
/// [`StoreFault::Missing`], [`StoreFault::NotAStore`], [`StoreFault::ReadOnly`] or
/// [`StoreFault::SchemaBehind`] or [`StoreFault::SchemaAhead`].
pub(super) fn open_writer(
    location: &SqliteLocation,
    name: &str,
    access: Access,
) -> Result<Connection> {
    let unusable = |e| unusable(name, e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | create_flag(access);
    let mut connection = open(location, flags).map_err(unusable)?;
    settle(&mut connection).map_err(unusable)?;
    if connection.is_readonly("main").map_err(unusable)? {
        return Err(read_only(name).into());
    }
    schema::check_kind(&connection, name, access)?;
    write_ahead(&connection, location).map_err(unusable)?;
    Ok(connection)
}

/// Opens a connection that only reads, to a store with the schema of this version. The audit has
/// its own, too.
///
/// # Errors
/// [`StoreFault::Missing`], [`StoreFault::NotAStore`], [`StoreFault::SchemaBehind`] or
/// [`StoreFault::SchemaAhead`].
pub fn open_reader(location: &SqliteLocation) -> Result<Connection> {
    let name = name_of(location);
    let location = resolve(location, Access::Existing)?;
    let unusable = |e| unusable(&name, e);
    // A reader of a write-ahead log has to be able to write its index, hence not READ_ONLY.
    let mut connection = open(&location, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unusable)?;
    settle(&mut connection)
        .and_then(|()| connection.pragma_update(None, "cache_size", -READER_CACHE_KIB))
        .and_then(|()| connection.pragma_update(None, "query_only", true))
        .map_err(unusable)?;
    schema::check_kind(&connection, &name, Access::Existing)?;
    schema::require(&connection, &name)?;
    Ok(connection)
}

fn open(location: &SqliteLocation, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match &location.place {
        SqlitePlace::File(path) => Connection::open_with_flags(path, flags),
        SqlitePlace::Memory(number) => Connection::open_with_flags(
            format!("file:/tix-memory-{number}?vfs=memdb"),
            flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_CREATE,
        ),
    }
}

fn create_flag(access: Access) -> OpenFlags {
    match access {
        Access::Create => OpenFlags::SQLITE_OPEN_CREATE,
        Access::Existing => OpenFlags::empty(),
    }
}

/// The settings every connection has.
fn settle(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(lock::wait))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // The write-ahead log is synced by `answers`, beside the next transaction.
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// The file that must be synced before a request is answered; none where the store's durability, or
/// its place, does not ask for it.
pub(super) fn wal_to_sync(location: &SqliteLocation) -> Option<PathBuf> {
    match (&location.place, location.durability) {
        (SqlitePlace::File(path), Durability::Full) => Some(write_ahead_log(path)),
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
            Err(e) if is_busy(&e) && lock::wait(tries) => tries += 1,
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Tells apart what SQLite reports with one and the same code.
fn check_path(path: &Path, access: Access) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let message = format!("{} is a folder", path.display());
            Err(StoreError::new(StoreFault::NotAStore, message).into())
        }
        Ok(found) if found.permissions().readonly() || !is_writable(path) => {
            Err(read_only(&path.display().to_string()).into())
        }
        Ok(found) if !found.is_file() => {
            let message = format!("{} is no file", path.display());
            Err(StoreError::new(StoreFault::NotAStore, message).into())
        }
        Ok(found) => {
            check_names(path, &found)?;
            check_folder(path)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && access == Access::Existing => {
            has_folder(path).and(Err(StoreError::missing(path).into()))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => check_folder(path),
        Err(e) => {
            let tried = format!("could not open {}", path.display());
            Err(StoreError::caused(StoreFault::Failed, tried, e).into())
        }
    }
}

/// The folder that a path names a file in.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn has_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    let message = format!("there is no folder {}", folder.display());
    Err(StoreError::new(StoreFault::NoFolder, message).into())
}

fn check_folder(path: &Path) -> Result<()> {
    has_folder(path)?;
    let folder = folder_of(path);
    // The write-ahead log is made beside the file, and has to be found there after a crash.
    if is_writable(folder) {
        Ok(())
    } else {
        let message = format!("the folder {}, in which the store is,", folder.display());
        Err(read_only(&message).into())
    }
}

/// Whether this process may write a file, or make files in a folder.
fn is_writable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        true
    }
}

fn read_only(name: &str) -> StoreError {
    StoreError::new(StoreFault::ReadOnly, format!("{name} cannot be written"))
}

fn unusable(name: &str, error: rusqlite::Error) -> crate::repository::Error {
    sqlite_error(error, &format!("open the store {name}"))
}

/// How messages name the store.
pub(super) fn name_of(location: &SqliteLocation) -> String {
    match &location.place {
        SqlitePlace::File(path) => path.display().to_string(),
        SqlitePlace::Memory(_) => "in memory".into(),
    }
}
