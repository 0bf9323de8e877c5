-- What a callback's turn depends on beside its time, and when it may be forgotten.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- priority: 0-100, as QUEUE_PRIO of a caller: a higher one is served first.
ALTER TABLE callbacks ADD COLUMN IF NOT EXISTS priority INT NOT NULL DEFAULT 0;

CREATE INDEX IF NOT EXISTS ix_callbacks_ended ON callbacks (ended_at);
