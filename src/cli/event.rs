//! `tix seed` and `tix event`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::pages::PageArgs;
use super::values::{self, DoorsText, TimeText};
use crate::domain::event::LIMIT_MAX;
use crate::domain::event_search::PAGE_EVENTS_MAX;
use crate::domain::{Currency, GeoPoint};

pub(super) const SEED_EXAMPLES: &str = "\
A venue file has one line per section or one line per seat, from the front to the back and from \
left to right:
  section,type,price,rows,seats_per_row[,entrance][,aisle_after]
  section,row,seat,type,price[,aisle_after]

A break in the numbering of a row is an aisle, unless aisle_after says otherwise: yes or no for a \
seat, seat numbers such as `6 12` for a section. Types with a word such as wheelchair or companion \
are chosen only when they are asked for.

Examples:
  tix seed                                                    the built-in arena
  tix seed fixtures/venues/theatre.csv --date 2026-12-01T19:30
  tix seed arena.csv --event \"Night of Songs\" --limit 4 --ttl 10m
  generate-venue | tix seed - --event \"Generated\"
";

const ADD_EXAMPLES: &str = "\
Examples:
  tix event add \"Hamlet\" --date 2026-12-01T19:30 --series hamlet
  tix seed theatre.csv --event \"Hamlet\" --date 2026-12-01     mint it later
";

const DELETE_EXAMPLES: &str = "\
An event whose tickets were ever held cannot be deleted: its history is kept. The slug of a deleted event stays \
taken. A deletion that was interrupted is completed by the same command.

Examples:
  tix event list --simulated
  tix event delete simulation-42-1f0c9a3e
  tix event delete hamlet-2026-12-01 --yes
";

const SEARCH_EXAMPLES: &str = "\
The most relevant first, then the earliest. Relevance is up to 1 for how well the words fit, compared \
with the event that they fit best, plus a half for each preference that is met.

Examples:
  tix event search hamlet --city london --available
  tix event search --near 51.508,-0.097 --radius-km 10 --from 2026-12-01 --to 2026-12-31
  tix event search --type concert --prefer jazz --prefer \"open air\" --page 2
";

const LOCATIONS_EXAMPLES: &str = "\
Examples:
  tix event locations
  tix event locations jazz --from 2026-12-01 --to 2026-12-31
";

/// Which event a command is about.
#[derive(Debug, Clone, Args)]
pub struct EventSelector {
    /// The event: its slug, its id, or a unique prefix of either; needed if the store has several,
    /// not counting simulated ones
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
}

/// What to mint.
#[derive(Debug, Args)]
pub struct SeedArgs {
    /// The venue file, `-` for standard input; without one, the built-in arena
    #[arg(value_name = "VENUE.csv")]
    pub venue_file: Option<PathBuf>,
    /// The event's name; without one, that of the file
    #[arg(long = "event", value_name = "NAME", value_parser = values::name)]
    pub name: Option<String>,
    /// What else is said about the event.
    #[command(flatten)]
    pub event: EventArgs,
}

/// The properties of an event besides its name. Each is fixed once the event is added: an option
/// that differs from the stored event is an error.
#[derive(Debug, Args)]
#[command(next_help_heading = "The event, if it is new")]
pub struct EventArgs {
    /// When it begins: 2026-12-01, 2026-12-01T19:30 at the venue, or RFC 3339; 30 days from now
    /// at 20:00 unless given. Its sale closes then
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub date: Option<TimeText>,
    /// The short name that identifies it; unless given, made of the name and the day, and of the
    /// time too if another show has that slug
    #[arg(long, value_parser = values::slug)]
    pub slug: Option<String>,
    /// The production it is a show of
    #[arg(long, value_parser = values::name)]
    pub series: Option<String>,
    /// What kind it is: concert, theatre, sport, …
    #[arg(long = "type", value_name = "TYPE", value_parser = values::name)]
    pub event_type: Option<String>,
    /// Who performs; can be repeated
    #[arg(long = "performer", value_name = "NAME", value_parser = values::name)]
    pub performers: Vec<String>,
    /// What it is about
    #[arg(long, value_name = "TEXT", value_parser = values::description)]
    pub description: Option<String>,
    /// How long it lasts: 90m, 2h30m [default: 2h]
    #[arg(long, value_name = "SPAN", value_parser = values::minutes)]
    pub duration: Option<u32>,
    /// The language it is held in: de, en-GB
    #[arg(long, value_name = "TAG", value_parser = values::language)]
    pub language: Option<String>,
    /// What prices are in [default: EUR]
    #[arg(long, value_name = "CODE", value_parser = values::currency)]
    pub currency: Option<Currency>,
    /// The venue's name
    #[arg(long, value_name = "NAME", value_parser = values::name)]
    pub venue: Option<String>,
    /// The city the venue stands in
    #[arg(long, value_parser = values::name)]
    pub city: Option<String>,
    /// The country the venue stands in
    #[arg(long, value_parser = values::name)]
    pub country: Option<String>,
    /// The venue's time zone, by its IANA name; this machine's unless given
    #[arg(long, value_name = "ZONE", value_parser = values::time_zone)]
    pub time_zone: Option<String>,
    /// Degrees north
    #[arg(long, value_name = "DEGREES", value_parser = values::latitude, requires = "lon",
          allow_negative_numbers = true)]
    pub lat: Option<f64>,
    /// Degrees east
    #[arg(long, value_name = "DEGREES", value_parser = values::longitude, requires = "lat",
          allow_negative_numbers = true)]
    pub lon: Option<f64>,
    /// When the doors open: 18:30, or a time as for --date; an hour before it begins unless given
    #[arg(long, value_name = "TIME", value_parser = values::doors)]
    pub doors: Option<DoorsText>,
    /// The most tickets one buyer may own [default: 10]
    #[arg(long, value_name = "TICKETS",
          value_parser = values::whole(1, LIMIT_MAX))]
    pub limit: Option<u32>,
    /// How long a hold lasts, 1s to 24h [default: 15m]
    #[arg(long, value_name = "SPAN", value_parser = values::time_to_pay)]
    pub ttl: Option<Duration>,
    /// How long a payment may take, 1s to 24h [default: 2m]
    #[arg(long, value_name = "SPAN", value_parser = values::time_to_pay)]
    pub payment_time: Option<Duration>,
}

