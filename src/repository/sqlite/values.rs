//! How domain values are written into columns and read from them.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
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
                Self::new(value.as_str()?).map_err(FromSqlError::other)
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
    let millis: i64 = row.get(name)?;
    Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// Reads a count, which is never negative.
pub(super) fn count_column(row: &Row<'_>, name: &str) -> rusqlite::Result<u64> {
    let count: i64 = row.get(name)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
