-- Tenants and what belongs to them, users, tokens, the audit log. Times are microseconds since 1970 (UTC).
-- Statements end with ';' at the end of a line. A file that has run anywhere is never changed: write the next one.

CREATE TABLE meta (
  name   TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 64),
  number INTEGER NOT NULL,
  text   TEXT NOT NULL CHECK (length(text) <= 255)
) STRICT;

-- access, directory: grow with each change, so that other processes notice. audit: place and hash of the newest row.
INSERT INTO meta (name, number, text) VALUES ('access', 0, ''), ('directory', 0, ''), ('audit', 0, '');

CREATE TABLE tenants (
  id         TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 32),
  name       TEXT NOT NULL CHECK (length(name) <= 63),
  title      TEXT NOT NULL CHECK (length(title) <= 255),
  country    TEXT NOT NULL CHECK (length(country) <= 2),
  time_zone  TEXT NOT NULL CHECK (length(time_zone) <= 64),
  languages  TEXT NOT NULL CHECK (length(languages) <= 1024),
  created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX uq_tenants_name ON tenants (name);

CREATE TABLE departments (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL CHECK (length(id) <= 32),
  name       TEXT NOT NULL CHECK (length(name) <= 63),
  title      TEXT NOT NULL CHECK (length(title) <= 255),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_departments_name ON departments (tenant_id, name);

CREATE TABLE queues (
  tenant_id      TEXT NOT NULL REFERENCES tenants (id),
  id             TEXT NOT NULL CHECK (length(id) <= 32),
  name           TEXT NOT NULL CHECK (length(name) <= 63),
  title          TEXT NOT NULL CHECK (length(title) <= 255),
  server         TEXT NOT NULL CHECK (length(server) <= 63),
  asterisk_name  TEXT NOT NULL CHECK (length(asterisk_name) <= 128),
  department_id  TEXT,
  wrapup_seconds INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
) STRICT;

-- SQLite names the index that was made last when two clash: the name comes last.
CREATE UNIQUE INDEX uq_queues_asterisk_name ON queues (server, asterisk_name);
CREATE UNIQUE INDEX uq_queues_name ON queues (tenant_id, name);
CREATE INDEX ix_queues_department ON queues (tenant_id, department_id);

CREATE TABLE agents (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  id            TEXT NOT NULL CHECK (length(id) <= 32),
  name          TEXT NOT NULL CHECK (length(name) <= 63),
  title         TEXT NOT NULL CHECK (length(title) <= 255),
  server        TEXT NOT NULL CHECK (length(server) <= 63),
  interface     TEXT NOT NULL CHECK (length(interface) <= 128),
  department_id TEXT,
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_agents_interface ON agents (server, interface);
CREATE UNIQUE INDEX uq_agents_name ON agents (tenant_id, name);
CREATE INDEX ix_agents_department ON agents (tenant_id, department_id);

-- Outlives agent and department: reports of last year need it.
CREATE TABLE agent_department_history (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  agent_id      TEXT NOT NULL,
  stay          INTEGER NOT NULL,
  department_id TEXT,
  since_at      INTEGER NOT NULL,
  until_at      INTEGER,
  PRIMARY KEY (tenant_id, agent_id, stay)
) STRICT;

-- tenant_id '' is the server itself: the operators.
CREATE TABLE users (
  tenant_id  TEXT NOT NULL,
  id         TEXT NOT NULL CHECK (length(id) <= 32),
  login      TEXT NOT NULL CHECK (length(login) <= 63),
  role       TEXT NOT NULL CHECK (length(role) <= 16),
  agent_id   TEXT,
  disabled   INTEGER NOT NULL,
  verifier   TEXT NOT NULL CHECK (length(verifier) <= 255),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_users_login ON users (login);
CREATE UNIQUE INDEX uq_users_id ON users (id);
CREATE UNIQUE INDEX uq_users_agent_id ON users (tenant_id, agent_id);

CREATE TABLE user_departments (
  tenant_id     TEXT NOT NULL,
  user_id       TEXT NOT NULL,
  department_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, department_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
) STRICT;

CREATE TABLE api_tokens (
  tenant_id    TEXT NOT NULL,
  id           TEXT NOT NULL CHECK (length(id) <= 32),
  user_id      TEXT NOT NULL,
  name         TEXT NOT NULL CHECK (length(name) <= 128),
  hash         TEXT NOT NULL CHECK (length(hash) <= 64),
  operations   TEXT NOT NULL CHECK (length(operations) <= 4096),
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked      INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_api_tokens_id ON api_tokens (id);
CREATE UNIQUE INDEX uq_api_tokens_hash ON api_tokens (hash);
CREATE UNIQUE INDEX uq_api_tokens_name ON api_tokens (tenant_id, user_id, name);

-- Rows are only added. seq has no gaps; hash is over the row and the hash before it.
CREATE TABLE audit_log (
  seq        INTEGER NOT NULL PRIMARY KEY,
  at         INTEGER NOT NULL,
  tenant_id  TEXT NOT NULL,
  login      TEXT NOT NULL CHECK (length(login) <= 255),
  via        TEXT NOT NULL CHECK (length(via) <= 160),
  address    TEXT NOT NULL CHECK (length(address) <= 64),
  face       TEXT NOT NULL CHECK (length(face) <= 32),
  request_id TEXT NOT NULL CHECK (length(request_id) <= 64),
  operation  TEXT NOT NULL CHECK (length(operation) <= 64),
  target     TEXT NOT NULL CHECK (length(target) <= 128),
  parameters TEXT NOT NULL,
  outcome    TEXT NOT NULL CHECK (length(outcome) <= 64),
  hash       TEXT NOT NULL CHECK (length(hash) <= 64)
) STRICT;

CREATE INDEX ix_audit_log_tenant ON audit_log (tenant_id, seq);
