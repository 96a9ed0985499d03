//! `tix order`.

use clap::Subcommand;

use super::EventSelector;

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub enum OrderAction {
    /// The orders of an event, by the time they were decided
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
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
