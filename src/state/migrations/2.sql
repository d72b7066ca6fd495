-- Schema 2. Released: never edited; what follows is another file.

-- The task that found the server of a placement away: what it left there may be finished once the server is back,
-- without anybody being asked. NULL for all else that is to be done: staged, stopped, not begun.
ALTER TABLE placements ADD COLUMN away_task INTEGER;

-- The task that last moved what was removed of a resource to the trash of a server: it need not be the one that
-- recorded the removal.
CREATE TABLE removals (
    resource_id INTEGER NOT NULL REFERENCES resources (id),
    server      TEXT    NOT NULL,
    task_id     INTEGER NOT NULL,
    PRIMARY KEY (resource_id, server)
) STRICT, WITHOUT ROWID;
