//! How long a store is modelled to take, where its own time does not count.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::simulate::scenario;

/// What a request does to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) enum Kind {
    /// It reads; several are served at a time.
    Read,
    /// It writes; one is served after the other.
    Write,
}

/// Serves requests in the order in which they come: one write at a time, several reads.
#[derive(Debug)]
pub(in crate::simulate) struct Service {
    read: Duration,
    write: Duration,
    readers: Mutex<Desks>,
    writer: Mutex<Desks>,
}

/// When each desk is free again, the earliest first.
#[derive(Debug)]
struct Desks(BinaryHeap<Reverse<Instant>>);

impl Service {
    /// A store that nobody has asked yet.
    pub(in crate::simulate) fn new(times: &scenario::Service) -> Self {
        let span = |ms: f64| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
        Self {
            read: span(times.read_ms),
            write: span(times.write_ms),
            readers: Mutex::new(Desks::open(times.readers)),
            writer: Mutex::new(Desks::open(1)),
        }
    }

    /// Returns when a request that is sent now is served. Timers are as fine as a millisecond, the
    /// times of the desks are exact: rounding delays an answer, never the next request.
    pub(in crate::simulate) async fn serve(&self, kind: Kind) {
        sleep_until(self.served_at(kind, Instant::now())).await;
    }

    fn served_at(&self, kind: Kind, sent: Instant) -> Instant {
        let (desks, takes) = match kind {
            Kind::Read => (&self.readers, self.read),
            Kind::Write => (&self.writer, self.write),
        };
        desks.lock().unwrap_or_else(PoisonError::into_inner).serve(sent, takes)
    }
}

impl Desks {
    fn open(count: u32) -> Self {
        let now = Instant::now();
        Self((0..count).map(|_| Reverse(now)).collect())
    }

    /// When the desk that is free first has served what was sent at `sent`.
    fn serve(&mut self, sent: Instant, takes: Duration) -> Instant {
        let Some(mut desk) = self.0.peek_mut() else { return sent };
        desk.0 = desk.0.max(sent) + takes;
        desk.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn writes_queue_and_reads_go_side_by_side() {
        let times = scenario::Service { read_ms: 2.0, write_ms: 0.5, readers: 2 };
        let service = Service::new(&times);
        let now = Instant::now() + MS;
        let served = |kind, at| service.served_at(kind, at) - now;
        let writes = [(); 3].map(|()| served(Kind::Write, now));
        assert_eq!(writes, [MS / 2, MS, MS * 3 / 2]);
        assert_eq!(served(Kind::Write, now + 5 * MS), 5 * MS + MS / 2, "it was free meanwhile");
        let reads = [(); 3].map(|()| served(Kind::Read, now));
        assert_eq!(reads, [2 * MS, 2 * MS, 4 * MS]);
    }
}
