-- Stock columns of acc and missed_calls that lose calls. PostgreSQL.
-- Offered, never applied unasked: the panel itself does not alter OpenSIPS's tables.
-- Run it once, as the owner of the tables:   psql opensips -f acc-lossless.postgres.sql
--
-- Why: the database refuses the whole row when one value is too long for its column, and
-- OpenSIPS only writes a log line. Call-ID and tags have no limit in RFC 3261, the stock
-- columns have 64 characters, and sip_reason has 32. Callers could choose a long Call-ID
-- to go unbilled. A missing To tag is stored as '' here, not NULL; to_tag may be NULL all
-- the same, so that both databases read alike. The table versions stay, so that OpenSIPS
-- starts as before.

ALTER TABLE acc
    ALTER COLUMN callid TYPE VARCHAR(255),
    ALTER COLUMN from_tag TYPE VARCHAR(255),
    ALTER COLUMN to_tag TYPE VARCHAR(255),
    ALTER COLUMN to_tag DROP NOT NULL,
    ALTER COLUMN sip_reason TYPE VARCHAR(255);

ALTER TABLE missed_calls
    ALTER COLUMN callid TYPE VARCHAR(255),
    ALTER COLUMN from_tag TYPE VARCHAR(255),
    ALTER COLUMN to_tag TYPE VARCHAR(255),
    ALTER COLUMN to_tag DROP NOT NULL,
    ALTER COLUMN sip_reason TYPE VARCHAR(255);
