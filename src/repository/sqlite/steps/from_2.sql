-- From version 2 to 3.

-- A payment reference belongs to one hold of its buyer. Where holds shared one until now, it belongs to
-- the hold that was paid for first; the others keep the orders that they have. All of these were decided
-- before it was claimed, also where the clock has been set back since.
CREATE TABLE IF NOT EXISTS payment_references (
    buyer_id          BLOB    NOT NULL,
    payment_reference TEXT    NOT NULL,
    hold_id           BLOB    NOT NULL REFERENCES holds,
    claimed_at        INTEGER NOT NULL,
    PRIMARY KEY (buyer_id, payment_reference)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO payment_references (buyer_id, payment_reference, hold_id, claimed_at)
SELECT h.buyer_id, o.payment_reference, o.hold_id,
       max(unixepoch('subsec') * 1000, (SELECT ifnull(max(at), 0) + 1 FROM change_log),
           (SELECT ifnull(max(updated_at), 0) + 1 FROM orders))
  FROM orders o JOIN holds h USING (hold_id)
 ORDER BY o.status IN ('declined', 'aborted'), o.decided_at, o.order_id;

INSERT OR IGNORE INTO payment_references (buyer_id, payment_reference, hold_id, claimed_at)
SELECT buyer_id, payment_reference, hold_id,
       max(unixepoch('subsec') * 1000, (SELECT ifnull(max(at), 0) + 1 FROM change_log),
           (SELECT ifnull(max(updated_at), 0) + 1 FROM orders))
  FROM holds
 WHERE payment_reference IS NOT NULL
 ORDER BY started_at, hold_id;

-- The waitlist as version 2 has it, for a store of version 1, then what serving it needs.
CREATE TABLE IF NOT EXISTS waitlist (
    entry_no   INTEGER PRIMARY KEY,
    entry_id   BLOB    NOT NULL UNIQUE,
    event_no   INTEGER NOT NULL REFERENCES events,
    session_id TEXT    NOT NULL,
    buyer_id   BLOB    NOT NULL,
    section    TEXT,
    type_id    TEXT,
    size       INTEGER NOT NULL,
    joined_at  INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    ended_at   INTEGER,
    hold_id    BLOB    REFERENCES holds
) STRICT;
ALTER TABLE waitlist ADD COLUMN parked_until INTEGER;
ALTER TABLE waitlist ADD COLUMN scope TEXT
    AS (ifnull(section, '') || char(31) || lower(ifnull(type_id, ''))) VIRTUAL;
-- Whether an aisle follows a seat, where the venue file says so; of what is minted, seat names say it.
ALTER TABLE tickets ADD COLUMN aisle_after INTEGER;
-- What is written so far may run backwards in time, shares payment references, and has any number of
-- waiting entries.
CREATE TABLE IF NOT EXISTS unordered_log (
    until_position INTEGER NOT NULL PRIMARY KEY,
    until_time     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO unordered_log (until_position, until_time)
SELECT max(position),
       max(max(at), ifnull((SELECT max(max(joined_at), ifnull(max(ended_at), 0)) FROM waitlist), 0),
           ifnull((SELECT max(updated_at) FROM orders), 0))
  FROM change_log HAVING max(position) IS NOT NULL;

-- Sales had no end before: what was sold of an event that has begun is not judged by it.
CREATE TABLE IF NOT EXISTS events_sold_late (
    event_no INTEGER PRIMARY KEY
) STRICT;
INSERT OR IGNORE INTO events_sold_late (event_no)
SELECT event_no FROM events WHERE starts_at <= unixepoch('subsec') * 1000;
