//! What a refused buyer can do instead: which seats are still to be had, and the command that takes
//! them.

use super::choose::{Wish, choose};
use crate::cli::hold::StartArgs;
use crate::cli::waitlist::JoinArgs;
use crate::commands::waitlist::longest_row;
use crate::commands::{Context, option, pick};
use crate::domain::limit::{Counted, Tally};
use crate::domain::nearby::nearby;
use crate::domain::refusal::free_again;
use crate::domain::shortage::{Elsewhere, Looked};
use crate::domain::time::spoken;
use crate::domain::{
    BuyerId, Event, Hold, HoldStatus, Obstacle, OrderStatus, Refusal, SeatLabel, SessionId,
    Shortage, TicketStatus, name, waitlist,
};
use crate::error::{Error, Result};
use crate::repository::Repository;

/// How many of the holds in the way are looked at for one of the buyer's own.
const HOLDS_LOOKED_AT_MAX: usize = 4;

/// Whose checkout it is, as far as a command has to name it.
struct Checkout<'a> {
    context: &'a Context,
    event: Option<&'a str>,
    session: Option<&'a SessionId>,
    buyer: Option<BuyerId>,
}

impl<'a> Checkout<'a> {
    fn of(context: &'a Context, args: &'a StartArgs) -> Self {
        Self {
            context,
            event: args.event.event.as_deref(),
            session: args.session.as_ref(),
            buyer: args.buyer,
        }
    }

    /// The command that chooses so many seats, elsewhere or where the buyer looked.
    fn choose(&self, args: &StartArgs, count: u32, there: Option<&Elsewhere>) -> String {
        let (sections, ticket_type) = match there {
            Some(there) => (std::slice::from_ref(&there.section), &there.ticket_type),
            None => (&args.section[..], &args.ticket_type),
        };
        let sections = sections.iter().map(|section| ("--section", section.clone()));
        let ticket_type = ticket_type.iter().map(|name| ("--type", name.clone()));
        let count = std::iter::once(("--best", count.to_string()));
        self.command("tix hold start", count.chain(sections).chain(ticket_type))
    }

    /// The command that waits for so many seats where the buyer looked.
    fn wait(&self, args: &StartArgs, size: u32) -> String {
        // The waitlist takes one section or all.
        let section = args.section.first().filter(|_| args.section.len() == 1);
        self.join(size, section, args.ticket_type.as_ref())
    }

    /// The command that joins the waitlist.
    fn join(&self, size: u32, section: Option<&String>, ticket_type: Option<&String>) -> String {
        let size = (size > 1).then(|| ("--size", size.to_string()));
        let section = section.map(|section| ("--section", section.clone()));
        let ticket_type = ticket_type.map(|name| ("--type", name.clone()));
        let options = size.into_iter().chain(section).chain(ticket_type);
        self.command("tix waitlist join", options)
    }

    /// The command that abandons a hold.
    fn abandon(&self, hold: &Hold) -> String {
        let session = Some(&hold.session_id);
        let checkout = Checkout { event: None, buyer: None, session, ..*self };
        let verb = format!("tix hold abandon {}", hold.hold_id);
        checkout.command(&verb, std::iter::empty())
    }

    /// The command that holds these seats.
    fn start(&self, seats: &[SeatLabel]) -> String {
        let seats = seats.iter().map(|seat| ("--seat", seat.to_string()));
        self.command("tix hold start", seats)
    }

    /// The command that chooses so many seats.
    fn best(&self, count: usize) -> String {
        self.command("tix hold start", [("--best", count.to_string())].into_iter())
    }

