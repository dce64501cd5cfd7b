-- Columns for what accounting.cfg tells of gateways tried, delays and the end of a call. PostgreSQL.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables, after acc-extra-columns and before OpenSIPS runs
-- with an accounting.cfg that names these columns: an INSERT that names a missing column is
-- refused, and the CDR lost. You have applied acc-extra-columns before? Then only this file.
--   psql opensips -f acc-attempt-columns.postgres.sql
-- All columns may be NULL. Numbers are text here too: acc binds text, and a database in
-- strict mode refuses the whole row when an empty text goes into a column of numbers.

ALTER TABLE acc
    ADD COLUMN routed VARCHAR(64) NULL,
    ADD COLUMN asserted VARCHAR(64) NULL,
    ADD COLUMN routing_number VARCHAR(32) NULL,
    ADD COLUMN trunk VARCHAR(64) NULL,
    ADD COLUMN attempt VARCHAR(8) NULL,
    ADD COLUMN first_ms VARCHAR(12) NULL,
    ADD COLUMN final_ms VARCHAR(12) NULL,
    ADD COLUMN pdd_ms VARCHAR(12) NULL,
    ADD COLUMN cause VARCHAR(8) NULL,
    ADD COLUMN hangup VARCHAR(8) NULL;

ALTER TABLE missed_calls
    ADD COLUMN routed VARCHAR(64) NULL,
    ADD COLUMN asserted VARCHAR(64) NULL,
    ADD COLUMN routing_number VARCHAR(32) NULL,
    ADD COLUMN trunk VARCHAR(64) NULL,
    ADD COLUMN attempt VARCHAR(8) NULL,
    ADD COLUMN first_ms VARCHAR(12) NULL,
    ADD COLUMN final_ms VARCHAR(12) NULL,
    ADD COLUMN pdd_ms VARCHAR(12) NULL,
    ADD COLUMN cause VARCHAR(8) NULL,
    ADD COLUMN hangup VARCHAR(8) NULL;
