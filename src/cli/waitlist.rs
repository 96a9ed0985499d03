//! `tix waitlist`.

use clap::{Args, Subcommand};

use super::EventSelector;
use super::hold::CheckoutArgs;
use super::pages::PageArgs;
use super::values;
use crate::domain::event::LIMIT_MAX;
use crate::domain::{BuyerId, SessionId};

const JOIN_EXAMPLES: &str = "\
Released tickets are offered to the first entry whose group fits, before other buyers can claim them. \
An offer is a hold in the session of the entry, with the event's time to pay.

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
    /// Wait for released tickets, first come first served
    #[command(after_help = JOIN_EXAMPLES)]
    Join(JoinArgs),
    /// Leave the waitlist and abandon an offer
    #[command(after_help = LEAVE_EXAMPLES)]
    Leave {
        /// The entry: its id, or a unique prefix of it; unless given, the only entry of the session
        entry: Option<String>,
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Its checkout.
        #[command(flatten)]
        checkout: CheckoutArgs,
    },
    /// List the entries by position, with their offers
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// Also entries that bought, declined or let an offer lapse, or left
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
    /// The checkout in which an offer is made; a new one unless given
    #[arg(long, env = "TIX_SESSION", hide_env_values = true)]
    pub session: Option<SessionId>,
    /// The buyer that the limit applies to, a UUID; derived from the session unless given
    #[arg(long, value_name = "UUID", env = "TIX_BUYER", hide_env_values = true)]
    pub buyer: Option<BuyerId>,
}
