-- What a callback's turn depends on beside its time, and when it may be forgotten.

-- priority: 0-100, as QUEUE_PRIO of a caller: a higher one is served first.
ALTER TABLE callbacks ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

CREATE INDEX ix_callbacks_ended ON callbacks (ended_at);
