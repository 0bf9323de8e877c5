-- What holds back calls that are dialled on request.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- How often a day (days since 1970, UTC) somebody dialled. cap: number (name: the number), source (name: user or token),
-- tenant (name: '').
CREATE TABLE IF NOT EXISTS outbound_counts (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  day       INT NOT NULL,
  cap       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  used      INT NOT NULL,
  PRIMARY KEY (tenant_id, day, cap, name),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_outbound_counts_day ON outbound_counts (day);

-- Where dialling on request is stopped; tenant_id '': everywhere. Times are microseconds since 1970 (UTC).
CREATE TABLE IF NOT EXISTS outbound_stops (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  reason     VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  stopped_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  stopped_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id)
) ENGINE=InnoDB;
