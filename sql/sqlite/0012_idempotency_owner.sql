-- Which request has an idempotency key: what of it ends late touches no other one's row.

-- owner: random, of one request; empty: begun by a program that knew none.
ALTER TABLE idempotency_keys ADD COLUMN owner TEXT NOT NULL DEFAULT '';
