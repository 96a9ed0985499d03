//! The steps of a walk.

use std::ops::Range;

use proptest::prelude::*;

use tix::domain::Wish;

use crate::model::{PAYMENT_TIME, SEATS, TIME_TO_PAY};

/// Something that a buyer, ops, or time does. A hold is named by how many claims and offers back it
/// was asked for or made, an entry of the waitlist by how many back it joined.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Claim {
        buyer: u8,
        session: u8,
        seats: Vec<usize>,
    },
    /// The best seats side by side, wherever the wish allows.
    Best {
        buyer: u8,
        session: u8,
        wish: Wish,
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
    Join {
        buyer: u8,
        session: u8,
        wish: Wish,
    },
    Leave {
        entry: usize,
        session: u8,
    },
    Serve,
    Pass {
        millis: u64,
    },
    /// The process ends and another one goes on.
    Restart,
}

/// So many steps, as a rule in a hall of which little is on sale, so that people wait.
pub(crate) fn walk(steps: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let closed = prop::collection::btree_set(0..SEATS, 4..SEATS);
    let closed = prop::option::weighted(0.8, closed);
    (closed, prop::collection::vec(any(), steps)).prop_map(|(closed, steps)| {
        let close = closed.map(|seats| Step::Block { seats: seats.into_iter().collect() });
        close.into_iter().chain(steps).collect()
    })
}

fn any() -> impl Strategy<Value = Step> {
    let hold = prop_oneof![6 => 0_usize..2, 1 => 2_usize..12];
    let session = || prop_oneof![5 => Just(0_u8), 1 => Just(1)];
    let card = prop_oneof![3 => Just(0_u8), 1 => Just(1)];
    let seats =
        || prop::collection::btree_set(0..SEATS, 1..4).prop_map(|s| s.into_iter().collect());
    let span =
        prop_oneof![Just(TIME_TO_PAY), Just(PAYMENT_TIME), Just(TIME_TO_PAY - 1), 1..TIME_TO_PAY,];
    prop_oneof![
        8 => (0_u8..3, session(), seats())
            .prop_map(|(buyer, session, seats)| Step::Claim { buyer, session, seats }),
        3 => (0_u8..3, session(), wish())
            .prop_map(|(buyer, session, wish)| Step::Best { buyer, session, wish }),
        1 => hold.clone().prop_map(|hold| Step::Reclaim { hold }),
        2 => (hold.clone(), session())
            .prop_map(|(hold, session)| Step::Abandon { hold, session }),
        5 => (hold.clone(), session(), card.clone())
            .prop_map(|(hold, session, card)| Step::Begin { hold, session, card }),
        5 => (hold.clone(), card.clone(), prop::bool::weighted(0.7))
            .prop_map(|(hold, card, captured)| Step::Record { hold, card, captured }),
        2 => (hold.clone(), card.clone())
            .prop_map(|(hold, card)| Step::BeginRefund { hold, card }),
        1 => (hold, card).prop_map(|(hold, card)| Step::FinishRefund { hold, card }),
        1 => Just(Step::Recover),
        1 => seats().prop_map(|seats| Step::Block { seats }),
        2 => seats().prop_map(|seats| Step::Unblock { seats }),
        5 => (0_u8..5, session(), wish())
            .prop_map(|(buyer, session, wish)| Step::Join { buyer, session, wish }),
        1 => (0_usize..4, session()).prop_map(|(entry, session)| Step::Leave { entry, session }),
        1 => Just(Step::Serve),
        4 => span.prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Restart),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let section = prop_oneof![3 => Just(None), 1 => Just(Some("A")), 1 => Just(Some("B"))];
    let ticket_type = prop_oneof![4 => Just(None), 1 => Just(Some("VIP"))];
    (section, ticket_type, prop_oneof![3 => Just(1_u32), 2 => Just(2), 1 => Just(3)]).prop_map(
        |(section, ticket_type, size)| Wish {
            section: section.map(Into::into),
            ticket_type: ticket_type.map(Into::into),
            size,
        },
    )
}
