-- Who drives what, and which request was answered already.

CREATE TABLE IF NOT EXISTS leases (
  name     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL PRIMARY KEY,
  owner    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  epoch    BIGINT NOT NULL,
  until_at BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS idempotency_keys (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  user_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  operation  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  idem_key   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  body_hash  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  reply      LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, operation, idem_key)
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_idempotency_keys_expires ON idempotency_keys (expires_at);
