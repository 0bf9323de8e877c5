-- What Asterisk's configuration is rendered from, beside queues and agents: queue settings, phones, trunks, what may be dialled.

-- How a queue behaves in Asterisk; a queue without a row has the defaults of domain/site.hpp.
-- join_when, leave_when: always, logged_in, unpaused: who must be there for a caller to join, or to stay.
CREATE TABLE queue_settings (
  tenant_id              TEXT NOT NULL REFERENCES tenants (id),
  queue_id               TEXT NOT NULL,
  strategy               TEXT NOT NULL CHECK (length(strategy) <= 16),
  ring_seconds           INTEGER NOT NULL,
  retry_seconds          INTEGER NOT NULL,
  max_waiting            INTEGER NOT NULL,
  max_wait_seconds       INTEGER,
  weight                 INTEGER NOT NULL,
  service_level_seconds  INTEGER NOT NULL,
  music_class            TEXT NOT NULL CHECK (length(music_class) <= 63),
  join_when              TEXT NOT NULL CHECK (length(join_when) <= 16),
  leave_when             TEXT NOT NULL CHECK (length(leave_when) <= 16),
  agent_sound            TEXT NOT NULL CHECK (length(agent_sound) <= 128),
  position_every_seconds INTEGER NOT NULL,
  periodic_sound         TEXT NOT NULL CHECK (length(periodic_sound) <= 128),
  periodic_every_seconds INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- The phone of an agent. digest: MD5 of "username:realm:secret", in hexadecimal; the secret itself is kept nowhere.
CREATE TABLE phones (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  agent_id      TEXT NOT NULL,
  extension     TEXT NOT NULL CHECK (length(extension) <= 16),
  username      TEXT NOT NULL CHECK (length(username) <= 128),
  realm         TEXT NOT NULL CHECK (length(realm) <= 63),
  digest        TEXT NOT NULL CHECK (length(digest) <= 32),
  caller_name   TEXT NOT NULL CHECK (length(caller_name) <= 128),
  caller_number TEXT NOT NULL CHECK (length(caller_number) <= 32),
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, agent_id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX uq_phones_extension ON phones (tenant_id, extension);

-- Lines to the outside. addresses, codecs: words separated by blanks. username and digest: '' where the other side asks for none.
CREATE TABLE trunks (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  id            TEXT NOT NULL CHECK (length(id) <= 32),
  name          TEXT NOT NULL CHECK (length(name) <= 63),
  server        TEXT NOT NULL CHECK (length(server) <= 63),
  host          TEXT NOT NULL CHECK (length(host) <= 255),
  port          INTEGER NOT NULL,
  addresses     TEXT NOT NULL CHECK (length(addresses) <= 1024),
  codecs        TEXT NOT NULL CHECK (length(codecs) <= 255),
  username      TEXT NOT NULL CHECK (length(username) <= 128),
  realm         TEXT NOT NULL CHECK (length(realm) <= 128),
  digest        TEXT NOT NULL CHECK (length(digest) <= 32),
  registers     INTEGER NOT NULL,
  caller_number TEXT NOT NULL CHECK (length(caller_number) <= 32),
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_trunks_name ON trunks (tenant_id, name);

-- What a tenant's phones and callbacks may dial. kind: prefix (value "+1212") or country (value "US"; types: words, '' is any).
-- The longest prefix counts; allowed 0 takes away what a shorter prefix or a country gives.
CREATE TABLE outbound_rules (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  id        TEXT NOT NULL CHECK (length(id) <= 32),
  kind      TEXT NOT NULL CHECK (length(kind) <= 16),
  value     TEXT NOT NULL CHECK (length(value) <= 32),
  types     TEXT NOT NULL CHECK (length(types) <= 255),
  allowed   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX uq_outbound_rules_value ON outbound_rules (tenant_id, kind, value);
