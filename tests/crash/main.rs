//! What must hold when processes meet on one store, and when they die: real processes, a real
//! `kill -9`, a disk that is really full.
//!
//! `docs/protocol.md` argues why; here is the proof. Nothing repairs a store between the death of
//! one process and the next command.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod at_once;
mod births;
mod deletion;
mod errand;
mod full_disk;
mod locks;
mod minting;
mod paying;
mod process;
mod provider;
mod rehearsals;
mod sandbox;
mod small_disk;
mod told;
mod writers;
