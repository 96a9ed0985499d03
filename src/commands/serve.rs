//! `tix serve`.

use serde::Serialize;

use super::{Context, interrupted};
use crate::cli::ServeArgs;
use crate::cli::values::RateText;
use crate::error::{Error, Result};
use crate::output::{Page, Report, Sheet};
use crate::repository::Access;
use crate::serve::{Server, Settings, waiting_room};

/// Serves until somebody stops it, which is no failure.
///
/// # Errors
/// The store cannot be used, or nothing can listen at the address.
pub async fn run(context: &Context, args: &ServeArgs) -> Result<()> {
    // It listens from before the first request on, so that no Ctrl-C gets lost.
    let stop = interrupted();
    tokio::pin!(stop);
    let store = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        store = context.open(Access::Existing) => store?,
    };
    let served = async {
        let bound = Server::bind(args.listen, std::sync::Arc::clone(&store), settings(args)).await;
        let server = bound.map_err(|cause| cannot_listen(args, cause))?;
        greet(context, args, &server)?;
        tokio::select! {
            biased;
            ended = server.run(stop) => ended.map_err(Error::from),
            // Somebody cannot wait for the last answers.
            () = twice() => Ok(()),
        }
    };
    let served = served.await;
    store.close().await;
    served
}

/// Returns when somebody has asked twice to stop.
async fn twice() {
    interrupted().await;
    interrupted().await;
}

fn settings(args: &ServeArgs) -> Settings {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Settings {
        rate: match args.rate_limit {
            RateText::Off => None,
            RateText::PerSecond(rate) => Some(rate),
        },
        behind_proxy: args.behind_proxy,
        connections_max: number(args.connections),
        room: args.checkouts.map(|checkouts| waiting_room::Terms {
            checkouts_max: number(checkouts),
            choose_time: args.choose_time,
        }),
        worker: !args.no_worker,
    }
}

fn cannot_listen(args: &ServeArgs, cause: std::io::Error) -> Error {
    Error::Usage {
        message: format!("could not listen at {}", args.listen),
        cause: Some(Box::new(cause)),
        hint: Some("name another address with --listen; port 0 takes any that is free".into()),
    }
}

/// Says where it serves, and who can get there.
fn greet(context: &Context, args: &ServeArgs, server: &Server) -> Result<()> {
    let address = server.address();
    if !address.ip().is_loopback() && !args.behind_proxy {
        context.terminal.notice(format_args!(
            "warning: every client that reaches {address} may buy here, unencrypted; put a proxy that \
             encrypts in front of it, and say --behind-proxy"
        ));
    }
    context.terminal.notice(format_args!("serving {}; Ctrl-C ends", context.store));
    context.print(&Serving { url: format!("http://{address}") })
}

/// Where it serves.
#[derive(Serialize)]
struct Serving {
    url: String,
}

impl Report for Serving {
    fn text(&self, _: &Page) -> String {
        format!("{}\n", self.url)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&["url"]).with([vec![self.url.clone()]])
    }
}
