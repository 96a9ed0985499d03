//! Seats that were chosen, and why these.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::TicketId;

/// Seats that were chosen for a group, and the facts that the choice was made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The tickets, side by side; whoever asked has them in his hold.
    #[serde(skip)]
    pub tickets: Vec<TicketId>,
    /// Their places in the section.
    #[serde(skip)]
    pub places: Range<usize>,
    /// How many seats were asked for.
    pub asked: u32,
    /// The ticket type that was asked for.
    #[serde(rename = "type")]
    pub ticket_type: Option<String>,
    /// The section they are in.
    pub section: String,
    /// Their row.
    pub row: String,
    /// How many ways there were to seat the group side by side in this section.
    pub blocks: u64,
    /// How many rows of the section are nearer the front.
    pub rows_in_front: u32,
    /// How many of these have a place for the group, too.
    pub rows_in_front_with_block: u32,
    /// How many sections come before this one.
    pub sections_before: u32,
    /// How many of these have a place for the group, too.
    pub sections_before_with_block: u32,
    /// Single seats that are left beside the chosen ones.
    pub orphans: u32,
    /// Why these: the section first, then the row, then the seats.
    pub reasons: Vec<Reason>,
    /// How often seats were chosen until nobody was quicker.
    pub tries: u32,
}

/// Something that spoke for the seats that were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No section that comes before this one has a place for the group.
    FirstSectionWithBlock,
    /// There was no other way to seat the group in the section.
    OnlyBlock,
    /// They are in the first row of their section.
    FrontRow,
    /// No row nearer the front has a place for the group.
    NearestRow,
    /// They are nearer the middle than the places further in front that leave no more orphans.
    NearerMiddle,
    /// No single seat is left beside them.
    NoOrphan,
    /// Better placed ones would have left a single seat, or more of them, beside them.
    OrphanAvoided,
    /// Single seats are left beside them, and every other choice leaves as many or more.
    OrphanUnavoidable,
}

impl Choice {
    fn has(&self, reason: Reason) -> bool {
        self.reasons.contains(&reason)
    }

    /// `seats` or `VIP seats`, if a type was asked for.
    fn noun(&self) -> String {
        let noun = if self.asked == 1 { "seat" } else { "seats" };
        self.ticket_type.as_ref().map_or_else(|| noun.into(), |name| format!("{name} {noun}"))
    }

    fn about_row(&self) -> String {
        let (asked, noun) = (self.asked, self.noun());
        if self.has(Reason::OnlyBlock) {
            match asked {
                1 => format!(", the only {noun} left there"),
                _ => format!(", the only {asked} {noun} left there side by side"),
            }
        } else if self.has(Reason::FrontRow) {
            ", the nearest to the front".into()
        } else if self.has(Reason::NearestRow) {
            match asked {
                1 => format!(", the nearest to the front with a free {noun}"),
                _ => format!(", the nearest to the front with {asked} {noun} free side by side"),
            }
        } else if self.has(Reason::NearerMiddle) && !self.has(Reason::OrphanAvoided) {
            ", nearer the middle than what is free in front of it".into()
        } else {
            String::new()
        }
    }

    fn about_sections(&self) -> String {
        match self.asked {
            _ if !self.has(Reason::FirstSectionWithBlock) => String::new(),
            1 => format!("; no section before it has a {} left", self.noun()),
            asked => {
                format!("; no section before it has {asked} {} left side by side", self.noun())
            }
        }
    }

    fn about_orphans(&self) -> String {
        let (them, better) = match self.asked {
            1 => ("it", "a better placed one"),
            _ => ("them", "better placed ones"),
        };
        if self.has(Reason::OrphanAvoided) {
            format!("; {better} would have left a single seat beside {them}")
        } else if self.orphans > 0 {
            let left = match self.orphans {
                1 => format!("; a single seat is left beside {them}"),
                _ => format!("; a single seat is left on either side of {them}"),
            };
            let every =
                if self.has(Reason::OnlyBlock) { "" } else { ", as with every other choice" };
            left + every
        } else if self.has(Reason::FirstSectionWithBlock) {
            String::new()
        } else {
            format!("; no single seat is left beside {them}")
        }
    }
}

impl fmt::Display for Choice {
    /// Says where they are and why they were chosen, in one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} of {}{}", self.row, self.section, self.about_row())?;
        write!(f, "{}{}", self.about_sections(), self.about_orphans())
    }
}
