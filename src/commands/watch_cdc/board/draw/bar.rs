//! Bars that show how many tickets are in which condition.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Paint;
use crate::domain::{StatusCounts, TicketStatus};

/// The stretches of a bar: what is settled first, so that a bar fills up as the sale goes on.
const ORDER: [TicketStatus; 5] = [
    TicketStatus::Sold,
    TicketStatus::Paying,
    TicketStatus::Held,
    TicketStatus::Available,
    TicketStatus::Blocked,
];

/// Draws a bar into one line.
pub(super) fn draw(area: Rect, buffer: &mut Buffer, counts: &StatusCounts, paint: Paint) {
    let lengths = lengths(ORDER.map(|status| counts.of(status)), area.width);
    let mut x = area.x;
    for (status, length) in ORDER.into_iter().zip(lengths) {
        let text = paint.brick(status).to_string().repeat(usize::from(length));
        buffer.set_string(x, area.y, text, paint.style(status.into()));
        x += length;
    }
}

/// How long each stretch is. Together they are as long as the bar, and whatever there is can be
/// seen, be it one ticket of thousands; a bar shorter than that shows the most frequent.
fn lengths(counts: [u64; 5], width: u16) -> [u16; 5] {
    let total: u64 = counts.iter().sum();
    let mut lengths = [0; 5];
    if total == 0 {
        return lengths;
    }
    // Exact shares, in parts of `total`; a share below one column is taken for one.
    let shares = counts.map(|count| u128::from(count) * u128::from(width));
    for (length, share) in lengths.iter_mut().zip(shares) {
        let whole = u16::try_from(share / u128::from(total)).unwrap_or(width);
        *length = whole.max(u16::from(share > 0));
    }
    let missing = |lengths: &[u16; 5], at: usize| {
        shares[at].cast_signed() - i128::from(lengths[at]) * i128::from(total)
    };
    while lengths.iter().sum::<u16>() < width {
        let Some(most) = (0..5).max_by_key(|at| missing(&lengths, *at)) else { break };
        lengths[most] += 1;
    }
    while lengths.iter().sum::<u16>() > width {
        // Whoever has the most to spare gives one.
        let Some(least) =
            (0..5).filter(|at| lengths[*at] > 0).min_by_key(|at| missing(&lengths, *at))
        else {
            break;
        };
        let spare = (0..5).filter(|at| lengths[*at] > 1).min_by_key(|at| missing(&lengths, *at));
        lengths[spare.unwrap_or(least)] -= 1;
    }
    lengths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stretches_are_as_long_as_their_shares() {
        assert_eq!(lengths([50, 0, 25, 25, 0], 20), [10, 0, 5, 5, 0]);
        assert_eq!(lengths([1, 1, 1, 0, 0], 10), [3, 3, 4, 0, 0]);
        assert_eq!(lengths([0, 0, 0, 0, 0], 10), [0; 5]);
    }

    #[test]
    fn one_ticket_of_thousands_can_be_seen() {
        assert_eq!(lengths([4999, 0, 0, 1, 0], 20), [19, 0, 0, 1, 0]);
        assert_eq!(lengths([1, 1, 1, 100_000, 1], 10), [1, 1, 1, 6, 1]);
    }

    #[test]
    fn a_bar_with_no_room_for_all_shows_some() {
        assert_eq!(lengths([5, 4, 3, 2, 1], 3).iter().sum::<u16>(), 3);
        assert_eq!(lengths([5, 4, 3, 2, 1], 0), [0; 5]);
    }

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_it_should_be(
            counts in proptest::array::uniform5(0_u64..3000),
            width in 0_u16..250,
        ) {
            let drawn = lengths(counts, width);
            let is_empty = counts.iter().all(|count| *count == 0);
            prop_assert_eq!(drawn.iter().sum::<u16>(), if is_empty { 0 } else { width });
            for (count, length) in counts.into_iter().zip(drawn) {
                prop_assert_eq!(length == 0, count == 0 || width < 5 && length == 0);
            }
        }
    }
}
