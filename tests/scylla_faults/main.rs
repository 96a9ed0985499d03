//! What happens to a sale on ScyllaDB when clients, answers or machines get lost.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
mod deletion;
mod doors;
mod killed;
mod machines;
mod proxy;
mod stage;
mod store;
mod story;
mod unanswered;
mod waiting;

#[path = "../support/hamlet.rs"]
mod hamlet;
#[path = "../support/node.rs"]
mod node;
