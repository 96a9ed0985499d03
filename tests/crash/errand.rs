//! One confirm or cancel, step by step, in a process that is killed between two of its steps.
//!
//! The process is this test program itself, told what to do by its environment. It takes the steps
//! through the same functions as `tix hold confirm` and `tix order cancel`; only the provider is
//! another one, whose books outlive the process.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tix::clock::SystemClock;
use tix::domain::{HoldId, Order, OrderId, PaymentReference, SessionId};
use tix::payment;
use tix::repository::{Access, Result, StoreUrl, open};

use crate::process::Process;
use crate::provider::BookedProvider;
use crate::sandbox::Sandbox;

/// Carries the errand to the process that is to run it.
const ERRAND: &str = "TIX_CRASH_ERRAND";

/// A moment between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moment {
    /// The tickets are pinned to the order, nothing is charged.
    PaymentBegun,
    /// The provider has the money, nothing is recorded.
    Captured,
    /// The order is recorded, nobody was told.
    Recorded,
    /// The order is `refunding`, the money is not back.
    RefundBegun,
    /// The money is back, nothing is recorded.
    GaveBack,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Pay for a hold.
    Confirm(HoldId, SessionId, PaymentReference),
    /// Cancel an order.
    Cancel(OrderId),
}

/// What is to be done, and with what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    store: PathBuf,
    books: PathBuf,
    halted: PathBuf,
    task: Task,
}

/// Holds a process up at one moment, until it is killed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Halt {
    at: Moment,
    halted: PathBuf,
}

impl Halt {
    /// Never returns if this is the moment.
    pub(crate) async fn passes(&self, moment: Moment) {
        if moment == self.at {
            std::fs::write(&self.halted, "").unwrap();
            std::future::pending::<()>().await;
        }
    }
}

impl Errand {
    pub(crate) fn new(sandbox: &Sandbox, task: Task) -> Self {
        let [books, halted] = ["books", "halted"].map(|name| sandbox.path(name));
        Self { store: sandbox.store_file(), books, halted, task }
    }

    /// Runs in a process of its own and kills that at this moment.
    pub(crate) fn killed_at(&self, moment: Moment) {
        let halt = Halt { at: moment, halted: self.halted.clone() };
        let errand = serde_json::to_string(&(self, halt)).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "errand::a_process_to_be_killed"]);
        let mut process = Process::start(command.env(ERRAND, errand));
        process.until("it reached the moment", || self.halted.exists());
        process.kill();
        std::fs::remove_file(&self.halted).unwrap();
    }

    /// Runs to its end.
    pub(crate) fn run(&self) -> Result<Order> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(self.take_steps(None))
    }

    /// The lines of the provider's books, without the orders at their ends.
    pub(crate) fn books(&self) -> Vec<String> {
        let lines = BookedProvider::new(self.books.clone(), None).lines();
        let bare = |line: &String| line.rsplit_once(' ').map(|(line, _order)| line.to_owned());
        lines.iter().filter_map(bare).collect()
    }

    async fn take_steps(&self, halt: Option<Halt>) -> Result<Order> {
        let url: StoreUrl = format!("sqlite:{}", self.store.display()).parse().unwrap();
        let store = open(&url, Access::Existing, Arc::new(SystemClock)).await?;
        let provider = BookedProvider::new(self.books.clone(), halt.clone());
        let order = match &self.task {
            Task::Confirm(hold, session, reference) => {
                payment::confirm(&*store, &provider, *hold, session, reference).await
            }
            Task::Cancel(order) => payment::cancel(&*store, &provider, *order).await,
        };
        if let Some(halt) = halt {
            halt.passes(Moment::Recorded).await;
        }
        store.close().await;
        order
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "other tests run it as the process that they kill"]
async fn a_process_to_be_killed() {
    let Ok(errand) = std::env::var(ERRAND) else { return };
    let (errand, halt): (Errand, Halt) = serde_json::from_str(&errand).unwrap();
    let order = errand.take_steps(Some(halt)).await;
    panic!("it was not killed: {order:?}");
}
