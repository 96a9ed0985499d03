//! The rules of a ticket sale, one test each, for every engine.
//!
//! A rule is a story told against the repository trait alone. It is told once here and run on each
//! engine; the name of the test says which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::unchecked_time_subtraction)]

mod blocks;
mod catalogue;
mod claims;
mod clients;
mod clock;
mod closing;
mod crowds;
mod deletion;
mod flood;
mod log;
mod names;
mod payments;
mod refunds;
mod refusals;
mod search;
mod seating;
mod waitlist;
mod world;

#[path = "../support/hamlet.rs"]
mod hamlet;
#[path = "../support/node.rs"]
mod node;

/// Runs every rule on every engine that can be asked for it.
macro_rules! rules {
    ($($story:ident { $($rule:ident),+ $(,)? })+) => {
        rules!(@engine sqlite_file, $($story { $($rule),+ })+);
        rules!(@engine sqlite_memory, $($story { $($rule),+ })+);
        rules!(@engine scylla, $($story { $($rule),+ })+);
    };
    (@engine $engine:ident, $($story:ident { $($rule:ident),+ })+) => {
        mod $engine {
            $(mod $story {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $rule() {
                        if let Some(world) = crate::world::World::$engine().await {
                            crate::$story::$rule(&world).await;
                            world.repository.close().await;
                        }
                    }
                )+
            })+
        }
    };
}

