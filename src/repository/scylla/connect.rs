//! Connecting: which machines, as whom, encrypted or not, and whether it is a ScyllaDB at all.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::statement::{Consistency, SerialConsistency};

use super::failure::{answer_error, connect_error, statement_error};
use super::statements::{ANSWER_MAX, Agreement};
use crate::repository::store_url::scylla::{Copies, ScyllaLocation, Serial, Tls};
use crate::repository::{Result, StoreError, StoreFault};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long all machines of a cluster may take to agree on a change of the schema.
const SCHEMA_AGREEMENT_MAX: Duration = Duration::from_mins(1);

/// How often a connection is asked whether it still works, and how long it may take to say so.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVE_MAX: Duration = Duration::from_secs(5);

/// Connects to the cluster, without a keyspace yet.
///
/// # Errors
/// No machine answers in time, it does not let us in, or it is no ScyllaDB.
pub(super) async fn session(location: &ScyllaLocation) -> Result<Session> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .request_timeout(Some(ANSWER_MAX))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&location.hosts)
        .connection_timeout(CONNECT_MAX)
        .hostname_resolution_timeout(Some(CONNECT_MAX))
        .keepalive_interval(KEEPALIVE_EVERY)
        .keepalive_timeout(KEEPALIVE_MAX)
        .metadata_request_clientside_timeout(ANSWER_MAX)
        .schema_agreement_timeout(SCHEMA_AGREEMENT_MAX)
        .keyspaces_to_fetch([&location.keyspace])
        .default_execution_profile_handle(profile.into_handle());
    if let Some(login) = &location.login {
        builder = builder.user(&login.user, &login.password);
    }
    if let Some(context) = tls(&location.tls)? {
        builder = builder.tls_context(Some(context));
    }
    builder.build().await.map_err(|e| connect_error(&location.to_string(), e))
}

/// What encrypts the connections.
fn tls(tls: &Tls) -> Result<Option<Arc<ClientConfig>>> {
    let roots = match tls {
        Tls::Off => return Ok(None),
        Tls::System => system_roots()?,
        Tls::Authorities(file) => authorities(file)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tried = "could not set up the encryption";
    let config = config.map_err(|e| StoreError::caused(StoreFault::Failed, tried, e))?;
    Ok(Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let message = "this system trusts no authority; name one with ?tls=FILE.pem";
        return Err(StoreError::new(StoreFault::Failed, message).into());
    }
    Ok(roots)
}

fn authorities(file: &Path) -> Result<RootCertStore> {
    let tried = || format!("could not read the authorities in {}", file.display());
    let unreadable = |e| StoreError::caused(StoreFault::Failed, tried(), e);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        let added = roots.add(certificate.map_err(unreadable)?);
        added.map_err(|e| StoreError::caused(StoreFault::Failed, tried(), e))?;
    }
    if roots.is_empty() {
        let message = format!("{} holds no certificate", file.display());
        return Err(StoreError::new(StoreFault::Failed, message).into());
    }
    Ok(roots)
}

/// The version of ScyllaDB that answers.
///
/// # Errors
/// Another database answers: Apache Cassandra speaks the same language, but keeps no log of changes
/// that could be read as a table.
pub(super) async fn version(session: &Session) -> Result<String> {
    let cql = "SELECT version FROM system.versions WHERE key = 'local'";
    let what = "read the server's version";
    let answer = match session.query_unpaged(cql, ()).await {
        Ok(answer) => answer,
        Err(e) if knows_no_such_table(&e) => {
            let message = "this is no ScyllaDB; Apache Cassandra has no change log tables \
                           (`…_scylla_cdc_log`), which tix follows";
            return Err(StoreError::new(StoreFault::NotAStore, message).into());
        }
        Err(e) => return Err(statement_error(what, e)),
    };
    let rows = answer.into_rows_result().map_err(|e| answer_error(what, e))?;
    let (version,) = rows.first_row::<(String,)>().map_err(|e| answer_error(what, e))?;
    // A release is `6.2.3-0.20250119.bff9ddde1283`; what follows the dash is the build.
    Ok(version.split('-').next().unwrap_or(&version).to_owned())
}

/// Whether a server answered that it has no such table.
const fn knows_no_such_table(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Invalid, _))
    )
}

/// How reads, writes and decisions are agreed upon, where these datacenters have copies.
///
/// # Errors
/// The store's URL asks for agreement within one datacenter only, and several have copies.
pub(super) fn agreement(location: &ScyllaLocation, datacenters: usize) -> Result<Agreement> {
    let single = datacenters == 1;
    let local =
        location.consistency == Copies::LocalQuorum || location.serial == Some(Serial::Local);
    if local && !single {
        let message = format!(
            "{datacenters} datacenters have copies of {}: agreement within one of them would not \
             keep a ticket from being sold in two",
            location.keyspace
        );
        return Err(StoreError::new(StoreFault::Failed, message).into());
    }
    let consistency = match location.consistency {
        Copies::Quorum => Consistency::Quorum,
        Copies::LocalQuorum => Consistency::LocalQuorum,
        Copies::All => Consistency::All,
    };
    let serial = match location.serial {
        Some(Serial::Everywhere) => SerialConsistency::Serial,
        None if !single => SerialConsistency::Serial,
        _ => SerialConsistency::LocalSerial,
    };
    Ok(Agreement { consistency, serial })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_without_the_table_is_taken_for_another_database() {
        let answered = |error| {
            let message = "table versions does not exist".to_owned();
            ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, message))
        };
        assert!(knows_no_such_table(&answered(DbError::Invalid)));
        assert!(!knows_no_such_table(&answered(DbError::Unauthorized)));
        assert!(!knows_no_such_table(&answered(DbError::Overloaded)));
        assert!(!knows_no_such_table(&ExecutionError::EmptyPlan));
    }
}
