-- What of the tables each Asterisk runs with. Times are microseconds since 1970 (UTC).
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- Grows with each change of what Asterisk's configuration is rendered from, beside what 'directory' counts.
INSERT IGNORE INTO meta (name, number, text) VALUES ('site', 0, '');

-- One row an Asterisk that was ever applied to. version: of the tables (meta: directory + site) that the newest attempt
-- carried. state: applying, applied, failed; reason: why it failed.
CREATE TABLE IF NOT EXISTS applied (
  server  VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  state   VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  version BIGINT NOT NULL,
  reason  VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  node    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (server)
) ENGINE=InnoDB;
