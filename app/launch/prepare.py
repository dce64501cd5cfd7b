"""Databases, demo data and the first admin, before the processes start; ends in seconds."""

from __future__ import annotations

import logging
import os
import sys

from click import ClickException
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from app import create_app
from app.core.database import Databases, reading, writing
from app.core.errors import CompanionError
from app.core.settings import Settings
from app.identity import audit, operators
from app.identity.tables import operator
from app.opensips.tables import check_version, reflect


def prepare(answer: int) -> None:
    """Prepares everything; writes the new admin's password, if one was made, to ``answer``.

    Ends the process with code 2 after a sentence when it cannot.
    """
    try:
        app = create_app()
        logging.getLogger("alembic").setLevel(logging.WARNING)
        password = _prepare(app)
    except (CompanionError, ClickException) as exc:
        sys.exit(_refused(str(exc)))
    except SQLAlchemyError as exc:
        cause = str(getattr(exc, "orig", None) or exc).splitlines()[0][:300]
        sys.exit(_refused(f"The database refused: {cause}"))
    os.write(answer, password.encode())


def _refused(sentence: str) -> int:
    print(f"make run: {sentence}", file=sys.stderr)
    return 2


def _prepare(app: Flask) -> str:
    settings: Settings = app.extensions["settings"]
    dbs: Databases = app.extensions["databases"]
    if _embedded(settings):
        fresh = not inspect(dbs.switch).has_table("acc")
        _command(app, ["init", *(["--with-opensips-tables"] if fresh else [])])
    else:
        _check_switch(dbs)
        _command(app, ["init"])
    if settings.demo and _never_called(dbs):
        print("Making 90 days of demo calls, once …", flush=True)
        _command(app, ["demo"])
    return _first_admin(dbs)


def _embedded(settings: Settings) -> bool:
    """OpenSIPS's tables are in our own SQLite file: nobody else makes them."""
    return settings.one_database and settings.database_url.startswith("sqlite")


def _check_switch(dbs: Databases) -> None:
    reflect(dbs.switch, "acc")
    with reading(dbs.switch) as connection:
        check_version(connection, "acc")


def _never_called(dbs: Databases) -> bool:
    acc = reflect(dbs.switch, "acc")
    with reading(dbs.switch) as connection:
        return connection.execute(select(acc.c.id).limit(1)).first() is None


def _first_admin(dbs: Databases) -> str:
    with reading(dbs.panel) as connection:
        if connection.execute(select(operator.c.id).limit(1)).first() is not None:
            return ""
    password = operators.generate_password()
    with writing(dbs.panel) as connection:
        number = operators.create(connection, login="admin", password=password, role="admin")
        audit.record(
            connection,
            action="operator.create",
            object=f"operator:{number}",
            detail={"login": "admin", "role": "admin"},
        )
    return password


def _command(app: Flask, arguments: list[str]) -> None:
    info = ScriptInfo(create_app=lambda: app)
    app.cli.main(args=arguments, prog_name="flask", obj=info, standalone_mode=False)
