//! The schema: applying it, and telling what differs.

use std::collections::BTreeMap;
use std::time::Duration;

use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;

use super::database::jittered;
use super::failure::{answer_error, schema_error, statement_error};
use super::keyspace::warnings_of;
use super::schema_text::{self, Object};
use crate::domain::EventId;
use crate::repository::{Error, Result, SchemaStatus, StoreError, StoreFault};

/// The statements that make the schema; executing them again changes nothing.
pub const SCHEMA: &str = include_str!("../../../schema.cql");

/// The version of [`SCHEMA`], kept in the table `schema_version`.
const VERSION: u32 = 4;

/// The row of `schema_version` that is ours.
const COMPONENT: &str = "tix";

/// The table that ScyllaDB keeps beside `order_queue` for its change log.
pub(super) const CHANGE_LOG: &str = "order_queue_scylla_cdc_log";

/// How often the version is written before that is given up.
const TRIES_MAX: u32 = 5;
/// The wait before the second try, about; it doubles with each.
const RETRY_WAIT: Duration = Duration::from_millis(200);

/// The version from which on a sale closes when its event begins.
const CLOSES_SALES_SINCE: u32 = 3;

/// The version from which on references and entries of the waitlist have bounds, and the row of
/// `schema_version` that says since when in a keyspace that had it before this version.
const BOUNDS_SINCE: i32 = 3;
const BOUNDS: &str = "bounds";

/// Makes what is missing: an older keyspace gets the types, tables, views and columns that it lacks.
/// Returns what the server warned about. A keyspace of a later version, which may have dropped what
/// this one has, stays as it is.
///
/// A statement that makes nothing costs a round of agreement among all machines, hence is left out.
pub(super) async fn apply(session: &Session, keyspace: &str) -> Result<Vec<String>> {
    let found = live(session, keyspace).await?;
    let version = applied_version(session, &found).await?;
    let mut warnings = Vec::new();
    if version.is_some_and(|version| version > VERSION) {
        return Ok(warnings);
    }
    for statement in schema_text::statements(SCHEMA) {
        for part in missing(&statement, &found) {
            warnings.extend(make(session, keyspace, &statement, &part).await?);
        }
    }
    if version.is_some_and(|version| version < CLOSES_SALES_SINCE) {
        note_sold_late(session).await?;
    }
    write_version(session).await?;
    Ok(warnings)
}

/// Notes the events that have begun in a store whose sales had no end before: what was sold of them is
/// not judged by it. May be repeated after a crash.
async fn note_sold_late(session: &Session) -> Result<()> {
    let cql = "SELECT event_id FROM events WHERE starts_at <= toTimestamp(now()) ALLOW FILTERING";
    let what = "note the events that have begun";
    for (event,) in select::<(EventId,)>(session, cql, ()).await? {
        let cql = "INSERT INTO events_sold_late (event_id) VALUES (?)";
        session.query_unpaged(cql, (event,)).await.map_err(|e| statement_error(what, e))?;
    }
    Ok(())
}

/// Returns what is left to execute of a statement of the schema: all of it, or what adds the columns
/// that its type or table lacks.
fn missing(statement: &str, found: &BTreeMap<String, Object>) -> Vec<String> {
    let made = schema_text::read(statement);
    let additions =
        made.and_then(|(name, wanted)| Some(wanted.additions(&name, found.get(&name)?)));
    additions.unwrap_or_else(|| vec![statement.to_owned()])
}

/// Executes a part of a statement that is [`missing`].
///
/// CQL cannot add a column only where it is missing. So a failure is none if the part is there
/// afterwards: a migration in another process was faster.
async fn make(
    session: &Session,
    keyspace: &str,
    statement: &str,
    part: &str,
) -> Result<Vec<String>> {
    let made = execute(session, keyspace, part).await;
    if made.is_err()
        && session.await_schema_agreement().await.is_ok()
        && let Ok(found) = live(session, keyspace).await
        && missing(statement, &found).iter().all(|left| left != part)
    {
        return Ok(Vec::new());
    }
    made
}

async fn execute(session: &Session, keyspace: &str, statement: &str) -> Result<Vec<String>> {
    let made = session.query_unpaged(statement, ()).await;
    Ok(warnings_of(&made.map_err(|e| schema_error(keyspace, e))?))
}

/// Notes that what is there is complete. A later version stays.
///
/// Where many open a store at the same time, most of them find it noted by another.
async fn write_version(session: &Session) -> Result<()> {
    let version = i32::try_from(VERSION).unwrap_or(i32::MAX);
    let mut tries = 0;
    loop {
        let written = match noted_version(session).await? {
            Some((noted, _)) if noted >= version => return Ok(()),
            Some((noted, at)) => {
                if noted >= BOUNDS_SINCE {
                    note_bounds(session, at).await?;
                }
                let cql =
                    "UPDATE schema_version SET version = ? WHERE component = ? IF version = ?";
                session.query_unpaged(cql, (version, COMPONENT, noted)).await
            }
            None => {
                let cql =
                    "INSERT INTO schema_version (component, version) VALUES (?, ?) IF NOT EXISTS";
                session.query_unpaged(cql, (COMPONENT, version)).await
            }
        };
        tries += 1;
        if let Err(error) = written {
            if tries == TRIES_MAX {
                return Err(statement_error("write the schema's version", error));
            }
            tokio::time::sleep(jittered(RETRY_WAIT, tries)).await;
        }
    }
}

/// The version that is noted, and when it was, in microseconds since 1970.
async fn noted_version(session: &Session) -> Result<Option<(i32, i64)>> {
    let cql = "SELECT version, WRITETIME(version) FROM schema_version WHERE component = ?";
    let rows: Vec<(i32, i64)> = select(session, cql, (COMPONENT,)).await?;
    Ok(rows.into_iter().next())
}

