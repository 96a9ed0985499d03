//! Keeping an eye on the cluster's clock: asking every machine for its time, comparing it with what
//! other processes have seen, and telling them.

use std::time::Duration;

use futures::future::join_all;
use scylla::DeserializeRow;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::prepared::PreparedStatement;
use tokio::time::timeout;
use uuid::Uuid;

use super::database::{Database, Decision, Unread};
use super::server_clock::{MEASURED_EVERY, SAMPLES, Sample};
use crate::domain::{MachineTime, Timestamp};
use crate::repository::{ClockStatus, Result};

/// How long a machine may take to say what time it is. One that takes longer says too little.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The row whose mark changes when the clock is accepted.
const ACCEPTED: &str = "accepted";
/// The row of the newest time.
const NEWEST: &str = "newest";

/// A row of `store_clock`.
#[derive(Debug, DeserializeRow)]
struct ClockRow {
    name: String,
    at: Option<Timestamp>,
    uptime_us: Option<i64>,
    mark: Option<Uuid>,
}

/// What processes know of the clock.
#[derive(Debug, Default)]
struct Shared {
    newest: Option<Timestamp>,
    /// Nil where the clock was never accepted.
    accepted: Uuid,
    /// What a process of this machine has measured, and at which uptime.
    machine: Option<(Timestamp, i64)>,
}

/// The row of a run of a machine.
fn machine_name(machine: &MachineTime) -> String {
    format!("machine-{}", machine.boot)
}

async fn shared(db: &Database) -> Result<Shared> {
    let machine = machine_name(&db.clock.machine());
    let names = [ACCEPTED, NEWEST, &machine];
    let rows: Vec<ClockRow> = db.rows(&db.statements.select_clock, (&names[..],)).await?;
    let mut shared = Shared::default();
    for row in rows {
        match row.name.as_str() {
            ACCEPTED => shared.accepted = row.mark.unwrap_or_default(),
            NEWEST => shared.newest = row.at,
            _ => shared.machine = row.at.zip(row.uptime_us),
        }
    }
    Ok(shared)
}

/// Measures the clock, beside what other processes have seen of it, and tells them.
pub(super) async fn look(db: &Database) -> Result<()> {
    let shared = shared(db).await?;
    let known = db.accepted_mark();
    if known.is_some_and(|known| known != shared.accepted) {
        db.clock.accept();
    } else if let Some((at, uptime_us)) = shared.machine {
        db.clock.expect(at, uptime_us);
    }
    db.set_accepted_mark(shared.accepted);
    measure(db).await?;
    if let Some(newest) = shared.newest {
        db.clock.compare(newest);
    }
    if db.clock.fault().is_some() {
        return Ok(());
    }
    let (now, machine) = (db.now(), db.clock.machine());
    let stale = |at: Timestamp| now.since(at) >= MEASURED_EVERY;
    if shared.machine.is_none_or(|(at, _)| stale(at)) {
        let values = (machine_name(&machine), now, machine.uptime_us);
        db.write(&db.statements.note_machine, values).await?;
    }
    if shared.newest.is_none_or(stale) {
        let values = (now, now.as_millis().saturating_mul(1000));
        db.write(&db.statements.note_newest, values).await?;
    }
    Ok(())
}

/// Takes the cluster's clock as it is, in every process.
pub(super) async fn accept(db: &Database) -> Result<()> {
    let newest = shared(db).await?.newest;
    let mark = Uuid::new_v4();
    db.clock.accept();
    measure(db).await?;
    if let Some(newest) = newest.filter(|newest| *newest > db.now()) {
        // Later than the row that is there, which is from a time that is not believed any more.
        let later = newest.as_millis().saturating_mul(1000).saturating_add(1);
        db.write(&db.statements.note_newest, (db.now(), later)).await?;
    }
    let machine = db.clock.machine();
    let values = (machine_name(&machine), db.now(), machine.uptime_us);
    db.write(&db.statements.note_machine, values).await?;
    db.write(&db.statements.mark_clock, (mark,)).await?;
    db.set_accepted_mark(mark);
    Ok(())
}

/// What there is to say about the cluster's clock.
pub(super) async fn status(db: &Database) -> Result<ClockStatus> {
    look(db).await?;
    let fault = db.clock.fault();
    let clock = match fault {
        Some(
            crate::domain::ClockFault::Ahead { clock, .. }
            | crate::domain::ClockFault::Behind { clock, .. },
        ) => clock,
        _ => db.now(),
    };
    Ok(ClockStatus::of(clock, db.now(), fault))
}

/// Finds out whether a lightweight transaction and a quorum write succeed.
pub(super) async fn check_writes(db: &Database) -> Result<()> {
    let mark = Uuid::new_v4();
    let values = (format!("probe-{mark}"), mark);
    match db.decide::<Unread>(&db.statements.probe, values).await? {
        Decision::Unknown => Err(super::failure::unanswered(db.statements.probe.what)),
        Decision::Applied | Decision::Refused(Unread) => Ok(()),
    }
}

/// Measures how far the clock of every machine is from this one's uptime.
pub(super) async fn measure(db: &Database) -> Result<()> {
    let cluster = db.session.get_cluster_state();
    let connected = cluster.get_nodes_info().iter().filter(|node| node.is_connected());
    let targets = connected.map(|node| {
        let node = NodeIdentifier::Node(std::sync::Arc::clone(node));
        let mut statement = db.statements.select_time.prepared.clone();
        let policy = SingleTargetLoadBalancingPolicy::new(node, None);
        statement.set_load_balancing_policy(Some(policy));
        statement
    });
    let asked: Vec<_> = targets.map(|statement| ask(db, statement)).collect();
    let mut answers = join_all(asked).await;
    answers.retain(|samples| !samples.is_empty());
    if answers.is_empty() {
        // Where no machine could be asked by itself, any of them may answer, or say why none does.
        let asked_us = db.clock.uptime_us();
        let found = db.row::<(Timestamp,)>(&db.statements.select_time, ()).await?;
        let answered_us = db.clock.uptime_us();
        answers.extend(found.map(|(server,)| vec![Sample { asked_us, server, answered_us }]));
    }
    db.clock.correct(&answers);
    Ok(())
}

/// Asks one machine for its time.
async fn ask(db: &Database, statement: PreparedStatement) -> Vec<Sample> {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let asked_us = db.clock.uptime_us();
        let answer = timeout(ANSWER_MAX, db.session.execute_unpaged(&statement, ())).await;
        let answered_us = db.clock.uptime_us();
        let Ok(Ok(answer)) = answer else { break };
        let server = answer.into_rows_result().ok();
        let server = server.and_then(|rows| rows.first_row::<(Timestamp,)>().ok());
        samples.extend(server.map(|(server,)| Sample { asked_us, server, answered_us }));
    }
    samples
}
