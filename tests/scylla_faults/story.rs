//! What is told on a stage: each story has a last part, in which something goes wrong.

use tix::domain::{HoldStatus, OrderId, OrderStatus, Refusal, TicketStatus};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{self, SimulatedProvider};
use tix::repository::{Error, PaymentOutcome, Repository, Result};

use crate::stage::{Party, Stage};

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    ClaimOne,
    ClaimThree,
    TakeOver,
    GiveUp,
    Pay,
    Decline,
    DeclineLate,
    Abandon,
    Refund,
    Block,
    Unblock,
}

impl Story {
    pub(crate) const ALL: [Self; 11] = [
        Self::ClaimOne,
        Self::ClaimThree,
        Self::TakeOver,
        Self::GiveUp,
        Self::Pay,
        Self::Decline,
        Self::DeclineLate,
        Self::Abandon,
        Self::Refund,
        Self::Block,
        Self::Unblock,
    ];

    const fn seats(self) -> u32 {
        match self {
            Self::ClaimOne => 1,
            Self::ClaimThree => 3,
            _ => 2,
        }
    }

    /// The deciding requests of its last part, at least.
    pub(crate) const fn decisions_min(self) -> u32 {
        match self {
            Self::ClaimOne => 3,
            Self::ClaimThree | Self::DeclineLate => 5,
            Self::Pay | Self::Decline | Self::Refund | Self::GiveUp => 7,
            Self::TakeOver | Self::Abandon => 4,
            Self::Block | Self::Unblock => 2,
        }
    }

    /// Whether its last part is a claim.
    pub(crate) const fn claims(self) -> bool {
        matches!(self, Self::ClaimOne | Self::ClaimThree | Self::TakeOver | Self::GiveUp)
    }

    /// Whether a deadline passes before the last part.
    pub(crate) const fn pauses(self) -> bool {
        matches!(self, Self::TakeOver | Self::DeclineLate | Self::GiveUp)
    }

    pub(crate) fn provider(self) -> SimulatedProvider {
        let declined_share = if self == Self::Decline { 1.0 } else { 0.0 };
        SimulatedProvider::new(ProviderSettings { declined_share, ..Default::default() })
    }

    /// Tells the story up to its last part.
    pub(crate) async fn begin(self, stage: &Stage, provider: &SimulatedProvider) -> Party {
        let party = stage.party(self.seats()).await;
        let direct = &*stage.direct;
        match self {
            Self::ClaimOne | Self::ClaimThree | Self::Block => {}
            Self::TakeOver | Self::GiveUp => {
                let before = party.somebody_else();
                direct.start_hold(&before.claim).await.unwrap();
                if self == Self::GiveUp {
                    begin_payment(direct, &before).await;
                }
            }
            Self::Unblock => {
                direct.block(stage.event, &party.claim.tickets, "paint").await.unwrap();
            }
            Self::Pay | Self::Decline | Self::Abandon | Self::DeclineLate | Self::Refund => {
                direct.start_hold(&party.claim).await.unwrap();
                if self == Self::DeclineLate {
                    begin_payment(direct, &party).await;
                }
                if self == Self::Refund {
                    stage.confirm(direct, provider, &party).await.unwrap();
                }
            }
        }
        party
    }

    /// Tells the last part.
    pub(crate) async fn end(
        self,
        stage: &Stage,
        through: &dyn Repository,
        provider: &SimulatedProvider,
        party: &Party,
    ) -> Result<()> {
        let (event, tickets) = (stage.event, &party.claim.tickets);
        match self {
            Self::ClaimOne | Self::ClaimThree | Self::TakeOver | Self::GiveUp => {
                through.start_hold(&party.claim).await.map(drop)
            }
            Self::Pay | Self::Decline => stage.confirm(through, provider, party).await.map(drop),
            Self::DeclineLate => {
                let (hold, card) = (party.hold(), &party.card);
                through.record_payment(hold, card, PaymentOutcome::Declined).await.map(drop)
            }
            Self::Abandon => through.abandon(party.hold(), party.session()).await.map(drop),
            Self::Refund => payment::cancel(through, provider, order(party)).await.map(drop),
            Self::Block => through.block(event, tickets, "paint").await.map(drop),
            Self::Unblock => through.unblock(event, tickets).await.map(drop),
        }
    }

    /// Whether what was told is how the story ends where nothing goes wrong.
    pub(crate) fn ends_well(self, told: &Result<()>) -> bool {
        let declined = matches!(told, Err(Error::Refused(Refusal::Declined { .. })));
        told.is_ok() || (self == Self::Decline && declined)
    }

    /// Holds what is stored against what the party was told: that the story ended well.
    pub(crate) async fn verify(self, stage: &Stage, party: &Party) {
        match self {
            Self::ClaimOne | Self::ClaimThree | Self::TakeOver | Self::GiveUp => {
                assert!(stage.has_all(party).await, "{self:?}");
            }
            Self::Decline => {
                let other = Party { card: party.somebody_else().card, ..party.clone() };
                let told = stage.confirm(&*stage.direct, &Self::Pay.provider(), &other).await;
                match told {
                    Ok(_) => assert!(stage.has_all(party).await, "{self:?}"),
                    // On a slow machine the story took longer than the hold.
                    Err(Error::Refused(Refusal::Expired { at, .. }))
                        if at <= stage.direct.now() => {}
                    told => panic!("{self:?}, another card: {told:?}"),
                }
            }
            Self::Pay => {
                let order = stage.direct.order(order(party)).await.unwrap();
                assert_eq!(order.status, OrderStatus::Paid);
                assert!(stage.has_all(party).await, "{self:?}");
            }
            Self::Block => {
                let told = stage.direct.start_hold(&party.somebody_else().claim).await;
                assert_eq!(code(told), "blocked");
                assert!(stage.shows(party, TicketStatus::Blocked).await, "{self:?}");
            }
            Self::DeclineLate | Self::Abandon | Self::Refund | Self::Unblock => {
                let next = party.somebody_else();
                stage.direct.start_hold(&next.claim).await.unwrap();
                assert!(stage.has_all(&next).await, "{self:?}");
                stage.direct.abandon(next.hold(), next.session()).await.unwrap();
            }
        }
    }
}

async fn begin_payment(repository: &dyn Repository, party: &Party) {
    repository.begin_payment(party.hold(), party.session(), &party.card).await.unwrap();
}

pub(crate) fn order(party: &Party) -> OrderId {
    OrderId::of_payment(party.hold(), &party.card)
}

pub(crate) fn code<T: std::fmt::Debug>(told: Result<T>) -> &'static str {
    match told {
        Err(Error::Refused(refusal)) => refusal.code(),
        other => panic!("not refused: {other:?}"),
    }
}

/// When all deadlines are over the seats are either sold to the party or free for anybody.
pub(crate) async fn comes_to_rest(stage: &Stage, party: &Party, fault: &str) {
    let paid = stage.direct.order(order(party)).await.is_ok_and(|o| o.status == OrderStatus::Paid);
    let next = party.somebody_else();
    let told = stage.direct.start_hold(&next.claim).await;
    if let Ok(hold) = told {
        assert!(!paid, "{fault}: sold, and {hold:?}");
        assert!(stage.has_all(&next).await);
        stage.direct.abandon(next.hold(), next.session()).await.unwrap();
        return;
    }
    let sold = stage.has_all(party).await && code(told) == "taken";
    let another_card = stage.direct.hold(party.hold()).await.map(|hold| hold.status);
    let sold = sold && another_card.unwrap() == HoldStatus::Sold;
    assert!(sold, "{fault}: the seats are lost");
}
