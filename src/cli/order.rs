//! `tix order`.

use clap::{Subcommand, ValueEnum};

use super::EventSelector;
use super::pages::PageArgs;

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub enum OrderAction {
    /// The orders of an event, by the time they were decided
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// The part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
    /// What was sold and given back, by hour and section
    Sales {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// One line for each of these; without it, for each section of each hour
        #[arg(long, value_enum, value_name = "WHAT")]
        by: Option<SalesBy>,
    },
    /// One order, with what the buyer needs at the door
    Show {
        /// Its id or its confirmation number
        order: String,
    },
    /// Give a buyer his money back; the tickets come free
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
