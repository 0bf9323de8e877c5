-- What becomes of a callback whose customer calls by himself, callbacks for those who give up, and who is told what.

-- on_return: off, cancel or adopt. abandon_after: seconds; NULL: nobody is called back for giving up.
ALTER TABLE callback_policies ADD COLUMN on_return TEXT NOT NULL DEFAULT 'off' CHECK (length(on_return) <= 16);
ALTER TABLE callback_policies ADD COLUMN abandon_after INTEGER;
ALTER TABLE callback_policies ADD COLUMN use_levels INTEGER NOT NULL DEFAULT 1;

-- The call (Asterisk's Uniqueid) by which its customer came by himself: it ended with that, or, being dialled, it ends
-- with this attempt.
ALTER TABLE callbacks ADD COLUMN returned_call TEXT CHECK (length(returned_call) <= 150);
CREATE INDEX ix_callbacks_returned_call ON callbacks (returned_call);

ALTER TABLE callback_events ADD COLUMN outcome TEXT CHECK (length(outcome) <= 16);
CREATE INDEX ix_callback_events_at ON callback_events (at);
