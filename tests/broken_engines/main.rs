//! Deliberately broken engines, each of which the audit must catch by the rule that it breaks.
//!
//! Each runs the same small on-sale with real concurrency; the unbroken engine runs it, too, and
//! passes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod engine;
mod fault;
mod on_sale;
mod stall;
mod tamper;

#[path = "../support/hamlet.rs"]
mod hamlet;

use std::collections::BTreeSet;

use fault::Fault;
use on_sale::OnSale;

/// Runs an on-sale on an engine with this fault, and expects the audit to name the rule it breaks.
async fn caught(fault: Fault, rule: &str) {
    let report = OnSale::on_engine(Some(fault)).await.run().await;
    let broken: BTreeSet<&str> = report.violations.iter().map(|v| v.rule).collect();
    assert!(broken.contains(rule), "{fault:?} broke {broken:?} and not {rule}");
    assert!(!report.passed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_without_a_fault_passes_and_every_rule_has_something_to_examine() {
    let report = OnSale::on_engine(None).await.run().await;
    assert_eq!(report.violations, []);
    assert!(report.passed);
    for check in &report.checks {
        assert!(check.examined > 0, "{} examined nothing", check.rule);
    }
}

macro_rules! broken_engines {
    ($($name:ident: $fault:expr => $rule:literal,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            caught($fault, $rule).await;
        }
    )+};
}

broken_engines! {
    an_engine_that_forgets_the_owner_check_is_caught:
        Fault::ForgetsTheOwner { rewrites_the_log: false } => "one_owner",
    an_engine_that_forgets_the_owner_check_and_rewrites_its_log_is_caught:
        Fault::ForgetsTheOwner { rewrites_the_log: true } => "one_owner",
    an_engine_that_lets_a_stale_hold_pay_is_caught:
        Fault::LetsStaleHoldsPay => "paid_in_time",
    an_engine_that_loses_an_acknowledged_hold_is_caught:
        Fault::LosesHolds => "acknowledged",
    an_engine_that_loses_an_acknowledged_payment_is_caught:
        Fault::LosesPayments => "acknowledged",
    an_engine_that_counts_the_limit_per_session_is_caught:
        Fault::CountsTheLimitPerSession => "limit",
    an_engine_that_sells_half_of_a_group_is_caught:
        Fault::SellsHalfOfAGroup => "whole_groups",
    an_engine_that_refunds_and_keeps_the_tickets_sold_is_caught:
        Fault::KeepsRefundedTickets => "sold_is_paid",
    an_engine_that_prolongs_a_hold_is_caught:
        Fault::ProlongsHolds => "deadline_kept",
    an_engine_that_does_not_log_its_claims_is_caught:
        Fault::LogsNoClaims => "log_matches_state",
    an_engine_that_empties_the_beginning_of_its_log_is_caught:
        Fault::EmptiesTheLog => "log_unbroken",
    engine_that_sells_after_the_start_is_caught:
        Fault::SellsAfterTheStart => "sale_open",
    an_engine_that_takes_another_amount_is_caught:
        Fault::TakesAnotherAmount => "money",
    an_engine_that_serves_the_last_in_line_first_is_caught:
        Fault::ServesTheLastFirst => "waitlist_order",
    an_engine_that_sells_what_others_wait_for_is_caught:
        Fault::ForgetsTheWaitlist => "waitlist_order",
    engine_that_mints_under_another_id_is_caught:
        Fault::MintsUnderAnotherId => "venue_as_minted",
    engine_that_mints_at_another_price_is_caught:
        Fault::MintsAtAnotherPrice => "venue_as_minted",
    engine_that_forgets_how_holds_end_is_caught:
        Fault::ForgetsHowHoldsEnd => "hold_ends",
    engine_that_does_not_log_claims_breaks_the_holds_rule:
        Fault::LogsNoClaims => "holds_logged",
    engine_that_forgets_declined_orders_is_caught:
        Fault::ForgetsDeclinedOrders => "orders_logged",
    engine_that_backdates_orders_is_caught:
        Fault::BackdatesOrders => "orders_logged",
    engine_that_numbers_orders_anew_is_caught:
        Fault::NumbersOrdersAnew => "orders_legal",
    engine_that_logs_in_the_past_is_caught:
        Fault::LogsInThePast => "log_in_order",
    engine_that_backdates_offers_is_caught:
        Fault::BackdatesOffers => "waitlist_entries",
    engine_that_keeps_no_references_is_caught:
        Fault::KeepsNoReferences => "references",
    engine_that_counts_no_waiting_entries_is_caught:
        Fault::CountsNoEntries => "waitlist_bounds",
    an_engine_that_honours_money_which_came_too_late_is_caught:
        Fault::HonoursLateMoney => "paid_has_tickets",
}
