//! What SQLite itself does: the statements of a claim in one thread, `tasks` claims a transaction.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tempfile::TempDir;
use tix::domain::{BuyerId, HoldId};

use crate::{TICKETS, load};

pub(crate) fn rate(tasks: usize, span: Duration) -> f64 {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let connection = Connection::open(folder.path().join("tix.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 4_000).unwrap();
    connection.pragma_update(None, "cache_size", -65_536).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(tix::repository::sqlite::SCHEMA).unwrap();
    let order = load::demand(TICKETS);
    let start = Instant::now();
    let mut granted = 0;
    for group in order.chunks(tasks) {
        if start.elapsed() >= span {
            break;
        }
        claim(&connection, group);
        granted += group.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 claims")]
    let granted = granted as f64;
    granted / start.elapsed().as_secs_f64()
}

fn claim(connection: &Connection, group: &[u32]) {
    let now = 1_800_000_000_000_i64;
    let prepare = |sql| connection.prepare_cached(sql).unwrap();
    let mut row = prepare("SELECT status FROM order_queue WHERE ticket_no = ?1");
    let mut hold = prepare(
        "INSERT INTO holds (hold_id, event_no, session_id, buyer_id, tickets, started_at, expires_at)
         VALUES (?1, 1, 'bench', ?2, ?3, ?4, ?4 + 900000) ON CONFLICT DO NOTHING",
    );
    let mut claim = prepare(
        "INSERT INTO order_queue (ticket_no, status, hold_id, buyer_id, expires_at)
         VALUES (?1, 'held', ?2, ?3, ?4 + 900000)
         ON CONFLICT (ticket_no) DO UPDATE
            SET hold_id = excluded.hold_id, buyer_id = excluded.buyer_id,
                expires_at = excluded.expires_at
          WHERE status = 'held' AND order_queue.expires_at <= ?4",
    );
    let mut log = prepare(
        "INSERT INTO change_log (at, ticket_no, change, hold_id) VALUES (?1, ?2, 'held', ?3)",
    );
    prepare("BEGIN IMMEDIATE").execute([]).unwrap();
    for ticket in group {
        let (hold_id, buyer) = (HoldId::fresh(), BuyerId::fresh());
        let (hold_id, buyer) = (hold_id.as_bytes(), buyer.as_bytes());
        assert!(!row.exists([ticket]).unwrap());
        let tickets = format!("[{ticket}]");
        assert_eq!(hold.execute(params![hold_id, buyer, tickets, now]).unwrap(), 1);
        assert_eq!(claim.execute(params![ticket, hold_id, buyer, now]).unwrap(), 1);
        log.execute(params![now, ticket, hold_id]).unwrap();
    }
    prepare("COMMIT").execute([]).unwrap();
}
