-- What becomes of a callback whose customer calls by himself, callbacks for those who give up, and who is told what.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- on_return: off, cancel or adopt. abandon_after: seconds; NULL: nobody is called back for giving up.
ALTER TABLE callback_policies ADD COLUMN IF NOT EXISTS on_return VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL DEFAULT 'off';
ALTER TABLE callback_policies ADD COLUMN IF NOT EXISTS abandon_after INT;
ALTER TABLE callback_policies ADD COLUMN IF NOT EXISTS use_levels INT NOT NULL DEFAULT 1;

-- The call (Asterisk's Uniqueid) by which its customer came by himself: it ended with that, or, being dialled, it ends
-- with this attempt.
ALTER TABLE callbacks ADD COLUMN IF NOT EXISTS returned_call VARCHAR(150) CHARACTER SET ascii COLLATE ascii_nopad_bin;
CREATE INDEX IF NOT EXISTS ix_callbacks_returned_call ON callbacks (returned_call);

ALTER TABLE callback_events ADD COLUMN IF NOT EXISTS outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_nopad_bin;
CREATE INDEX IF NOT EXISTS ix_callback_events_at ON callback_events (at);
