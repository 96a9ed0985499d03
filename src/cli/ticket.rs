//! `tix ticket`.

use clap::{ArgGroup, Args, Subcommand};

use super::EventSelector;
use super::pages::PageArgs;
use super::values;
use crate::domain::{SeatLabel, TicketStatus};

const BLOCK_EXAMPLES: &str = "\
Examples:
  tix ticket block --seat \"Floor A/1/1\" --seat \"Floor A/1/2\" --reason \"house seats\"
  tix ticket block --section \"Balcony\" --reason \"view blocked by the stage\"
";

/// What to do with tickets.
#[derive(Debug, Subcommand)]
pub enum TicketAction {
    /// Draw the venue in the terminal: one sign per seat
    Map {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Only these sections; can be repeated
        #[arg(long = "section", value_name = "SECTION")]
        sections: Vec<String>,
    },
    /// List tickets, one per line, in the order of the venue
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Only those of this section
        #[arg(long)]
        section: Option<String>,
        /// Only those with this status
        #[arg(long, value_enum)]
        status: Option<TicketStatus>,
        /// Which part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Count the tickets of each section by status, and sum up the revenue
    Counts {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
    },
    /// Take available tickets off sale, all or none
    #[command(after_help = BLOCK_EXAMPLES)]
    Block {
        /// Which tickets.
        #[command(flatten)]
        tickets: TicketArgs,
        /// Why: house seats, broken, …
        #[arg(long, value_name = "TEXT", value_parser = values::name)]
        reason: String,
    },
    /// Put blocked tickets back on sale
    Unblock {
        /// Which tickets.
        #[command(flatten)]
        tickets: TicketArgs,
    },
}

/// Which tickets to block or unblock.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("tickets").required(true).args(["seats", "section"]))]
pub struct TicketArgs {
    /// The event.
    #[command(flatten)]
    pub event: EventSelector,
    /// A seat, as section/row/seat; can be repeated
    #[arg(long = "seat", value_name = "SEAT")]
    pub seats: Vec<SeatLabel>,
    /// Every seat of this section
    #[arg(long)]
    pub section: Option<String>,
}
