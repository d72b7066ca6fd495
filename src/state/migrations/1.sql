-- Schema 1. Released: never edited; what follows is another file.
--
-- Times are milliseconds since the Unix epoch. STRICT tables of SQLite know INTEGER and not BIGINT; on PostgreSQL
-- read BIGINT for INTEGER, JSON columns are TEXT on both, and STRICT and WITHOUT ROWID fall away.

-- What fleet remembers of a server; the server itself is an entry of the inventory, so nothing refers to this.
CREATE TABLE servers (
    name          TEXT    NOT NULL PRIMARY KEY,
    cordoned_at   INTEGER,
    cordon_reason TEXT,
    observed_at   INTEGER,
    -- fingerprint of the key that last logged in
    identity      TEXT,
    -- fingerprint of the host key that was last accepted
    host_key      TEXT,
    -- the last look, JSON, without what the server said of itself; that is kept also while it cannot be reached
    observation   TEXT,
    facts         TEXT,
    facts_at      INTEGER
) STRICT;

-- The status of what is looked at again and again: of each server (its subject is empty), and of each check on it.
CREATE TABLE health_statuses (
    server  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    -- what is confirmed, since when, and a JSON list of reasons
    status  TEXT    NOT NULL
            CHECK (status IN ('online', 'ok', 'degraded', 'warn', 'offline', 'bad', 'error')),
    since   INTEGER NOT NULL,
    reasons TEXT    NOT NULL,
    -- what the last look saw
    seen    TEXT    NOT NULL
            CHECK (seen IN ('online', 'ok', 'degraded', 'warn', 'offline', 'bad', 'error')),
    seen_at INTEGER NOT NULL,
    -- JSON: what it turns to once it was seen often enough; NULL while the looks see what is confirmed
    turning TEXT,
    -- the status that a quiet sweep spoke of last
    told    TEXT,
    PRIMARY KEY (server, subject)
) STRICT, WITHOUT ROWID;

-- The servers among some hundred times as many checks, and the checks that are not well.
CREATE INDEX health_statuses_servers ON health_statuses (server) WHERE subject = '';

CREATE INDEX health_statuses_unwell ON health_statuses (status, server, subject) WHERE subject <> '' AND status <> 'ok';

-- Every change of a status, oldest first.
CREATE TABLE health_events (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    server        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    -- NULL at the first look
    before_status TEXT,
    -- since when it had been so
    before_since  INTEGER,
    after_status  TEXT    NOT NULL,
    -- the first look that saw the new status
    since         INTEGER NOT NULL,
    -- JSON list
    reasons       TEXT    NOT NULL
) STRICT;

CREATE INDEX health_events_at ON health_events (at);

CREATE INDEX health_events_server ON health_events (server, id);

-- What the looks at servers measured: sums of them for each minute, each hour and each day (UTC). In order of time, so
-- that a sweep writes few pages however many servers it has, and what is too old is in one piece.
CREATE TABLE health_samples (
    -- milliseconds: a minute, an hour, a day
    span       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    server     TEXT    NOT NULL,
    -- the gravest that was seen: 0 online, 1 degraded, 2 offline, 3 error
    worst      INTEGER NOT NULL CHECK (worst BETWEEN 0 AND 3),
    looks      INTEGER NOT NULL,
    -- the time up to these looks of which something is known, and how much of it the server was up
    known_ms   INTEGER NOT NULL,
    up_ms      INTEGER NOT NULL,
    -- looks at which the server told its figures, and sums over these: hundredths of the load, tenths of a percent
    answered   INTEGER NOT NULL,
    connect_ms INTEGER NOT NULL,
    load       INTEGER NOT NULL,
    memory     INTEGER NOT NULL,
    -- the most that was used of any disk, in percent
    disk       INTEGER NOT NULL,
    PRIMARY KEY (span, at, server)
) STRICT, WITHOUT ROWID;

-- What the checks of resources measured at the last look that had them.
CREATE TABLE measured (
    server  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    -- what was looked at, and from where: the words of the check
    aspect  TEXT    NOT NULL,
    vantage TEXT    NOT NULL CHECK (vantage IN ('server', 'here')),
    -- milliseconds until the answer; NULL when there was none
    took_ms INTEGER,
    -- when what was looked at ends by itself
    expires INTEGER,
    PRIMARY KEY (server, kind, name, aspect, vantage)
) STRICT, WITHOUT ROWID;

-- How fast resources answered on their servers: sums over the looks of every three hours (UTC), in order of time.
CREATE TABLE answer_samples (
    at      INTEGER NOT NULL,
    server  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    looks   INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (at, server, kind, name)
) STRICT, WITHOUT ROWID;

-- What the last plan of a whole server found there that others had changed since fleet applied it.
CREATE TABLE comparisons (
    server TEXT    NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    -- JSON list of the items that drifted, `TYPE NAME`
    drift  TEXT    NOT NULL
) STRICT;

-- What is to be told over a channel of the inventory and has not arrived there: a row for each channel and change.
CREATE TABLE notices (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    channel       TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    -- whether it is told again because it still is so
    reminder      INTEGER NOT NULL CHECK (reminder IN (0, 1)),
    server        TEXT    NOT NULL,
    -- the check on it; empty for the server itself
    subject       TEXT    NOT NULL,
    -- what was told before, and since when it had been so; NULL when nothing was
    before_status TEXT,
    before_since  INTEGER,
    after_status  TEXT    NOT NULL,
    since         INTEGER NOT NULL,
    -- JSON list
    reasons       TEXT    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    -- the first attempt that failed, and why the last one did
    failing_since INTEGER,
    error         TEXT,
    -- until when a fleet is sending it
    claimed_until INTEGER,
    given_up_at   INTEGER
) STRICT;

