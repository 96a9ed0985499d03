//! `tix schema`.

use serde::Serialize;

use super::Context;
use crate::cli::SchemaAction;
use crate::error::{Error, Result};
use crate::output::{Card, Page, Report, Sheet, Tone};
use crate::repository::{Access, ClockStatus, Repository, SchemaStatus, StoreUrl, scylla, sqlite};

/// Applies, shows or compares the schema.
///
/// # Errors
/// The store cannot be used; for `status`, its schema is not the one this version needs.
pub async fn run(context: &Context, action: SchemaAction) -> Result<()> {
    match action {
        SchemaAction::Apply => {
            let status = context
                .with_store(Access::Create, async |store| Ok(store.apply_schema().await?))
                .await?;
            context.print(&Status::new(context, &status))
        }
        SchemaAction::Show => context.print(&Statements::of(&context.store)),
        SchemaAction::Status => {
            let status = context
                .with_store(Access::Existing, async |store| Ok(store.schema_status().await?))
                .await?;
            context.print(&Status::new(context, &status))?;
            sound(&status)
        }
        SchemaAction::Clock { accept } => {
            let read = async |store: &dyn Repository| {
                if accept { store.accept_clock().await } else { store.clock_status().await }
                    .map_err(Error::from)
            };
            let status = context.with_store(Access::Existing, read).await?;
            context.print(&Time::new(context, &status))?;
            believed(status)
        }
    }
}

fn believed(status: ClockStatus) -> Result<()> {
    let Some(message) = status.fault else { return Ok(()) };
    let hint = "set the clock right, or accept it with `tix schema clock --accept`";
    Err(Error::Unsound { message, hint: hint.into() })
}

/// The store's time beside the clock.
#[derive(Serialize)]
struct Time<'a> {
    clock: TimeRecord<'a>,
}

#[derive(Serialize)]
struct TimeRecord<'a> {
    store: String,
    #[serde(flatten)]
    status: &'a ClockStatus,
}

impl<'a> Time<'a> {
    fn new(context: &Context, status: &'a ClockStatus) -> Self {
        Self { clock: TimeRecord { store: context.store.to_string(), status } }
    }
}

impl Report for Time<'_> {
    fn text(&self, page: &Page) -> String {
        let TimeRecord { store, status } = &self.clock;
        let (word, tone) =
            if status.believed { ("believed", Tone::Free) } else { ("not believed", Tone::Bad) };
        Card::new()
            .line("store", store)
            .toned("clock", word, tone)
            .line("the clock shows", status.clock)
            .line("the store's time", status.time)
            .render(page)
    }

    fn sheet(&self) -> Sheet {
        let TimeRecord { store, status } = &self.clock;
        Sheet::new(&["store", "believed", "clock", "time", "fault"]).with([vec![
            store.clone(),
            status.believed.to_string(),
            status.clock.to_string(),
            status.time.to_string(),
            status.fault.clone().unwrap_or_default(),
        ]])
    }
}

fn sound(status: &SchemaStatus) -> Result<()> {
    if status.is_current() {
        return Ok(());
    }
    let is_later = status.applied_version.is_some_and(|version| version > status.expected_version);
    let hint = if is_later {
        "it needs a later tix; or name another store with --store or TIX_STORE"
    } else {
        "make what is missing with `tix schema apply`"
    };
    Err(Error::Unsound {
        message: "the store's schema is not the one this tix needs".into(),
        hint: hint.into(),
    })
}

/// How the store's schema compares with the one that is needed.
#[derive(Serialize)]
struct Status<'a> {
    schema: StatusRecord<'a>,
}

#[derive(Serialize)]
struct StatusRecord<'a> {
    store: String,
    current: bool,
    #[serde(flatten)]
    status: &'a SchemaStatus,
}

impl<'a> Status<'a> {
    fn new(context: &Context, status: &'a SchemaStatus) -> Self {
        let store = context.store.to_string();
        Self { schema: StatusRecord { store, current: status.is_current(), status } }
    }
}

impl Report for Status<'_> {
    fn text(&self, page: &Page) -> String {
        let StatusRecord { store, current, status } = &self.schema;
        let (word, tone) = if *current { ("current", Tone::Free) } else { ("differs", Tone::Bad) };
        let applied = status.applied_version.map_or_else(|| "none".into(), |v| v.to_string());
        let mut card = Card::new()
            .line("store", store)
            .toned("schema", word, tone)
            .line("applied", applied)
            .line("expected", status.expected_version);
        for difference in &status.differences {
            card = card.line("difference", difference);
        }
        card.render(page)
    }

    fn sheet(&self) -> Sheet {
        let StatusRecord { store, current, status } = &self.schema;
        Sheet::new(&["store", "current", "applied_version", "expected_version", "differences"])
            .with([vec![
                store.clone(),
                current.to_string(),
                crate::output::csv::optional(status.applied_version.as_ref()),
                status.expected_version.to_string(),
                status.differences.join("; "),
            ]])
    }
}

/// The statements that make the schema of a store's engine.
#[derive(Serialize)]
struct Statements {
    schema: StatementsRecord,
}

#[derive(Serialize)]
struct StatementsRecord {
    engine: &'static str,
    statements: &'static str,
}

impl Statements {
    const fn of(store: &StoreUrl) -> Self {
        let (engine, statements) = match store {
            StoreUrl::Sqlite(_) => ("sqlite", sqlite::SCHEMA),
            StoreUrl::Scylla(_) => ("scylladb", scylla::SCHEMA),
        };
        Self { schema: StatementsRecord { engine, statements } }
    }
}

impl Report for Statements {
    fn text(&self, _: &Page) -> String {
        self.schema.statements.to_owned()
    }

    fn sheet(&self) -> Sheet {
        let line = [self.schema.engine, self.schema.statements].map(str::to_owned);
        Sheet::new(&["engine", "statements"]).with([line.to_vec()])
    }
}
