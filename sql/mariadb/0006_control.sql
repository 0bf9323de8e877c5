-- What was asked of agents and calls, how agents shall stand in their queues, why they pause.
-- Times are microseconds since 1970 (UTC).
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- The newest request's seq: others see by it that there is something to do.
INSERT IGNORE INTO meta (name, number, text) VALUES ('actions', 0, '');

CREATE TABLE IF NOT EXISTS pause_reasons (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  limit_minutes INT NOT NULL,
  billable     TINYINT NOT NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_pause_reasons_name ON pause_reasons (tenant_id, name);

-- Outlives agent and queue. parameters: a JSON object of texts; only ever read and written whole.
CREATE TABLE IF NOT EXISTS actions (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  seq          BIGINT NOT NULL,
  server       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  kind         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  queue_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  call_id      VARCHAR(160) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  parameters   VARCHAR(4096) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  idem_key     VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  login        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  state        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  reason       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  created_at   BIGINT NOT NULL,
  sent_at      BIGINT,
  finished_at  BIGINT,
  expires_at   BIGINT NOT NULL,
  owner        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  epoch        BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_actions_seq ON actions (seq);
CREATE INDEX IF NOT EXISTS ix_actions_open ON actions (server, state, seq);
CREATE INDEX IF NOT EXISTS ix_actions_due ON actions (state, expires_at);
CREATE INDEX IF NOT EXISTS ix_actions_tenant ON actions (tenant_id, seq);
CREATE INDEX IF NOT EXISTS ix_actions_agent ON actions (tenant_id, agent_id, seq);

-- How an agent shall stand in a queue; seq is that of the action that wanted it last. settled_run is the start of
-- Asterisk in which it was seen so; NULL: not yet.
CREATE TABLE IF NOT EXISTS agent_states (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  server       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  member       TINYINT NOT NULL,
  penalty      INT NOT NULL,
  paused       TINYINT NOT NULL,
  pause_reason VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  seq          BIGINT NOT NULL,
  settled_run  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  changed_by   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  changed_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, agent_id, queue_id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_agent_states_server ON agent_states (server, seq);
CREATE INDEX IF NOT EXISTS ix_agent_states_queue ON agent_states (tenant_id, queue_id);
