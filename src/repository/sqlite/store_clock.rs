//! The store's time on this engine: what [`store_time`] derives from the machine's clock, with the
//! anchor and the newest written time in the store's file, where all processes find them.
//!
//! A store in memory belongs to one process: there both stay in memory too, which costs a
//! simulation nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::failure::Outcome;
use super::values::decode;
use crate::clock::Clock;
use crate::domain::store_time::{self, Anchor, ClockFault, StoreTime, store_time};
use crate::domain::{MachineTime, Timestamp};
use crate::repository::{ClockStatus, StoreError};

/// The clock of one process for one store.
#[derive(Debug)]
pub(super) struct StoreClock {
    machine: Arc<dyn Clock>,
    /// Whether other processes may write to the store.
    is_shared: bool,
    known: Mutex<Known>,
}

/// What the store's time is derived from, beside the machine.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    anchor: Option<Anchor>,
    /// The newest time that was written.
    newest: Option<Timestamp>,
    /// The newest time that this process has read: a jump that was only read is still to be counted
    /// when something is written.
    read: Option<Timestamp>,
}

/// The time of one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct TxTime {
    pub(super) now: Timestamp,
    /// Why nothing may be decided at this time.
    pub(super) fault: Option<ClockFault>,
    /// How many rows the connection had changed by then.
    changes: u64,
}

impl StoreClock {
    pub(super) fn new(machine: Arc<dyn Clock>, is_shared: bool) -> Self {
        Self { machine, is_shared, known: Mutex::default() }
    }

    /// Whether other processes may write to the store.
    pub(super) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Finds out what the store knows, before anything goes by this machine's clock.
    pub(super) fn load(&self, connection: &Connection) -> Outcome<()> {
        self.read(connection).map(drop)
    }

    /// The time inside a transaction that has the write lock. Renews the anchor where that is due.
    /// `stored` is what the file says, none where the store belongs to this process.
    pub(super) fn begin(
        &self,
        connection: &Connection,
        stored: Option<&mut Stored>,
    ) -> Outcome<TxTime> {
        let Some(stored) = stored else {
            let StoreTime { time: now, fault, .. } =
                self.known().judge(&self.machine.machine_time());
            return Ok(TxTime { now, fault, changes: 0 });
        };
        let StoreTime { time: now, fault, anchor } = self.judge(stored);
        if let Some(anchor) = &anchor {
            write(connection, anchor)?;
        }
        stored.anchor = anchor.or(stored.anchor);
        Ok(TxTime { now, fault, changes: connection.total_changes() })
    }

    /// Notes the time of a transaction that has changed something, unless its log entries say so
    /// already. Must be called last in every transaction that [`begin`](Self::begin) began with
    /// `stored`, which says afterwards what the file does.
    pub(super) fn end(connection: &Connection, time: &TxTime, stored: &mut Stored) -> Outcome<()> {
        if connection.total_changes() == time.changes {
            return Ok(());
        }
        let log_end = super::ownership::log_end(connection)?;
        if log_end != stored.log_end {
            stored.log_end = log_end;
            stored.logged = stored.logged.max(Some(time.now));
        } else if stored.newest.is_none_or(|newest| newest < time.now) {
            let sql = "UPDATE store_clock SET newest = ?1 WHERE one = 1";
            connection.prepare_cached(sql)?.execute([time.now])?;
            stored.newest = Some(time.now);
        }
        Ok(())
    }

    /// The time inside a transaction that only reads. A clock that is not believed does not change
    /// it: then it is the best estimate.
    pub(super) fn read(&self, connection: &Connection) -> Outcome<Timestamp> {
        if !self.is_shared {
            return Ok(self.now());
        }
        let found = self.judge(&Stored::read(connection)?);
        Ok(self.known().read.unwrap_or(found.time))
    }

    /// Takes the machine's clock as it is. Needs the write lock.
    pub(super) fn accept(&self, connection: &Connection) -> Outcome<()> {
        let machine = self.machine.machine_time();
        if !self.is_shared {
            let mut known = self.known();
            known.anchor = Some(store_time::accepted(known.anchor.as_ref(), known.read, &machine));
            return Ok(());
        }
        let stored = Stored::read(connection)?;
        let newest = stored.newest_of_all();
        write(connection, &store_time::accepted(stored.anchor.as_ref(), newest, &machine))
    }

