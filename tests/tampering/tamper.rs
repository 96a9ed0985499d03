//! Tampering: what is done to a store, drawn at random or one column after the other.

use std::fmt;

use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt as _};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Every table that holds something of the sale.
pub(crate) const TABLES: [&str; 10] = [
    "events",
    "venue_sections",
    "tickets",
    "order_queue",
    "holds",
    "orders",
    "payment_references",
    "change_log",
    "waitlist",
    "log_progress",
];

/// Words that some column knows.
const WORDS: &[&str] = &[
    "held",
    "paying",
    "sold",
    "blocked",
    "available",
    "abandoned",
    "declined",
    "aborted",
    "refunded",
    "expired",
    "held_again",
    "unblocked",
    "paid",
    "refund_due",
    "refunding",
    "waiting",
    "offered",
    "left",
    "EUR",
    "USD",
    "Stalls",
    "Box",
    "A",
    "[1]",
    "[1,2]",
    "[]",
    "{}",
    "card",
];

/// One thing that is done to a store.
#[derive(Debug, Clone)]
pub(crate) enum Tampering {
    /// A value is replaced.
    Set { table: &'static str, row: Vec<Value>, column: String, value: Value },
    /// A row is removed.
    Delete { table: &'static str, row: Vec<Value> },
    /// Two rows exchange a value.
    Swap { table: &'static str, rows: [Vec<Value>; 2], column: String },
    /// A row is there once more, under another key.
    Duplicate { table: &'static str, row: Vec<Value>, key: Value },
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { table, row, column, value } => {
                write!(f, "{table}.{column} = {value:?} where the row was {row:?}")
            }
            Self::Delete { table, row } => write!(f, "{table} loses {row:?}"),
            Self::Swap { table, rows, column } => {
                write!(f, "{table}.{column} is exchanged between {:?} and {:?}", rows[0], rows[1])
            }
            Self::Duplicate { table, row, key } => {
                write!(f, "{table} has {row:?} again, as {key:?}")
            }
        }
    }
}

/// The columns of a table that are stored; the first is its key.
pub(crate) fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let sql = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
    let mut statement = connection.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The rows of a table, by their key.
pub(crate) fn rows(connection: &Connection, table: &str) -> Vec<Vec<Value>> {
    let columns = columns(connection, table);
    let (width, columns) = (columns.len(), columns.join(", "));
    let sql = format!("SELECT {columns} FROM {table} ORDER BY 1");
    let mut statement = connection.prepare(&sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| (0..width).map(|column| row.get(column)).collect();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Draws something to do.
pub(crate) fn draw(connection: &Connection, random: &mut impl Rng) -> Tampering {
    loop {
        let table = *TABLES.choose(random).unwrap();
        let (columns, rows) = (columns(connection, table), rows(connection, table));
        let row = rows.choose(random).unwrap().clone();
        let place = random.random_range(0..columns.len());
        let column = columns[place].clone();
        match random.random_range(0..10) {
            0 => return Tampering::Delete { table, row },
            1 => {
                let key = another_key(&row[0], &rows, random);
                return Tampering::Duplicate { table, row, key };
            }
            2 | 3 => {
                let other = rows.choose(random).unwrap().clone();
                if other[place] != row[place] {
                    return Tampering::Swap { table, rows: [row, other], column };
                }
            }
            _ => {
                let value = another(place, &row[place], &rows, random);
                if value != row[place] {
                    return Tampering::Set { table, row, column, value };
                }
            }
        }
    }
}

fn another_key(key: &Value, rows: &[Vec<Value>], random: &mut impl Rng) -> Value {
    match key {
        Value::Integer(_) => {
            let largest = rows.iter().filter_map(|row| as_integer(&row[0])).max();
            Value::Integer(largest.unwrap_or(0) + random.random_range(1..3))
        }
        Value::Blob(bytes) => Value::Blob(flipped(bytes, random)),
        Value::Text(text) => Value::Text(format!("{text} 2")),
        other => other.clone(),
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    if let Value::Integer(number) = value { Some(*number) } else { None }
}

fn flipped(bytes: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if !bytes.is_empty() {
        let place = random.random_range(0..bytes.len());
        bytes[place] ^= 1 << random.random_range(0..8);
    }
    bytes
}

/// Another value for a column: plausible more often than not.
fn another(place: usize, value: &Value, rows: &[Vec<Value>], random: &mut impl Rng) -> Value {
    match random.random_range(0..8) {
        0 => return Value::Null,
        1..=3 => return rows.choose(random).unwrap()[place].clone(),
        _ => {}
    }
    match value {
        Value::Integer(number) => {
            let near = [1, -1, 10, -10, 700, -700, 1_000, 60_000, -60_000];
            let far = [0, 1, -1, 1_000_000, i64::MAX, i64::MIN];
            Value::Integer(if random.random_bool(0.8) {
                number.saturating_add(*near.choose(random).unwrap())
            } else {
                *far.choose(random).unwrap()
            })
        }
        Value::Blob(bytes) if random.random_bool(0.2) => {
            Value::Blob(bytes.iter().copied().skip(1).collect())
        }
        Value::Blob(bytes) => Value::Blob(flipped(bytes, random)),
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Text(text) if random.random_bool(0.3) => Value::Text(format!("{text} ")),
        Value::Text(text) if random.random_bool(0.3) => Value::Text(format!("{text}x")),
        Value::Text(text) if random.random_bool(0.1) => Value::Text(text.to_uppercase()),
        _ => Value::Text((*WORDS.choose(random).unwrap()).into()),
    }
}

/// What to do to one value, whatever it is: other values of every kind.
pub(crate) fn each_value(value: &Value, rows: &[Vec<Value>], place: usize) -> Vec<Value> {
    let mut values = vec![Value::Null];
    values.extend(rows.iter().map(|row| row[place].clone()).find(|other| other != value));
    match value {
        Value::Integer(n) => {
            values.extend([n.wrapping_add(1), n.wrapping_sub(1), i64::MAX].map(Value::Integer));
        }
        Value::Blob(bytes) => {
            let mut other = bytes.clone();
            if let Some(last) = other.last_mut() {
                *last ^= 1;
            }
            values.extend([other, bytes[1..].to_vec()].map(Value::Blob));
        }
        Value::Text(text) => values.extend([format!("{text}x"), String::new()].map(Value::Text)),
        Value::Real(n) => values.push(Value::Real(n + 1.0)),
        Value::Null => {
            values.extend([Value::Integer(1), Value::Text("x".into()), Value::Blob(vec![7; 16])]);
        }
    }
    values
}

/// Does it; false where the database itself refuses.
pub(crate) fn apply(connection: &Connection, tampering: &Tampering) -> bool {
    let tampered = match tampering {
        Tampering::Set { table, row, column, value } => set(connection, table, column, row, value),
        Tampering::Delete { table, row } => {
            let key = &columns(connection, table)[0];
            connection.execute(&format!("DELETE FROM {table} WHERE {key} = ?1"), [&row[0]])
        }
        Tampering::Swap { table, rows, column } => swap(connection, table, column, rows),
        Tampering::Duplicate { table, row, key } => {
            let mut row = row.clone();
            row[0] = key.clone();
            // What must be unique beside the key is drawn from it.
            if *table == "waitlist"
                && let Value::Blob(entry) = &mut row[1]
            {
                entry[0] ^= 0x55;
            }
            let marks = vec!["?"; row.len()].join(", ");
            let columns = columns(connection, table).join(", ");
            let sql = format!("INSERT INTO {table} ({columns}) VALUES ({marks})");
            connection.execute(&sql, params_from_iter(row))
        }
    };
    tampered.is_ok_and(|changed| changed > 0)
}

fn set(
    connection: &Connection,
    table: &str,
    column: &str,
    row: &[Value],
    value: &Value,
) -> rusqlite::Result<usize> {
    let key = &columns(connection, table)[0];
    let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {key} = ?1");
    connection.execute(&sql, [&row[0], value])
}

/// Where values must be unique, one of the rows gives way first.
fn swap(
    connection: &Connection,
    table: &str,
    column: &str,
    rows: &[Vec<Value>; 2],
) -> rusqlite::Result<usize> {
    let columns = columns(connection, table);
    let place = columns.iter().position(|other| other == column).unwrap();
    let [one, two] = rows.each_ref().map(|row| row[place].clone());
    if place == 0 {
        let away = match &one {
            Value::Integer(_) => Value::Integer(-77),
            Value::Text(_) => Value::Text("away".into()),
            _ => Value::Blob(vec![0; 3]),
        };
        let key = &columns[0];
        let sql = format!("UPDATE {table} SET {key} = ?2 WHERE {key} = ?1");
        connection.execute(&sql, [&one, &away])?;
        connection.execute(&sql, [&two, &one])?;
        return connection.execute(&sql, [&away, &two]);
    }
    let away = match &one {
        Value::Text(text) => Value::Text(format!("{text} away")),
        Value::Blob(_) => Value::Blob(vec![0; 3]),
        other => other.clone(),
    };
    set(connection, table, column, &rows[0], &away)?;
    set(connection, table, column, &rows[1], &one)?;
    set(connection, table, column, &rows[0], &two)
}

/// Whether a value is a status or another word of a few.
pub(crate) fn is_status(value: &Value) -> bool {
    matches!(value, Value::Text(text) if WORDS.contains(&text.as_str()))
}

/// The kind of a value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Integer(_) => "integer",
        Value::Real(_) => "real",
        Value::Text(_) => "text",
        Value::Blob(_) => "blob",
    }
}
