-- Who asked to be called back, each attempt, what has to be told of it, and how a tenant wants it done.
-- MariaDB commits each DDL statement by itself, so each one may run twice.
-- Numbers are E.164 ("+12125550123") or the bare digits of a short one. Times are microseconds since 1970 (UTC).

-- open_key: queue and number while it is not over, else NULL: at most one open callback for each.
-- token: of the attempt under way. owner, epoch, beat: whose it is; a lease is over when somebody has seen the same
-- epoch and beat for its whole time by his own steady clock. startup: of Asterisk, when the attempt was begun.
-- Outlives its queue: reports of last year need it.
CREATE TABLE IF NOT EXISTS callbacks (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  number       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  note         VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  requested_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  state        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  outcome      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  attempt      INT NOT NULL,
  dials        INT NOT NULL,
  max_dials    INT NOT NULL,
  doubts       INT NOT NULL,
  requested_at BIGINT NOT NULL,
  due_at       BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  state_at     BIGINT NOT NULL,
  ended_at     BIGINT,
  open_key     VARCHAR(80) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  server       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  startup      VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  token        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  owner        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  epoch        BIGINT NOT NULL,
  beat         BIGINT NOT NULL,
  version      BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_callbacks_turn ON callbacks (tenant_id, requested_at, id);
CREATE INDEX IF NOT EXISTS ix_callbacks_due ON callbacks (state, due_at);
CREATE INDEX IF NOT EXISTS ix_callbacks_expires ON callbacks (state, expires_at);
CREATE INDEX IF NOT EXISTS ix_callbacks_flight ON callbacks (server, state);
CREATE UNIQUE INDEX IF NOT EXISTS uq_callbacks_id ON callbacks (id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_callbacks_open_key ON callbacks (tenant_id, open_key);

CREATE TABLE IF NOT EXISTS callback_attempts (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  callback_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  attempt      INT NOT NULL,
  channel_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  server       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  begun_at     BIGINT NOT NULL,
  gated_at     BIGINT,
  ended_at     BIGINT,
  outcome      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  dial_status  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hangup_cause INT NOT NULL,
  PRIMARY KEY (tenant_id, callback_id, attempt),
  FOREIGN KEY (tenant_id, callback_id) REFERENCES callbacks (tenant_id, id) ON DELETE CASCADE
) ENGINE=InnoDB;

-- pending: 1 until it was told, then NULL. The id of an event is its callback and version.
CREATE TABLE IF NOT EXISTS callback_events (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  callback_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  version     BIGINT NOT NULL,
  state       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  attempt     INT NOT NULL,
  at          BIGINT NOT NULL,
  pending     INT,
  PRIMARY KEY (tenant_id, callback_id, version),
  FOREIGN KEY (tenant_id, callback_id) REFERENCES callbacks (tenant_id, id) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_callback_events_pending ON callback_events (pending, at);

-- queue_id: '' holds for the whole tenant. Seconds; a delay that is NULL: give up.
CREATE TABLE IF NOT EXISTS callback_policies (
  tenant_id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  mode              VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  max_dials         INT NOT NULL,
  max_doubts        INT NOT NULL,
  after_busy        INT,
  after_no_answer   INT,
  after_declined    INT,
  after_machine     INT,
  after_unreachable INT,
  after_agent_gone  INT,
  after_not_dialled INT,
  after_unknown     INT,
  expires_after     INT NOT NULL,
  ring_seconds      INT NOT NULL,
  ask_key           INT NOT NULL,
  hours_id          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  caller_id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;
