//! The files of a store, told by what they are and not by what they are called: a store that is
//! moved, replaced or deleted while it is open goes on to exist for whoever has it open, and for
//! nobody else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::repository::{StoreError, StoreFault};

/// What identifies a file on this machine, whatever its name: device and inode.
type Identity = (u64, u64);

/// For how long a read or a transaction may begin without another look: what is committed to files that
/// are gone is answered as such.
pub(super) const BEGIN_CHECK_LASTS: Duration = Duration::from_millis(20);

/// For how long an answer may be given without another look: a look costs much beside a sync.
pub(super) const ANSWER_CHECK_LASTS: Duration = Duration::from_millis(1);

/// The files that a store was opened from.
#[derive(Debug, Clone)]
pub(super) struct StoreFile {
    /// How messages name the store.
    name: String,
    /// Each file with its identity, the write-ahead log last. Empty for a store in memory.
    files: Vec<(PathBuf, Identity)>,
    opened: Instant,
    /// When the files were last found in their place, in microseconds after the store was opened; 0
    /// where they were not.
    checked_us: Arc<AtomicU64>,
}

impl StoreFile {
    /// Remembers the files of the store at `path`, which is open.
    pub(super) fn of(path: &Path, name: &str) -> Self {
        let named = [path.to_owned(), write_ahead_log(path)];
        let files = named.into_iter().filter_map(|path| {
            let identity = identity(&path)?;
            Some((path, identity))
        });
        Self { files: files.collect(), ..Self::in_memory(name) }
    }

    /// A store that has no files.
    pub(super) fn in_memory(name: &str) -> Self {
        let (opened, checked_us) = (Instant::now(), Arc::default());
        Self { name: name.to_owned(), files: Vec::new(), opened, checked_us }
    }

    /// As [`Self::check`], unless that was done less than `lasts` ago.
    pub(super) fn check_lately(&self, lasts: Duration) -> Result<(), StoreError> {
        let checked = Duration::from_micros(self.checked_us.load(Ordering::Relaxed));
        let is_fresh = self.opened.elapsed() < checked.saturating_add(lasts);
        if !checked.is_zero() && is_fresh { Ok(()) } else { self.check() }
    }

    /// Checks that the store's path still names what was opened.
    ///
    /// # Errors
    /// [`StoreFault::Moved`].
    pub(super) fn check(&self) -> Result<(), StoreError> {
        for (path, known) in &self.files {
            let why = match identity(path) {
                Some(found) if found == *known => continue,
                Some(_) => "was replaced",
                None => "is gone",
            };
            self.checked_us.store(0, Ordering::Relaxed);
            let message = format!("{} was opened from {}, which {why}", self.name, path.display());
            return Err(StoreError::new(StoreFault::Moved, message));
        }
        let now = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.checked_us.store(now.max(1), Ordering::Relaxed);
        Ok(())
    }
}

/// The file beside the store that new transactions are written to.
pub(super) fn write_ahead_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Checks that a file has one name only. SQLite finds the write-ahead log of a store by its name:
/// two processes that open one file by two names have a log each, and destroy the file.
pub(super) fn check_names(path: &Path, found: &std::fs::Metadata) -> Result<(), StoreError> {
    let names = names_of(found);
    if names < 2 {
        return Ok(());
    }
    let message = format!("{} has {names} names (hard links)", path.display());
    Err(StoreError::new(StoreFault::ManyNames, message))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(unix)]
fn names_of(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

/// Other systems refuse to move or delete a file that is open.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

#[cfg(not(unix))]
fn names_of(_: &std::fs::Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn moved_replaced_and_deleted_files_are_noticed() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("tix.db");
        let wal = write_ahead_log(&path);
        for file in [&path, &wal] {
            std::fs::write(file, "").unwrap();
        }
        let store = StoreFile::of(&path, "tix.db");
        store.check().unwrap();
        for file in [&path, &wal] {
            let elsewhere = folder.path().join("elsewhere");
            std::fs::rename(file, &elsewhere).unwrap();
            assert_eq!(store.check().unwrap_err().fault, StoreFault::Moved);
            std::fs::write(file, "").unwrap();
            let replaced = store.check().unwrap_err();
            assert!(replaced.tried.ends_with("which was replaced"), "{}", replaced.tried);
            std::fs::rename(&elsewhere, file).unwrap();
            store.check().unwrap();
        }
    }
}
