-- What was asked of agents and calls, how agents shall stand in their queues, why they pause.
-- Times are microseconds since 1970 (UTC).

-- The newest request's seq: others see by it that there is something to do.
INSERT INTO meta (name, number, text) VALUES ('actions', 0, '');

CREATE TABLE pause_reasons (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  id            TEXT NOT NULL CHECK (length(id) <= 32),
  name          TEXT NOT NULL CHECK (length(name) <= 63),
  title         TEXT NOT NULL CHECK (length(title) <= 255),
  limit_minutes INTEGER NOT NULL,
  billable      INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_pause_reasons_name ON pause_reasons (tenant_id, name);

-- Outlives agent and queue. parameters: a JSON object of texts; only ever read and written whole.
CREATE TABLE actions (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  id          TEXT NOT NULL CHECK (length(id) <= 32),
  seq         INTEGER NOT NULL,
  server      TEXT NOT NULL CHECK (length(server) <= 63),
  kind        TEXT NOT NULL CHECK (length(kind) <= 32),
  agent_id    TEXT CHECK (length(agent_id) <= 32),
  queue_id    TEXT CHECK (length(queue_id) <= 32),
  call_id     TEXT NOT NULL CHECK (length(call_id) <= 160),
  parameters  TEXT NOT NULL CHECK (length(parameters) <= 4096),
  idem_key    TEXT NOT NULL CHECK (length(idem_key) <= 128),
  login       TEXT NOT NULL CHECK (length(login) <= 255),
  state       TEXT NOT NULL CHECK (length(state) <= 16),
  reason      TEXT NOT NULL CHECK (length(reason) <= 255),
  created_at  INTEGER NOT NULL,
  sent_at     INTEGER,
  finished_at INTEGER,
  expires_at  INTEGER NOT NULL,
  owner       TEXT NOT NULL CHECK (length(owner) <= 128),
  epoch       INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_actions_seq ON actions (seq);
CREATE INDEX ix_actions_open ON actions (server, state, seq);
CREATE INDEX ix_actions_due ON actions (state, expires_at);
CREATE INDEX ix_actions_tenant ON actions (tenant_id, seq);
CREATE INDEX ix_actions_agent ON actions (tenant_id, agent_id, seq);

-- How an agent shall stand in a queue; seq is that of the action that wanted it last. settled_run is the start of
-- Asterisk in which it was seen so; NULL: not yet.
CREATE TABLE agent_states (
  tenant_id    TEXT NOT NULL,
  agent_id     TEXT NOT NULL,
  queue_id     TEXT NOT NULL,
  server       TEXT NOT NULL CHECK (length(server) <= 63),
  member       INTEGER NOT NULL,
  penalty      INTEGER NOT NULL,
  paused       INTEGER NOT NULL,
  pause_reason TEXT NOT NULL CHECK (length(pause_reason) <= 80),
  seq          INTEGER NOT NULL,
  settled_run  TEXT CHECK (length(settled_run) <= 64),
  changed_by   TEXT NOT NULL CHECK (length(changed_by) <= 255),
  changed_at   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, agent_id, queue_id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX ix_agent_states_server ON agent_states (server, seq);
CREATE INDEX ix_agent_states_queue ON agent_states (tenant_id, queue_id);
