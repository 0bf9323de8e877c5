-- What a tenant says about its callers: who is blocked, who goes first, when it is open, where a call goes.
-- Numbers are E.164 ("+12125550123") or the bare digits of a short one. Times are microseconds since 1970 (UTC).
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- kind: exact, prefix, anonymous (number '' then). A caller is looked for by its number and each of its prefixes.
CREATE TABLE IF NOT EXISTS blocklist (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  kind        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  number      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  expires_at  BIGINT,
  reason      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  added_by    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  created_at  BIGINT NOT NULL,
  hits        BIGINT NOT NULL,
  last_hit_at BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_blocklist_number ON blocklist (tenant_id, kind, number);

CREATE TABLE IF NOT EXISTS priority_callers (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  number     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  level      INT NOT NULL,
  queue_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  expires_at BIGINT,
  reason     VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  added_by   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_priority_callers_number ON priority_callers (tenant_id, number);
CREATE INDEX IF NOT EXISTS ix_priority_callers_queue ON priority_callers (tenant_id, queue_id);

-- attributes: a JSON object of texts; only ever read and written whole.
CREATE TABLE IF NOT EXISTS customers (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  number     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  status     VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  attributes VARCHAR(4096) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_customers_status ON customers (tenant_id, status, number);
CREATE UNIQUE INDEX IF NOT EXISTS uq_customers_number ON customers (tenant_id, number);

-- A destination is five columns: <x>_kind is hang_up, announcement, queue, agent, number or callback_offer; NULL: none.
CREATE TABLE IF NOT EXISTS status_rules (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  status      VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  level       INT NOT NULL,
  queue_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_kind     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_sound    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_queue_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_agent_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_number   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  when_closed TINYINT NOT NULL,
  PRIMARY KEY (tenant_id, status),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- intervals_until: open_intervals hold up to then; NULL: they were never written for these hours.
CREATE TABLE IF NOT EXISTS hours (
  tenant_id       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id              VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name            VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title           VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  time_zone       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  intervals_until BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_hours_name ON hours (tenant_id, name);

-- weekday: 0 is Monday. Minutes after the local midnight.
CREATE TABLE IF NOT EXISTS hours_week (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hours_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  weekday     INT NOT NULL,
  from_minute INT NOT NULL,
  to_minute   INT NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, weekday, from_minute),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- day: 2026-12-25, local.
CREATE TABLE IF NOT EXISTS hours_holidays (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hours_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  day       VARCHAR(10) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title     VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, day),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS hours_holiday_intervals (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hours_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  day         VARCHAR(10) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  from_minute INT NOT NULL,
  to_minute   INT NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, day, from_minute),
  FOREIGN KEY (tenant_id, hours_id, day) REFERENCES hours_holidays (tenant_id, hours_id, day) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- The hours as UTC, for who cannot reckon with zones: Asterisk, straight from the database. to_at is not included.
CREATE TABLE IF NOT EXISTS open_intervals (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hours_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  from_at   BIGINT NOT NULL,
  to_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, from_at),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- A number belongs to one tenant of the whole server.
CREATE TABLE IF NOT EXISTS dids (
  tenant_id       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id              VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  number          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title           VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  queue_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  department_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  hours_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_kind     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_sound    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_queue_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_agent_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_number   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_dids_tenant_number ON dids (tenant_id, number);
CREATE INDEX IF NOT EXISTS ix_dids_queue ON dids (tenant_id, queue_id);
CREATE INDEX IF NOT EXISTS ix_dids_department ON dids (tenant_id, department_id);
CREATE INDEX IF NOT EXISTS ix_dids_hours ON dids (tenant_id, hours_id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_dids_number ON dids (number);

CREATE TABLE IF NOT EXISTS queue_conditions (
  tenant_id             VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id              VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  priority_ceiling      INT NOT NULL,
  fair_after_seconds    INT,
  callback_from_waiting INT,
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS queue_overflow (
  tenant_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  step           INT NOT NULL,
  overflow_when  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  overflow_limit INT NOT NULL,
  to_kind        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_sound       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_queue_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_agent_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  to_number      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  PRIMARY KEY (tenant_id, queue_id, step),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queue_conditions (tenant_id, queue_id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, to_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- version grows with each change of the tenant's small tables (all but blocklist, priority_callers, customers), so
-- that a copy in memory is known to be old by one number.
CREATE TABLE IF NOT EXISTS tenant_routing (
  tenant_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  version          BIGINT NOT NULL,
  default_queue_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  blocked_kind     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  blocked_sound    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  blocked_queue_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  blocked_agent_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  blocked_number   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_kind      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_sound     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_queue_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_agent_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  closed_number    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  PRIMARY KEY (tenant_id),
  FOREIGN KEY (tenant_id, default_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, blocked_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, blocked_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;
