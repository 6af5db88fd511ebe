-- Times are microseconds since the Unix epoch unless a column says otherwise. `body` is JSON, behind a byte
-- that says whether it is deflated (1) or not (0); pages and roll-ups have formats of their own.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE targets (
  id     INTEGER PRIMARY KEY,
  target TEXT NOT NULL UNIQUE
) STRICT;

-- Addresses of targets, and resolvers asked for them (with a port).
CREATE TABLE series (
  id     INTEGER PRIMARY KEY,
  target INTEGER NOT NULL,
  peer   TEXT NOT NULL,
  UNIQUE (target, peer)
) STRICT;

CREATE TABLE remembered (
  series INTEGER PRIMARY KEY,
  body   TEXT NOT NULL
) STRICT;

-- Kept for ever.
CREATE TABLE transitions (
  id      INTEGER PRIMARY KEY,
  target  INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  address TEXT NOT NULL,
  before  TEXT NOT NULL,
  after   TEXT NOT NULL,
  why     TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_by_target ON transitions (target, at);

-- Kept for ever. Without a target: of this host.
CREATE TABLE events (
  id     INTEGER PRIMARY KEY,
  target INTEGER,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  body   TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);

-- Kept for ever.
CREATE TABLE incidents (
  id      INTEGER PRIMARY KEY,
  target  INTEGER,
  gravity TEXT NOT NULL,
  phase   TEXT NOT NULL,
  began   INTEGER NOT NULL,
  opened  INTEGER NOT NULL,
  closed  INTEGER,
  body    BLOB NOT NULL
) STRICT;
CREATE INDEX incidents_by_time ON incidents (opened);
CREATE INDEX incidents_not_closed ON incidents (target) WHERE closed IS NULL;

CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY,
  incident INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  channel  TEXT NOT NULL,
  at       INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  delivery TEXT NOT NULL,
  body     BLOB NOT NULL
) STRICT;
-- A notice goes to a channel once. Incident 0 is none: what is to be known of a target without one.
CREATE UNIQUE INDEX outbox_once ON outbox (incident, seq, channel) WHERE incident > 0;
CREATE INDEX outbox_pending ON outbox (id) WHERE pending = 1;
CREATE INDEX outbox_by_time ON outbox (at) WHERE pending = 0;

CREATE TABLE silences (
  id    INTEGER PRIMARY KEY,
  until INTEGER NOT NULL,
  body  TEXT NOT NULL
) STRICT;

-- Evidence: whole surveys, to be judged again.
CREATE TABLE examinations (
  id       INTEGER PRIMARY KEY,
  target   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  incident INTEGER,
  body     BLOB NOT NULL
) STRICT;
CREATE INDEX examinations_by_target ON examinations (target, at);
CREATE INDEX examinations_by_incident ON examinations (incident) WHERE incident IS NOT NULL;

CREATE TABLE audit (
  id  INTEGER PRIMARY KEY,
  at  INTEGER NOT NULL,
  who TEXT NOT NULL,
  did TEXT NOT NULL
) STRICT;

-- Results. `start` and `finish` are those of the first and the last result, in milliseconds. `level` 0 is the
-- latest results as they came, 1 is merged, 9 could not be read.
CREATE TABLE pages (
  id           INTEGER PRIMARY KEY,
  level        INTEGER NOT NULL,
  shard        INTEGER NOT NULL,
  first_target INTEGER NOT NULL,
  last_target  INTEGER NOT NULL,
  start        INTEGER NOT NULL,
  finish       INTEGER NOT NULL,
  results      INTEGER NOT NULL,
  body         BLOB NOT NULL
) STRICT;
-- Whole questions are answered from the index: a row of the table is as large as a page of the file.
CREATE INDEX pages_by_shard ON pages (shard, finish, level, start, first_target, last_target, results);
CREATE INDEX pages_by_time ON pages (finish, shard);
CREATE INDEX pages_latest ON pages (shard, start, results) WHERE level = 0;

-- Roll-ups. `length` is that of a period in seconds; `start` and `finish` are the first and the last period
-- in it, in whole periods since the epoch.
CREATE TABLE rolls (
  id           INTEGER PRIMARY KEY,
  length       INTEGER NOT NULL,
  shard        INTEGER NOT NULL,
  merged       INTEGER NOT NULL,
  first_target INTEGER NOT NULL,
  last_target  INTEGER NOT NULL,
  start        INTEGER NOT NULL,
  finish       INTEGER NOT NULL,
  body         BLOB NOT NULL
) STRICT;
CREATE INDEX rolls_by_shard ON rolls (length, shard, finish, merged, start, first_target, last_target);
CREATE INDEX rolls_by_time ON rolls (length, finish, shard);

-- How far roll-ups have come: every period before this one is in `rolls`.
CREATE TABLE rolled (
  length  INTEGER NOT NULL,
  shard   INTEGER NOT NULL,
  through INTEGER NOT NULL,
  PRIMARY KEY (length, shard)
) STRICT, WITHOUT ROWID;