rules! {
    claims {
        a_claim_gives_every_ticket_asked_for_until_the_deadline,
        a_ticket_that_is_held_is_taken_for_everybody_else,
        a_group_gets_all_of_its_tickets_or_none,
        a_lapsed_hold_is_taken_over_with_no_sweeper_running,
        before_the_deadline_nobody_takes_over,
        the_repeat_of_a_claim_gets_the_same_answer,
        the_repeat_of_a_claim_whose_time_is_over_is_refused,
        a_hold_id_of_another_session_is_a_mismatch,
        another_claim_under_a_taken_hold_id_does_not_change_what_is_counted,
        the_repeat_of_a_claim_is_not_counted_longer_than_its_hold,
        a_claim_names_tickets_that_exist,
        a_ticket_named_twice_is_claimed_once,
        the_limit_counts_all_sessions_of_a_buyer,
        a_lapsed_hold_does_not_count_towards_the_limit,
        a_refused_claim_leaves_nothing_behind,
        an_abandoned_ticket_is_free_at_once,
        abandoning_again_succeeds,
        only_its_session_can_abandon_a_hold,
        a_late_abandon_does_not_touch_the_next_owner,
        an_unknown_hold_is_refused,
        running_holds_are_listed_by_their_deadline,
    }
    clients {
        a_client_cannot_choose_the_id_of_an_offer,
        an_entry_id_is_a_uuid_of_version_4_or_7,
        a_hold_id_belongs_to_one_claim,
        an_entry_id_belongs_to_one_request,
        a_payment_reference_belongs_to_one_hold_of_a_buyer,
        a_declined_reference_stays_with_its_hold,
        two_holds_that_pay_under_one_reference_at_once_share_no_charge,
        a_total_of_zero_never_asks_the_provider,
        a_buyer_has_a_bounded_number_of_waiting_entries,
        a_session_has_a_bounded_number_of_waiting_entries,
        an_entry_that_waits_no_more_makes_room_for_another,
        a_buyer_at_the_limit_is_served_once_that_changes,
    }
    payments {
        a_hold_that_is_paid_for_is_sold_with_all_of_its_tickets,
        beginning_a_payment_again_goes_on_with_it,
        a_second_payment_waits_for_the_first,
        from_its_deadline_on_a_hold_cannot_be_paid_for,
        a_payment_begun_in_time_may_end_after_the_holds_deadline,
        a_decline_in_time_gives_the_hold_back_with_the_time_that_was_left,
        another_card_pays_after_a_decline,
        a_late_decline_frees_the_tickets,
        an_overdue_payment_is_given_up_by_the_next_claimant,
        recovery_gives_up_overdue_payments_and_only_those,
        overdue_payments_end_in_the_order_of_the_venue,
        money_captured_too_late_never_takes_a_ticket_from_its_next_owner,
        recording_the_same_outcome_again_changes_nothing,
        a_hold_being_paid_for_cannot_be_abandoned,
        a_sold_ticket_cannot_be_abandoned_or_claimed,
        only_its_session_can_pay_for_a_hold,
        a_lapsed_hold_that_lost_a_ticket_cannot_be_paid_for,
        paying_tickets_count_towards_the_limit_beyond_the_holds_deadline,
    }
    refusals {
        who_is_refused_a_seat_is_told_who_or_what_has_each,
        what_is_free_by_now_does_not_stand_in_the_way,
        ops_who_cannot_block_a_seat_are_told_who_has_it,
        who_reaches_the_limit_is_told_what_counts,
        who_pays_for_a_hold_that_is_over_is_told_how_it_ended,
        a_payment_that_stands_in_the_way_is_named_with_its_order,
        no_refusal_tells_whose_a_hold_is,
    }
    refunds {
        a_cancelled_order_frees_its_tickets_and_then_pays_back,
        cancelling_again_goes_on_where_it_stopped,
        an_order_is_found_by_its_confirmation_number,
        an_order_that_captured_nothing_cannot_be_cancelled,
        a_refunded_ticket_can_be_sold_again,
        sold_tickets_count_towards_the_limit_until_refunded,
    }
    blocks {
        a_blocked_ticket_cannot_be_claimed_until_it_is_unblocked,
        blocking_is_all_or_nothing,
        blocking_and_unblocking_again_succeed,
        a_lapsed_hold_can_be_blocked,
    }
    clock {
        a_clock_that_is_corrected_breaks_nothing,
        a_clock_that_jumps_ahead_ends_no_hold,
        no_jump_of_the_clock_lifts_the_limit,
        jumps_that_were_read_first_share_the_bound,
        an_accepted_jump_is_followed_and_never_taken_back,
        log_times_never_run_backwards,
        writes_are_checked_by_writing,
    }
    catalogue {
        an_event_is_added_once_under_its_slug,
        minting_again_mints_nothing_new,
        another_layout_for_a_minted_event_is_refused,
        a_half_minted_event_is_completed_and_not_on_sale_before,
        every_seat_has_one_ticket_with_its_price,
        counts_add_up_to_what_was_minted,
        the_seat_map_counts_as_the_store_does,
        tickets_are_listed_with_their_condition,
        unknown_events_and_sections_are_refused,
    }
    names {
        seat_is_found_by_any_spelling,
        stored_spellings_keep_their_tickets,
        waitlist_keeps_the_spelling_of_the_venue,
    }
    closing {
        sale_closes_when_the_event_begins,
        hold_made_before_the_start_can_be_paid_and_refunded,
        repeat_of_a_hold_is_answered_after_the_start,
        nothing_is_offered_after_the_start,
        closed_event_is_not_available,
    }
    deletion {
        deleted_event_is_unknown_and_leaves_nothing,
        references_of_a_deleted_event_are_free_again,
        deleted_event_is_unknown_to_other_processes,
        interrupted_deletion_is_completed_by_the_next,
        event_with_holds_is_deleted_only_if_simulated,
        event_that_was_never_held_is_deleted,
        slug_of_a_deleted_event_stays_taken,
        other_events_are_untouched_by_a_deletion,
        follower_goes_on_past_a_deleted_event,
    }
    search {
        simulated_events_are_found_only_if_asked_for,
        words_are_found_without_regard_to_case_and_accents,
        words_are_those_of_everything_that_is_said_about_an_event,
        what_is_typed_is_never_an_operator,
        a_city_is_named_by_its_first_words,
        what_is_within_a_distance_is_found,
        a_period_is_read_from_the_venues_clock,
        types_and_performers_are_filters,
        preferences_rank_and_exclude_nothing,
        the_most_relevant_comes_first_then_the_earliest,
        pages_part_what_is_found,
        only_what_can_be_had_now_is_available,
        an_event_is_found_once_it_is_added,
        a_section_offers_what_is_left_from_its_lowest_price,
    }
    seating {
        a_break_in_the_numbering_is_an_aisle,
        the_venue_file_overrules_the_numbering,
        accessible_seats_are_given_only_where_asked_for,
        counts_and_offers_are_by_ticket_type,
    }
    waitlist {
        whoever_joins_is_offered_at_once_what_is_available,
        what_comes_free_goes_to_the_first_in_line,
        a_claimant_who_meets_a_lapsed_hold_leaves_it_to_the_line,
        whoever_serves_the_line_hands_out_what_lapsed,
        a_refund_hands_its_tickets_to_the_line,
        a_late_decline_hands_its_tickets_to_the_line,
        a_decline_in_time_frees_nothing,
        a_payment_that_is_given_up_hands_its_tickets_to_the_line,
        recovery_hands_tickets_to_the_line,
        what_is_unblocked_goes_to_the_line,
        a_group_is_passed_over_where_it_does_not_fit,
        tickets_of_two_who_give_up_make_room_for_a_group,
        a_wish_for_a_section_or_type_is_met_with_nothing_else,
        an_offer_that_lapses_goes_on_to_the_next,
        whoever_leaves_is_offered_nothing,
        joining_again_keeps_the_place,
        whoever_asks_is_told_of_the_offers_he_asked_for,
        the_limit_holds_for_those_who_wait,
        who_waits_and_claims_owns_no_more_than_the_limit,
        what_cannot_be_waited_for_is_refused,
        many_helpers_at_once_serve_each_entry_once,
    }
    crowds {
        of_a_thousand_claims_of_one_ticket_one_is_granted,
        fifty_sessions_of_one_buyer_never_own_more_than_the_limit,
        groups_that_overlap_never_share_a_ticket,
        a_hold_is_abandoned_or_paid_for_and_never_both,
        a_hold_is_paid_for_once_by_many_cards_at_once,
    }
    log {
        every_change_is_one_entry_in_order,
        a_refusal_leaves_no_entry,
        a_follower_knows_what_is_owned_where_it_begins,
        a_follower_begins_at_a_time,
        whoever_resumes_is_told_everything_since_and_nothing_twice,
        a_hold_expires_where_all_is_known_up_to_its_deadline,
        a_hand_over_is_told_as_two_changes,
    }
}
