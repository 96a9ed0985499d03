//! Reading `schema.cql`: its statements, and what each of them makes.
//!
//! Knows as much of CQL as that one file uses, and a test holds the file to it.

use std::collections::{BTreeMap, BTreeSet};

/// A type, table or view: its columns and, of tables, the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Object {
    /// `type`, `table` or `view`.
    pub(super) kind: &'static str,
    /// Columns with their types. Of a view, only those that are named.
    columns: BTreeMap<String, String>,
    /// The columns that a partition has once.
    statics: BTreeSet<String>,
    /// The columns of the partition key, in order.
    partition: Vec<String>,
    /// The columns that order a partition.
    clustering: Vec<String>,
    /// Whether every change is logged.
    pub(super) has_change_log: bool,
}

impl Object {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Adds a column.
    pub(super) fn add(&mut self, column: &str, form: &str) {
        let form = form.split_whitespace().collect::<String>();
        self.columns.insert(column.to_owned(), form);
    }

    /// Notes the kind of a column, as `system_schema.columns` describes it.
    pub(super) fn set_kind(&mut self, column: &str, kind: &str, position: usize) {
        let key = match kind {
            "partition_key" => &mut self.partition,
            "clustering" => &mut self.clustering,
            "static" => {
                self.statics.insert(column.to_owned());
                return;
            }
            _ => return,
        };
        if key.len() <= position {
            key.resize(position + 1, String::new());
        }
        column.clone_into(&mut key[position]);
    }

    /// The statements that add to `other`, which exists as `name`, the columns that it lacks. A view
    /// cannot get any.
    pub(super) fn additions(&self, name: &str, other: &Self) -> Vec<String> {
        if self.kind != other.kind || self.kind == "view" {
            return Vec::new();
        }
        let lacking =
            self.columns.iter().filter(|(column, _)| !other.columns.contains_key(*column));
        lacking
            .map(|(column, form)| {
                let suffix = if self.statics.contains(column) { " STATIC" } else { "" };
                format!("ALTER {} {name} ADD {column} {form}{suffix}", self.kind)
            })
            .collect()
    }

    /// How `other`, which is there, differs from this one, which should be; one sentence each.
    pub(super) fn differences(&self, name: &str, other: &Self) -> Vec<String> {
        if self.kind != other.kind {
            return vec![format!("{name} is a {}, not a {}", other.kind, self.kind)];
        }
        let mut differences = Vec::new();
        for (column, form) in &self.columns {
            match other.columns.get(column) {
                None => differences.push(format!("{} {name} lacks {column}", self.kind)),
                // What a view shows has the type of its table.
                Some(there) if there == form || self.kind == "view" => {
                    if self.statics.contains(column) != other.statics.contains(column) {
                        differences.push(format!("{name}.{column} is of another kind"));
                    }
                }
                Some(there) => {
                    differences.push(format!("{name}.{column} is {there}, not {form}"));
                }
            }
        }
        for column in other.columns.keys().filter(|column| !self.columns.contains_key(*column)) {
            differences.push(format!("{name}.{column} is not part of the schema"));
        }
        if (&self.partition, &self.clustering) != (&other.partition, &other.clustering) {
            differences.push(format!("{} {name} has another key", self.kind));
        }
        differences
    }
}

/// The statements of a CQL text, without comments and final semicolons.
pub(super) fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default().trim_end());
    let bare = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    bare.split(';').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// Everything that the statements of a CQL text make, by name.
pub(super) fn objects(text: &str) -> BTreeMap<String, Object> {
    statements(text).iter().filter_map(|statement| read(statement)).collect()
}

/// What one statement makes, and its name.
pub(super) fn read(statement: &str) -> Option<(String, Object)> {
    let kinds =
        [("CREATE TYPE", "type"), ("CREATE TABLE", "table"), ("CREATE MATERIALIZED VIEW", "view")];
    let (begin, kind) = kinds.into_iter().find(|(begin, _)| statement.starts_with(begin))?;
    let rest = statement.strip_prefix(begin)?.trim_start().strip_prefix("IF NOT EXISTS")?;
    let name = rest.trim_start().split(|c: char| c.is_whitespace() || c == '(').next()?.to_owned();
    let object = if kind == "view" { read_view(rest)? } else { read_columns(kind, rest)? };
    Some((name, object))
}

