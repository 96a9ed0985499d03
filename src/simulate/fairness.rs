//! How far the order in which buyers got seats departs from the order in which they arrived.

use serde::Serialize;

/// How fair a sale was to those who came first.
///
/// Whoever arrives later and gets seats earlier, or gets seats at all where the other gets none,
/// overtakes. Parties of all sizes count alike: who comes with ten and finds no row for them is
/// overtaken by couples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fairness {
    /// Buyers who got seats, whatever they did with them.
    pub seated: u64,
    /// Of all pairs of buyers of whom at least one got seats, the share in which the later one
    /// overtook the earlier; 0 for a sale in the order of arrival, 0.5 for a lottery.
    pub out_of_order_share: f64,
    /// By how many the median buyer was overtaken.
    pub overtaken_p50: u64,
    /// By how many one in ten was overtaken at least.
    pub overtaken_p90: u64,
    /// By how many the unluckiest was overtaken.
    pub overtaken_max: u64,
}

impl Fairness {
    /// Judges a sale to which `arrived` buyers came; `seated` are their places in the order of
    /// arrival, from 0, in the order in which they got seats. Takes time in proportion to
    /// `arrived` and its logarithm.
    #[must_use]
    pub fn of(arrived: u32, seated: &[u32]) -> Self {
        let mut overtaken = overtaken(arrived, seated);
        let (all, without) = (u64::from(arrived), u64::from(arrived) - seated.len() as u64);
        let pairs = |n: u64| n * n.saturating_sub(1) / 2;
        let compared = pairs(all) - pairs(without);
        let sum: u64 = overtaken.iter().map(|count| u64::from(*count)).sum();
        overtaken.sort_unstable();
        let at = |permille| quantile(&overtaken, permille);
        Self {
            seated: seated.len() as u64,
            out_of_order_share: super::report::share_of(sum, compared),
            overtaken_p50: at(500),
            overtaken_p90: at(900),
            overtaken_max: at(1000),
        }
    }
}

/// The value up to which so many thousandths of all lie; 0 where there is none.
fn quantile(sorted: &[u32], permille: usize) -> u64 {
    let rank = (sorted.len() * permille).div_ceil(1000);
    sorted.get(rank.saturating_sub(1)).map_or(0, |value| u64::from(*value))
}

/// By how many later ones each buyer was overtaken, in the order of arrival.
fn overtaken(arrived: u32, seated: &[u32]) -> Vec<u32> {
    let mut seated_so_far = Sums::of(arrived);
    let mut overtaken = vec![u32::MAX; arrived as usize];
    let mut count = 0;
    for place in seated {
        overtaken[*place as usize] = count - seated_so_far.up_to(*place);
        seated_so_far.add(*place);
        count += 1;
    }
    for (place, overtaken) in (0..arrived).zip(&mut overtaken) {
        if *overtaken == u32::MAX {
            *overtaken = count - seated_so_far.up_to(place);
        }
    }
    overtaken
}

/// Counts places, and how many of them are up to another, in logarithmic time (a Fenwick tree).
struct Sums(Vec<u32>);

impl Sums {
    fn of(places: u32) -> Self {
        Self(vec![0; places as usize + 1])
    }

    fn add(&mut self, place: u32) {
        let mut at = place as usize + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn up_to(&self, place: u32) -> u32 {
        let (mut at, mut sum) = (place as usize + 1, 0);
        while at > 0 {
            sum += self.0[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exactly(found: f64, meant: f64) {
        assert!((found - meant).abs() < 0.001, "{found} is not {meant}");
    }

    #[test]
    fn who_comes_first_and_sits_first_is_never_overtaken() {
        let fair = Fairness::of(5, &[0, 1, 2]);
        assert_eq!((fair.seated, fair.overtaken_max), (3, 0));
        exactly(fair.out_of_order_share, 0.0);
    }

    #[test]
    fn the_last_being_first_overtakes_everybody() {
        let unfair = Fairness::of(3, &[2, 1, 0]);
        exactly(unfair.out_of_order_share, 1.0);
        assert_eq!((unfair.overtaken_p50, unfair.overtaken_max), (1, 2));
        // One gets seats, four who came before get none.
        let unfair = Fairness::of(5, &[4]);
        exactly(unfair.out_of_order_share, 1.0);
        assert_eq!((unfair.overtaken_p50, unfair.overtaken_p90, unfair.overtaken_max), (1, 1, 1));
    }

    #[test]
    fn nobody_at_all_is_fair() {
        assert_eq!(Fairness::of(0, &[]).overtaken_max, 0);
        exactly(Fairness::of(7, &[]).out_of_order_share, 0.0);
    }

    proptest! {
        #[test]
        fn it_counts_what_comparing_every_pair_counts(
            order in Just((0..40_u32).collect::<Vec<_>>()).prop_shuffle(),
            seated in 0..40_usize,
        ) {
            let seated = &order[..seated];
            let when = |buyer: u32| seated.iter().position(|place| *place == buyer);
            let overtakes = |later, earlier| match (when(later), when(earlier)) {
                (Some(later), Some(earlier)) => later < earlier,
                (sits, None) => sits.is_some(),
                (None, Some(_)) => false,
            };
            let by_hand = |buyer: u32| {
                let overtaking = (buyer + 1..40).filter(|later| overtakes(*later, buyer));
                u32::try_from(overtaking.count()).unwrap()
            };
            let counted: Vec<u32> = (0..40).map(by_hand).collect();
            prop_assert_eq!(overtaken(40, seated), counted);
        }
    }
}
