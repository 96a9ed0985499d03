//! A connection that only reads, for those who have queries of their own.

use scylla::client::session::Session;
use scylla::statement::Consistency;

use super::{connect, keyspace, schema};
use crate::repository::store_url::ScyllaLocation;
use crate::repository::{Result, StoreError, StoreFault};

/// A session in the store's keyspace, and among how many copies its reads are confirmed.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The session.
    pub(crate) session: Session,
    /// Enough copies to see whatever was answered.
    pub(crate) consistency: Consistency,
}

/// Opens a connection that only reads. The audit has its own, too.
///
/// # Errors
/// No machine answers, it is no ScyllaDB, or the store is missing or has another schema.
pub(crate) async fn open_reader(location: &ScyllaLocation) -> Result<Reader> {
    let session = connect::session(location).await?;
    connect::version(&session).await?;
    let name = location.to_string();
    let Some(datacenters) = keyspace::datacenters(&session, &location.keyspace).await? else {
        let message = format!("there is no keyspace {} in the store {name}", location.keyspace);
        return Err(StoreError::new(StoreFault::Missing, message).into());
    };
    keyspace::enter(&session, &location.keyspace).await?;
    schema::require(&session, &location.keyspace, &name).await?;
    let consistency = connect::agreement(location, datacenters)?.consistency;
    Ok(Reader { session, consistency })
}
