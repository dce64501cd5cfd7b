-- Columns of the panel's own in OpenSIPS's accounting tables. MariaDB, MySQL.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables, before you start OpenSIPS with
-- accounting.cfg: an INSERT that names a missing column is refused, and the CDR lost.
--   mysql opensips < acc-extra-columns.mysql.sql
-- All columns may be NULL, so that rows written before, or by another script, stay good.

ALTER TABLE acc
    ADD COLUMN caller VARCHAR(64) NULL,
    ADD COLUMN callee VARCHAR(64) NULL,
    ADD COLUMN caller_domain VARCHAR(128) NULL,
    ADD COLUMN account VARCHAR(128) NULL,
    ADD COLUMN gateway VARCHAR(64) NULL,
    ADD COLUMN carrier VARCHAR(64) NULL,
    ADD COLUMN src_ip VARCHAR(45) NULL,
    ADD COLUMN user_agent VARCHAR(255) NULL,
    ADD COLUMN charge_id VARCHAR(64) NULL;

ALTER TABLE missed_calls
    ADD COLUMN caller VARCHAR(64) NULL,
    ADD COLUMN callee VARCHAR(64) NULL,
    ADD COLUMN caller_domain VARCHAR(128) NULL,
    ADD COLUMN account VARCHAR(128) NULL,
    ADD COLUMN gateway VARCHAR(64) NULL,
    ADD COLUMN carrier VARCHAR(64) NULL,
    ADD COLUMN src_ip VARCHAR(45) NULL,
    ADD COLUMN user_agent VARCHAR(255) NULL,
    ADD COLUMN charge_id VARCHAR(64) NULL;
