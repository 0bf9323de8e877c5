-- Tenants and what belongs to them, users, tokens, the audit log. Times are microseconds since 1970 (UTC).
-- Statements end with ';' at the end of a line. A file that has run anywhere is never changed: write the next one.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

CREATE TABLE IF NOT EXISTS meta (
  name   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  text   VARCHAR(255) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL
) ENGINE=InnoDB;

-- access, directory: grow with each change, so that other processes notice. audit: place and hash of the newest row.
INSERT IGNORE INTO meta (name, number, text) VALUES ('access', 0, ''), ('directory', 0, ''), ('audit', 0, '');

CREATE TABLE IF NOT EXISTS tenants (
  id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL PRIMARY KEY,
  name       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  country    VARCHAR(2) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  time_zone  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  languages  VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_tenants_name ON tenants (name);

CREATE TABLE IF NOT EXISTS departments (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_departments_name ON departments (tenant_id, name);

CREATE TABLE IF NOT EXISTS queues (
  tenant_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id             VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name           VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title          VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  server         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  asterisk_name  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  department_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  wrapup_seconds INT NOT NULL,
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_queues_name ON queues (tenant_id, name);
CREATE UNIQUE INDEX IF NOT EXISTS uq_queues_asterisk_name ON queues (server, asterisk_name);
CREATE INDEX IF NOT EXISTS ix_queues_department ON queues (tenant_id, department_id);

CREATE TABLE IF NOT EXISTS agents (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name          VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  title         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  server        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  interface     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  department_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_agents_name ON agents (tenant_id, name);
CREATE UNIQUE INDEX IF NOT EXISTS uq_agents_interface ON agents (server, interface);
CREATE INDEX IF NOT EXISTS ix_agents_department ON agents (tenant_id, department_id);

-- Outlives agent and department: reports of last year need it.
CREATE TABLE IF NOT EXISTS agent_department_history (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  stay          BIGINT NOT NULL,
  department_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  since_at      BIGINT NOT NULL,
  until_at      BIGINT,
  PRIMARY KEY (tenant_id, agent_id, stay),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- tenant_id '' is the server itself: the operators.
CREATE TABLE IF NOT EXISTS users (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  login      VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  role       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin,
  disabled   TINYINT NOT NULL,
  verifier   VARCHAR(255) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_users_login ON users (login);
CREATE UNIQUE INDEX IF NOT EXISTS uq_users_id ON users (id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_users_agent_id ON users (tenant_id, agent_id);

CREATE TABLE IF NOT EXISTS user_departments (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  user_id       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  department_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  PRIMARY KEY (tenant_id, user_id, department_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS api_tokens (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  user_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name         VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  hash         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  operations   VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  expires_at   BIGINT,
  last_used_at BIGINT,
  revoked      TINYINT NOT NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_api_tokens_id ON api_tokens (id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_api_tokens_hash ON api_tokens (hash);
CREATE UNIQUE INDEX IF NOT EXISTS uq_api_tokens_name ON api_tokens (tenant_id, user_id, name);

-- Rows are only added. seq has no gaps; hash is over the row and the hash before it.
CREATE TABLE IF NOT EXISTS audit_log (
  seq        BIGINT NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  login      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  via        VARCHAR(160) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  address    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  face       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  request_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  operation  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  target     VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  parameters VARCHAR(8192) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  outcome    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  hash       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL
) ENGINE=InnoDB;

CREATE INDEX IF NOT EXISTS ix_audit_log_tenant ON audit_log (tenant_id, seq);
