"""``flask operator``: made once, printed once, never a password in the audit."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select

from app.cli.operator import command
from app.core.database import reading
from app.identity import operators
from app.identity.tables import audit


def _run(app: Flask, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(command, arguments, input=stdin)
    return result.exit_code, result.output


def _verify(app: Flask, login: str, password: str) -> int | None:
    with reading(app.extensions["databases"].panel) as connection:
        return operators.verify(connection, login, password)


def test_create_prints_the_password_once(app: Flask) -> None:
    code, output = _run(app, "create", "ann")
    assert code == 0
    found = re.search(r"shown once\): (\S+)", output)
    assert found is not None and len(found.group(1)) >= 24
    assert _verify(app, "ann", found.group(1)) is not None
    with reading(app.extensions["databases"].panel) as connection:
        entry = connection.execute(select(audit)).mappings().one()
    assert (entry["action"], entry["actor"]) == ("operator.create", "cli")
    assert found.group(1) not in str(dict(entry))


def test_create_with_a_password_from_stdin_prints_none(app: Flask) -> None:
    arguments = ("create", "ann", "--role", "readonly", "--password-stdin")
    code, output = _run(app, *arguments, stdin="correct horse battery\n")
    assert code == 0 and "correct" not in output
    assert _verify(app, "ann", "correct horse battery") is not None
    assert "ann\treadonly\tactive" in _run(app, "list")[1]


def test_what_cannot_be_is_one_sentence(app: Flask) -> None:
    for arguments, stdin, says in (
        (("create", "no blanks", "--password-stdin"), "correct horse battery", "is no login"),
        (("create", "ann", "--password-stdin"), "short", "Use 12 to 256"),
        (("reset-password", "nobody"), "", "There is no operator"),
    ):
        code, output = _run(app, *arguments, stdin=stdin)
        assert code == 1 and says in output and "Traceback" not in output
    assert _run(app, "create", "ann")[0] == 0
    assert "is taken" in _run(app, "create", "ann")[1]


def test_reset_ends_the_sessions(app: Flask) -> None:
    from tests.identity.people import sign_in

    client = sign_in(app, "admin", "ann")
    code, output = _run(
        app, "reset-password", "ann", "--password-stdin", stdin="a new one, longer\n"
    )
    assert code == 0, output
    assert client.get("/cdr").status_code == 303
    assert _verify(app, "ann", "a new one, longer") is not None
