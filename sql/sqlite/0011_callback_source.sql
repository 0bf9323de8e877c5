-- Whose account or phone a callback was asked for from: what the daily caps of calls on request count by.

-- source: as in outbound_counts.name where cap is 'source': a login, a login/token, or "phone +12125550123".
ALTER TABLE callbacks ADD COLUMN source TEXT NOT NULL DEFAULT '';

UPDATE callbacks SET source = requested_by;
