//! What a follower reads and writes beside the log itself. Prepared when somebody follows: other
//! commands need none of it.

use futures::future::try_join_all;
use scylla::client::session::Session;

use crate::repository::Result;
use crate::repository::scylla::failure::prepare_error;
use crate::repository::scylla::statements::{ANSWER_MAX, Statement};

/// Rows that one page of an answer has.
const PAGE_ROWS: i32 = 2_000;

macro_rules! statements {
    ($($name:ident: $what:literal, $cql:expr;)+) => {
        /// The statements, by name.
        #[derive(Debug)]
        pub(super) struct Statements {
            $(pub(super) $name: Statement,)+
        }

        impl Statements {
            /// Prepares all statements.
            pub(super) async fn prepare(session: &Session) -> Result<Self> {
                let all = [$(($what, $cql),)+].map(|(what, cql)| prepare(session, what, cql));
                let [$($name,)+] = <[Statement; _]>::try_from(try_join_all(all).await?)
                    .map_err(|_| crate::repository::scylla::failure::lost_statement())?;
                Ok(Self { $($name,)+ })
            }
        }
    };
}

async fn prepare(session: &Session, what: &'static str, cql: &str) -> Result<Statement> {
    let mut prepared = session.prepare(cql).await.map_err(|e| prepare_error(cql, e))?;
    prepared.set_request_timeout(Some(ANSWER_MAX));
    prepared.set_page_size(PAGE_ROWS);
    prepared.set_is_idempotent(true);
    Ok(Statement { prepared, what })
}

statements! {
    select_owned: "read who owns tickets",
        "SELECT event_id, ticket_id, hold_id, order_id, session_id, buyer_id, status, expires_at,
                WRITETIME(status) AS written_at
           FROM order_queue";
    select_ending: "read how a hold ended",
        "SELECT ended_as FROM holds WHERE hold_id = ?";
    select_terms: "read how long tickets are held",
        "SELECT time_to_pay_ms, payment_time_ms FROM events";
    select_birth: "read when the log began",
        "SELECT id FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
    select_progress: "read how far the log is told",
        "SELECT seen_until FROM log_progress WHERE follower = ?";
    save_progress: "save how far the log is told",
        "INSERT INTO log_progress (follower, seen_until) VALUES (?, ?)";
}