    fn command(&self, verb: &str, options: impl Iterator<Item = (&'static str, String)>) -> String {
        let unless_known = |name: &str, value: String| {
            Some(value).filter(|value| !std::env::var(name).is_ok_and(|known| known == *value))
        };
        let event = self.event.map(|event| ("--event", event.to_owned()));
        let session = self.session.and_then(|s| unless_known("TIX_SESSION", s.to_string()));
        let buyer = self.buyer.and_then(|b| unless_known("TIX_BUYER", b.to_string()));
        let who =
            session.map(|s| ("--session", s)).into_iter().chain(buyer.map(|b| ("--buyer", b)));
        let mut command = verb.to_owned();
        let options = event.into_iter().chain(options).chain(who);
        command.extend(options.map(|(name, value)| option(name, &value)));
        command + &self.context.store_option()
    }
}

/// Adds what is still to be had to the refusal of a claim of named seats.
pub(super) async fn claim(
    store: &dyn Repository,
    context: &Context,
    args: &StartArgs,
    event: &Event,
    refusal: Refusal,
) -> Error {
    let checkout = Checkout::of(context, args);
    let fewer = async |left| fewer(store, &checkout, args, event, left).await;
    let hint = match &refusal {
        Refusal::Taken { in_the_way } | Refusal::Blocked { in_the_way } => {
            instead(store, &checkout, event, args, in_the_way).await
        }
        Refusal::UnknownSeat { seats } => known_seats(store, event, seats).await,
        Refusal::Limit { .. } => within_limit(store, &checkout, &refusal, fewer).await,
        _ => Ok(None),
    };
    // What could not be found out does not stand before the refusal itself.
    Error::refused(refusal, hint.ok().flatten()).at(event)
}

/// Adds the command that gets seats to the refusal of a choice.
pub(super) async fn choice(
    store: &dyn Repository,
    context: &Context,
    args: &StartArgs,
    event: &Event,
    buyer: BuyerId,
    error: Error,
) -> Error {
    let Error::Refused { mut refusal, hint: None, .. } = error else { return error.at(event) };
    if let Refusal::SoldOut(shortage) | Refusal::NoAdjacentBlock(shortage) = &refusal {
        let (asked, allowed) = (shortage.asked, event.terms.limit);
        let owned = owned(store, event, buyer).await;
        // Seats elsewhere are no way out for a buyer who may not own as many.
        if let Ok(Err(limit)) = owned.map(|owned| owned.check(asked, allowed)) {
            refusal = limit;
        }
    }
    let checkout = Checkout::of(context, args);
    let fewer = async |left| fewer(store, &checkout, args, event, left).await;
    let hint = match &refusal {
        Refusal::SoldOut(shortage) | Refusal::NoAdjacentBlock(shortage) => {
            let size = size_to_wait_for(store, args, event, shortage).await;
            size.map(|size| {
                let choose = |count, there: Option<&_>| checkout.choose(args, count, there);
                Some(shortage.hint(choose, &checkout.wait(args, size)))
            })
        }
        Refusal::Limit { .. } => within_limit(store, &checkout, &refusal, fewer).await,
        _ => Ok(None),
    };
    Error::refused(refusal, hint.ok().flatten()).at(event)
}

/// Adds the command that stays within the limit to the refusal of a waitlist entry.
pub(in crate::commands) async fn entry(
    store: &dyn Repository,
    context: &Context,
    args: &JoinArgs,
    event: &Event,
    error: Error,
) -> Error {
    let Error::Refused { refusal: refusal @ Refusal::Limit { .. }, .. } = error else {
        return error.at(event);
    };
    let (session, buyer) = (args.session.as_ref(), args.buyer);
    let checkout = Checkout { context, event: args.event.event.as_deref(), session, buyer };
    let fewer = async |left| {
        Ok(Some(checkout.join(left, args.section.as_ref(), args.ticket_type.as_ref())))
    };
    let hint = within_limit(store, &checkout, &refusal, fewer).await;
    Error::refused(refusal, hint.ok().flatten()).at(event)
}

/// What counts towards the limit of a buyer: held, being paid for, and sold.
async fn owned(store: &dyn Repository, event: &Event, buyer: BuyerId) -> Result<Tally> {
    let mut owned = Tally::default();
    for hold in store.running_holds(event.event_id).await? {
        if hold.buyer_id == buyer {
            let (status, until) = match hold.payment_deadline {
                Some(deadline) => (TicketStatus::Paying, deadline),
                None => (TicketStatus::Held, hold.expires_at),
            };
            let Hold { hold_id, order_id, .. } = hold;
            let tickets = number(hold.tickets.len());
            owned.add(Counted { hold_id, order_id, status, tickets, until: Some(until) });
        }
    }
    for order in store.orders(event.event_id).await? {
        let has_tickets = matches!(order.status, OrderStatus::Paid | OrderStatus::Refunding);
        if order.buyer_id == buyer && has_tickets {
            owned.add(Counted {
                hold_id: order.hold_id,
                order_id: Some(order.order_id),
                status: TicketStatus::Sold,
                tickets: number(order.tickets.len()),
                until: None,
            });
        }
    }
    Ok(owned)
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// How many seats side by side a buyer can wait for: as many as were asked for, or as the longest row
/// there has.
async fn size_to_wait_for(
    store: &dyn Repository,
    args: &StartArgs,
    event: &Event,
    shortage: &Shortage,
) -> Result<u32> {
    let sections = store.sections(event.event_id).await?;
    let Looked { section, ticket_type, .. } = &shortage.looked_in;
    let section = section.as_deref().filter(|_| !args.section.is_empty());
    let wish = waitlist::Wish {
        section: section.map(Box::from),
        ticket_type: ticket_type.as_deref().map(Box::from),
        size: shortage.asked,
    };
    longest_row(store, event.event_id, &sections, &wish).await
}

/// What a buyer can do who asked for more than one buyer may own: fewer seats, or fewer holds. `fewer`
/// returns the command that asks for at most so many.
async fn within_limit(
    store: &dyn Repository,
    checkout: &Checkout<'_>,
    refusal: &Refusal,
    fewer: impl AsyncFnOnce(u32) -> Result<Option<String>>,
) -> Result<Option<String>> {
    let Refusal::Limit { owned, allowed, counted, .. } = refusal else { return Ok(None) };
    let left = allowed.saturating_sub(*owned);
    let mut hints = Vec::new();
    if left > 0 {
        hints.push(match fewer(left).await? {
            Some(command) => format!("ask for {left} at the most: `{command}`"),
            None => format!("ask for {left} at the most"),
        });
    }
    let held = counted.iter().find(|of| of.status == TicketStatus::Held);
    let order = counted.iter().find(|of| of.status == TicketStatus::Sold);
    match (held, order.and_then(|of| of.order_id)) {
        (Some(held), _) => {
            let own = store.hold(held.hold_id).await?;
            hints.push(format!("abandon a hold: `{}`", checkout.abandon(&own)));
        }
        (None, Some(order)) => hints.push(format!("cancel an order: `tix order cancel {order}`")),
        (None, None) => {}
    }
    Ok(Some(hints.join("; or ")).filter(|hint| !hint.is_empty()))
}

/// The command that holds so many of the seats that were asked for, if they can be had.
async fn fewer(
    store: &dyn Repository,
    checkout: &Checkout<'_>,
    args: &StartArgs,
    event: &Event,
    left: u32,
) -> Result<Option<String>> {
    if args.best.is_some() {
        let ticket_type = args.ticket_type.as_deref();
        let wish = Wish { size: left, sections: &args.section, ticket_type, refused: &[] };
        let is_there = choose(store, event, wish).await.is_ok();
        return Ok(is_there.then(|| checkout.choose(args, left, None)));
    }
    let wanted = as_minted(store, event, &args.seats).await?;
    let taken = taken(store, event, &wanted).await?;
    let free = wanted.iter().filter(|seat| !taken.contains(seat)).take(left as usize);
    let free: Vec<SeatLabel> = free.cloned().collect();
    Ok((!free.is_empty()).then(|| checkout.start(&free)))
}

/// What a buyer can do instead of holding the named seats.
async fn instead(
    store: &dyn Repository,
    checkout: &Checkout<'_>,
    event: &Event,
    args: &StartArgs,
    in_the_way: &[Obstacle],
) -> Result<Option<String>> {
    let wanted = &as_minted(store, event, &args.seats).await?[..];
    if let Some(own) = own_hold(store, checkout, in_the_way).await? {
        let verb = format!("tix hold confirm {}", own.hold_id);
        let confirm =
            Checkout { event: None, buyer: None, ..*checkout }.command(&verb, std::iter::empty());
        return Ok(Some(format!("that is your own hold; pay for it: `{confirm}`")));
    }
    let wait = free_again(in_the_way, checkout.context.now());
    let wait = wait.map(|wait| format!("; or wait: {wait}")).unwrap_or_default();
    let offer = match near(store, event, wanted).await? {
        Some(seats) => offer(&seats, &checkout.start(&seats)),
        None => anywhere(store, checkout, event, wanted.len()).await,
    };
    Ok(Some(format!("{offer}{wait}")))
}

/// The labels of these seats as their tickets spell them.
async fn as_minted(
    store: &dyn Repository,
    event: &Event,
    seats: &[SeatLabel],
) -> Result<Vec<SeatLabel>> {
    let sections = store.sections(event.event_id).await?;
    let mut labels = Vec::with_capacity(seats.len());
    for seat in seats {
        let section = pick::section(&sections, &seat.section)?;
        let map = store.section_map(event.event_id, &section.name).await?;
        let minted = || map.seats().map(|(ticket, _)| &ticket.label);
        let exact = minted().find(|label| label.row == seat.row && label.seat == seat.seat);
        let is_alike = |label: &&SeatLabel| {
            name::same(&label.row, &seat.row) && name::same(&label.seat, &seat.seat)
        };
        labels.extend(exact.or_else(|| minted().find(is_alike)).cloned());
    }
    Ok(labels)
}

/// How to get as many seats anywhere, if that is possible; else how to see what is left.
async fn anywhere(
    store: &dyn Repository,
    checkout: &Checkout<'_>,
    event: &Event,
    count: usize,
) -> String {
    let size = u32::try_from(count).unwrap_or(u32::MAX);
    let wish = Wish { size, sections: &[], ticket_type: None, refused: &[] };
    match choose(store, event, wish).await {
        Ok(_) => format!("let tix choose: `{}`", checkout.best(count)),
        Err(_) => "see what is left with `tix ticket map`".into(),
    }
}

/// Says which seats are free, and how to take them.
fn offer(seats: &[SeatLabel], command: &str) -> String {
    match seats {
        [seat] => format!("{seat} is free: `{command}`"),
        _ => format!("{} seats side by side are free nearby: `{command}`", seats.len()),
    }
}

/// The hold in the way that is of the same session, if one is.
async fn own_hold(
    store: &dyn Repository,
    checkout: &Checkout<'_>,
    in_the_way: &[Obstacle],
) -> Result<Option<Hold>> {
    let Some(session) = checkout.session else { return Ok(None) };
    let payable = in_the_way.iter().filter(|seat| seat.status == TicketStatus::Held);
    let mut ids: Vec<_> = payable.filter_map(|seat| seat.hold_id).collect();
    ids.dedup();
    for id in ids.into_iter().take(HOLDS_LOOKED_AT_MAX) {
        let hold = store.hold(id).await?;
        if hold.session_id == *session {
            return Ok(Some(hold));
        }
    }
    Ok(None)
}

/// As many free seats as are wanted, near them, where these are of one section.
async fn near(
    store: &dyn Repository,
    event: &Event,
    wanted: &[SeatLabel],
) -> Result<Option<Vec<SeatLabel>>> {
    let Some(first) = wanted.first() else { return Ok(None) };
    if !wanted.iter().all(|seat| name::same(&seat.section, &first.section)) {
        return Ok(None);
    }
    let map = store.section_map(event.event_id, &first.section).await?;
    Ok(nearby(&map, wanted))
}

/// What there is where the first of these seats should be.
async fn known_seats(
    store: &dyn Repository,
    event: &Event,
    unknown: &[String],
) -> Result<Option<String>> {
    let Some(seat) = unknown.first().and_then(|seat| seat.parse::<SeatLabel>().ok()) else {
        return Ok(None);
    };
    let sections = store.sections(event.event_id).await?;
    let section = match pick::section(&sections, &seat.section) {
        Ok(section) => section,
        Err(error) => return Ok(error.hint(event.starts_at)),
    };
    let map = store.section_map(event.event_id, &section.name).await?;
    let labels: Vec<&SeatLabel> = map.seats().map(|(ticket, _)| &ticket.label).collect();
    let in_row: Vec<&SeatLabel> =
        labels.iter().copied().filter(|l| name::same(&l.row, &seat.row)).collect();
    let there_are = match (in_row.first(), in_row.last(), labels.first(), labels.last()) {
        (Some(first), Some(last), ..) => {
            format!(
                "row {} of {} has seats {} to {}",
                seat.row, section.name, first.seat, last.seat
            )
        }
        (.., Some(first), Some(last)) => {
            format!("{} has rows {} to {}", section.name, first.row, last.row)
        }
        _ => return Ok(None),
    };
    Ok(Some(format!("{there_are}; see them with `tix ticket map`")))
}

/// Adds what became of its seats to the refusal of a step of a hold that is over.
pub(super) async fn step(
    store: &dyn Repository,
    context: &Context,
    hold: &Hold,
    refusal: Refusal,
) -> Error {
    let Ok(event) = store.event(hold.event_id).await else { return refusal.into() };
    let hint = match &refusal {
        Refusal::Expired { .. } => still_to_be_had(store, context, &event, hold, &refusal).await,
        Refusal::Declined { held_until: Some(_), .. } => {
            Ok(Some(another_card(context, hold, &refusal)))
        }
        Refusal::IdempotencyMismatch { .. } => Ok(Some(own_reference(context, hold))),
        _ => Ok(None),
    };
    Error::refused(refusal, hint.ok().flatten()).at(&event)
}

/// How to pay after a card was declined, while the seats stay the buyer's.
fn another_card(context: &Context, hold: &Hold, refusal: &Refusal) -> String {
    let checkout = Checkout { context, event: None, session: Some(&hold.session_id), buyer: None };
    // A buyer's reference belongs to one hold and to one answer, so this one is fresh.
    let reference = format!("card-{:08x}", rand::random::<u32>());
    let verb = format!("tix hold confirm {} --payment-reference {reference}", hold.hold_id);
    let again = checkout.command(&verb, std::iter::empty());
    format!("{}: `{again}`", refusal.hint(context.now()))
}

/// How to pay when the payment reference belongs to another hold.
fn own_reference(context: &Context, hold: &Hold) -> String {
    let checkout = Checkout { context, event: None, session: Some(&hold.session_id), buyer: None };
    let reference = format!("card-{:08x}", rand::random::<u32>());
    let verb = format!("tix hold confirm {} --payment-reference {reference}", hold.hold_id);
    let confirm = checkout.command(&verb, std::iter::empty());
    format!("pay under a reference of its own: `{confirm}`")
}

/// Whether the seats of a hold that is over are still to be had, or which are.
async fn still_to_be_had(
    store: &dyn Repository,
    context: &Context,
    event: &Event,
    hold: &Hold,
    refusal: &Refusal,
) -> Result<Option<String>> {
    let own = BuyerId::of_session(&hold.session_id) == hold.buyer_id;
    let checkout = Checkout {
        context,
        event: Some(&event.slug),
        session: Some(&hold.session_id),
        buyer: (!own).then_some(hold.buyer_id),
    };
    let since = match refusal {
        Refusal::Expired { at, ended_as: HoldStatus::Expired } => {
            format!("that was {} ago; ", spoken(context.now().since(*at)))
        }
        _ => String::new(),
    };
    let wanted: Vec<SeatLabel> = hold.tickets.iter().map(|t| t.label.clone()).collect();
    let taken = taken(store, event, &wanted).await?;
    let there_is = if taken.is_empty() {
        format!("its seats are still free: `{}`", checkout.start(&wanted))
    } else {
        let gone = match &taken[..] {
            [seat] => format!("{seat} is taken by now"),
            several => format!("{} of its seats are taken by now", several.len()),
        };
        let offer = match near(store, event, &wanted).await? {
            Some(seats) => offer(&seats, &checkout.start(&seats)),
            None => anywhere(store, &checkout, event, wanted.len()).await,
        };
        format!("{gone}; {offer}")
    };
    Ok(Some(format!("{since}{there_is}")))
}

/// Those of the seats that are not available.
async fn taken(
    store: &dyn Repository,
    event: &Event,
    wanted: &[SeatLabel],
) -> Result<Vec<SeatLabel>> {
    let mut sections: Vec<&str> = wanted.iter().map(|seat| &*seat.section).collect();
    sections.dedup();
    let mut taken = Vec::new();
    for section in sections {
        let map = store.section_map(event.event_id, section).await?;
        let gone = map.seats().filter(|(ticket, status)| {
            *status != TicketStatus::Available && wanted.contains(&ticket.label)
        });
        taken.extend(gone.map(|(ticket, _)| ticket.label.clone()));
    }
    Ok(taken)
}
