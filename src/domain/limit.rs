//! How many tickets of one event a buyer may own.

use super::Refusal;

/// Checks that a buyer who owns `owned` tickets may have `asked` more, where `allowed` is the most.
///
/// Owned are tickets that are held, paying, sold or offered, over all of the buyer's sessions.
///
/// # Errors
/// [`Refusal::Limit`] with all three numbers.
pub fn check(owned: u32, asked: u32, allowed: u32) -> Result<(), Refusal> {
    if owned.saturating_add(asked) > allowed {
        Err(Refusal::Limit { owned, asked, allowed })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_and_asked_together_may_reach_the_limit_and_not_pass_it() {
        assert_eq!(check(0, 10, 10), Ok(()));
        assert_eq!(check(9, 1, 10), Ok(()));
        assert_eq!(check(9, 2, 10), Err(Refusal::Limit { owned: 9, asked: 2, allowed: 10 }));
        assert!(check(u32::MAX, 1, 10).is_err());
    }
}