-- What was last told over a channel of a subject that was not well then.
CREATE TABLE notice_told (
    channel TEXT    NOT NULL,
    server  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    status  TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (channel, server, subject)
) STRICT, WITHOUT ROWID;

-- What became of what was sent over a channel.
CREATE TABLE channels (
    name      TEXT    NOT NULL PRIMARY KEY,
    sent_at   INTEGER,
    failed_at INTEGER,
    error     TEXT
) STRICT;

-- Servers that are being worked on.
CREATE TABLE maintenance (
    server   TEXT    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    operator TEXT    NOT NULL
) STRICT;

-- What should exist. Removing is soft: the row stays with removed_at set.
CREATE TABLE resources (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    weight          INTEGER NOT NULL CHECK (weight >= 0),
    suspended       INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
    generation      INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    removed_at      INTEGER,
    removed_by_task INTEGER,
    -- whether its servers follow the inventory: it is on every server of a selector, or on any live one
    roams           INTEGER NOT NULL DEFAULT 0 CHECK (roams IN (0, 1)),
    -- the settings, JSON; last, because it is long and seldom needed
    spec            TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX resources_name ON resources (kind, name) WHERE removed_at IS NULL;

CREATE INDEX resources_roaming ON resources (kind, name) WHERE roams = 1 AND removed_at IS NULL;

-- Where each resource is. A row goes when the resource is off the server, so that its weight counts until then.
CREATE TABLE placements (
    resource_id        INTEGER NOT NULL REFERENCES resources (id),
    server             TEXT    NOT NULL,
    -- 0 for the first server, 1 for those beside it
    position           INTEGER NOT NULL DEFAULT 0,
    status             TEXT    NOT NULL CHECK (status IN ('pending', 'applied', 'failed', 'removing')),
    -- the resource's weight, repeated here so that the loads of all servers come from one index
    weight             INTEGER NOT NULL CHECK (weight >= 0),
    applied_generation INTEGER NOT NULL DEFAULT 0,
    -- the task whose trash on the server holds its content, until that was put back
    from_trash         INTEGER,
    reason             TEXT,
    PRIMARY KEY (resource_id, server)
) STRICT, WITHOUT ROWID;

CREATE INDEX placements_server ON placements (server, weight, resource_id);

-- Names that only one resource may hold.
CREATE TABLE claims (
    space       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    resource_id INTEGER NOT NULL REFERENCES resources (id),
    PRIMARY KEY (space, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_resource ON claims (resource_id);

-- Resources that a resource refers to, by their names: it cannot be without them, and is planned with them.
CREATE TABLE links (
    resource_id INTEGER NOT NULL REFERENCES resources (id),
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    PRIMARY KEY (resource_id, kind, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX links_name ON links (kind, name);

-- What was last applied, per server and item; a row whose props are NULL was begun and never reported back.
CREATE TABLE applied (
    server  TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    -- JSON: what it was given; what a running transaction is about to give it; what was taken over as it is
    props   TEXT,
    intent  TEXT,
    adopted TEXT,
    -- JSON list of `KIND NAME`
    owners  TEXT    NOT NULL,
    service TEXT,
    task_id INTEGER,
    at      INTEGER NOT NULL,
    PRIMARY KEY (server, key)
) STRICT, WITHOUT ROWID;

-- One row for each command that changes something; ended_at stays NULL when it was killed.
CREATE TABLE tasks (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    command    TEXT    NOT NULL,
    -- JSON list, secrets masked
    arguments  TEXT    NOT NULL,
    operator   TEXT    NOT NULL,
    host       TEXT    NOT NULL,
    process    INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    exit_code  INTEGER,
    -- the task whose servers it does again
    retry_of   INTEGER REFERENCES tasks (id),
    -- how it goes over its servers, JSON
    course     TEXT
) STRICT;

CREATE INDEX tasks_unended ON tasks (id) WHERE ended_at IS NULL;

CREATE TABLE task_outcomes (
    task_id     INTEGER NOT NULL REFERENCES tasks (id),
    position    INTEGER NOT NULL,
    server      TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    duration_ms INTEGER NOT NULL,
    reason      TEXT,
    -- JSON list
    changes     TEXT    NOT NULL,
    PRIMARY KEY (task_id, position)
) STRICT, WITHOUT ROWID;

-- What a task changed: each resource before and after, JSON; NULL where it did not exist then.
CREATE TABLE task_changes (
    task_id     INTEGER NOT NULL REFERENCES tasks (id),
    resource_id INTEGER NOT NULL REFERENCES resources (id),
    before_task TEXT,
    after_task  TEXT,
    PRIMARY KEY (task_id, resource_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_changes_resource ON task_changes (resource_id);

-- Sealed secrets: nonce, ciphertext and tag.
CREATE TABLE secrets (
    id           TEXT    NOT NULL PRIMARY KEY,
    created_at   INTEGER NOT NULL,
    -- since when no spec has used it; it is cleared some time after
    unused_since INTEGER,
    sealed       BLOB    NOT NULL
) STRICT;

-- The key in use, in one row: what it is known by, and how it comes from a passphrase.
CREATE TABLE sealing (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch  INTEGER NOT NULL,
    naming BLOB    NOT NULL,
    -- Argon2id; NULL when the key comes from a file or a command
    salt   BLOB,
    memory INTEGER,
    passes INTEGER,
    lanes  INTEGER
) STRICT;

-- Plans that were written to a file: what a file must be signed with to be taken for one of these.
CREATE TABLE plans (
    id      TEXT    NOT NULL PRIMARY KEY,
    made_at INTEGER NOT NULL,
    key     BLOB    NOT NULL
) STRICT;
