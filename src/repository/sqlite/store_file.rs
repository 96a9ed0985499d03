//! The files of a store, told by what they are and not by what they are called: a store that is
//! moved, replaced or deleted while it is open goes on to exist for whoever has it open, and for
//! nobody else.

use std::path::{Path, PathBuf};

use crate::repository::{StoreError, StoreFault};

/// What identifies a file on this machine, whatever its name: device and inode.
type Identity = (u64, u64);

/// The files that a store was opened from.
#[derive(Debug, Clone, Default)]
pub(super) struct StoreFile {
    /// How messages name the store.
    name: String,
    /// Each file with its identity, the write-ahead log last. Empty for a store in memory.
    files: Vec<(PathBuf, Identity)>,
}

impl StoreFile {
    /// Remembers the files of the store at `path`, which is open.
    pub(super) fn of(path: &Path, name: &str) -> Self {
        let named = [path.to_owned(), write_ahead_log(path)];
        let files = named.into_iter().filter_map(|path| {
            let identity = identity(&path)?;
            Some((path, identity))
        });
        Self { name: name.to_owned(), files: files.collect() }
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
            let message = format!("{} was opened from {}, which {why}", self.name, path.display());
            return Err(StoreError::new(StoreFault::Moved, message));
        }
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
