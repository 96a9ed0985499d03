//! The page of `tix serve` as its users see it: the built binary serves it from a store on disk, and
//! Chromium without a window shows it.
//!
//! What a story says of the page is read from what the browser shows, and compared with what the
//! command line says of the store.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod breaks;
mod closing;
mod driver;
mod holding;
mod house;
mod lines;
mod patience;
mod paying;
mod reach;
mod scene;
mod server;
mod stale;
mod visitor;
