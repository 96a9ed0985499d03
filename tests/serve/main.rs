//! `tix serve` as those meet it who talk to it: the built binary, on stores of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod abuse;
mod booking;
mod closing;
mod crowd;
mod document;
mod edges;
mod health;
mod reading;
mod scylla;
mod server;
mod stopping;
mod stream;
mod waiting;

#[path = "../support/node.rs"]
mod node;
