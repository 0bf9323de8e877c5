-- Who asked to be called back, each attempt, what has to be told of it, and how a tenant wants it done.
-- Numbers are E.164 ("+12125550123") or the bare digits of a short one. Times are microseconds since 1970 (UTC).

-- open_key: queue and number while it is not over, else NULL: at most one open callback for each.
-- token: of the attempt under way. owner, epoch, beat: whose it is; a lease is over when somebody has seen the same
-- epoch and beat for its whole time by his own steady clock. startup: of Asterisk, when the attempt was begun.
-- Outlives its queue: reports of last year need it.
CREATE TABLE callbacks (
  tenant_id    TEXT NOT NULL REFERENCES tenants (id),
  id           TEXT NOT NULL CHECK (length(id) <= 32),
  queue_id     TEXT NOT NULL CHECK (length(queue_id) <= 32),
  number       TEXT NOT NULL CHECK (length(number) <= 32),
  name         TEXT NOT NULL CHECK (length(name) <= 255),
  note         TEXT NOT NULL CHECK (length(note) <= 1024),
  requested_by TEXT NOT NULL CHECK (length(requested_by) <= 255),
  state        TEXT NOT NULL CHECK (length(state) <= 16),
  outcome      TEXT CHECK (length(outcome) <= 16),
  attempt      INTEGER NOT NULL,
  dials        INTEGER NOT NULL,
  max_dials    INTEGER NOT NULL,
  doubts       INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  state_at     INTEGER NOT NULL,
  ended_at     INTEGER,
  open_key     TEXT CHECK (length(open_key) <= 80),
  server       TEXT NOT NULL CHECK (length(server) <= 63),
  startup      TEXT NOT NULL CHECK (length(startup) <= 63),
  token        TEXT NOT NULL CHECK (length(token) <= 64),
  owner        TEXT NOT NULL CHECK (length(owner) <= 128),
  epoch        INTEGER NOT NULL,
  beat         INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE INDEX ix_callbacks_turn ON callbacks (tenant_id, requested_at, id);
CREATE INDEX ix_callbacks_due ON callbacks (state, due_at);
CREATE INDEX ix_callbacks_expires ON callbacks (state, expires_at);
CREATE INDEX ix_callbacks_flight ON callbacks (server, state);
CREATE UNIQUE INDEX uq_callbacks_id ON callbacks (id);
CREATE UNIQUE INDEX uq_callbacks_open_key ON callbacks (tenant_id, open_key);

CREATE TABLE callback_attempts (
  tenant_id    TEXT NOT NULL,
  callback_id  TEXT NOT NULL,
  attempt      INTEGER NOT NULL,
  channel_id   TEXT NOT NULL CHECK (length(channel_id) <= 32),
  server       TEXT NOT NULL CHECK (length(server) <= 63),
  begun_at     INTEGER NOT NULL,
  gated_at     INTEGER,
  ended_at     INTEGER,
  outcome      TEXT CHECK (length(outcome) <= 16),
  dial_status  TEXT NOT NULL CHECK (length(dial_status) <= 32),
  hangup_cause INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, callback_id, attempt),
  FOREIGN KEY (tenant_id, callback_id) REFERENCES callbacks (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- pending: 1 until it was told, then NULL. The id of an event is its callback and version.
CREATE TABLE callback_events (
  tenant_id   TEXT NOT NULL,
  callback_id TEXT NOT NULL,
  version     INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (length(state) <= 16),
  attempt     INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  pending     INTEGER,
  PRIMARY KEY (tenant_id, callback_id, version),
  FOREIGN KEY (tenant_id, callback_id) REFERENCES callbacks (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX ix_callback_events_pending ON callback_events (pending, at);

-- queue_id: '' holds for the whole tenant. Seconds; a delay that is NULL: give up.
CREATE TABLE callback_policies (
  tenant_id         TEXT NOT NULL REFERENCES tenants (id),
  queue_id          TEXT NOT NULL CHECK (length(queue_id) <= 32),
  mode              TEXT NOT NULL CHECK (length(mode) <= 16),
  max_dials         INTEGER NOT NULL,
  max_doubts        INTEGER NOT NULL,
  after_busy        INTEGER,
  after_no_answer   INTEGER,
  after_declined    INTEGER,
  after_machine     INTEGER,
  after_unreachable INTEGER,
  after_agent_gone  INTEGER,
  after_not_dialled INTEGER,
  after_unknown     INTEGER,
  expires_after     INTEGER NOT NULL,
  ring_seconds      INTEGER NOT NULL,
  ask_key           INTEGER NOT NULL,
  hours_id          TEXT,
  caller_id         TEXT NOT NULL CHECK (length(caller_id) <= 32),
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id)
) STRICT;
