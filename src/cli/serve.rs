//! `tix serve`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::values::{self, RateText};

pub(super) const EXAMPLES: &str = "\
It prints its address and serves until it is stopped: a page for people at /, for programs the API \
that /v1/openapi.json describes. The first Ctrl-C stops new requests, answers those under way and ends \
with exit code 0; a second one ends it at once.

It speaks plain HTTP, and every client that reaches it may buy. Put a proxy that encrypts in front of \
it, and say so with --behind-proxy, so that clients are told apart.

Examples:
  tix serve                          at http://127.0.0.1:8080
  tix serve --listen 127.0.0.1:0     at a port that is free
  tix serve --checkouts 200          200 check out at a time; more wait
  tix serve --rate-limit off         to rehearse with tix simulate --target
";

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen: an address of this machine and a port, 0 for any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080",
          value_parser = values::address)]
    pub listen: SocketAddr,
    /// Requests per second that one client may send, in bursts of twice as many; or off
    #[arg(long, value_name = "NUMBER|off", default_value = "200", value_parser = values::rate)]
    pub rate_limit: RateText,
    /// Take the address of clients from X-Forwarded-For, which a proxy in front sets
    #[arg(long)]
    pub behind_proxy: bool,
    /// Connections at a time; one client may have half as many
    #[arg(long, value_name = "NUMBER", default_value = "16384",
          value_parser = values::whole(1, u32::MAX))]
    pub connections: u32,
    /// Checkouts of an event at a time; more buyers wait in the waiting room
    #[arg(long, value_name = "NUMBER", value_parser = values::whole(1, u32::MAX))]
    pub checkouts: Option<u32>,
    /// How long an admitted buyer may take until seats are held
    #[arg(long, value_name = "SPAN", default_value = "3m", requires = "checkouts",
          value_parser = values::time_to_pay)]
    pub choose_time: Duration,
    /// Don't run the tasks of `tix worker` beside it
    #[arg(long)]
    pub no_worker: bool,
}
