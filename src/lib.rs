//! `tix` sells every seat exactly once.

pub mod audit;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod domain;
pub mod error;
pub mod minting;
pub mod output;
pub mod payment;
pub mod repository;
pub mod serve;
pub mod simulate;
pub mod terminal;
pub mod watch;
pub mod worker;
