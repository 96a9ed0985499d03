//! `tix order`.

use clap::{Subcommand, ValueEnum};

use super::EventSelector;
use super::pages::PageArgs;

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub enum OrderAction {
    /// List the orders of an event, by the time they were decided
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// The part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Sum up what was sold and refunded, by hour and section
    Sales {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// One line for each of these; without it, for each section of each hour
        #[arg(long, value_enum, value_name = "WHAT")]
        by: Option<SalesBy>,
    },
    /// Show one order, with what the buyer needs at the door
    Show {
        /// Its id or its confirmation number
        order: String,
    },
    /// Refund an order and release its tickets
    Cancel {
        /// Its id or its confirmation number
        order: String,
    },
}

/// What sales are summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SalesBy {
    /// Hours, of all sections
    Hour,
    /// Sections, of all hours
    Section,
}
