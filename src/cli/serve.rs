//! `tix serve`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::values::{self, RateText};

pub(super) const EXAMPLES: &str = "\
It prints its address and serves until it is stopped: a page for people at /, for programs what \
/v1/openapi.json describes. Ctrl-C lets nobody else in, answers what was asked and ends with exit code \
0; a second one ends it at once.

It speaks plain HTTP, and everybody who reaches it may buy. Let others reach it through a proxy that \
encrypts, and say so with --behind-proxy, so that clients are told apart.

Examples:
  tix serve                          at http://127.0.0.1:8080
  tix serve --listen 127.0.0.1:0     at a port that is free
  tix serve --checkouts 200          200 check out at a time; others wait
  tix serve --rate-limit off         to rehearse with tix simulate --target
";

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen: an address of this machine and a port, 0 for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080",
          value_parser = values::address)]
    pub listen: SocketAddr,
    /// Requests that one client may send in a second, twice as many at once; or off
    #[arg(long, value_name = "NUMBER|off", default_value = "200", value_parser = values::rate)]
    pub rate_limit: RateText,
    /// Every client comes through a proxy, which writes whom it asks for into X-Forwarded-For
    #[arg(long)]
    pub behind_proxy: bool,
    /// Connections at a time, of one client half as many
    #[arg(long, value_name = "NUMBER", default_value = "16384",
          value_parser = values::whole(1, u32::MAX))]
    pub connections: u32,
    /// Let so many checkouts of an event go on at a time; others stand in line
    #[arg(long, value_name = "NUMBER", value_parser = values::whole(1, u32::MAX))]
    pub checkouts: Option<u32>,
    /// How long whoever was let in may take until seats are held
    #[arg(long, value_name = "SPAN", default_value = "3m", requires = "checkouts",
          value_parser = values::time_to_pay)]
    pub choose_time: Duration,
    /// Do not do beside it what `tix worker` does
    #[arg(long)]
    pub no_worker: bool,
}
