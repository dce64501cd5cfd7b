"""LOAD DATA LOCAL INFILE on MariaDB and MySQL without a file: the server gets our own bytes.

In that protocol the server says which of the client's files it wants, and it may say so in answer
to any statement. So PyMySQL's own answer stays switched off (it raises), no file is ever opened
here, and what is sent is always what the statement was about.
"""

from __future__ import annotations

import secrets
from typing import Any

import pymysql
from pymysql.constants import COMMAND, ER
from pymysql.protocol import LoadLocalPacketWrapper
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.core.database import BULK_LOAD, is_mysql

# Well below the smallest max_allowed_packet that anybody sets.
_PACKET = 1 << 19
# MySQL: "Loading local data is disabled" (3948), for the server and for the client.
_REFUSED = {ER.NOT_ALLOWED_COMMAND, 3948, 4166}
_ALLOWED = "companion_load_allowed"


def is_allowed(connection: Connection) -> bool:
    """Whether many rows may go the server's own way for them; ``auto`` asks the server once."""
    wish = connection.get_execution_options().get(BULK_LOAD, "auto")
    if wish != "auto" or not is_mysql(connection):
        return bool(wish != "off")
    if _ALLOWED not in connection.info:
        answer = connection.exec_driver_sql("SELECT @@local_infile").scalar()
        connection.info[_ALLOWED] = bool(answer)
    return bool(connection.info[_ALLOWED])


def load(connection: Connection, into: str, columns: str, data: bytes, rows: int) -> None:
    """Sends rows as lines of text, tabs between the fields, backslashes escaped; all or an error.

    ``into`` and ``columns`` are SQL of names.
    """
    # The names of the signs as bytes: text would read otherwise under NO_BACKSLASH_ESCAPES.
    token = secrets.token_hex(8)
    statement = (
        f"LOAD DATA LOCAL INFILE '{token}' INTO TABLE {into} CHARACTER SET utf8mb4"
        f" FIELDS TERMINATED BY X'09' ESCAPED BY X'5C' LINES TERMINATED BY X'0A' ({columns})"
    )
    driver: Any = connection.connection.dbapi_connection
    try:
        taken, warned = send(driver, statement, token.encode(), data)
    except pymysql.MySQLError as error:
        if error.args and error.args[0] in _REFUSED:
            connection.info[_ALLOWED] = False  # the next try is made of statements
        raise DBAPIError(statement, None, error, connection_invalidated=not driver.open) from error
    # LOCAL makes warnings of errors: a key that is there already, a text that is too long.
    if taken != rows or warned:
        found = connection.exec_driver_sql("SHOW WARNINGS").first()
        reason = pymysql.err.DataError(f"{taken} of {rows} rows were taken", str(found))
        raise DBAPIError(statement, None, reason)


def send(driver: Any, statement: str, token: bytes, data: bytes) -> tuple[int, int]:
    """Gives the server these bytes for a statement; returns rows that were taken, and warnings.

    A server that asks for anything but ``token`` gets nothing, and the connection is closed.
    """
    driver._execute_command(COMMAND.COM_QUERY, statement)
    asked = driver._read_packet()
    if not asked.is_load_local_packet() or LoadLocalPacketWrapper(asked).filename != token:
        driver._force_close()
        raise pymysql.err.OperationalError(
            0, "The server asked for a file instead of the rows that it was to load."
        )
    for start in range(0, len(data), _PACKET):
        driver.write_packet(data[start : start + _PACKET])
    driver.write_packet(b"")
    answer = driver._read_packet()
    answer.read_uint8()
    taken = answer.read_length_encoded_integer()
    answer.read_length_encoded_integer()  # the last id that was counted up
    answer.read_uint16()  # the server's status
    return taken, answer.read_uint16()
