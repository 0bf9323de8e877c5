-- What Asterisk's configuration is rendered from, beside queues and agents: queue settings, phones, trunks, what may be dialled.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- How a queue behaves in Asterisk; a queue without a row has the defaults of domain/site.hpp.
-- join_when, leave_when: always, logged_in, unpaused: who must be there for a caller to join, or to stay.
CREATE TABLE IF NOT EXISTS queue_settings (
  tenant_id              VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  queue_id               VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  strategy               VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  ring_seconds           INT NOT NULL,
  retry_seconds          INT NOT NULL,
  max_waiting            INT NOT NULL,
  max_wait_seconds       INT,
  weight                 INT NOT NULL,
  service_level_seconds  INT NOT NULL,
  music_class            VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  join_when              VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  leave_when             VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_sound            VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  position_every_seconds INT NOT NULL,
  periodic_sound         VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  periodic_every_seconds INT NOT NULL,
  PRIMARY KEY (tenant_id, queue_id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

-- The phone of an agent. digest: MD5 of "username:realm:secret", in hexadecimal; the secret itself is kept nowhere.
CREATE TABLE IF NOT EXISTS phones (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  agent_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  extension     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  username      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  realm         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  digest        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  caller_name   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  caller_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, agent_id),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_phones_extension ON phones (tenant_id, extension);

-- Lines to the outside. addresses, codecs: words separated by blanks. username and digest: '' where the other side asks for none.
CREATE TABLE IF NOT EXISTS trunks (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  name          VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  server        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  host          VARCHAR(255) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  port          INT NOT NULL,
  addresses     VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  codecs        VARCHAR(255) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  username      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  realm         VARCHAR(128) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  digest        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  registers     TINYINT NOT NULL,
  caller_number VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_trunks_name ON trunks (tenant_id, name);

-- What a tenant's phones and callbacks may dial. kind: prefix (value "+1212") or country (value "US"; types: words, '' is any).
-- The longest prefix counts; allowed 0 takes away what a shorter prefix or a country gives.
CREATE TABLE IF NOT EXISTS outbound_rules (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  kind      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  value     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  types     VARCHAR(255) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  allowed   TINYINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB;

CREATE UNIQUE INDEX IF NOT EXISTS uq_outbound_rules_value ON outbound_rules (tenant_id, kind, value);
