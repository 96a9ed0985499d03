//! How often a group was passed over because it did not fit.

use super::Wish;
use crate::domain::Timestamp;

/// What an entry must be known by to tell how often it was passed over.
#[derive(Debug, Clone)]
pub struct Passing<'a> {
    /// What it waits for.
    pub wish: &'a Wish,
    /// When it stopped to stand in line; none while it does.
    pub until: Option<Timestamp>,
    /// What it was offered, if it was: where the tickets are and of which type each is.
    pub offered: Vec<(&'a str, &'a str)>,
}

/// For each entry of a line, in the order of the line: how often tickets that it would have liked
/// went to a smaller group behind it while it waited.
#[must_use]
pub fn passed_over(line: &[Passing<'_>]) -> Vec<u64> {
    let offers: Vec<(usize, Timestamp, &Passing<'_>)> = line
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.offered.is_empty())
        .filter_map(|(place, entry)| Some((place, entry.until?, entry)))
        .collect();
    let count = |(place, entry): (usize, &Passing<'_>)| {
        let passed = |&&(behind, at, offer): &&(usize, Timestamp, &Passing<'_>)| {
            behind > place
                && entry.until.is_none_or(|until| at < until)
                && offer.wish.size < entry.wish.size
                && offer.offered.iter().all(|(section, kind)| entry.wish.wants(section, kind))
        };
        offers.iter().filter(passed).count() as u64
    };
    line.iter().enumerate().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_5: Option<Timestamp> = Some(Timestamp::from_millis(5));
    const AT_10: Option<Timestamp> = Some(Timestamp::from_millis(10));

    #[test]
    fn whoever_was_in_front_and_would_have_liked_it_was_passed_over() {
        let wish = |section: Option<&str>, size| Wish {
            section: section.map(Into::into),
            ticket_type: None,
            size,
        };
        let wishes =
            [wish(None, 4), wish(Some("B"), 4), wish(None, 4), wish(None, 1), wish(None, 4)];
        let in_a = vec![("A", "regular")];
        let line = [
            Passing { wish: &wishes[0], until: None, offered: vec![] },
            Passing { wish: &wishes[1], until: None, offered: vec![] },
            Passing { wish: &wishes[2], until: AT_5, offered: vec![] },
            Passing { wish: &wishes[3], until: AT_10, offered: in_a },
            Passing { wish: &wishes[4], until: None, offered: vec![] },
        ];
        // The second wants another section, the third had left, the fourth was served, the fifth
        // stood behind.
        assert_eq!(passed_over(&line), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn a_group_that_is_no_smaller_passes_nobody_because_of_its_size() {
        let wish = Wish { section: None, ticket_type: None, size: 2 };
        let line = [
            Passing { wish: &wish, until: None, offered: vec![] },
            Passing { wish: &wish, until: AT_10, offered: vec![("A", "regular")] },
        ];
        assert_eq!(passed_over(&line), [0, 0]);
    }
}
