//! `tix hold`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::EventSelector;
use super::pages::PageArgs;
use super::values;
use crate::domain::event::LIMIT_MAX;
use crate::domain::{BuyerId, PaymentReference, SeatLabel, SessionId};

const START_EXAMPLES: &str = "\
Examples:
  tix hold start --seat \"Floor A/3/12\" --seat \"Floor A/3/13\" --session ann
  tix hold start --best 2
  tix hold start --best 4 --section \"Stalls\" --section \"Balcony\"
  tix hold start --best 2 --type VIP
";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  tix hold confirm 0199a7c2-4c6e --session ann
  tix hold confirm 0199a7c2-4c6e --session ann --payment declined
  tix hold confirm 0199a7c2-4c6e --session ann --payment-reference second-card
";

/// What to do with holds.
#[derive(Debug, Subcommand)]
pub enum HoldAction {
    /// Hold tickets of one event until a deadline, all or none
    #[command(after_help = START_EXAMPLES)]
    Start(StartArgs),
    /// Pay for a hold
    #[command(after_help = CONFIRM_EXAMPLES)]
    Confirm(ConfirmArgs),
    /// Abandon a hold and release its tickets
    Abandon {
        /// The hold: its id, or a prefix that is unique among running holds
        hold: String,
        /// Its checkout.
        #[command(flatten)]
        checkout: CheckoutArgs,
    },
    /// Show one hold
    Show {
        /// The hold: its id, or a prefix that is unique among running holds
        hold: String,
    },
    /// List the running holds of an event, by deadline
    List {
        /// The event.
        #[command(flatten)]
        event: EventSelector,
        /// The part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
}

/// What to hold, and for whom.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("choice").required(true).args(["seats", "best"]))]
pub struct StartArgs {
    /// The event.
    #[command(flatten)]
    pub event: EventSelector,
    /// A seat, as section/row/seat; can be repeated
    #[arg(long = "seat", value_name = "SEAT")]
    pub seats: Vec<SeatLabel>,
    /// Let tix choose this many seats side by side
    #[arg(long, value_name = "COUNT",
          value_parser = values::whole(1, LIMIT_MAX))]
    pub best: Option<u32>,
    /// Choose in this section only; can be repeated, the most preferred first
    #[arg(long, value_name = "SECTION", requires = "best", conflicts_with = "seats")]
    pub section: Vec<String>,
    /// Choose tickets of this type only
    #[arg(long = "type", value_name = "TYPE", requires = "best", conflicts_with = "seats")]
    pub ticket_type: Option<String>,
    /// The checkout that the hold belongs to; a new one unless given
    #[arg(long, env = "TIX_SESSION", hide_env_values = true)]
    pub session: Option<SessionId>,
    /// The buyer that the limit applies to, a UUID; derived from the session unless given
    #[arg(long, value_name = "UUID", env = "TIX_BUYER", hide_env_values = true)]
    pub buyer: Option<BuyerId>,
}

/// The checkout that acts.
#[derive(Debug, Args)]
pub struct CheckoutArgs {
    /// The checkout that the hold belongs to
    #[arg(long, env = "TIX_SESSION", hide_env_values = true)]
    pub session: Option<SessionId>,
}

/// What to pay for, and how.
#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// The hold: its id, or a prefix that is unique among running holds
    pub hold: String,
    /// Its checkout.
    #[command(flatten)]
    pub checkout: CheckoutArgs,
    /// The provider's idempotency key: the same key is charged once, another key is another attempt
    #[arg(long, value_name = "REFERENCE")]
    pub payment_reference: Option<PaymentReference>,
    /// What the simulated payment provider does
    #[arg(long, value_enum, value_name = "ANSWER", default_value_t)]
    pub payment: PaymentAnswer,
}

/// What the simulated payment provider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PaymentAnswer {
    /// Captures the money
    #[default]
    Captured,
    /// Declines the payment
    Declined,
    /// Never answers
    Silent,
}
