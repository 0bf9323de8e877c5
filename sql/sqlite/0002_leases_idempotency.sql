-- Who drives what, and which request was answered already.

CREATE TABLE leases (
  name     TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 128),
  owner    TEXT NOT NULL CHECK (length(owner) <= 128),
  epoch    INTEGER NOT NULL,
  until_at INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
  tenant_id  TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  operation  TEXT NOT NULL CHECK (length(operation) <= 64),
  idem_key   TEXT NOT NULL CHECK (length(idem_key) <= 128),
  body_hash  TEXT NOT NULL CHECK (length(body_hash) <= 128),
  reply      TEXT,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, operation, idem_key)
) STRICT;

CREATE INDEX ix_idempotency_keys_expires ON idempotency_keys (expires_at);
