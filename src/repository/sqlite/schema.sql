-- The schema of the SQLite engine.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z, amounts whole minor units of the event's
-- currency, ids the sixteen bytes of a UUID (`hex(hold_id)` shows one). Queries of tix take the time
-- as an argument; the views at the end read the clock and are for people with a SQL prompt.

CREATE TABLE IF NOT EXISTS events (
    event_no         INTEGER PRIMARY KEY,
    event_id         BLOB    NOT NULL UNIQUE,
    slug             TEXT    NOT NULL UNIQUE,
    name             TEXT    NOT NULL,
    series           TEXT    NOT NULL,
    event_type       TEXT    NOT NULL,
    performers       TEXT    NOT NULL,            -- JSON array of names
    description      TEXT    NOT NULL,
    duration_minutes INTEGER NOT NULL,
    language         TEXT    NOT NULL,
    currency         TEXT    NOT NULL,
    doors_at         INTEGER NOT NULL,
    starts_at        INTEGER NOT NULL,
    venue            TEXT    NOT NULL,
    city             TEXT    NOT NULL,
    country          TEXT    NOT NULL,
    time_zone        TEXT    NOT NULL,
    latitude         REAL,
    longitude        REAL,
    limit_per_buyer  INTEGER NOT NULL,
    time_to_pay_ms   INTEGER NOT NULL,
    payment_time_ms  INTEGER NOT NULL,
    simulated        INTEGER NOT NULL,
    -- What was minted: the tickets are numbered first_ticket up to first_ticket + tickets - 1.
    layout_digest    TEXT,
    first_ticket     INTEGER NOT NULL DEFAULT 0,
    tickets          INTEGER NOT NULL DEFAULT 0,
    minted_at        INTEGER                      -- null until every ticket is there
) STRICT;

CREATE INDEX IF NOT EXISTS events_by_start ON events (starts_at, slug);
CREATE INDEX IF NOT EXISTS events_by_place ON events (latitude, longitude);

