-- The panel's four database users on MariaDB 10.6 or newer, each with the least it needs.
-- As an administrator, after both databases were made, again after every upgrade:
--
--     mariadb < docs/examples/grants/mariadb.sql
--
-- companion_owner   makes and changes the panel's tables: flask init, backup, restore, upgrade
-- companion_worker  the worker and charging: rows, and partitions of the call records
-- companion_web     the screens: rows only
-- companion_purge   flask acc purge: may delete from OpenSIPS's acc and missed_calls, nothing else
--
-- Put passwords of your own; where the databases have other names, change them everywhere.

CREATE USER IF NOT EXISTS 'companion_owner'@'127.0.0.1' IDENTIFIED BY 'choose-one';
CREATE USER IF NOT EXISTS 'companion_worker'@'127.0.0.1' IDENTIFIED BY 'choose-one';
CREATE USER IF NOT EXISTS 'companion_web'@'127.0.0.1' IDENTIFIED BY 'choose-one';
CREATE USER IF NOT EXISTS 'companion_purge'@'127.0.0.1' IDENTIFIED BY 'choose-one';

-- The panel's own database. Its tables are made by the owner (flask init), so the first run of
-- this file comes before that and a second one after it.

GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW,
    SHOW VIEW ON panel.* TO 'companion_owner'@'127.0.0.1';

GRANT SELECT ON panel.* TO 'companion_worker'@'127.0.0.1', 'companion_web'@'127.0.0.1';

DELIMITER //
BEGIN NOT ATOMIC
    DECLARE who VARCHAR(100)
        DEFAULT '''companion_worker''@''127.0.0.1'', ''companion_web''@''127.0.0.1''';
    FOR found IN (
        SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = 'panel' AND table_type = 'BASE TABLE'
    ) DO
        IF found.name = 'audit' THEN
            -- What was done can be added to, not changed or removed.
            EXECUTE IMMEDIATE CONCAT('GRANT INSERT ON panel.`', found.name, '` TO ', who);
        ELSEIF found.name <> 'alembic_version' THEN
            EXECUTE IMMEDIATE CONCAT(
                'GRANT INSERT, UPDATE, DELETE ON panel.`', found.name, '` TO ', who
            );
        END IF;
        -- Days of call records, made when calls need them.
        IF found.name IN ('cdr_answered', 'cdr_failed', 'cdr_attempt') THEN
            EXECUTE IMMEDIATE CONCAT(
                'GRANT ALTER, CREATE, DROP ON panel.`', found.name,
                '` TO ''companion_worker''@''127.0.0.1'''
            );
        END IF;
    END FOR;
END //
DELIMITER ;

-- OpenSIPS's database: what is read, and the one table that is edited. A table that your OpenSIPS
-- does not have is left out; the panel shows what there is.

DELIMITER //
BEGIN NOT ATOMIC
    DECLARE who VARCHAR(200) DEFAULT CONCAT(
        '''companion_owner''@''127.0.0.1'', ''companion_worker''@''127.0.0.1'', ',
        '''companion_web''@''127.0.0.1'''
    );
    DECLARE writers VARCHAR(100)
        DEFAULT '''companion_worker''@''127.0.0.1'', ''companion_web''@''127.0.0.1''';
    FOR found IN (
        SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = 'opensips' AND table_name IN (
            'version', 'acc', 'missed_calls', 'dialog', 'dialplan', 'subscriber', 'dbaliases',
            'grp', 'dr_gateways', 'dr_carriers', 'dr_rules'
        )
    ) DO
        -- Of subscriber too the whole table: MariaDB shows the columns of a table to nobody else.
        -- The panel selects no column whose name begins with password or ha1.
        EXECUTE IMMEDIATE CONCAT('GRANT SELECT ON opensips.`', found.name, '` TO ', who);
        IF found.name IN ('acc', 'missed_calls') THEN
            EXECUTE IMMEDIATE CONCAT(
                'GRANT SELECT, DELETE ON opensips.`', found.name,
                '` TO ''companion_purge''@''127.0.0.1'''
            );
        END IF;
        IF found.name = 'dialplan' THEN
            EXECUTE IMMEDIATE CONCAT(
                'GRANT INSERT, UPDATE, DELETE ON opensips.`', found.name, '` TO ', writers
            );
        END IF;
    END FOR;
END //
DELIMITER ;
