//! `tix waitlist`.

use clap::{Args, Subcommand};

use super::EventSelector;
use super::hold::CheckoutArgs;
use super::pages::PageArgs;
use super::values;
use crate::domain::event::LIMIT_MAX;
use crate::domain::{BuyerId, SessionId};

const JOIN_EXAMPLES: &str = "\
Whoever frees tickets offers them to the first in line whose group fits, before anybody else can
take them. An offer is a hold in the session of the one who waits, with the event's time to pay.

Examples:
  tix waitlist join --session ann
  tix waitlist join --size 2 --section Balcony --session ann
  tix waitlist join --size 4 --type VIP --session ann
";

const LEAVE_EXAMPLES: &str = "\
Examples:
  tix waitlist leave --session ann
  tix waitlist leave 0199a7c2-4c6e --session ann
";

/// What to do with the waitlist.
#[derive(Debug, Subcommand)]
pub enum WaitlistAction {
    /// Wait for tickets to come free, first come first served
    #[command(after_help = JOIN_EXAMPLES)]
    Join(JoinArgs),
    /// Leave the line, and give up what was offered
    #[command(after_help = LEAVE_EXAMPLES)]
    Leave {
        /// The entry: its id, or a prefix that only one has; the session's own where it has only one
        entry: Option<String>,
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Its checkout.
        #[command(flatten)]
        checkout: CheckoutArgs,
    },
    /// Who waits, in the order of the line, and who has an offer
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Also those who were served, let their offer pass, or left
        #[arg(long)]
        all: bool,
        /// The part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
}

/// What to wait for, and for whom.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The event.
    #[command(flatten)]
    pub event: EventSelector,
    /// How many tickets, side by side
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = values::whole(1, LIMIT_MAX))]
    pub size: u32,
    /// In this section only
    #[arg(long)]
    pub section: Option<String>,
    /// Tickets of this type only
    #[arg(long = "type", value_name = "TYPE")]
    pub ticket_type: Option<String>,
    /// The checkout in which an offer is made; a fresh one where nobody says
    #[arg(long, env = "TIX_SESSION", hide_env_values = true)]
    pub session: Option<SessionId>,
    /// Whom the limit counts, a UUID; derived from the session where nobody says
    #[arg(long, value_name = "UUID", env = "TIX_BUYER", hide_env_values = true)]
    pub buyer: Option<BuyerId>,
}
