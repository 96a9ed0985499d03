//! A file that has its name only once it is whole.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// What an unfinished file is called, with more letters behind it.
const PREFIX: &str = ".tix-unfinished-";

/// A file that is being written; dropped, it leaves nothing behind and what was there as it was.
pub(super) enum Draft {
    /// Beside the file that it is to become.
    Beside {
        /// What is written.
        file: NamedTempFile,
        /// What it will be.
        path: PathBuf,
    },
    /// A pipe or a device, which takes what it gets.
    Straight(File),
}

impl Draft {
    /// Begins the file at `path`, which may be there already.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let there = fs::metadata(path).ok();
        if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
            return Ok(Self::Straight(File::options().write(true).open(path)?));
        }
        // Where the name is a link, what it leads to is written.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if there.as_ref().is_some_and(Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = begun(folder.unwrap_or(Path::new(".")), there.as_ref())?;
        Ok(Self::Beside { file, path })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Beside { file, .. } => file.write_all(bytes),
            Self::Straight(file) => file.write_all(bytes),
        }
    }

    /// Gives the file its name, in place of the one that had it.
    pub(super) fn publish(self) -> io::Result<()> {
        match self {
            Self::Beside { file, path } => {
                file.as_file().sync_data()?;
                file.persist(path).map_err(|e| e.error)?;
                Ok(())
            }
            Self::Straight(mut file) => file.flush(),
        }
    }
}

/// An unfinished file in `folder`, as open to others as the one that was there, or as any new one.
fn begun(folder: &Path, there: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.jsonl");
        fs::write(&path, "earlier").unwrap();
        let mut draft = Draft::of(&path).unwrap();
        draft.write(b"half").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
        assert_eq!(names(folder.path()).len(), 2);
        drop(draft);
        assert_eq!(names(folder.path()), ["plan.jsonl"], "nothing is left behind");
        let mut draft = Draft::of(&path).unwrap();
        draft.write(b"whole").unwrap();
        draft.publish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(folder.path()), ["plan.jsonl"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("plan.jsonl"), folder.path().join("link"));
        fs::write(&path, "earlier").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut draft = Draft::of(&link).unwrap();
        draft.write(b"later").unwrap();
        draft.publish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "later");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(matches!(Draft::of(Path::new("/dev/null")).unwrap(), Draft::Straight(_)));
        assert!(Draft::of(folder.path()).is_err());
    }
}
