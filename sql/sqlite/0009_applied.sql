-- What of the tables each Asterisk runs with. Times are microseconds since 1970 (UTC).

-- Grows with each change of what Asterisk's configuration is rendered from, beside what 'directory' counts.
INSERT INTO meta (name, number, text) VALUES ('site', 0, '');

-- One row an Asterisk that was ever applied to. version: of the tables (meta: directory + site) that the newest attempt
-- carried. state: applying, applied, failed; reason: why it failed.
CREATE TABLE applied (
  server  TEXT NOT NULL CHECK (length(server) <= 63) PRIMARY KEY,
  state   TEXT NOT NULL CHECK (length(state) <= 16),
  version INTEGER NOT NULL,
  reason  TEXT NOT NULL CHECK (length(reason) <= 2048),
  node    TEXT NOT NULL CHECK (length(node) <= 128),
  at      INTEGER NOT NULL
) STRICT;
