//! How often one client may ask.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How many seconds' worth of requests a client may send at once.
const BURST_SECONDS: u32 = 2;

/// Waitlist entries that a client may make in a minute, and at once.
const JOINS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
const JOINS_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// Requests that each client may send, by its address.
#[derive(Debug)]
pub(super) struct RateLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl RateLimit {
    /// So many requests a second, and twice as many at once.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// So many waitlist entries as one household may need.
    pub(super) fn of_joins() -> Self {
        let quota = Quota::per_minute(JOINS_PER_MINUTE).allow_burst(JOINS_AT_ONCE);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Counts a request of a client.
    ///
    /// # Errors
    /// It has sent too many, and may send the next one after this time.
    pub(super) fn check(&self, client: IpAddr) -> Result<(), Duration> {
        let counted = self.limiter.check_key(&household(client));
        counted.map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Forgets the clients that have not asked for so long that nothing is left of it.
    pub(super) fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// The address that is counted: one household has as many IPv6 addresses as it likes, which have the
/// first half in common.
pub(super) fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_has_to_wait_and_others_do_not() {
        let limit = RateLimit::new(NonZeroU32::new(5).unwrap());
        let [greedy, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|a| a.parse().unwrap());
        let served = (0..100).filter(|_| limit.check(greedy).is_ok()).count();
        assert!((10..=11).contains(&served), "{served}");
        let wait = limit.check(greedy).unwrap_err();
        assert!(wait <= Duration::from_millis(200), "{wait:?}");
        assert!(limit.check(other).is_ok());
    }

    #[test]
    fn one_household_is_one_client() {
        let of = |address: &str| household(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
