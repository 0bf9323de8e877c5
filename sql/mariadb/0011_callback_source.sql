-- Whose account or phone a callback was asked for from: what the daily caps of calls on request count by.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- source: as in outbound_counts.name where cap is 'source': a login, a login/token, or "phone +12125550123".
ALTER TABLE callbacks ADD COLUMN IF NOT EXISTS source VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '';

UPDATE callbacks SET source = requested_by WHERE source = '';
