//! What colours mean. No meaning is carried by colour alone: the word or sign says it too.

use anstyle::{AnsiColor, Style};

use crate::domain::{ChangeKind, HoldStatus, OrderStatus, TicketStatus, WaitlistStatus};

/// What a text is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// The first thing to read.
    Strong,
    /// Background.
    Faint,
    /// Free to be had.
    Free,
    /// Held, for the time being.
    Waiting,
    /// Being paid for.
    Busy,
    /// Settled for good.
    Settled,
    /// Ended without a sale.
    Lost,
    /// Wrong.
    Bad,
}

impl Tone {
    /// The colour of the foreground, if it has one of its own.
    #[must_use]
    pub const fn color(self) -> Option<AnsiColor> {
        match self {
            Self::Plain | Self::Strong => None,
            Self::Faint => Some(AnsiColor::BrightBlack),
            Self::Free => Some(AnsiColor::Green),
            Self::Waiting => Some(AnsiColor::Yellow),
            Self::Busy => Some(AnsiColor::Magenta),
            Self::Settled => Some(AnsiColor::Cyan),
            Self::Lost | Self::Bad => Some(AnsiColor::Red),
        }
    }

    /// Whether it is written bold.
    #[must_use]
    pub const fn is_bold(self) -> bool {
        matches!(self, Self::Strong | Self::Bad)
    }

    fn style(self) -> Style {
        let style = Style::new().fg_color(self.color().map(Into::into));
        if self.is_bold() { style.bold() } else { style }
    }

    /// Wraps a text in its colour, or leaves it as it is.
    #[must_use]
    pub fn paint(self, text: &str, color: bool) -> String {
        let style = self.style();
        if !color || style.is_plain() || text.is_empty() {
            text.to_owned()
        } else {
            format!("{style}{text}{style:#}")
        }
    }
}

impl From<TicketStatus> for Tone {
    fn from(status: TicketStatus) -> Self {
        match status {
            TicketStatus::Available => Self::Free,
            TicketStatus::Held => Self::Waiting,
            TicketStatus::Paying => Self::Busy,
            TicketStatus::Sold => Self::Settled,
            TicketStatus::Blocked => Self::Faint,
        }
    }
}

impl From<HoldStatus> for Tone {
    fn from(status: HoldStatus) -> Self {
        match status {
            HoldStatus::Held => Self::Waiting,
            HoldStatus::Paying => Self::Busy,
            HoldStatus::Sold => Self::Settled,
            HoldStatus::Abandoned
            | HoldStatus::Expired
            | HoldStatus::Declined
            | HoldStatus::Aborted
            | HoldStatus::Refunded => Self::Lost,
        }
    }
}

impl From<OrderStatus> for Tone {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Paid => Self::Settled,
            OrderStatus::Declined | OrderStatus::Aborted => Self::Lost,
            OrderStatus::RefundDue | OrderStatus::Refunding => Self::Waiting,
            OrderStatus::Refunded => Self::Faint,
        }
    }
}

impl From<WaitlistStatus> for Tone {
    fn from(status: WaitlistStatus) -> Self {
        match status {
            WaitlistStatus::Waiting => Self::Waiting,
            WaitlistStatus::Offered => Self::Free,
            WaitlistStatus::Bought => Self::Settled,
            WaitlistStatus::Declined | WaitlistStatus::Lapsed => Self::Lost,
            WaitlistStatus::Left => Self::Faint,
        }
    }
}

impl From<ChangeKind> for Tone {
    fn from(change: ChangeKind) -> Self {
        match change {
            ChangeKind::Held | ChangeKind::HeldAgain => Self::Waiting,
            ChangeKind::Paying => Self::Busy,
            ChangeKind::Sold => Self::Settled,
            ChangeKind::Blocked => Self::Faint,
            ChangeKind::Unblocked | ChangeKind::Abandoned | ChangeKind::Refunded => Self::Free,
            ChangeKind::Expired | ChangeKind::Declined | ChangeKind::Aborted => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_colour_gets_the_text_alone() {
        assert_eq!(Tone::Bad.paint("error", false), "error");
        assert_eq!(Tone::Free.paint("available", true), "\u{1b}[32mavailable\u{1b}[0m");
    }
}
