//! A payment provider whose books are a file, so that they outlive whoever charges.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use async_trait::async_trait;
use tix::domain::OrderId;
use tix::payment::{Charge, PaymentProvider, ProviderTimeout};
use tix::repository::PaymentOutcome;

use crate::errand::{Halt, Moment};

/// A provider that captures whatever it is asked for, once.
#[derive(Debug)]
pub(crate) struct BookedProvider {
    books: PathBuf,
    halt: Option<Halt>,
}

impl BookedProvider {
    pub(crate) fn new(books: PathBuf, halt: Option<Halt>) -> Self {
        Self { books, halt }
    }

    /// Every line of the books, in the order in which they were written.
    pub(crate) fn lines(&self) -> Vec<String> {
        let books = std::fs::read_to_string(&self.books).unwrap_or_default();
        books.lines().map(str::to_owned).collect()
    }

    /// Writes a line, unless it is there.
    fn book(&self, line: &str) {
        if !self.lines().iter().any(|known| known == line) {
            let mut books = File::options().create(true).append(true).open(&self.books).unwrap();
            books.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
    }

    async fn passes(&self, moment: Moment) {
        if let Some(halt) = &self.halt {
            halt.passes(moment).await;
        }
    }
}

#[async_trait]
impl PaymentProvider for BookedProvider {
    async fn charge(&self, charge: &Charge) -> Result<PaymentOutcome, ProviderTimeout> {
        self.passes(Moment::PaymentBegun).await;
        self.book(&format!("captured {} {}", charge.reference, charge.order_id));
        self.passes(Moment::Captured).await;
        Ok(PaymentOutcome::Captured)
    }

    async fn find(&self, order: OrderId) -> Result<Option<PaymentOutcome>, ProviderTimeout> {
        let order = format!(" {order}");
        let is_captured = |line: &String| line.starts_with("captured ") && line.ends_with(&order);
        Ok(self.lines().iter().any(is_captured).then_some(PaymentOutcome::Captured))
    }

    async fn refund(&self, charge: &Charge) -> Result<(), ProviderTimeout> {
        self.passes(Moment::RefundBegun).await;
        self.book(&format!("gave back {} {}", charge.reference, charge.order_id));
        self.passes(Moment::GaveBack).await;
        Ok(())
    }
}
