//! Which store a command works on: `sqlite:PATH`, `sqlite::memory:` or `scylla://HOST/KEYSPACE`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

pub mod scylla;

pub use scylla::ScyllaLocation;

/// Where the SQLite engine keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteLocation {
    /// The file, or memory.
    pub place: SqlitePlace,
    /// How much an answered request survives.
    pub durability: Durability,
}

impl SqliteLocation {
    /// A store in memory that no other URL names.
    #[must_use]
    pub fn fresh_memory() -> Self {
        Self { place: SqlitePlace::fresh_memory(), durability: Durability::default() }
    }
}

/// What holds the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlitePlace {
    /// A file, shared with other processes.
    File(PathBuf),
    /// Memory of this process, under a number of its own: clones of one URL see the same store.
    Memory(u64),
}

impl SqlitePlace {
    /// Memory that no other URL names.
    #[must_use]
    pub fn fresh_memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self::Memory(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// How much an answered request survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut (`synchronous=FULL`).
    #[default]
    Full,
    /// The death of the process, but perhaps not a power cut (`synchronous=NORMAL`).
    Normal,
}

/// The URL of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// The embedded engine.
    Sqlite(SqliteLocation),
    /// A ScyllaDB cluster.
    Scylla(ScyllaLocation),
}

impl StoreUrl {
    /// Whether the store is gone when the process ends.
    #[must_use]
    pub const fn is_memory(&self) -> bool {
        matches!(self, Self::Sqlite(SqliteLocation { place: SqlitePlace::Memory(_), .. }))
    }
}

/// A text that is not the URL of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// No engine has this scheme.
    #[error("`{0}` is not a store: write sqlite:PATH, sqlite::memory: or scylla://HOST/KEYSPACE")]
    UnknownEngine(String),
    /// `sqlite:` with nothing behind it.
    #[error("`sqlite:` lacks the path of the file")]
    NoPath,
    /// A parameter that the engine does not know.
    #[error(
        "`{0}` is not a parameter of a SQLite store: write ?synchronous=full or \
         ?synchronous=normal; a ? in the path is written sqlite:file:PATH with %3F"
    )]
    UnknownParameter(String),
    /// A URI that names no file of this machine.
    #[error(
        "`{0}` does not name a file: write sqlite:file:PATH, with %3F for ?, %23 for # and %25 for %"
    )]
    NoFile(String),
    /// A machine that cannot be one.
    #[error("`{0}` is not a machine: write scylla://HOST[:PORT][,HOST…]/KEYSPACE")]
    NoHost(String),
    /// A keyspace that cannot be one.
    #[error(
        "`{0}` is not a keyspace: write scylla://HOST/KEYSPACE with lower-case letters, digits and _"
    )]
    NoKeyspace(String),
    /// A percent sign that two hexadecimal digits do not follow, or that hides no text.
    #[error("a % in a name or password of a store's URL is written %25")]
    WrongEscape,
    /// A parameter that the engine does not know.
    #[error(
        "`{0}` is not a parameter of a ScyllaDB store: write consistency=quorum, local_quorum or \
         all, serial=serial or local_serial, tls=off, on or the PEM file of an authority, \
         replication=COPIES"
    )]
    UnknownScyllaParameter(String),
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("scylla://") {
            return ScyllaLocation::parse(rest).map(Self::Scylla);
        }
        let rest = text
            .strip_prefix("sqlite:")
            .ok_or_else(|| StoreUrlError::UnknownEngine(text.to_owned()))?;
        let (path, parameters) = match rest.rsplit_once('?') {
            Some((path, parameters)) => (path, Some(parameters)),
            None => (rest, None),
        };
        let durability = match parameters {
            None | Some("synchronous=full") => Durability::Full,
            Some("synchronous=normal") => Durability::Normal,
            Some(other) => return Err(StoreUrlError::UnknownParameter(other.to_owned())),
        };
        let place = match (path, path.strip_prefix("file:")) {
            ("", _) => return Err(StoreUrlError::NoPath),
            (":memory:", _) => SqlitePlace::fresh_memory(),
            (_, Some(uri)) => SqlitePlace::File(file_of(uri)?),
            (path, None) => SqlitePlace::File(PathBuf::from(path)),
        };
        Ok(Self::Sqlite(SqliteLocation { place, durability }))
    }
}

/// The path that a `file:` URI names; `uri` is what follows the scheme.
fn file_of(uri: &str) -> Result<PathBuf, StoreUrlError> {
    let wrong = || StoreUrlError::NoFile(format!("file:{uri}"));
    let path = match uri.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => uri,
    };
    let is_elsewhere = uri.starts_with("//") && !path.starts_with('/');
    if path.is_empty() || path == ":memory:" || is_elsewhere || path.contains(['?', '#']) {
        return Err(wrong());
    }
    scylla::decoded(path).map(PathBuf::from).map_err(|_| wrong())
}

/// A path as [`StoreUrl`] reads it back.
fn written(path: &std::path::Path) -> String {
    let plain = path.display().to_string();
    if plain.contains('?') || plain.starts_with("file:") || plain == ":memory:" {
        format!("file:{}", scylla::encoded(&plain))
    } else {
        plain
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = match self {
            Self::Sqlite(location) => location,
            Self::Scylla(location) => return location.fmt(f),
        };
        match &location.place {
            SqlitePlace::File(path) => write!(f, "sqlite:{}", written(path))?,
            SqlitePlace::Memory(_) => f.write_str("sqlite::memory:")?,
        }
        match location.durability {
            Durability::Full => Ok(()),
            Durability::Normal => f.write_str("?synchronous=normal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_back_as_it_was_written() {
        for url in ["sqlite:tix.db", "sqlite:/a b/c.db?synchronous=normal", "sqlite::memory:"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn a_file_uri_names_a_path() {
        let read = |url: &str| url.parse::<StoreUrl>().unwrap().to_string();
        for (url, same) in [
            ("sqlite:file:tix.db", "sqlite:tix.db"),
            ("sqlite:file:/a%20b/c.db?synchronous=normal", "sqlite:/a b/c.db?synchronous=normal"),
            ("sqlite:file:///srv/tix.db", "sqlite:/srv/tix.db"),
            ("sqlite:file://localhost/srv/tix.db", "sqlite:/srv/tix.db"),
            ("sqlite:file:50%25.db", "sqlite:50%.db"),
            ("sqlite:50%25#1.db", "sqlite:50%25#1.db"),
            ("sqlite:file:what%3F.db", "sqlite:file:what%3F.db"),
            ("sqlite:file:file%3Aa.db", "sqlite:file:file%3Aa.db"),
        ] {
            assert_eq!(read(url), same);
            assert_eq!(read(same), same);
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        for wrong in [
            "",
            "tix.db",
            "postgres://x",
            "sqlite:",
            "sqlite:a?synchronous=off",
            "sqlite:file:",
            "sqlite:file::memory:",
            "sqlite:file:a.db?mode=ro",
            "sqlite:file:a.db?cache=shared&mode=memory",
            "sqlite:file:a.db#1",
            "sqlite:file:a%zz.db",
            "sqlite:file://elsewhere/a.db",
        ] {
            assert!(wrong.parse::<StoreUrl>().is_err(), "{wrong}");
        }
    }
}
