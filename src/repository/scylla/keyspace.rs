//! The keyspace: made where it is missing, without tablets and with a copy on three machines; and
//! whether it still is the one that was opened.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::response::query_result::QueryResult;
use uuid::Uuid;

use super::database::Database;
use super::failure::{answer_error, keyspace_error, statement_error};
use super::schema::select;
use crate::repository::store_url::ScyllaLocation;
use crate::repository::{Result, StoreError, StoreFault};

/// Copies in each datacenter, where it has so many machines and nobody asked for another number.
const COPIES: usize = 3;

/// Whether the keyspace is the one that was opened: one that is dropped and made again has the same name
/// and none of the tickets.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The id that the table of the tickets' owners had when the store was opened.
    opened: OnceLock<Uuid>,
    is_replaced: AtomicBool,
}

impl Identity {
    /// Compares the keyspace with the one that was opened; the first call opens it.
    ///
    /// # Errors
    /// [`StoreFault::Moved`].
    pub(super) async fn compare(&self, db: &Database) -> Result<()> {
        let keyspace = db.session.get_keyspace().unwrap_or_default();
        let cql = "SELECT id FROM system_schema.tables \
                   WHERE keyspace_name = ? AND table_name = 'order_queue'";
        let found: Vec<(Uuid,)> = select(&db.session, cql, (keyspace.as_str(),)).await?;
        let is_same = |(id,): &(Uuid,)| self.opened.get_or_init(|| *id) == id;
        let is_replaced = !found.first().is_some_and(is_same);
        self.is_replaced.store(is_replaced, Ordering::Relaxed);
        self.check()
    }

    /// Returns what the last comparison found.
    ///
    /// # Errors
    /// [`StoreFault::Moved`].
    pub(super) fn check(&self) -> Result<()> {
        if !self.is_replaced.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = "the keyspace was dropped or made again since the store was opened";
        Err(StoreError::new(StoreFault::Moved, message).into())
    }
}

/// How the keyspace is copied, by datacenter; none where there is no such keyspace.
pub(super) async fn datacenters(session: &Session, keyspace: &str) -> Result<Option<usize>> {
    let what = "read how the keyspace is copied";
    let cql = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
    let answer = session.query_unpaged(cql, (keyspace,)).await;
    let rows = answer.map_err(|e| statement_error(what, e))?.into_rows_result();
    let rows = rows.map_err(|e| answer_error(what, e))?;
    let found: Option<(HashMap<String, String>,)> =
        rows.maybe_first_row().map_err(|e| answer_error(what, e))?;
    Ok(found.map(|(replication,)| copying(session, &replication)))
}

/// How many datacenters have copies. A strategy that names none spreads over all of them.
fn copying(session: &Session, replication: &HashMap<String, String>) -> usize {
    let named = replication.iter().filter(|(key, copies)| {
        !matches!(key.as_str(), "class" | "replication_factor") && copies.as_str() != "0"
    });
    match named.count() {
        0 => machines(session).len(),
        named => named,
    }
}

/// How many machines each datacenter has.
fn machines(session: &Session) -> BTreeMap<String, usize> {
    let mut machines = BTreeMap::new();
    for node in session.get_cluster_state().get_nodes_info() {
        if let Some(datacenter) = &node.datacenter {
            *machines.entry(datacenter.clone()).or_insert(0) += 1;
        }
    }
    machines
}

/// Makes the keyspace unless it is there, and uses it. Returns what the server warned about.
pub(super) async fn create(session: &Session, location: &ScyllaLocation) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    if datacenters(session, &location.keyspace).await?.is_none() {
        let replication = replication(session, location);
        let plain = format!(
            "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{{replication}}}",
            location.keyspace
        );
        // Tablets refuse change logs and lightweight transactions in 6.0 to 2025.3; what comes
        // before 6.0 does not know the word.
        let without_tablets = format!("{plain} AND tablets = {{'enabled': false}}");
        let made = match session.query_unpaged(without_tablets, ()).await {
            Err(e) if is_syntax_error(&e) => session.query_unpaged(plain, ()).await,
            made => made,
        };
        let made = made.map_err(|e| statement_error("make the keyspace", e))?;
        warnings = warnings_of(&made);
    }
    enter(session, &location.keyspace).await?;
    Ok(warnings)
}

/// Uses the keyspace, and learns where its copies are.
pub(super) async fn enter(session: &Session, keyspace: &str) -> Result<()> {
    session.use_keyspace(keyspace, false).await.map_err(|e| keyspace_error(keyspace, e))?;
    // Routing to the machine that has a row is a matter of speed: the next refresh makes up for it.
    if let Err(error) = session.refresh_metadata().await {
        tracing::debug!(%error, "could not refresh what is known of the cluster");
    }
    Ok(())
}

fn replication(session: &Session, location: &ScyllaLocation) -> String {
    let asked = location.replication.map(usize::from);
    let copies = machines(session).into_iter().map(|(datacenter, machines)| {
        let copies = asked.unwrap_or_else(|| machines.min(COPIES));
        format!(", '{}': {copies}", datacenter.replace('\'', "''"))
    });
    format!("'class': 'NetworkTopologyStrategy'{}", copies.collect::<String>())
}

fn is_syntax_error(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            DbError::SyntaxError | DbError::ConfigError,
            _
        ))
    )
}

/// What the server warned about, for people.
pub(super) fn warnings_of(answer: &QueryResult) -> Vec<String> {
    answer.warnings().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_has_not_heard_of_tablets_is_asked_without_the_word() {
        let answered = |error| {
            let message = "line 1:99 no viable alternative at input 'tablets'".to_owned();
            ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, message))
        };
        assert!(is_syntax_error(&answered(DbError::SyntaxError)));
        assert!(is_syntax_error(&answered(DbError::ConfigError)));
        assert!(!is_syntax_error(&answered(DbError::Unauthorized)));
        assert!(!is_syntax_error(&answered(DbError::Invalid)));
        assert!(!is_syntax_error(&ExecutionError::EmptyPlan));
    }
}