/// Above the options that say what of the events that fit is shown.
const SHOWN: &str = "What to show";

/// Which events are looked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which events")]
pub struct EventFilter {
    /// Words that the event must have, in any case, with or without accents; the last one may be
    /// incomplete
    #[arg(value_parser = values::name, help_heading = None)]
    pub words: Vec<String>,
    /// In this city; the first words of its name are enough
    #[arg(long, value_parser = values::name)]
    pub city: Option<String>,
    /// Around this place, in degrees north and east: 51.508,-0.097
    #[arg(long, value_name = "LAT,LON", value_parser = values::place, allow_hyphen_values = true)]
    pub near: Option<GeoPoint>,
    /// How far around it, in kilometers; 25 unless given
    #[arg(long, value_name = "KM", value_parser = values::radius, requires = "near")]
    pub radius_km: Option<f64>,
    /// Beginning at this time or later: 2026-12-01, 2026-12-01T19:30, both by the clock at each venue,
    /// or RFC 3339; from now on unless given
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub from: Option<TimeText>,
    /// Beginning at this time or earlier; a day counts to its end, a time that a venue's clock skips to the
    /// change of that clock
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub to: Option<TimeText>,
    /// Of this type: concert, theatre, sport, …
    #[arg(long = "type", value_name = "TYPE", value_parser = values::name)]
    pub event_type: Option<String>,
    /// With this performer; can be repeated: any of them
    #[arg(long = "performer", value_name = "NAME", value_parser = values::name)]
    pub performers: Vec<String>,
    /// Only with available tickets
    #[arg(long)]
    pub available: bool,
    /// Also events that simulations created
    #[arg(long)]
    pub simulated: bool,
}

/// What to look for, and what of it to show.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Which events.
    #[command(flatten)]
    pub filter: EventFilter,
    /// Show events about this first, without leaving out others; can be repeated
    #[arg(long = "prefer", value_name = "TEXT", value_parser = values::name, help_heading = SHOWN)]
    pub preferences: Vec<String>,
    /// At most this many events per page
    #[arg(long, value_name = "COUNT", default_value_t = 20, help_heading = SHOWN,
          value_parser = values::whole(1, PAGE_EVENTS_MAX))]
    pub limit: u64,
    /// Which page
    #[arg(long, value_name = "NUMBER", default_value_t = 1, help_heading = SHOWN,
          value_parser = values::whole(1, 1_000_000_u64))]
    pub page: u64,
}

/// What to do with events.
#[derive(Debug, Subcommand)]
pub enum EventAction {
    /// List the events, by date
    List {
        /// Also events that simulations created
        #[arg(long)]
        simulated: bool,
        /// Which part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Search events by words, place, time, type, performer
    #[command(after_help = SEARCH_EXAMPLES)]
    Search(SearchArgs),
    /// List the places that have events
    #[command(after_help = LOCATIONS_EXAMPLES)]
    Locations {
        /// Which part of the list.
        #[command(flatten)]
        page: PageArgs,
        /// Which events.
        #[command(flatten)]
        filter: EventFilter,
    },
    /// List the shows of a series: what is available, and the lowest price
    Shows {
        /// The series that its shows share
        #[arg(value_parser = values::name)]
        series: String,
        /// Also shows that have begun
        #[arg(long)]
        all: bool,
        /// Also shows that simulations created
        #[arg(long)]
        simulated: bool,
        /// Which part of the list.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one event: place, time, terms, and what its sections offer
    Show {
        /// Its slug, its id, or a unique prefix of either; needed if the store has several, not
        /// counting simulated ones
        event: Option<String>,
    },
    /// Delete an event and all its data, if it is simulated or no ticket of it was ever held
    #[command(after_help = DELETE_EXAMPLES)]
    Delete {
        /// Its slug, its id, or a unique prefix of either
        event: String,
        /// Delete it even though no simulation created it
        #[arg(long)]
        yes: bool,
    },
    /// Add an event without minting tickets
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Its name
        #[arg(value_parser = values::name)]
        name: String,
        /// What else is said about it.
        #[command(flatten)]
        event: Box<EventArgs>,
    },
}
