"""The second factor as an attacker would go at it: guessing, replaying, racing, stealing."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict
from app.core.sealing import unseal
from app.core.settings import Settings
from app.identity import operators, second_factor, throttle
from app.identity.tables import audit, operator_factor, operator_recovery, operator_session
from tests.identity.people import PASSWORD, Browser, make, send_login, sign_in, token_of

KEY = "0123456789abcdef0123456789abcdef-secret"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


class Phone:
    """An authenticator; each call of ``code`` is of the present 30 seconds."""

    def __init__(self, key: str) -> None:
        self.totp = pyotp.TOTP(key)

    def code(self, away: int = 0) -> str:
        return self.totp.generate_otp(clock.now_ms() // 30_000 + away)


def _switched_on(app: Flask, login: str = "ann", role: str = "admin") -> tuple[Phone, list[str]]:
    """An operator with a second factor, made through the screens; the recovery codes too."""
    client = sign_in(app, role, login)
    page = _post(client, "/account/second-factor/start", password=PASSWORD)
    assert page.status_code == 200, page.text
    key = re.search(r'mono once" translate="no">([A-Z2-7 ]+)<', page.text)
    assert key is not None
    phone = Phone(key[1].replace(" ", ""))
    assert "<svg" in page.text and "style=" not in page.text
    done = _post(client, "/account/second-factor/confirm", code=phone.code(-1))
    codes = re.findall(r"<li>([a-z2-7-]{19})</li>", done.text)
    assert len(codes) == second_factor.RECOVERY_CODES, done.text
    client.post("/logout", data={"csrf_token": client.csrf})
    return phone, codes


def _post(client: Browser, address: str, **values: str) -> TestResponse:
    return client.post(address, data={"csrf_token": client.csrf, **values})


def _half(app: Flask, login: str = "ann") -> FlaskClient:
    client = app.test_client()
    answer = send_login(client, login)
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.location.startswith("/login/code")  # type: ignore[attr-defined]
    return client


def _enter(client: FlaskClient, code: str) -> TestResponse:
    values = {"csrf_token": token_of(client, "/login/code"), "code": code}
    return client.post("/login/code", data=values)


def test_the_password_alone_opens_nothing(app: Flask, databases: Databases) -> None:
    phone, _ = _switched_on(app)
    client = _half(app)
    for address in ("/", "/cdr", "/account", "/account/second-factor"):
        assert client.get(address).status_code == 303, address
    with reading(databases.panel) as connection:
        assert connection.scalars(select(operator_session.c.operator_id)).all() == []
    answer = _enter(client, phone.code())
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/cdr").status_code == 200


def test_a_code_counts_once(app: Flask) -> None:
    phone, _ = _switched_on(app)
    code = phone.code()
    assert _enter(_half(app), code).status_code == 303
    again = _enter(_half(app), code)
    assert again.status_code == 401
    assert "was used already" in again.text


def test_an_older_code_counts_no_more_after_a_newer_one(app: Flask) -> None:
    phone, _ = _switched_on(app)
    older, newer = phone.code(), phone.code(1)
    assert _enter(_half(app), newer).status_code == 303
    assert _enter(_half(app), older).status_code == 401


def test_codes_of_other_times_count_nothing(app: Flask) -> None:
    phone, _ = _switched_on(app)
    for away in (-20, -3, 3, 20):
        assert _enter(_half(app), phone.code(away)).status_code == 401, away


def test_two_that_race_with_one_code(panel_db: Databases, settings: Settings) -> None:
    with writing(panel_db.panel) as connection:
        number = operators.create(connection, login="ann", password=PASSWORD, role="admin")
        phone = Phone(second_factor.begin(connection, number, KEY))
        assert second_factor.confirm(connection, number, phone.code(-1), KEY)
    code, won = phone.code(), []

    def run() -> None:
        with writing(panel_db.panel) as connection:
            if second_factor.verify(connection, number, code, KEY):
                won.append(1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_recovery_codes_count_once_and_in_any_writing(app: Flask, databases: Databases) -> None:
    _, codes = _switched_on(app)
    assert _enter(_half(app), codes[0].upper().replace("-", " ")).status_code == 303
    assert _enter(_half(app), codes[0]).status_code == 401
    assert _enter(_half(app), codes[1]).status_code == 303
    with reading(databases.panel) as connection:
        hashes = connection.scalars(select(operator_recovery.c.hash)).all()
        secrets = connection.scalars(select(operator_factor.c.secret)).all()
    assert len(hashes) == second_factor.RECOVERY_CODES - 2
    assert not {code.replace("-", "") for code in codes} & set(hashes)
    assert all(secret.startswith("gAAAA") for secret in secrets)


def test_guessing_is_slowed_down(app: Flask) -> None:
    phone, _ = _switched_on(app)
    client = _half(app)
    wrong = "000000" if phone.code() != "000000" else "111111"
    answers = [_enter(client, wrong).status_code for _ in range(throttle.PER_LOGIN + 2)]
    assert answers == [401] * throttle.PER_LOGIN + [429, 429]
    # Another browser with the password has no more tries.
    assert _enter(_half(app), wrong).status_code == 429


def test_the_second_step_is_good_for_five_minutes(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, _ = _switched_on(app)
    client = _half(app)
    token = token_of(client, "/login/code")
    later = clock.now_ms() + 6 * clock.MINUTE
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    answer = client.post("/login/code", data={"csrf_token": token, "code": phone.code()})
    assert (answer.status_code, answer.location) == (303, "/login")


def test_another_ones_code_is_worth_nothing(app: Flask) -> None:
    _switched_on(app, "ann")
    phone, codes = _switched_on(app, "bob", "noc")
    assert _enter(_half(app, "ann"), phone.code()).status_code == 401
    assert _enter(_half(app, "ann"), codes[0]).status_code == 401


def test_an_open_screen_is_not_enough_to_change_the_factor(app: Flask) -> None:
    phone, _ = _switched_on(app)
    client = app.test_client()
    send_login(client, "ann")
    assert _enter(client, phone.code()).status_code == 303
    token = token_of(client, "/account")
    for address in ("off", "codes", "start"):
        where = f"/account/second-factor/{address}"
        answer = client.post(where, data={"csrf_token": token, "password": "not the password"})
        assert answer.status_code == 400, address
    answer = client.post(
        "/account/second-factor/off", data={"csrf_token": token, "password": PASSWORD}
    )
    assert answer.status_code == 303
    again = app.test_client()
    assert send_login(again, "ann").location == "/"  # type: ignore[attr-defined]


def test_a_factor_that_was_never_confirmed_locks_nobody_out(app: Flask) -> None:
    client = sign_in(app, "admin", "ann")
    assert _post(client, "/account/second-factor/start", password=PASSWORD).status_code == 200
    wrong = _post(client, "/account/second-factor/confirm", code="000000")
    assert wrong.status_code == 303
    assert send_login(app.test_client(), "ann").location == "/"  # type: ignore[attr-defined]


def test_who_needs_a_factor_can_do_nothing_without(app: Flask) -> None:
    from dataclasses import replace

    admin, other = sign_in(app, "admin", "ann"), sign_in(app, "noc", "nick")
    app.extensions["settings"] = replace(app.extensions["settings"], second_factor="admins")
    assert other.get("/cdr").status_code == 200
    for address in ("/", "/cdr", "/operators", "/account"):
        answer = admin.get(address)
        assert (answer.status_code, answer.location) == (303, "/account/second-factor"), address
    assert _post(admin, "/operators/new", login="x").status_code == 403
    assert "needs a second factor" in admin.get("/account/second-factor").text


def test_a_lost_factor_is_taken_away_by_an_administrator_or_the_command(
    app: Flask, databases: Databases
) -> None:
    _switched_on(app, "ann")
    _switched_on(app, "bob", "noc")
    boss = sign_in(app, "admin", "boss")
    with reading(databases.panel) as connection:
        number = operators.number_of(connection, "bob")
    assert _post(boss, f"/operators/{number}/second-factor").status_code == 303
    assert send_login(app.test_client(), "bob").location == "/"  # type: ignore[attr-defined]
    answer = app.test_cli_runner().invoke(args=["operator", "reset-second-factor", "ann"])
    assert answer.exit_code == 0, answer.output
    assert send_login(app.test_client(), "ann").location == "/"  # type: ignore[attr-defined]
    with reading(databases.panel) as connection:
        actions = connection.scalars(select(audit.c.action)).all()
    assert actions.count("factor.reset") == 2 and actions.count("factor.on") == 2


def test_sessions_are_listed_and_ended(app: Flask, databases: Databases) -> None:
    mine, stranger = sign_in(app, "admin", "ann"), sign_in(app, "admin", "bob")
    other = app.test_client()
    send_login(other, "ann")
    with reading(databases.panel) as connection:
        marks = connection.execute(
            select(operator_session.c.token_hash, operator_session.c.operator_id).order_by(
                operator_session.c.created_at
            )
        ).all()
    page = mine.get("/account/sessions").text
    assert page.count("this one") == 1
    bobs = next(row.token_hash for row in marks if row.operator_id != marks[0].operator_id)
    assert bobs[:16] not in page
    assert _post(mine, f"/account/sessions/{bobs[:16]}/end").status_code == 404
    assert stranger.get("/cdr").status_code == 200
    for short in ("%", "a", ""):
        assert _post(mine, f"/account/sessions/{short}/end").status_code in (404, 405), short
    assert _post(mine, "/account/sessions/end-others").status_code == 303
    assert other.get("/cdr").status_code == 303
    assert mine.get("/cdr").status_code == 200


@pytest.mark.parametrize(
    "password",
    [
        "Password1234!",
        "qwertyuiop12",
        "iloveyou2026",
        "1q2w3e4r5t6y",
        "OpenSIPS2026!!",
        "dragondragon",
    ],
)
def test_what_attackers_try_first_is_refused(app: Flask, password: str) -> None:
    client = sign_in(app, "admin", "ann")
    answer = _post(client, "/account/password", old=PASSWORD, new=password)
    assert answer.status_code == 400
    assert "attackers try first" in answer.text or "too easy to guess" in answer.text


def test_a_phrase_is_taken(app: Flask) -> None:
    client = sign_in(app, "admin", "ann")
    answer = _post(client, "/account/password", old=PASSWORD, new="violin harbour seventeen")
    assert answer.status_code == 303
    make(app, "second")


def _quiet(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    """Unexpected errors become answers, as they do for a browser."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)


