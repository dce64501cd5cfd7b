-- Columns of the panel's own in OpenSIPS's accounting tables. SQLite.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables, before you start OpenSIPS with
-- accounting.cfg: an INSERT that names a missing column is refused, and the CDR lost.
--   sqlite3 opensips.sqlite < acc-extra-columns.sqlite.sql
-- All columns may be NULL, so that rows written before, or by another script, stay good.

-- SQLite adds one column a statement.

ALTER TABLE acc ADD COLUMN caller VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN callee VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN caller_domain VARCHAR(128) NULL;
ALTER TABLE acc ADD COLUMN account VARCHAR(128) NULL;
ALTER TABLE acc ADD COLUMN gateway VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN carrier VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN src_ip VARCHAR(45) NULL;
ALTER TABLE acc ADD COLUMN user_agent VARCHAR(255) NULL;
ALTER TABLE acc ADD COLUMN charge_id VARCHAR(64) NULL;

ALTER TABLE missed_calls ADD COLUMN caller VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN callee VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN caller_domain VARCHAR(128) NULL;
ALTER TABLE missed_calls ADD COLUMN account VARCHAR(128) NULL;
ALTER TABLE missed_calls ADD COLUMN gateway VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN carrier VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN src_ip VARCHAR(45) NULL;
ALTER TABLE missed_calls ADD COLUMN user_agent VARCHAR(255) NULL;
ALTER TABLE missed_calls ADD COLUMN charge_id VARCHAR(64) NULL;