/// Keeps the time from which on the audit judges references and entries by their bounds: that of the
/// row of `schema_version` that was written first. May be repeated.
async fn note_bounds(session: &Session, at: i64) -> Result<()> {
    let cql = "SELECT component FROM schema_version WHERE component = ?";
    let noted: Vec<(String,)> = select(session, cql, (BOUNDS,)).await?;
    if noted.is_empty() {
        let cql = "INSERT INTO schema_version (component, version) VALUES (?, ?) USING TIMESTAMP ?";
        let written = session.query_unpaged(cql, (BOUNDS, BOUNDS_SINCE, at)).await;
        written.map_err(|e| statement_error("note since when bounds hold", e))?;
    }
    Ok(())
}

/// Compares what is there with what [`SCHEMA`] makes.
pub(super) async fn status(session: &Session, keyspace: &str) -> Result<SchemaStatus> {
    let found = live(session, keyspace).await?;
    let applied_version = applied_version(session, &found).await?;
    let wanted = schema_text::objects(SCHEMA);
    let differences = differences(&wanted, &found);
    Ok(SchemaStatus { expected_version: VERSION, applied_version, differences })
}

/// Finds out whether the keyspace has this schema.
///
/// # Errors
/// [`StoreFault::Missing`] if it has none, [`StoreFault::SchemaBehind`] or [`StoreFault::SchemaAhead`] if
/// it has another.
pub(super) async fn require(session: &Session, keyspace: &str, name: &str) -> Result<()> {
    let found = live(session, keyspace).await?;
    let fault = match applied_version(session, &found).await? {
        Some(VERSION) => return Ok(()),
        Some(version) => StoreError::new(
            StoreFault::of_schema(version, VERSION),
            format!("{name} has schema version {version}, this tix works with {VERSION}"),
        ),
        None => StoreError::new(StoreFault::Missing, format!("the store {name} has no schema")),
    };
    Err(fault.into())
}

/// Says what differs from the schema where a statement could not be prepared for that reason.
pub(super) async fn explain(session: &Session, keyspace: &str, name: &str, error: Error) -> Error {
    let Error::Store(cause) = error else { return error };
    if cause.fault != StoreFault::SchemaBehind {
        return cause.into();
    }
    match status(session, keyspace).await {
        Ok(status) if !status.differences.is_empty() => {
            let what = status.differences.join("; ");
            let message = format!("the schema of {name} is not the one expected: {what}");
            StoreError::new(StoreFault::SchemaBehind, message).into()
        }
        _ => cause.into(),
    }
}

async fn applied_version(
    session: &Session,
    found: &BTreeMap<String, Object>,
) -> Result<Option<u32>> {
    if !found.contains_key("schema_version") {
        return Ok(None);
    }
    Ok(noted_version(session).await?.and_then(|(version, _)| u32::try_from(version).ok()))
}

fn differences(wanted: &BTreeMap<String, Object>, found: &BTreeMap<String, Object>) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, object) in wanted {
        match found.get(name) {
            None => differences.push(format!("{} {name} is missing", object.kind)),
            Some(other) => differences.extend(object.differences(name, other)),
        }
    }
    let logged = wanted.values().any(|object| object.has_change_log);
    if logged && found.contains_key("order_queue") && !found.contains_key(CHANGE_LOG) {
        differences.push("table order_queue has no change log".into());
    }
    let known = |name: &String| wanted.contains_key(name) || name == CHANGE_LOG;
    for (name, object) in found.iter().filter(|(name, _)| !known(name)) {
        differences.push(format!("{} {name} is not part of the schema", object.kind));
    }
    differences
}

/// Every type, table and view of the keyspace, by name.
async fn live(session: &Session, keyspace: &str) -> Result<BTreeMap<String, Object>> {
    let mut objects = BTreeMap::new();
    for (table,) in select::<(String,)>(
        session,
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?",
        (keyspace,),
    )
    .await?
    {
        objects.insert(table, Object::new("table"));
    }
    for (view,) in select::<(String,)>(
        session,
        "SELECT view_name FROM system_schema.views WHERE keyspace_name = ?",
        (keyspace,),
    )
    .await?
    {
        objects.insert(view, Object::new("view"));
    }
    for (table, column, kind, position, form) in select::<(String, String, String, i32, String)>(
        session,
        "SELECT table_name, column_name, kind, position, type FROM system_schema.columns
          WHERE keyspace_name = ?",
        (keyspace,),
    )
    .await?
    {
        if let Some(object) = objects.get_mut(&table) {
            object.add(&column, &form);
            object.set_kind(&column, &kind, usize::try_from(position).unwrap_or(0));
        }
    }
    for (name, fields, forms) in select::<(String, Vec<String>, Vec<String>)>(
        session,
        "SELECT type_name, field_names, field_types FROM system_schema.types
          WHERE keyspace_name = ?",
        (keyspace,),
    )
    .await?
    {
        let mut object = Object::new("type");
        for (field, form) in fields.iter().zip(&forms) {
            object.add(field, form);
        }
        objects.insert(name, object);
    }
    Ok(objects)
}

/// Reads the rows of a statement that is not prepared, as those about the schema are.
pub(super) async fn select<R>(
    session: &Session,
    cql: &str,
    values: impl SerializeRow,
) -> Result<Vec<R>>
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let what = "read the schema";
    let answer = session.query_unpaged(cql, values).await.map_err(|e| statement_error(what, e))?;
    let rows = answer.into_rows_result().map_err(|e| answer_error(what, e))?;
    let rows = rows.rows::<R>().map_err(|e| answer_error(what, e))?;
    rows.collect::<std::result::Result<_, _>>().map_err(|e| answer_error(what, e))
}