fn read_columns(kind: &'static str, text: &str) -> Option<Object> {
    let mut object = Object::new(kind);
    let (body, options) = in_brackets(text)?;
    for part in split(body) {
        if let Some(key) = part.strip_prefix("PRIMARY KEY") {
            read_key(&mut object, key)?;
            continue;
        }
        let (column, form) = part.split_once(char::is_whitespace)?;
        let form = match form.trim().strip_suffix("STATIC") {
            Some(form) => {
                object.set_kind(column, "static", 0);
                form
            }
            None => form,
        };
        match form.trim().strip_suffix("PRIMARY KEY") {
            Some(form) => {
                object.add(column, form);
                object.set_kind(column, "partition_key", 0);
            }
            None => object.add(column, form),
        }
    }
    object.has_change_log = options.contains("cdc");
    Some(object)
}

fn read_view(text: &str) -> Option<Object> {
    let mut object = Object::new("view");
    let (columns, rest) = text.split_once("SELECT")?.1.split_once("FROM")?;
    for column in columns.split(',') {
        object.add(column.trim(), "");
    }
    read_key(&mut object, rest.split_once("PRIMARY KEY")?.1)?;
    Some(object)
}

/// Reads `((a, b), c)`, `(a, b)` or `((a, b))`.
fn read_key(object: &mut Object, text: &str) -> Option<()> {
    let parts = split(in_brackets(text)?.0);
    let (partition, clustering) = parts.split_first()?;
    let partition = in_brackets(partition).map_or(partition.as_str(), |(inner, _)| inner);
    for (position, column) in split(partition).iter().enumerate() {
        object.set_kind(column, "partition_key", position);
    }
    for (position, column) in clustering.iter().enumerate() {
        object.set_kind(column, "clustering", position);
    }
    Some(())
}

/// What stands in the first pair of round brackets, and what follows it.
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let start = text.find('(')?;
    let mut depth = 0_u32;
    for (at, letter) in text[start..].char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[start + 1..start + at], &text[start + at + 1..]));
        }
    }
    None
}

/// Splits at the commas that stand in no brackets of any kind.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for letter in text.chars() {
        match letter {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if letter != ',' || depth > 0 => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::schema::SCHEMA;
    use super::*;

    #[test]
    fn every_statement_of_the_schema_is_understood() {
        let statements = statements(SCHEMA);
        assert!(statements.iter().all(|statement| read(statement).is_some()), "{statements:#?}");
        assert!(statements.iter().all(|statement| statement.contains("IF NOT EXISTS")));
        assert_eq!(objects(SCHEMA).len(), statements.len());
    }

    #[test]
    fn keys_columns_and_logs_are_read() {
        let objects = objects(SCHEMA);
        let queue = &objects["order_queue"];
        assert_eq!((queue.kind, queue.has_change_log), ("table", true));
        assert_eq!(queue.partition, ["event_id", "ticket_id"]);
        let view = &objects["available_tickets"];
        assert_eq!((view.kind, view.partition.len(), view.clustering.len()), ("view", 2, 2));
        let hold = &objects["holds"];
        assert_eq!((hold.partition.len(), hold.clustering.len()), (1, 0));
        assert_eq!(hold.columns["tickets"], "frozen<list<frozen<ticket_copy>>>");
        assert_eq!(objects["limit_entry"].columns["order_id"], "uuid");
    }

    #[test]
    fn what_differs_is_named() {
        let wanted = &objects(
            "CREATE TABLE IF NOT EXISTS a (x int PRIMARY KEY, y text, z int STATIC, s int STATIC)",
        )["a"];
        let found = &objects(
            "CREATE TABLE IF NOT EXISTS a (x int, y int, w int, s int, PRIMARY KEY (x, y))",
        );
        assert_eq!(
            wanted.differences("a", &found["a"]),
            [
                "a.s is of another kind",
                "a.y is int, not text",
                "table a lacks z",
                "a.w is not part of the schema",
                "table a has another key",
            ]
        );
        assert_eq!(wanted.additions("a", &found["a"]), ["ALTER table a ADD z int STATIC"]);
        assert!(wanted.differences("a", wanted).is_empty());
    }
}
