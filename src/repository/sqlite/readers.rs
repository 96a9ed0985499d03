//! Connections that only read, so that readers never wait for the writer.
//!
//! They read on threads that may wait for the disk; or, where time is virtual, right where they are
//! asked.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connect::open_reader;
use super::failure::Outcome;
use super::store_clock::StoreClock;
use super::store_file::{BEGIN_CHECK_LASTS, StoreFile};
use crate::domain::Timestamp;
use crate::repository::store_url::SqliteLocation;
use crate::repository::{Result, StoreError};

/// Connections that read at the same time; further readers wait.
const READERS_MAX: usize = 8;

/// A pool of connections, opened when first needed.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    location: SqliteLocation,
    file: StoreFile,
    clock: Arc<StoreClock>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// How many may read at a time on threads of their own; none where they read on the caller's.
    places: Option<Arc<Semaphore>>,
}

impl Readers {
    /// Connections that read on threads of their own.
    pub(super) fn new(location: SqliteLocation, file: StoreFile, clock: Arc<StoreClock>) -> Self {
        let places = Some(Arc::new(Semaphore::new(READERS_MAX)));
        Self { location, file, clock, idle: Arc::default(), places }
    }

    /// Connections that read on the thread of whoever asks.
    pub(super) fn here(location: SqliteLocation, clock: Arc<StoreClock>) -> Self {
        Self {
            location,
            file: StoreFile::in_memory("memory"),
            clock,
            idle: Arc::default(),
            places: None,
        }
    }

    /// Runs `work` on a connection of its own, in one read transaction, so that all it reads is of
    /// the same moment. `tried` says what it does, should it fail.
    pub(super) async fn read<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let Some(places) = &self.places else {
            return self.read_here(tried, work);
        };
        let place = Arc::clone(places).acquire_owned().await;
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            readers.read_here(tried, work)
        });
        task.await.map_err(StoreError::lost_task)?
    }

    /// The same for work that goes by the store's time.
    pub(super) async fn read_now<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnOnce(&Connection, Timestamp) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let clock = Arc::clone(&self.clock);
        let work = move |connection: &Connection| work(connection, clock.read(connection)?);
        self.read(tried, work).await
    }

    fn read_here<T>(
        &self,
        tried: &'static str,
        work: impl FnOnce(&Connection) -> Outcome<T>,
    ) -> Result<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.file.check_lately(BEGIN_CHECK_LASTS)?;
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.location)?,
        };
        let answer = in_transaction(&connection, work).map_err(|f| f.leave(tried));
        idle().push(connection);
        answer
    }

    /// Closes the connections that are idle.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Outcome<T>,
) -> Outcome<T> {
    let transaction = connection.unchecked_transaction()?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}
