//! Which streams the log has. They change with the machines of the cluster: from a generation's
//! time on entries go to its streams.

use std::sync::Arc;

use scylla::statement::Consistency;
use scylla::statement::unprepared::Statement;
use scylla_cdc::cdc_types::{GenerationTimestamp, StreamID};

use crate::domain::Timestamp;
use crate::repository::scylla::database::Database;

/// Rows of one page: each has the streams of one token range.
const PAGE_ROWS: i32 = 1_000;

const SELECT_STREAMS: &str =
    "SELECT streams FROM system_distributed.cdc_streams_descriptions_v2 WHERE time = ?";

/// The streams of a generation.
pub(super) struct Streams {
    db: Arc<Database>,
    /// Nothing before is read.
    from: Timestamp,
}

impl Streams {
    pub(super) fn new(db: Arc<Database>, from: Timestamp) -> Self {
        Self { db, from }
    }

    /// The streams of a generation, and when reading them begins.
    pub(super) async fn of(
        &self,
        generation: &GenerationTimestamp,
    ) -> anyhow::Result<(Vec<String>, Timestamp)> {
        use futures::TryStreamExt;

        let session = &self.db.session;
        let mut statement = Statement::new(SELECT_STREAMS).with_page_size(PAGE_ROWS);
        statement.set_is_idempotent(true);
        let single = session.get_cluster_state().get_nodes_info().len() == 1;
        statement.set_consistency(if single { Consistency::One } else { Consistency::Quorum });
        let rows = session.query_iter(statement, (generation,)).await?;
        let ranges: Vec<(Vec<StreamID>,)> = rows.rows_stream()?.try_collect().await?;
        let streams: Vec<String> =
            ranges.iter().flat_map(|(streams,)| streams).map(ToString::to_string).collect();
        anyhow::ensure!(!streams.is_empty(), "the change log has no streams since {generation}");
        // A time is written as milliseconds, and in no other way to be had.
        let since = generation.to_string().parse().map_or(self.from, Timestamp::from_millis);
        Ok((streams, since.max(self.from)))
    }
}
