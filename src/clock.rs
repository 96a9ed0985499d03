//! Where the time comes from: the machine, or whoever tests.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::domain::time::millis;
use crate::domain::{MachineTime, Timestamp};

/// A source of the present time.
pub trait Clock: Send + Sync + Debug {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// The present time, and how much time has passed whatever the clock was set to meanwhile.
    ///
    /// The default is that of a clock that is never set.
    fn machine_time(&self) -> MachineTime {
        let now_us = self.now().as_millis().saturating_mul(1000);
        MachineTime { boot: Uuid::nil(), uptime_us: now_us, clock_us: now_us }
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn machine_time(&self) -> MachineTime {
        let (boot, uptime_us) = uptime();
        MachineTime { boot, uptime_us, clock_us: jiff::Timestamp::now().as_microsecond() }
    }
}

/// Which run of the machine this is, and for how long it lasts.
#[cfg(target_os = "linux")]
fn uptime() -> (Uuid, i64) {
    static BOOT: OnceLock<Option<Uuid>> = OnceLock::new();
    let Some(boot) = BOOT.get_or_init(boot_id) else { return process_uptime() };
    // Counts the time in which the machine slept, and cannot be set.
    let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let micros = uptime.tv_sec.saturating_mul(1_000_000).saturating_add(uptime.tv_nsec / 1000);
    (*boot, micros)
}

/// Which run of the machine this is, and for how long it lasts.
#[cfg(not(target_os = "linux"))]
fn uptime() -> (Uuid, i64) {
    process_uptime()
}

/// The kernel's name for its run. A container may have an uptime of its own: that is named with it.
#[cfg(target_os = "linux")]
fn boot_id() -> Option<Uuid> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let kernel: Uuid = kernel.trim().parse().ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(Uuid::new_v5(&kernel, namespace.as_os_str().as_encoded_bytes()))
}

/// Where a machine does not name its runs, only times of one process are compared.
fn process_uptime() -> (Uuid, i64) {
    static STARTED: OnceLock<(Uuid, Instant)> = OnceLock::new();
    let (process, started) = STARTED.get_or_init(|| (Uuid::new_v4(), Instant::now()));
    (*process, i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX))
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct VirtualClock {
    /// What it would show if it had never been set.
    passed_ms: AtomicI64,
    /// How far it was set ahead; negative where it was set back.
    set_by_ms: AtomicI64,
}

impl VirtualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub const fn starting_at(start: Timestamp) -> Self {
        let passed_ms = AtomicI64::new(start.as_millis());
        Self { passed_ms, set_by_ms: AtomicI64::new(0) }
    }

    /// Lets `span` pass.
    pub fn advance(&self, span: Duration) {
        self.passed_ms.fetch_add(millis(span), Ordering::SeqCst);
    }

    /// Sets the clock ahead by so many milliseconds, or back; no time passes.
    pub fn step(&self, by_ms: i64) {
        self.set_by_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = self.passed_ms.load(Ordering::SeqCst);
        Timestamp::from_millis(passed.saturating_add(self.set_by_ms.load(Ordering::SeqCst)))
    }

    fn machine_time(&self) -> MachineTime {
        let micros = |ms: i64| ms.saturating_mul(1000);
        MachineTime {
            boot: Uuid::nil(),
            uptime_us: micros(self.passed_ms.load(Ordering::SeqCst)),
            clock_us: micros(self.now().as_millis()),
        }
    }
}

/// A clock that goes with the timers of the runtime it was made in, also where their time is virtual.
#[derive(Debug)]
pub struct RuntimeClock {
    start: Timestamp,
    began: tokio::time::Instant,
}

impl RuntimeClock {
    /// A clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, began: tokio::time::Instant::now() }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        self.start.plus(self.began.elapsed())
    }
}
