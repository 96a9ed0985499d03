//! What a ticket sale is made of: values and pure functions.
//!
//! Nothing here reads a clock, draws a random number or touches a file; such things come in as
//! arguments. How these values are stored is the business of [`repository`](crate::repository).

pub mod accessible;
mod aisles;
pub mod change;
pub mod choice;
pub mod confirmation;
pub mod event;
pub mod event_search;
pub mod geo;
pub mod hold;
pub mod ids;
pub mod limit;
pub mod location;
pub mod money;
pub mod name;
pub mod nearby;
pub mod obstacles;
pub mod order;
pub mod price;
pub mod refusal;
pub mod sales;
pub mod seat_map;
pub mod seating;
pub mod section_tickets;
pub mod shortage;
pub mod store_time;
pub mod ticket;
pub mod time;
pub mod venue;
pub mod waitlist;

pub use change::{Change, ChangeKind, Position};
pub use choice::Choice;
pub use confirmation::ConfirmationNumber;
pub use event::{Event, EventDraft, SaleTerms};
pub use event_search::{Availability, EventHit, EventOrder, EventPage, EventQuery, Moment};
pub use geo::{Circle, GeoPoint};
pub use hold::{Hold, HoldStatus, NewHold};
pub use ids::{
    BuyerId, EntryId, EventId, FollowerName, HoldId, OrderId, PaymentReference, SessionId, TicketId,
};
pub use location::Location;
pub use money::{Currency, Money};
pub use obstacles::{Obstacle, Standing};
pub use order::{Order, OrderStatus};
pub use refusal::{IdempotencyKey, Owned, Refusal};
pub use seat_map::{SeatMap, SectionMap, StatusCounts, Vacant};
pub use section_tickets::SectionTickets;
pub use shortage::Shortage;
pub use store_time::{ClockFault, MachineTime};
pub use ticket::{SeatLabel, Ticket, TicketState, TicketStatus};
pub use time::Timestamp;
pub use venue::{Section, Venue};
pub use waitlist::{NewEntry, Offer, WaitlistEntry, WaitlistStatus, Wish};
