-- What a tenant says about its callers: who is blocked, who goes first, when it is open, where a call goes.
-- Numbers are E.164 ("+12125550123") or the bare digits of a short one. Times are microseconds since 1970 (UTC).

-- kind: exact, prefix, anonymous (number '' then). A caller is looked for by its number and each of its prefixes.
CREATE TABLE blocklist (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  id          TEXT NOT NULL CHECK (length(id) <= 32),
  kind        TEXT NOT NULL CHECK (length(kind) <= 16),
  number      TEXT NOT NULL CHECK (length(number) <= 32),
  expires_at  INTEGER,
  reason      TEXT NOT NULL CHECK (length(reason) <= 255),
  added_by    TEXT NOT NULL CHECK (length(added_by) <= 255),
  created_at  INTEGER NOT NULL,
  hits        INTEGER NOT NULL,
  last_hit_at INTEGER,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_blocklist_number ON blocklist (tenant_id, kind, number);

CREATE TABLE priority_callers (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL CHECK (length(id) <= 32),
  number     TEXT NOT NULL CHECK (length(number) <= 32),
  level      INTEGER NOT NULL,
  queue_id   TEXT,
  expires_at INTEGER,
  reason     TEXT NOT NULL CHECK (length(reason) <= 255),
  added_by   TEXT NOT NULL CHECK (length(added_by) <= 255),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_priority_callers_number ON priority_callers (tenant_id, number);
CREATE INDEX ix_priority_callers_queue ON priority_callers (tenant_id, queue_id);

-- attributes: a JSON object of texts; only ever read and written whole.
CREATE TABLE customers (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL CHECK (length(id) <= 32),
  number     TEXT NOT NULL CHECK (length(number) <= 32),
  status     TEXT NOT NULL CHECK (length(status) <= 63),
  attributes TEXT NOT NULL CHECK (length(attributes) <= 4096),
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE INDEX ix_customers_status ON customers (tenant_id, status, number);
CREATE UNIQUE INDEX uq_customers_number ON customers (tenant_id, number);

-- A destination is five columns: <x>_kind is hang_up, announcement, queue, agent, number or callback_offer; NULL: none.
CREATE TABLE status_rules (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  status      TEXT NOT NULL CHECK (length(status) <= 63),
  level       INTEGER NOT NULL,
  queue_id    TEXT,
  to_kind     TEXT CHECK (length(to_kind) <= 16),
  to_sound    TEXT CHECK (length(to_sound) <= 128),
  to_queue_id TEXT,
  to_agent_id TEXT,
  to_number   TEXT CHECK (length(to_number) <= 32),
  when_closed INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, status),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_agent_id) REFERENCES agents (tenant_id, id)
) STRICT;

-- intervals_until: open_intervals hold up to then; NULL: they were never written for these hours.
CREATE TABLE hours (
  tenant_id       TEXT NOT NULL REFERENCES tenants (id),
  id              TEXT NOT NULL CHECK (length(id) <= 32),
  name            TEXT NOT NULL CHECK (length(name) <= 63),
  title           TEXT NOT NULL CHECK (length(title) <= 255),
  time_zone       TEXT NOT NULL CHECK (length(time_zone) <= 64),
  intervals_until INTEGER,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_hours_name ON hours (tenant_id, name);

-- weekday: 0 is Monday. Minutes after the local midnight.
CREATE TABLE hours_week (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  hours_id    TEXT NOT NULL,
  weekday     INTEGER NOT NULL,
  from_minute INTEGER NOT NULL,
  to_minute   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, weekday, from_minute),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- day: 2026-12-25, local.
CREATE TABLE hours_holidays (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  hours_id  TEXT NOT NULL,
  day       TEXT NOT NULL CHECK (length(day) <= 10),
  title     TEXT NOT NULL CHECK (length(title) <= 255),
  PRIMARY KEY (tenant_id, hours_id, day),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE hours_holiday_intervals (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  hours_id    TEXT NOT NULL,
  day         TEXT NOT NULL CHECK (length(day) <= 10),
  from_minute INTEGER NOT NULL,
  to_minute   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, day, from_minute),
  FOREIGN KEY (tenant_id, hours_id, day) REFERENCES hours_holidays (tenant_id, hours_id, day) ON DELETE CASCADE
) STRICT;

-- The hours as UTC, for who cannot reckon with zones: Asterisk, straight from the database. to_at is not included.
CREATE TABLE open_intervals (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  hours_id  TEXT NOT NULL,
  from_at   INTEGER NOT NULL,
  to_at     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hours_id, from_at),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- A number belongs to one tenant of the whole server.
CREATE TABLE dids (
  tenant_id       TEXT NOT NULL REFERENCES tenants (id),
  id              TEXT NOT NULL CHECK (length(id) <= 32),
  number          TEXT NOT NULL CHECK (length(number) <= 32),
  title           TEXT NOT NULL CHECK (length(title) <= 255),
  queue_id        TEXT,
  department_id   TEXT,
  hours_id        TEXT,
  closed_kind     TEXT CHECK (length(closed_kind) <= 16),
  closed_sound    TEXT CHECK (length(closed_sound) <= 128),
  closed_queue_id TEXT,
  closed_agent_id TEXT,
  closed_number   TEXT CHECK (length(closed_number) <= 32),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  FOREIGN KEY (tenant_id, hours_id) REFERENCES hours (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_agent_id) REFERENCES agents (tenant_id, id)
) STRICT;

CREATE INDEX ix_dids_tenant_number ON dids (tenant_id, number);
CREATE INDEX ix_dids_queue ON dids (tenant_id, queue_id);
CREATE INDEX ix_dids_department ON dids (tenant_id, department_id);
CREATE INDEX ix_dids_hours ON dids (tenant_id, hours_id);
CREATE UNIQUE INDEX uq_dids_number ON dids (number);

CREATE TABLE queue_conditions (
  tenant_id             TEXT NOT NULL REFERENCES tenants (id),
  queue_id              TEXT NOT NULL,
  priority_ceiling      INTEGER NOT NULL,
  fair_after_seconds    INTEGER,
  callback_from_waiting INTEGER,
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE queue_overflow (
  tenant_id      TEXT NOT NULL REFERENCES tenants (id),
  queue_id       TEXT NOT NULL,
  step           INTEGER NOT NULL,
  overflow_when  TEXT NOT NULL CHECK (length(overflow_when) <= 32),
  overflow_limit INTEGER NOT NULL,
  to_kind        TEXT CHECK (length(to_kind) <= 16),
  to_sound       TEXT CHECK (length(to_sound) <= 128),
  to_queue_id    TEXT,
  to_agent_id    TEXT,
  to_number      TEXT CHECK (length(to_number) <= 32),
  PRIMARY KEY (tenant_id, queue_id, step),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queue_conditions (tenant_id, queue_id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, to_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, to_agent_id) REFERENCES agents (tenant_id, id)
) STRICT;

-- version grows with each change of the tenant's small tables (all but blocklist, priority_callers, customers), so
-- that a copy in memory is known to be old by one number.
CREATE TABLE tenant_routing (
  tenant_id        TEXT NOT NULL REFERENCES tenants (id),
  version          INTEGER NOT NULL,
  default_queue_id TEXT,
  blocked_kind     TEXT CHECK (length(blocked_kind) <= 16),
  blocked_sound    TEXT CHECK (length(blocked_sound) <= 128),
  blocked_queue_id TEXT,
  blocked_agent_id TEXT,
  blocked_number   TEXT CHECK (length(blocked_number) <= 32),
  closed_kind      TEXT CHECK (length(closed_kind) <= 16),
  closed_sound     TEXT CHECK (length(closed_sound) <= 128),
  closed_queue_id  TEXT,
  closed_agent_id  TEXT,
  closed_number    TEXT CHECK (length(closed_number) <= 32),
  PRIMARY KEY (tenant_id),
  FOREIGN KEY (tenant_id, default_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, blocked_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, blocked_agent_id) REFERENCES agents (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, closed_agent_id) REFERENCES agents (tenant_id, id)
) STRICT;