    /// What there is to say about the clock.
    pub(super) fn status(&self, connection: &Connection) -> Outcome<ClockStatus> {
        let machine = self.machine.machine_time();
        let (anchor, newest) = if self.is_shared {
            let stored = Stored::read(connection)?;
            (stored.anchor, stored.newest_of_all())
        } else {
            let known = self.known();
            (known.anchor, known.read)
        };
        let found = store_time(anchor.as_ref(), newest, &machine);
        Ok(ClockStatus::new(&machine, found.time, found.fault))
    }

    fn judge(&self, stored: &Stored) -> StoreTime {
        let mut known = self.known();
        known.anchor = stored.anchor;
        known.newest = stored.newest_of_all();
        known.judge(&self.machine.machine_time())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for StoreClock {
    /// The store's time as far as this process knows it.
    fn now(&self) -> Timestamp {
        let mut known = self.known();
        let found = known.judge(&self.machine.machine_time());
        known.read.unwrap_or(found.time)
    }

    fn machine_time(&self) -> MachineTime {
        self.machine.machine_time()
    }
}

impl Known {
    fn judge(&mut self, machine: &MachineTime) -> StoreTime {
        let found = store_time(self.anchor.as_ref(), self.newest, machine);
        self.anchor = found.anchor.or(self.anchor);
        self.read = self.read.max(Some(found.time));
        found
    }
}

impl TxTime {
    /// Refuses to go on where the clock is not believed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.fault.map_or(Ok(()), |fault| Err(StoreError::clock(fault)))
    }
}

/// What the file says.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    anchor: Option<Anchor>,
    /// The newest time that was written outside of the change log.
    newest: Option<Timestamp>,
    /// The time of the last entry of the change log.
    logged: Option<Timestamp>,
    /// Where the change log ends.
    pub(super) log_end: i64,
    /// How many events are deleted.
    pub(super) deleted: i64,
}

impl Stored {
    pub(super) fn read(connection: &Connection) -> Outcome<Self> {
        let sql = "SELECT c.one, c.newest, c.boot_id, c.uptime_us, c.clock_us, c.time_us,
                          c.jumped_us, c.lead_allowed_us, l.position, l.at,
                          (SELECT count(*) FROM deleted_events)
                     FROM store_clock c LEFT JOIN change_log l
                       ON l.position = (SELECT max(position) FROM change_log)
                    WHERE c.one = 1";
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row([], |row| decode("store_clock", row, 0, Self::of))?)
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let boot: Option<[u8; 16]> = row.get(2)?;
        let anchor = match boot {
            None => None,
            Some(boot) => Some(Anchor {
                machine: MachineTime {
                    boot: Uuid::from_bytes(boot),
                    uptime_us: row.get(3)?,
                    clock_us: row.get(4)?,
                },
                time_us: row.get(5)?,
                jumped_us: row.get(6)?,
                lead_allowed_us: row.get(7)?,
            }),
        };
        let log_end: Option<i64> = row.get(8)?;
        let (log_end, deleted) = (log_end.unwrap_or(0), row.get(10)?);
        Ok(Self { anchor, newest: row.get(1)?, logged: row.get(9)?, log_end, deleted })
    }

    fn newest_of_all(&self) -> Option<Timestamp> {
        self.newest.max(self.logged)
    }
}

fn write(connection: &Connection, anchor: &Anchor) -> Outcome<()> {
    let sql = "UPDATE store_clock
                  SET boot_id = ?1, uptime_us = ?2, clock_us = ?3, time_us = ?4, jumped_us = ?5,
                      lead_allowed_us = ?6
                WHERE one = 1";
    let Anchor { machine, time_us, jumped_us, lead_allowed_us } = anchor;
    connection.prepare_cached(sql)?.execute(params![
        machine.boot.as_bytes().as_slice(),
        machine.uptime_us,
        machine.clock_us,
        time_us,
        jumped_us,
        lead_allowed_us,
    ])?;
    Ok(())
}
