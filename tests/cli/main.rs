//! The command line as its users see it: the built binary, run on stores of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod board;
mod browser;
mod catalogue;
mod choosing;
mod clock;
mod deletion;
mod events;
mod help;
mod hints;
mod hints_of_faults;
mod holds;
mod memory;
mod names;
mod orders;
mod refusals;
mod report_page;
mod sandbox;
mod schemas;
mod seating;
mod seed;
mod serve;
mod signals;
mod simulate;
mod store;
mod stored;
mod stored_scylla;
mod streams;
mod sweep;
mod target;
mod tickets;
mod tmux;
mod usage;
mod waitlist;
mod watch;
mod watch_scylla;
mod worker;

#[path = "../support/node.rs"]
mod node;
#[path = "../support/own_node.rs"]
mod own_node;