-- The words of events, without case and accents; the texts themselves stay in events.
CREATE VIRTUAL TABLE IF NOT EXISTS event_words USING fts5 (
    name, performers, series, event_type, venue, city, country, description,
    content = 'events', content_rowid = 'event_no', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER IF NOT EXISTS event_words_added AFTER INSERT ON events BEGIN
    INSERT INTO event_words
        (rowid, name, performers, series, event_type, venue, city, country, description)
    VALUES (new.event_no, new.name, new.performers, new.series, new.event_type, new.venue,
            new.city, new.country, new.description);
END;

CREATE TRIGGER IF NOT EXISTS event_words_removed AFTER DELETE ON events BEGIN
    INSERT INTO event_words
        (event_words, rowid, name, performers, series, event_type, venue, city, country,
         description)
    VALUES ('delete', old.event_no, old.name, old.performers, old.series, old.event_type,
            old.venue, old.city, old.country, old.description);
END;

CREATE TRIGGER IF NOT EXISTS event_words_changed AFTER UPDATE OF
    name, performers, series, event_type, venue, city, country, description ON events BEGIN
    INSERT INTO event_words
        (event_words, rowid, name, performers, series, event_type, venue, city, country,
         description)
    VALUES ('delete', old.event_no, old.name, old.performers, old.series, old.event_type,
            old.venue, old.city, old.country, old.description);
    INSERT INTO event_words
        (rowid, name, performers, series, event_type, venue, city, country, description)
    VALUES (new.event_no, new.name, new.performers, new.series, new.event_type, new.venue,
            new.city, new.country, new.description);
END;

CREATE TABLE IF NOT EXISTS venue_sections (
    section_no   INTEGER PRIMARY KEY,
    event_no     INTEGER NOT NULL REFERENCES events,
    name         TEXT    NOT NULL,
    type_id      TEXT    NOT NULL,
    entrance     TEXT    NOT NULL,
    row_count    INTEGER NOT NULL,
    first_ticket INTEGER NOT NULL,
    tickets      INTEGER NOT NULL,
    UNIQUE (event_no, name)
) STRICT;

-- Written at minting and never changed. Who owns a ticket is in order_queue. The id follows from
-- event and seat, so a ticket is found through its section; an index of ids would cost most of the
-- time that minting takes.
CREATE TABLE IF NOT EXISTS tickets (
    ticket_no  INTEGER PRIMARY KEY,
    ticket_id  BLOB    NOT NULL,
    section_no INTEGER NOT NULL REFERENCES venue_sections,
    row_name   TEXT    NOT NULL,
    seat_name  TEXT    NOT NULL,
    type_id    TEXT    NOT NULL,
    price      INTEGER NOT NULL,
    aisle_after INTEGER                           -- 0 or 1; null: as the names of the seats say
) STRICT;

-- The one place that decides who owns a ticket. No row: available. A row with status 'held' whose
-- expires_at has passed: available to whoever claims it.
CREATE TABLE IF NOT EXISTS order_queue (
    ticket_no        INTEGER PRIMARY KEY,
    status           TEXT    NOT NULL,            -- held, paying, sold, blocked
    hold_id          BLOB,                        -- null where blocked, as are the next two
    buyer_id         BLOB,
    expires_at       INTEGER,
    order_id         BLOB,                        -- while paying and once sold
    payment_deadline INTEGER,                     -- while paying
    reason           TEXT                         -- while blocked
) STRICT;

CREATE TABLE IF NOT EXISTS holds (
    hold_id           BLOB    NOT NULL PRIMARY KEY,
    event_no          INTEGER NOT NULL REFERENCES events,
    session_id        TEXT    NOT NULL,
    buyer_id          BLOB    NOT NULL,
    tickets           TEXT    NOT NULL,           -- JSON array of ticket_no
    started_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    payment_reference TEXT,                       -- of the latest attempt to pay
    ended_as          TEXT                        -- abandoned, declined, aborted, refunded
) STRICT, WITHOUT ROWID;

-- An order's row is the decision about one attempt to pay: written once, then only its status moves.
CREATE TABLE IF NOT EXISTS orders (
    order_id            BLOB    NOT NULL PRIMARY KEY,
    confirmation_number TEXT    NOT NULL,
    hold_id             BLOB    NOT NULL REFERENCES holds,
    event_no            INTEGER NOT NULL REFERENCES events,
    payment_reference   TEXT    NOT NULL,
    status              TEXT    NOT NULL,         -- paid, declined, aborted, refund_due, refunding, refunded
    amount              INTEGER NOT NULL,
    decided_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS orders_by_event ON orders (event_no, decided_at);
CREATE INDEX IF NOT EXISTS orders_by_confirmation_number ON orders (confirmation_number);

-- The hold that each payment reference of a buyer belongs to, for good: an idempotency key belongs to
-- one request. Orders that were decided before claimed_at may have shared it.
CREATE TABLE IF NOT EXISTS payment_references (
    buyer_id          BLOB    NOT NULL,
    payment_reference TEXT    NOT NULL,
    hold_id           BLOB    NOT NULL REFERENCES holds,
    claimed_at        INTEGER NOT NULL,
    PRIMARY KEY (buyer_id, payment_reference)
) STRICT, WITHOUT ROWID;

-- Every change of a ticket, appended in the transaction that makes it; never emptied.
CREATE TABLE IF NOT EXISTS change_log (
    position  INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    ticket_no INTEGER NOT NULL,
    change    TEXT    NOT NULL,                   -- held, paying, sold, held_again, abandoned, …
    hold_id   BLOB                                -- null for blocked and unblocked
) STRICT;

-- Those who wait for tickets of an event, in the order of entry_no. An entry that was offered tickets
-- names the hold that has them; what has become of it follows from that hold.
CREATE TABLE IF NOT EXISTS waitlist (
    entry_no   INTEGER PRIMARY KEY,
    entry_id   BLOB    NOT NULL UNIQUE,
    event_no   INTEGER NOT NULL REFERENCES events,
    session_id TEXT    NOT NULL,
    buyer_id   BLOB    NOT NULL,
    section    TEXT,                              -- null: any
    type_id    TEXT,                              -- null: any
    size       INTEGER NOT NULL,
    joined_at  INTEGER NOT NULL,
    status     TEXT    NOT NULL,                  -- waiting, offered, left
    ended_at   INTEGER,                           -- when it stopped to wait
    hold_id    BLOB    REFERENCES holds,
    -- While the buyer may own no more: when that may change by itself. Not served until then.
    parked_until INTEGER,
    -- Section and type in one text: entries of one scope and size fit the same tickets.
    scope      TEXT AS (ifnull(section, '') || char(31) || lower(ifnull(type_id, ''))) VIRTUAL
) STRICT;

CREATE INDEX IF NOT EXISTS waitlist_by_event ON waitlist (event_no, entry_no);
-- For the place in line, and for the first in line of each size.
CREATE INDEX IF NOT EXISTS waitlist_waiting ON waitlist (event_no, entry_no, size)
 WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS waitlist_waiting_by_size ON waitlist (event_no, size, entry_no)
 WHERE status = 'waiting';

-- For the first entry of each scope and size that can be served.
CREATE INDEX IF NOT EXISTS waitlist_ready ON waitlist (event_no, scope, size, entry_no)
 WHERE status = 'waiting' AND parked_until IS NULL;
CREATE INDEX IF NOT EXISTS waitlist_parked ON waitlist (event_no, parked_until)
 WHERE status = 'waiting' AND parked_until IS NOT NULL;
-- For the number of entries of a buyer, and of a session.
CREATE INDEX IF NOT EXISTS waitlist_by_buyer ON waitlist (event_no, buyer_id)
 WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS waitlist_by_session ON waitlist (event_no, session_id)
 WHERE status = 'waiting';

-- Events that had begun before this store closed sales when an event begins: their holds may have been
-- started later than that.
CREATE TABLE IF NOT EXISTS events_sold_late (
    event_no INTEGER PRIMARY KEY
) STRICT;

-- What remains of a deleted event: its numbers and its slug are never used again.
CREATE TABLE IF NOT EXISTS deleted_events (
    event_no     INTEGER PRIMARY KEY,
    event_id     BLOB    NOT NULL UNIQUE,
    slug         TEXT    NOT NULL,
    first_ticket INTEGER NOT NULL,
    tickets      INTEGER NOT NULL,
    log_entries  INTEGER NOT NULL,                -- removed from change_log
    line_entries INTEGER NOT NULL,                -- removed from waitlist
    deleted_at   INTEGER NOT NULL,
    cleared_at   INTEGER                          -- null while rows of it may be left
) STRICT;

-- How far a follower of the change log has come, under the name it gave itself.
CREATE TABLE IF NOT EXISTS log_progress (
    follower   TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL,                  -- the last entry that it told
    seen_until INTEGER NOT NULL                   -- the time up to which it told what expired
) STRICT, WITHOUT ROWID;

-- The store's time. Rules go by max(clock, newest time written), and not by a clock that jumped: the
-- anchor, a clock and an uptime that were read together, tells where the clock should be.
CREATE TABLE IF NOT EXISTS store_clock (
    one             INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    newest          INTEGER NOT NULL,             -- newest time outside of change_log
    boot_id         BLOB,                         -- the run of the machine that the anchor is from
    uptime_us       INTEGER,                      -- microseconds since that run began
    clock_us        INTEGER,                      -- what the clock showed then
    time_us         INTEGER,                      -- what the store's time was then
    jumped_us       INTEGER,                      -- jumps ahead that still count
    lead_allowed_us INTEGER,                      -- how far ahead of the clock the store may be
    probe           BLOB                          -- written to find out whether there is room
) STRICT;

INSERT OR IGNORE INTO store_clock (one, newest)
SELECT 1, max(coalesce((SELECT max(at) FROM change_log), 0),
              coalesce((SELECT max(started_at) FROM holds), 0),
              coalesce((SELECT max(updated_at) FROM orders), 0),
              coalesce((SELECT max(joined_at) FROM waitlist), 0),
              coalesce((SELECT max(ended_at) FROM waitlist), 0),
              coalesce((SELECT max(minted_at) FROM events), 0));
-- Up to where the log was written by a version of tix whose clock could step back. No row: nowhere.
CREATE TABLE IF NOT EXISTS unordered_log (
    until_position INTEGER NOT NULL PRIMARY KEY,
    until_time     INTEGER NOT NULL               -- the latest time of those entries
) STRICT, WITHOUT ROWID;

CREATE VIEW IF NOT EXISTS available_tickets AS
SELECT e.slug AS event, s.name AS section, t.row_name AS "row", t.seat_name AS seat, t.type_id,
       t.price, e.currency
  FROM tickets t
  JOIN venue_sections s USING (section_no)
  JOIN events e USING (event_no)
  LEFT JOIN order_queue q USING (ticket_no)
 WHERE q.ticket_no IS NULL
    OR (q.status = 'held' AND q.expires_at <= unixepoch('subsec') * 1000);

CREATE VIEW IF NOT EXISTS available_events AS
SELECT slug AS event, name, venue, city, datetime(starts_at / 1000, 'unixepoch') AS starts_at_utc,
       tickets - (SELECT count(*) FROM order_queue q
                   WHERE q.ticket_no >= e.first_ticket AND q.ticket_no < e.first_ticket + e.tickets
                     AND NOT (q.status = 'held' AND q.expires_at <= unixepoch('subsec') * 1000)
                 ) AS available
  FROM events e
 WHERE minted_at IS NOT NULL AND starts_at > unixepoch('subsec') * 1000;
