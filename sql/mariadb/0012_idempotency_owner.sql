-- Which request has an idempotency key: what of it ends late touches no other one's row.
-- MariaDB commits each DDL statement by itself, so each one may run twice.

-- owner: random, of one request; empty: begun by a program that knew none.
ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS owner VARCHAR(32) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL DEFAULT '';