def _sessions(databases: Databases) -> int:
    with reading(databases.panel) as connection:
        return len(connection.execute(select(operator_session.c.token_hash)).all())


@pytest.mark.parametrize("deed", ["reset-password", "deactivate"])
def test_half_a_sign_in_does_not_outlive_the_password_nor_the_operator(
    app: Flask, databases: Databases, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    phone, codes = _switched_on(app)
    client = _half(app)
    token = token_of(client, "/login/code")
    done = app.test_cli_runner().invoke(args=["operator", deed, "ann"])
    assert done.exit_code == 0, done.output
    _quiet(monkeypatch, app)
    answer = client.post("/login/code", data={"csrf_token": token, "code": phone.code()})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert _sessions(databases) == 0
    # Half of it is gone too: a recovery code finds nothing to go on with.
    assert client.get("/login/code").location == "/login"
    assert client.get("/cdr").status_code == 303


def test_who_was_locked_gets_in_again_after_being_unlocked(app: Flask) -> None:
    client = sign_in(app, "admin", "ann")
    run = app.test_cli_runner()
    assert run.invoke(args=["operator", "deactivate", "ann"]).exit_code == 0
    assert client.get("/cdr").status_code == 303
    assert send_login(app.test_client(), "ann").status_code == 401  # type: ignore[attr-defined]
    assert "ann\tadmin\tlocked" in run.invoke(args=["operator", "list"]).output
    assert run.invoke(args=["operator", "activate", "ann"]).exit_code == 0
    assert send_login(app.test_client(), "ann").status_code == 303  # type: ignore[attr-defined]
    assert run.invoke(args=["operator", "deactivate", "nobody"]).exit_code == 1


def test_a_stranger_cannot_use_up_the_tries_of_a_code(app: Flask) -> None:
    phone, _ = _switched_on(app)
    stranger = app.test_client()
    for login in ("code:ann", "confirm:ann", "code:ann", "code:ann", "code:ann", "code:ann"):
        values = {"csrf_token": token_of(stranger), "login": login, "password": "guess"}
        stranger.post("/login", data=values, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert _enter(_half(app), phone.code()).status_code == 303


def test_those_who_err_at_their_own_desk_lock_nobody_elses(app: Flask) -> None:
    victim = sign_in(app, "admin", "victim")
    start = "/account/second-factor/start"
    for number in range(5):
        client = sign_in(app, "readonly", f"mal{number}")
        for _ in range(throttle.PER_LOGIN):
            values = {"csrf_token": client.csrf, "password": "wrong wrong wrong"}
            client.post(start, data=values, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert _post(victim, start, password=PASSWORD).status_code == 200


def test_wrong_passwords_at_the_door_do_not_stop_who_is_inside(app: Flask) -> None:
    client = sign_in(app, "admin", "ann")
    stranger = app.test_client()
    for _ in range(throttle.PER_LOGIN + 1):
        send_login(stranger, "ann", "guess")
    assert _post(client, "/account/second-factor/start", password=PASSWORD).status_code == 200


def test_two_windows_that_set_it_up_at_once(panel_db: Databases) -> None:
    with writing(panel_db.panel) as connection:
        number = operators.create(connection, login="ann", password=PASSWORD, role="admin")
    keys, ends = [], []

    def begin() -> None:
        try:
            with writing(panel_db.panel) as connection:
                keys.append(second_factor.begin(connection, number, KEY))
        except Conflict as error:
            ends.append(str(error))

    _together(begin, 6)
    assert len(keys) >= 1 and len(keys) + len(ends) == 6
    made: list[list[str]] = []
    with reading(panel_db.panel) as connection:
        sealed = connection.scalar(select(operator_factor.c.secret))
    phone = Phone(unseal(KEY, "second factor", str(sealed)))
    offered = iter((-1, 0, 1))

    def confirm() -> None:
        code = phone.code(next(offered))
        with writing(panel_db.panel) as connection:
            made.append(second_factor.confirm(connection, number, code, KEY))

    _together(confirm, 3)
    assert [len(codes) for codes in sorted(made, key=len)] == [0, 0, second_factor.RECOVERY_CODES]
    with reading(panel_db.panel) as connection:
        assert second_factor.codes_left(connection, number) == second_factor.RECOVERY_CODES


def _together(act: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
