-- The panel's four database users on PostgreSQL 15 or newer, each with the least it needs.
-- As an administrator, once before `flask init` and again after it and after every upgrade:
--
--     psql -v ON_ERROR_STOP=1 -d panel -f docs/examples/grants/postgresql.sql
--
-- companion_owner   makes and changes the panel's tables: flask init, backup, restore, upgrade
-- companion_worker  the worker and charging: rows, and partitions of the call records
-- companion_web     the screens: rows only
-- companion_purge   flask acc purge: may delete from OpenSIPS's acc and missed_calls, nothing else
--
-- Put passwords of your own; where the databases have other names, change them everywhere.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'companion_owner', 'companion_worker', 'companion_web', 'companion_purge'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', name, 'choose-one');
        END IF;
    END LOOP;
    -- Whoever makes a partition must own the table, and may then make others: a role for the call
    -- records, of two members.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'companion_days') THEN
        CREATE ROLE companion_days NOLOGIN;
    END IF;
END $$;
GRANT companion_days TO companion_owner, companion_worker;

-- The panel's own database.

REVOKE ALL ON DATABASE panel FROM PUBLIC;
GRANT CONNECT ON DATABASE panel TO companion_owner, companion_worker, companion_web;
ALTER SCHEMA public OWNER TO companion_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO companion_worker, companion_web;
GRANT USAGE, CREATE ON SCHEMA public TO companion_days;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public
    TO companion_worker, companion_web;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO companion_worker, companion_web;

DO $$
DECLARE found record;
BEGIN
    -- The call records and their partitions belong to the role of the days.
    FOR found IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND relname ~ '^cdr_(answered|failed|attempt)(_[0-9]{8}_[0-9]{8})?$'
    LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO companion_days', found.relname);
    END LOOP;
    -- What was done can be added to, not changed or removed.
    IF to_regclass('public.audit') IS NOT NULL THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM companion_worker, companion_web;
    END IF;
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM companion_worker, companion_web;
    END IF;
END $$;

-- OpenSIPS's database: what is read, and the one table that is edited. A table that your OpenSIPS
-- does not have is left out; the panel shows what there is.

\connect opensips

GRANT CONNECT ON DATABASE opensips
    TO companion_owner, companion_worker, companion_web, companion_purge;
GRANT USAGE ON SCHEMA public
    TO companion_owner, companion_worker, companion_web, companion_purge;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'version', 'acc', 'missed_calls', 'dialog', 'dialplan', 'dbaliases',
        'grp', 'dr_gateways', 'dr_carriers', 'dr_rules'
    ] LOOP
        IF to_regclass(format('public.%I', name)) IS NOT NULL THEN
            EXECUTE format(
                'GRANT SELECT ON %I TO companion_owner, companion_worker, companion_web', name
            );
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY['acc', 'missed_calls'] LOOP
        IF to_regclass(format('public.%I', name)) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT, DELETE ON %I TO companion_purge', name);
        END IF;
    END LOOP;
    -- Everything but the secrets.
    IF to_regclass('public.subscriber') IS NOT NULL THEN
        EXECUTE format(
            'GRANT SELECT (%s) ON subscriber TO companion_owner, companion_worker, companion_web',
            (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
             WHERE attrelid = 'subscriber'::regclass AND attnum > 0 AND NOT attisdropped
                AND attname NOT LIKE 'ha1%' AND attname NOT LIKE 'password%')
        );
    END IF;
    IF to_regclass('public.dialplan') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON dialplan TO companion_worker, companion_web;
        EXECUTE format(
            'GRANT USAGE ON SEQUENCE %s TO companion_worker, companion_web',
            pg_get_serial_sequence('dialplan', 'id')
        );
    END IF;
END $$;
