//! The schema: applying it, and telling what differs.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::failure::{Outcome, sqlite_error};
use crate::repository::{Access, Result, SchemaStatus, StoreError, StoreFault};

/// The statements that make the schema; doing so twice changes nothing.
pub const SCHEMA: &str = include_str!("schema.sql");

/// The version of [`SCHEMA`], kept in the file's `user_version`.
pub(super) const VERSION: u32 = 3;

/// What leads from one version to the next, the oldest first: the version that a step starts from,
/// and its statements. [`SCHEMA`] runs after the last step and makes every table, index, trigger and
/// view that is missing, so a step only has what that cannot do: new columns of existing tables,
/// values of existing rows, objects that are dropped or made anew.
const STEPS: [(u32, &str); 2] = [(1, ""), (2, include_str!("steps/from_2.sql"))];

/// Marks a SQLite file as a store of `tix`: the letters "tix1".
const APPLICATION_ID: u32 = 0x7469_7831;

/// Checks that the database is a store of `tix`, or empty so that it can become one. With
/// [`Access::Create`] it may be one of an earlier version, which can be brought up to this one.
///
/// # Errors
/// [`StoreFault::NotAStore`], or [`StoreFault::SchemaBehind`] or [`StoreFault::SchemaAhead`] for another
/// version.
pub(super) fn check_kind(connection: &Connection, name: &str, access: Access) -> Result<()> {
    let tried = format!("open the store {name}");
    let (application, version, tables) = facts(connection).map_err(|e| sqlite_error(e, &tried))?;
    let fault = match (application, version) {
        (APPLICATION_ID, VERSION) => return Ok(()),
        (0, 0) if tables == 0 => return Ok(()),
        (APPLICATION_ID, 1..VERSION) if access == Access::Create => return Ok(()),
        (APPLICATION_ID, version) => StoreError::new(
            StoreFault::of_schema(version, VERSION),
            format!("{name} has schema version {version}, this tix works with {VERSION}"),
        ),
        _ => StoreError::new(
            StoreFault::NotAStore,
            format!("{name} is a database of something else"),
        ),
    };
    Err(fault.into())
}

fn facts(connection: &Connection) -> rusqlite::Result<(u32, u32, u32)> {
    // One statement, so that no other process can make the store in between.
    connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Whether the schema of this version is there.
pub(super) fn is_applied(connection: &Connection) -> rusqlite::Result<bool> {
    let (application, version, _) = facts(connection)?;
    Ok((application, version) == (APPLICATION_ID, VERSION))
}

/// Checks inside a transaction that no later tix has changed the schema since the store was opened.
pub(super) fn check_version(connection: &Connection) -> Outcome<()> {
    let mut statement = connection.prepare_cached("PRAGMA user_version")?;
    let version: u32 = statement.query_row([], |row| row.get(0))?;
    if version == VERSION {
        return Ok(());
    }
    let message =
        format!("the store has schema version {version} by now, this tix works with {VERSION}");
    Err(StoreError::new(StoreFault::of_schema(version, VERSION), message).into())
}

/// Makes what is missing, inside the caller's transaction: an older store takes every step that leads
/// from its version to this one.
pub(super) fn apply(connection: &Connection) -> Outcome<()> {
    let had_words = has_words(connection)?;
    let (application, version, _) = facts(connection)?;
    if application == APPLICATION_ID {
        for (_, statements) in STEPS.iter().filter(|(from, _)| *from >= version) {
            connection.execute_batch(statements)?;
        }
    }
    connection.execute_batch(SCHEMA)?;
    if !had_words {
        // What a store that was made before has in its events.
        connection.execute("INSERT INTO event_words (event_words) VALUES ('rebuild')", [])?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Whether there is a table of the words of events.
fn has_words(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'event_words'";
    connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, u32>(0)).map(|n| n > 0)
}

/// Compares what is there with what [`SCHEMA`] makes.
pub(super) fn status(connection: &Connection) -> Outcome<SchemaStatus> {
    let (application, version, _) = facts(connection)?;
    let applied_version = (application == APPLICATION_ID).then_some(version);
    let wanted = Connection::open_in_memory()?;
    wanted.execute_batch(SCHEMA)?;
    let (wanted, found) = (objects(&wanted)?, objects(connection)?);
    let mut differences = Vec::new();
    for ((kind, name), shape) in &wanted {
        match found.get(&(kind.clone(), name.clone())) {
            None => differences.push(format!("{kind} {name} is missing")),
            Some(other) if other != shape => differences.push(format!("{kind} {name} differs")),
            Some(_) => {}
        }
    }
    for (kind, name) in found.keys().filter(|key| !wanted.contains_key(key)) {
        differences.push(format!("{kind} {name} is not part of the schema"));
    }
    Ok(SchemaStatus { expected_version: VERSION, applied_version, differences })
}

/// Every table, index, trigger and view by kind and name, with its shape: the columns of a table in
/// any order, since a step appends the columns that a fresh store has in their place, and the
/// statement that made anything else.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<(String, String), Vec<String>>> {
    let mut statement = connection.prepare(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut objects = BTreeMap::new();
    for object in rows {
        let (kind, name, sql) = object?;
        let is_table = kind == "table" && sql.starts_with("CREATE TABLE");
        let shape = if is_table { columns(connection, &name)? } else { vec![sql] };
        objects.insert((kind, name), shape);
    }
    Ok(objects)
}

/// The columns of a table with type, constraints and place in the key, by name.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT format('%s %s %d %s %d', name, type, \"notnull\", coalesce(dflt_value, 'none'), pk)
           FROM pragma_table_xinfo(?1) ORDER BY name",
    )?;
    let rows = statement.query_map([table], |row| row.get(0))?;
    rows.collect()
}

/// Finds out whether the database has a schema at all.
///
/// # Errors
/// [`StoreFault::Missing`] if it has none.
pub(super) fn require(connection: &Connection, name: &str) -> Result<()> {
    let tried = format!("read the schema of {name}");
    if is_applied(connection).map_err(|e| sqlite_error(e, &tried))? {
        Ok(())
    } else {
        let message = format!("the store {name} has no schema");
        Err(StoreError::new(StoreFault::Missing, message).into())
    }
}
