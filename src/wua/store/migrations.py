"""The schema of the state store, as numbered steps. A released step is never edited; add one."""

from typing import Final

STEPS: Final[tuple[str, ...]] = (
    # 1
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,          -- order of submission
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        owner TEXT NOT NULL DEFAULT '',      -- process that runs it: pid start boot
        key TEXT UNIQUE,                     -- idempotency key
        created REAL NOT NULL,
        started REAL NOT NULL DEFAULT 0,
        ended REAL NOT NULL DEFAULT 0,
        abort INTEGER NOT NULL DEFAULT 0,
        last_seq INTEGER NOT NULL DEFAULT 0,
        spec BLOB NOT NULL,
        updates BLOB NOT NULL,
        plan BLOB,
        progress BLOB,
        result BLOB
    );
    CREATE INDEX jobs_unfinished ON jobs(state) WHERE state != 'ended';
    CREATE TABLE events (
        job TEXT NOT NULL,
        seq INTEGER NOT NULL,
        time REAL NOT NULL,
        event BLOB NOT NULL,
        PRIMARY KEY (job, seq)
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        job TEXT NOT NULL,
        n INTEGER NOT NULL,
        phase TEXT NOT NULL,
        folder TEXT NOT NULL,
        boot TEXT NOT NULL,
        began INTEGER NOT NULL DEFAULT 1,    -- 0: fenced off before the installer could start
        cancelled INTEGER NOT NULL DEFAULT 0,
        ended INTEGER NOT NULL DEFAULT 0,
        exit INTEGER,                        -- null: lost
        PRIMARY KEY (job, n)
    ) WITHOUT ROWID;
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY,
        job TEXT NOT NULL,
        subscription BLOB NOT NULL,
        state TEXT NOT NULL,
        tried INTEGER NOT NULL DEFAULT 0,
        next_try REAL NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX deliveries_by_job ON deliveries(job);
    CREATE TABLE history (
        id INTEGER PRIMARY KEY,
        update_id TEXT NOT NULL,
        job TEXT NOT NULL,
        entry BLOB NOT NULL
    );
    CREATE INDEX history_by_update ON history(update_id);
    CREATE TABLE hidden (
        update_id TEXT PRIMARY KEY,
        since REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    # 2
    """
    CREATE TABLE kept (                      -- settings and the like, small and few
        area TEXT NOT NULL,                  -- 'service', 'automatic', 'report'
        name TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (area, name)
    ) WITHOUT ROWID;
    """,
)
