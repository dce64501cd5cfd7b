-- Columns for what accounting.cfg tells of gateways tried, delays and the end of a call. SQLite.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables, after acc-extra-columns and before OpenSIPS runs
-- with an accounting.cfg that names these columns: an INSERT that names a missing column is
-- refused, and the CDR lost. You have applied acc-extra-columns before? Then only this file.
--   sqlite3 opensips.sqlite < acc-attempt-columns.sqlite.sql
-- All columns may be NULL. Numbers are text here too: acc binds text, and a database in
-- strict mode refuses the whole row when an empty text goes into a column of numbers.

-- SQLite adds one column a statement.

ALTER TABLE acc ADD COLUMN routed VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN asserted VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN routing_number VARCHAR(32) NULL;
ALTER TABLE acc ADD COLUMN trunk VARCHAR(64) NULL;
ALTER TABLE acc ADD COLUMN attempt VARCHAR(8) NULL;
ALTER TABLE acc ADD COLUMN first_ms VARCHAR(12) NULL;
ALTER TABLE acc ADD COLUMN final_ms VARCHAR(12) NULL;
ALTER TABLE acc ADD COLUMN pdd_ms VARCHAR(12) NULL;
ALTER TABLE acc ADD COLUMN cause VARCHAR(8) NULL;
ALTER TABLE acc ADD COLUMN hangup VARCHAR(8) NULL;

ALTER TABLE missed_calls ADD COLUMN routed VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN asserted VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN routing_number VARCHAR(32) NULL;
ALTER TABLE missed_calls ADD COLUMN trunk VARCHAR(64) NULL;
ALTER TABLE missed_calls ADD COLUMN attempt VARCHAR(8) NULL;
ALTER TABLE missed_calls ADD COLUMN first_ms VARCHAR(12) NULL;
ALTER TABLE missed_calls ADD COLUMN final_ms VARCHAR(12) NULL;
ALTER TABLE missed_calls ADD COLUMN pdd_ms VARCHAR(12) NULL;
ALTER TABLE missed_calls ADD COLUMN cause VARCHAR(8) NULL;
ALTER TABLE missed_calls ADD COLUMN hangup VARCHAR(8) NULL;
