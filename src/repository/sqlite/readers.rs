//! Connections that only read, so that readers never wait for the writer.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connect::open_reader;
use super::failure::Outcome;
use crate::repository::store_url::SqliteLocation;
use crate::repository::{Result, StoreError};

/// Connections that read at the same time; further readers wait.
const READERS_MAX: usize = 8;

/// A pool of connections, opened when first needed.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    location: SqliteLocation,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(location: SqliteLocation) -> Self {
        let places = Arc::new(Semaphore::new(READERS_MAX));
        Self { location, idle: Arc::default(), places }
    }

    /// Runs `work` on a connection of its own, in one read transaction, so that all it reads is of
    /// the same moment. `tried` says what it does, should it fail.
    pub(super) async fn read<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let location = self.location.clone();
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match kept {
                Some(connection) => connection,
                None => open_reader(&location)?,
            };
            let answer = in_transaction(&connection, work).map_err(|f| f.leave(tried));
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        task.await.map_err(StoreError::lost_task)?
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
