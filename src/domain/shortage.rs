//! Why there are no seats for a group, and what is still to be had.

use serde::Serialize;

use super::Money;

/// What is left where a group looked for seats in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortage {
    /// How many were asked for.
    pub asked: u32,
    /// How many are available where the buyer looks.
    pub available: u32,
    /// The longest run of these that sit side by side; where no row is as long as the group, the longest
    /// row, free or not.
    pub longest: u32,
    /// Where it is; none if nothing is available.
    pub longest_in: Option<RowName>,
    /// Accessible seats that are free where the buyer looks, and are chosen only where their type is
    /// asked for.
    pub accessible: u32,
    /// Where the buyer looks.
    pub looked_in: Looked,
    /// What is to be had where he did not look; none if there is nothing better, or if nobody went
    /// to see.
    pub elsewhere: Option<Elsewhere>,
}

/// A row of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowName {
    /// The section's name.
    pub section: String,
    /// The row's name.
    pub row: String,
}

/// Where seats were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// In how many sections.
    pub sections: u32,
    /// The section's name, if it was only one.
    pub section: Option<String>,
    /// The ticket type, if only one would do.
    #[serde(rename = "type")]
    pub ticket_type: Option<String>,
}

/// Seats that are to be had elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// The section they are in.
    pub section: String,
    /// The ticket type, if only that one would do there, too.
    #[serde(rename = "type")]
    pub ticket_type: Option<String>,
    /// How many are to be had side by side; never more than were asked for.
    pub side_by_side: u32,
    /// What the cheapest of them costs.
    pub price_from: Money,
}

impl Looked {
    /// ` in Floor A`, ` in the 3 sections`, ` in any of the 3 sections`; nothing where there is none.
    fn place(&self, any: bool) -> String {
        match (&self.section, self.sections) {
            (Some(name), _) => format!(" in {name}"),
            (None, 0) => String::new(),
            (None, sections) if any => format!(" in any of the {sections} sections"),
            (None, sections) => format!(" in the {sections} sections"),
        }
    }
}

impl Shortage {
    /// No row is as long as a group, even if every seat comes free: the longest has `longest` seats.
    #[must_use]
    pub const fn of_rows(asked: u32, available: u32, longest: u32) -> Self {
        Self {
            asked,
            available,
            longest,
            longest_in: None,
            accessible: 0,
            looked_in: Looked { sections: 0, section: None, ticket_type: None },
            elsewhere: None,
        }
    }

    fn seats(&self, count: u32) -> String {
        let noun = if count == 1 { "seat" } else { "seats" };
        match &self.looked_in.ticket_type {
            Some(name) => format!("{name} {noun}"),
            None => noun.into(),
        }
    }

    /// That too few are available.
    pub(super) fn scarce(&self) -> String {
        let (asked, available) = (self.asked, self.available);
        let place = self.looked_in.place(available == 0);
        let seats = self.seats(available);
        let scarce = match available {
            0 => format!("no {seats} available{place}, {asked} asked for"),
            _ if self.longest == available => {
                format!("{available} {seats} available{place}, {asked} asked for")
            }
            _ => format!(
                "{available} {seats} available{place}, {asked} asked for; {}",
                self.longest_run()
            ),
        };
        scarce + &self.left_out()
    }

    /// That accessible seats are free beside what was looked at.
    fn left_out(&self) -> String {
        match self.accessible {
            0 => String::new(),
            1 => "; 1 accessible seat is free, for buyers who ask for its type".into(),
            more => {
                format!("; {more} accessible seats are free, for buyers who ask for their type")
            }
        }
    }

    /// That enough are available, but not side by side.
    pub(super) fn scattered(&self) -> String {
        let (seats, place) = (self.seats(self.asked), self.looked_in.place(true));
        if self.looked_in.sections == 0 {
            let (asked, longest) = (self.asked, self.longest);
            return format!("no row has {asked} {seats} side by side; the longest has {longest}");
        }
        let (longest, left_out) = (self.longest_run(), self.left_out());
        format!("no {} {seats} side by side{place}; {longest}{left_out}", self.asked)
    }

    fn longest_run(&self) -> String {
        let place = match (&self.longest_in, &self.looked_in.section) {
            (Some(at), Some(_)) => format!(", in row {}", at.row),
            (Some(at), None) => format!(", in row {} of {}", at.row, at.section),
            (None, _) => String::new(),
        };
        format!("the longest free run has {}{place}", self.longest)
    }

    /// What to do about it. `command` writes the one that starts a hold of so many, elsewhere or
    /// where the buyer looked; `wait` is the one that joins the waitlist.
    #[must_use]
    pub fn hint(&self, command: impl Fn(u32, Option<&Elsewhere>) -> String, wait: &str) -> String {
        match (&self.elsewhere, self.longest) {
            (Some(elsewhere), _) => format!(
                "{}: `{}`",
                elsewhere.offer(),
                command(elsewhere.side_by_side, Some(elsewhere))
            ),
            (None, 0) => {
                format!("what comes free is offered to the waitlist first; join it with `{wait}`")
            }
            (None, 1) => format!("take a single one: `{}`", command(1, None)),
            (None, longest) => {
                format!("take {longest} side by side: `{}`", command(longest, None))
            }
        }
    }
}

impl Elsewhere {
    fn offer(&self) -> String {
        let (count, section, price) = (self.side_by_side, &self.section, self.price_from);
        match count {
            1 => format!("a single one is to be had in {section} from {price}"),
            _ => format!("{count} side by side are to be had in {section} from {price}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Refusal, Timestamp};

    fn shortage(longest: u32, elsewhere: Option<Elsewhere>) -> Shortage {
        Shortage {
            asked: 4,
            available: longest,
            longest,
            longest_in: None,
            accessible: 0,
            looked_in: Looked { sections: 2, section: None, ticket_type: None },
            elsewhere,
        }
    }

    fn hint(longest: u32, elsewhere: Option<Elsewhere>) -> String {
        Refusal::SoldOut(Box::new(shortage(longest, elsewhere))).hint(Timestamp::from_millis(0))
    }

    fn balcony(side_by_side: u32) -> Elsewhere {
        Elsewhere {
            section: "Upper Balcony".into(),
            ticket_type: None,
            side_by_side,
            price_from: Money::from_minor(4500, Currency::EUR),
        }
    }

    #[test]
    fn what_is_to_be_had_elsewhere_comes_before_what_is_left_here() {
        assert_eq!(
            hint(3, Some(balcony(4))),
            "4 side by side are to be had in Upper Balcony from 45.00 EUR: \
             `tix hold start --best 4 --section 'Upper Balcony'`"
        );
        assert_eq!(
            hint(0, Some(balcony(1))),
            "a single one is to be had in Upper Balcony from 45.00 EUR: \
             `tix hold start --best 1 --section 'Upper Balcony'`"
        );
    }

    #[test]
    fn a_smaller_group_is_told_what_to_take() {
        assert_eq!(hint(3, None), "take 3 side by side: `tix hold start --best 3`");
        assert_eq!(hint(1, None), "take a single one: `tix hold start --best 1`");
    }

    #[test]
    fn where_nothing_is_left_there_is_the_waitlist() {
        assert!(hint(0, None).contains("`tix waitlist join`"));
    }

    #[test]
    fn an_event_without_sections_has_no_seats() {
        let mut nowhere = shortage(0, None);
        nowhere.looked_in.sections = 0;
        assert_eq!(nowhere.scarce(), "no seats available, 4 asked for");
    }
}
