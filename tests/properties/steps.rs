//! The steps of a walk.

use proptest::prelude::*;

use crate::model::{PAYMENT_TIME, SEATS, TIME_TO_PAY};

/// Something that a buyer, ops, or time does. A hold is named by how many claims back it was asked
/// for.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Claim {
        buyer: u8,
        session: u8,
        seats: Vec<usize>,
    },
    Reclaim {
        hold: usize,
    },
    Abandon {
        hold: usize,
        session: u8,
    },
    Begin {
        hold: usize,
        session: u8,
        card: u8,
    },
    Record {
        hold: usize,
        card: u8,
        captured: bool,
    },
    BeginRefund {
        hold: usize,
        card: u8,
    },
    FinishRefund {
        hold: usize,
        card: u8,
    },
    Recover,
    Block {
        seats: Vec<usize>,
    },
    Unblock {
        seats: Vec<usize>,
    },
    Pass {
        millis: u64,
    },
    /// The process ends and another one goes on.
    Restart,
}

pub(crate) fn any() -> impl Strategy<Value = Step> {
    let hold = prop_oneof![6 => 0_usize..2, 1 => 2_usize..12];
    let session = prop_oneof![5 => Just(0_u8), 1 => Just(1)];
    let card = prop_oneof![3 => Just(0_u8), 1 => Just(1)];
    let seats =
        || prop::collection::btree_set(0..SEATS, 1..4).prop_map(|s| s.into_iter().collect());
    let span =
        prop_oneof![Just(TIME_TO_PAY), Just(PAYMENT_TIME), Just(TIME_TO_PAY - 1), 1..TIME_TO_PAY,];
    prop_oneof![
        8 => (0_u8..3, session.clone(), seats())
            .prop_map(|(buyer, session, seats)| Step::Claim { buyer, session, seats }),
        1 => hold.clone().prop_map(|hold| Step::Reclaim { hold }),
        2 => (hold.clone(), session.clone())
            .prop_map(|(hold, session)| Step::Abandon { hold, session }),
        5 => (hold.clone(), session, card.clone())
            .prop_map(|(hold, session, card)| Step::Begin { hold, session, card }),
        5 => (hold.clone(), card.clone(), prop::bool::weighted(0.7))
            .prop_map(|(hold, card, captured)| Step::Record { hold, card, captured }),
        2 => (hold.clone(), card.clone())
            .prop_map(|(hold, card)| Step::BeginRefund { hold, card }),
        1 => (hold, card).prop_map(|(hold, card)| Step::FinishRefund { hold, card }),
        1 => Just(Step::Recover),
        1 => seats().prop_map(|seats| Step::Block { seats }),
        1 => seats().prop_map(|seats| Step::Unblock { seats }),
        4 => span.prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Restart),
    ]
}
