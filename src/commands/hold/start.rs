//! `tix hold start`.

use std::time::Duration;

use super::choose::{Wish, choose};
use super::{OneHold, explain};
use crate::cli::hold::StartArgs;
use crate::commands::{Context, caller, pick};
use crate::domain::{Choice, Event, Hold, HoldId, NewHold, Refusal, TicketId};
use crate::error::{Error, Result};
use crate::repository::{self, Access, Caller, Repository};

/// How often seats are chosen where somebody else is always quicker.
const BEST_TRIES: u32 = 64;
/// How long at most to wait before seats are chosen anew: longer with every try, up to a bound.
const BEST_WAIT: Duration = Duration::from_millis(5);
const BEST_WAIT_MAX: Duration = Duration::from_millis(100);

/// Starts a hold and prints it.
///
/// # Errors
/// The store cannot be used, or the hold is refused.
pub(super) async fn run(context: &Context, args: &StartArgs) -> Result<()> {
    let caller = caller::caller(args.session.as_ref(), args.buyer)?;
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event_to_claim(store, args.event.event.as_deref()).await?;
            let (hold, choice) = match args.best {
                None => match named(store, &event, &caller, args).await {
                    Err(Error::Refused { refusal, .. }) => {
                        return Err(explain::claim(store, context, args, &event, refusal).await);
                    }
                    answer => (answer?, None),
                },
                Some(count) => match best(store, &event, &caller, args, count).await {
                    Ok((hold, choice)) => (hold, Some(choice)),
                    Err(error) => {
                        let buyer = caller.buyer_id;
                        let error =
                            explain::choice(store, context, args, &event, buyer, error).await;
                        return Err(error);
                    }
                },
            };
            Ok(OneHold { hold, choice, event })
        })
        .await?;
    let id = report.hold.hold_id;
    context.print_done(
        &report,
        format!("the hold {id} is started"),
        format!("tix hold show {id}"),
    )?;
    context.terminal.next_steps("Next:", &report.next_steps(context));
    Ok(())
}

fn attempt(event: &Event, caller: &Caller, tickets: Vec<TicketId>) -> NewHold {
    NewHold {
        hold_id: HoldId::fresh(),
        event_id: event.event_id,
        session_id: caller.session_id.clone(),
        buyer_id: caller.buyer_id,
        tickets,
    }
}

/// Holds the seats that are named.
async fn named(
    store: &dyn Repository,
    event: &Event,
    caller: &Caller,
    args: &StartArgs,
) -> Result<Hold> {
    let tickets = pick::seats(store, event.event_id, &args.seats).await?;
    Ok(store.start_hold(&attempt(event, caller, tickets)).await?)
}

/// Chooses the best seats and holds them; chooses anew where somebody was quicker.
async fn best(
    store: &dyn Repository,
    event: &Event,
    caller: &Caller,
    args: &StartArgs,
    count: u32,
) -> Result<(Hold, Choice)> {
    event.may_hold(store.now())?;
    let mut refused = Vec::new();
    let mut tries = 1;
    loop {
        let ticket_type = args.ticket_type.as_deref();
        let wish = Wish { size: count, sections: &args.section, ticket_type, refused: &refused };
        let mut choice = choose(store, event, wish).await?;
        choice.tries = tries;
        match store.start_hold(&attempt(event, caller, choice.tickets.clone())).await {
            // The map may be old, and on a cluster wrong for as long as nobody mends it.
            Err(repository::Error::Refused(
                Refusal::Taken { in_the_way } | Refusal::Blocked { in_the_way },
            )) => refused.extend(in_the_way.into_iter().map(|obstacle| obstacle.seat)),
            // What lapsed was shown as available, and has gone to somebody who waits.
            Err(repository::Error::Refused(Refusal::ReservedForWaitlist)) => {}
            answer => return Ok((answer?, choice)),
        }
        if tries == BEST_TRIES {
            let why = format!("others were quicker {tries} times, whatever seats were chosen");
            return Err(Refusal::Busy { why }.into());
        }
        // Those who lost against each other would otherwise choose the same seats once more.
        let wait_max = BEST_WAIT_MAX.min(BEST_WAIT * tries);
        tokio::time::sleep(wait_max.mul_f64(rand::random())).await;
        tries += 1;
    }
}
