-- Stock columns of acc and missed_calls that lose calls. MariaDB, MySQL.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables:   mysql opensips < acc-lossless.mysql.sql
--
-- Why: in its default strict mode the database refuses the whole row when one value does
-- not fit, and OpenSIPS only writes a log line. Two things do not fit the stock tables:
--   * a reply that OpenSIPS made itself (ringing timer, t_reply) has no To tag. The acc
--     module then inserts NULL into to_tag, which is NOT NULL: error 1048;
--   * Call-ID and tags have no limit in RFC 3261, the columns have 64 characters, and
--     sip_reason has 32: error 1406. Callers could choose a long Call-ID to go unbilled.
-- VARCHAR in place of CHAR keeps short values short. The table versions stay, so that
-- OpenSIPS starts as before. Identifiers differ in the case of a letter, and only in it;
-- the panel compares them as bytes whatever the collation here is.

ALTER TABLE acc
    MODIFY callid VARCHAR(255) NOT NULL DEFAULT '',
    MODIFY from_tag VARCHAR(255) NOT NULL DEFAULT '',
    MODIFY to_tag VARCHAR(255) NULL DEFAULT '',
    MODIFY sip_reason VARCHAR(255) NOT NULL DEFAULT '';

ALTER TABLE missed_calls
    MODIFY callid VARCHAR(255) NOT NULL DEFAULT '',
    MODIFY from_tag VARCHAR(255) NOT NULL DEFAULT '',
    MODIFY to_tag VARCHAR(255) NULL DEFAULT '',
    MODIFY sip_reason VARCHAR(255) NOT NULL DEFAULT '';
