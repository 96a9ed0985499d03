//! How domain values are written into columns and read from them.

use std::fmt::Display;
use std::time::Duration;

use rusqlite::types::{
    FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, Value, ValueRef,
};
use rusqlite::{Row, RowIndex};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::{
    BuyerId, Currency, EntryId, EventId, HoldId, OrderId, PaymentReference, SessionId, TicketId,
    Timestamp,
};

macro_rules! uuid_column {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let uuid = Uuid::from_slice(value.as_blob()?);
                uuid.map(Self::from_uuid).map_err(FromSqlError::other)
            }
        }
    )*};
}

uuid_column!(BuyerId, EntryId, EventId, HoldId, OrderId, TicketId);

macro_rules! text_column {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::stored(value.as_str()?).map_err(FromSqlError::other)
            }
        }
    )*};
}

text_column!(PaymentReference, SessionId);

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Integer(self.as_millis())))
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_millis)
    }
}

impl ToSql for Currency {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.code().into())
    }
}

impl FromSql for Currency {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::of_code(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

/// Reads a column of whole milliseconds.
pub(super) fn millis_column(row: &Row<'_>, name: &str) -> rusqlite::Result<Duration> {
    count_column(row, name).map(Duration::from_millis)
}

/// Reads a count, which is never negative.
pub(super) fn count_column(
    row: &Row<'_>,
    column: impl RowIndex + Display,
) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| unreadable(format!("{column} is {count}")))
}

/// Reads a column of JSON.
pub(super) fn json_column<T: DeserializeOwned>(value: ValueRef<'_>) -> rusqlite::Result<T> {
    serde_json::from_str(value.as_str()?).map_err(|e| unreadable(e.to_string()))
}

/// A word that stands for none of the values that its column may have.
pub(super) fn unknown_word(word: &str, what: &str) -> rusqlite::Error {
    unreadable(format!("`{word}` is no {what}"))
}

/// A value that is not one of its column.
pub(super) fn unreadable(why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, why.into())
}

/// A row with a value that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the row {key} of `{table}` cannot be read: {why}")]
pub(super) struct CorruptRow {
    table: &'static str,
    key: String,
    why: String,
}

/// Reads a row of a table. A value that makes no sense is an error with the table and the row's key,
/// which is in the column `key`.
pub(super) fn decode<T>(
    table: &'static str,
    row: &Row<'_>,
    key: usize,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    read(row).map_err(|error| {
        if !is_about_a_value(&error) || corrupt_row(&error).is_some() {
            return error;
        }
        let why = match error {
            rusqlite::Error::FromSqlConversionFailure(_, _, why) => why.to_string(),
            other => other.to_string(),
        };
        let corrupt = CorruptRow { table, key: key_of(row, key), why };
        rusqlite::Error::FromSqlConversionFailure(key, Type::Null, Box::new(corrupt))
    })
}

/// The key of a row as an operator finds it again.
fn key_of(row: &Row<'_>, key: usize) -> String {
    match row.get_ref(key) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        Ok(ValueRef::Blob(bytes)) => match Uuid::from_slice(bytes) {
            Ok(id) => id.to_string(),
            Err(_) => {
                format!("{bytes:02x?}")
            }
        },
        _ => "without a key".into(),
    }
}

/// Which row it was that could not be read.
pub(super) fn corrupt_row(error: &rusqlite::Error) -> Option<&CorruptRow> {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, why) => why.downcast_ref(),
        _ => None,
    }
}

/// Whether an error is about what is stored, and not about reading it.
pub(super) const fn is_about_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}
