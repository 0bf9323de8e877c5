-- What holds back calls that are dialled on request.

-- How often a day (days since 1970, UTC) somebody dialled. cap: number (name: the number), source (name: user or token),
-- tenant (name: '').
CREATE TABLE outbound_counts (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  day       INTEGER NOT NULL,
  cap       TEXT NOT NULL CHECK (length(cap) <= 16),
  name      TEXT NOT NULL CHECK (length(name) <= 255),
  used      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, day, cap, name)
) STRICT;

CREATE INDEX ix_outbound_counts_day ON outbound_counts (day);

-- Where dialling on request is stopped; tenant_id '': everywhere. Times are microseconds since 1970 (UTC).
CREATE TABLE outbound_stops (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  reason     TEXT NOT NULL CHECK (length(reason) <= 255),
  stopped_by TEXT NOT NULL CHECK (length(stopped_by) <= 255),
  stopped_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
) STRICT;
