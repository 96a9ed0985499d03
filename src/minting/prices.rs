//! The prices of one venue file, which has one decimal mark.

use super::fault::{Flaw, VenueFaults, shown};
use super::header::Column;
use super::records::Record;
use crate::domain::price::{self, DecimalMark};
use crate::domain::{Currency, Money};

/// Reads prices, and remembers the first decimal mark.
#[derive(Debug)]
pub(super) struct Prices {
    currency: Currency,
    /// The mark, and the line of the first price that has it.
    mark: Option<(DecimalMark, u64)>,
}

impl Prices {
    pub(super) const fn new(currency: Currency) -> Self {
        Self { currency, mark: None }
    }

    /// A price of nothing, for lines that have a fault.
    pub(super) const fn zero(&self) -> Money {
        Money::zero(self.currency)
    }

    /// The price of a line.
    pub(super) fn read(&mut self, record: &Record<'_>, faults: &mut VenueFaults) -> Option<Money> {
        let text = record.number(Column::Price, faults)?;
        let price = price::read(&shown(text), self.currency)
            .map_err(|error| record.fault(Column::Price, error.into(), faults))
            .ok()?;
        if let Some(mark) = price.mark {
            let (first, first_line) = *self.mark.get_or_insert((mark, record.line));
            if mark != first {
                let flaw = Flaw::OtherMark { text: shown(text), mark, first_line };
                record.fault(Column::Price, flaw, faults);
            }
        }
        Some(price.money)
    }
}
