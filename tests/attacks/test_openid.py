"""Single sign-on as an attacker would go at it: forged answers, stolen codes, odd providers."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from sqlalchemy import select
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from app.core import clock
from app.core.database import Databases, reading, writing
from app.identity import openid_http, openid_people, operators, throttle
from app.identity.openid_token import ALGORITHMS
from app.identity.tables import audit, operator_identity, operator_session
from tests.attacks.hostile_provider import Hostile, b64, by_hmac, running, unsigned
from tests.identity.openid import begin, leads_to, switch_on
from tests.identity.people import PASSWORD, make, sign_in
from tests.services import ports


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


@pytest.fixture
def provider() -> Iterator[Hostile]:
    """A provider that says what the test wants."""
    with running() as made:
        yield made


@pytest.fixture
def panel(app: Flask, databases: Databases, provider: Hostile) -> Flask:
    """A panel that trusts it, with ann, who is ``s-ann`` there."""
    _trust(app, provider)
    number = make(app, "ann")
    with writing(databases.panel) as connection:
        openid_people.link(connection, number, provider.issuer, "s-ann")
    return app


def _trust(app: Flask, provider: Hostile, **more: object) -> None:
    switch_on(app, provider.issuer, client_secret="s3+x", **more)


def _refused(client: FlaskClient, path: str, status: int = 400) -> TestResponse:
    """Comes back with that, and nothing is opened."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert "<h1>" in answer.text
    assert client.get("/account").status_code == 303
    databases: Databases = client.application.extensions["databases"]
    with reading(databases.panel) as connection:
        assert connection.scalars(select(operator_session.c.operator_id)).all() == []
        assert "operator.sign_in" not in connection.scalars(select(audit.c.action)).all()
    return answer


def test_what_is_right_gets_in(panel: Flask, provider: Hostile) -> None:
    """The measure of all others here: each differs from this in one thing."""
    client = panel.test_client()
    answer = client.get(provider.send_back(begin(client), iss=provider.issuer))
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/account").status_code == 200
    assert provider.problems == []


def _key(name: str) -> tuple[Any, str]:
    made: Any = {
        "RS256": lambda: RSAKey.generate_key(2048),
        "PS256": lambda: RSAKey.generate_key(2048),
        "ES256": lambda: ECKey.generate_key("P-256"),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
        "ES384": lambda: ECKey.generate_key("P-384"),
        "ES256K": lambda: ECKey.generate_key("secp256k1"),
        "RS512": lambda: RSAKey.generate_key(2048),
    }[name]()
    return made, name


@pytest.mark.parametrize("name", [*ALGORITHMS, "ES384", "ES256K", "RS512"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_only_the_four_algorithms_count(panel: Flask, provider: Hostile, name: str) -> None:
    key, _ = _key(name)
    provider.published = [{**key.as_dict(private=False), "kid": "two"}]
    header = {"alg": name, "kid": "two"}
    provider.sign = lambda claims: jwt.encode(header, claims, key, algorithms=[name])
    client = panel.test_client()
    path = provider.send_back(begin(client))
    if name in ALGORITHMS:
        assert client.get(path).status_code == 303
    else:
        _refused(client, path)


# state -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "x", "ÿ\ud7ff", "A" * 43])
def test_a_wrong_state_is_refused_and_ends_the_try(
    panel: Flask, provider: Hostile, state: str
) -> None:
    client = panel.test_client()
    address = begin(client)
    right = provider.send_back(address)
    wrong = provider.send_back(address, state=state)
    assert "not begun in this browser" in _refused(client, wrong).text
    _refused(client, right)
    assert "/token" not in provider.seen


def test_no_state_at_all_is_refused(panel: Flask, provider: Hostile) -> None:
    client = panel.test_client()
    begin(client)
    _refused(client, "/login/openid/back?code=x")
    _refused(panel.test_client(), "/login/openid/back")


def test_a_state_counts_once(panel: Flask, provider: Hostile) -> None:
    provider.forgets_codes = False
    client = panel.test_client()
    path = provider.send_back(begin(client))
    assert client.get(path).status_code == 303
    client.delete_cookie("companion")
    answer = client.get(path)
    assert answer.status_code == 400 and "not begun in this browser" in answer.text


def test_a_state_counts_once_in_the_same_session_too(panel: Flask, provider: Hostile) -> None:
    provider.forgets_codes = False
    client = panel.test_client()
    path = provider.send_back(begin(client))
    assert client.get(path).status_code == 303
    assert client.get(path).status_code == 400
    assert provider.seen.count("/token") == 1


def test_an_answer_in_another_browser_opens_nothing_there(panel: Flask, provider: Hostile) -> None:
    """Login CSRF: the attacker's own answer, opened by the victim; and a stolen one."""
    mine, victim = panel.test_client(), panel.test_client()
    path = provider.send_back(begin(mine))
    _refused(victim, path)
    begin(victim)
    _refused(victim, path)
    assert "/token" not in provider.seen


def test_a_sign_in_may_take_ten_minutes(
    panel: Flask, provider: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = panel.test_client()
    path = provider.send_back(begin(client))
    later = clock.now_ms() + 10 * clock.MINUTE + clock.SECOND
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert "too long ago" in _refused(client, path).text


def test_the_cookie_does_not_tell_what_belongs_to_the_state(
    panel: Flask, provider: Hostile
) -> None:
    client = panel.test_client()
    begin(client)
    with client.session_transaction() as kept:
        assert kept["openid"].startswith("gAAAA")
        kept["openid"] = kept["openid"][:-4] + "AAAA"
    answer = client.get("/login/openid/back?code=x&state=y")
    assert answer.status_code == 400


# the code ----------------------------------------------------------------------------------


def test_a_used_code_is_worth_nothing(panel: Flask, provider: Hostile) -> None:
    client = panel.test_client()
    path = provider.send_back(begin(client))
    planted = client.get_cookie("companion")
    assert planted is not None
    assert client.get(path).status_code == 303
    thief = panel.test_client()
    # Even with the cookie of before: the provider knows its codes.
    thief.set_cookie("companion", planted.value)
    answer = thief.get(path)
    assert answer.status_code == 400
    assert thief.get("/account").status_code == 303


def test_a_stolen_code_in_ones_own_sign_in_fails_by_pkce_and_by_nonce(
    panel: Flask, provider: Hostile
) -> None:
    victim, thief = panel.test_client(), panel.test_client()
    code = provider.send_back(begin(victim)).rpartition("code=")[2]
    address = begin(thief)
    _refused(thief, provider.send_back(address, "s-eve", code=code))
    assert provider.problems == ["verifier"]
    # A provider that looks at no verifier: the nonce is the victim's.
    code = provider.send_back(begin(victim)).rpartition("code=")[2]
    address = begin(thief)
    path = provider.send_back(address, "s-eve", code=code)
    theirs, mine = provider.codes[code], provider.codes[list(provider.codes)[-1]]
    theirs["code_challenge"] = mine["code_challenge"]
    _refused(thief, path)
    assert provider.problems == ["verifier"]


# the id_token ------------------------------------------------------------------------------

# A length of time is counted from the moment of the test.
_WRONG: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "of-another"},
    "no nonce": {"nonce": None},
    "aud": {"aud": "another-client"},
    "aud as list": {"aud": ["another-client"]},
    "aud of another, for us": {"aud": "another-client", "azp": "panel"},
    "no aud": {"aud": None},
    "odd aud": {"aud": {"panel": True}},
    "many aud without azp": {"aud": ["panel", "another-client"]},
    "azp": {"azp": "another-client"},
    "many aud, another azp": {"aud": ["panel", "another-client"], "azp": "another-client"},
    "iss": {"iss": "https://evil.example"},
    "iss with a slash": {"iss": "{issuer}/"},
    "iss as list": {"iss": ["{issuer}"]},
    "no iss": {"iss": None},
    "expired": {"exp": timedelta(seconds=-120)},
    "exp that is no number": {"exp": "never"},
    "exp that is not finite": {"exp": float("nan")},
    "no exp": {"exp": None},
    "not yet valid": {"nbf": timedelta(seconds=600)},
    "of the future": {"iat": timedelta(seconds=600)},
    "of long ago": {"iat": timedelta(seconds=-3600)},
    "no iat": {"iat": None},
    "no sub": {"sub": None},
    "empty sub": {"sub": ""},
    "sub that is no text": {"sub": ["s-ann"]},
    "sub that is too long": {"sub": "x" * 256},
    "sub with control signs": {"sub": "s-ann\x00"},
    "at_hash": {"at_hash": b64(b"x" * 16)},
}


def _from_now(away: timedelta) -> int:
    return int(time.time() + away.total_seconds())


@pytest.mark.parametrize("what", _WRONG)
def test_a_token_that_is_not_ours_or_not_of_now(panel: Flask, provider: Hostile, what: str) -> None:
    _trust(panel, provider, create="admin")
    claims = json.dumps(_WRONG[what], default=_from_now)
    filled = json.loads(claims.replace("{issuer}", provider.issuer))
    provider.claims = filled
    client = panel.test_client()
    answer = _refused(client, provider.send_back(begin(client)))
    assert "cannot be trusted" in answer.text


@pytest.mark.parametrize(
    "good", [{"aud": ["panel"]}, {"aud": ["panel", "x"], "azp": "panel"}, {"azp": "panel"}]
)
def test_what_the_standard_allows_gets_in(
    panel: Flask, provider: Hostile, good: dict[str, Any]
) -> None:
    provider.claims = good
    client = panel.test_client()
    assert client.get(provider.send_back(begin(client))).status_code == 303


def _none(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda claims: unsigned({"alg": "none", "kid": "one"}, claims)


def _none_in_other_letters(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda claims: unsigned({"alg": "NoNe", "kid": "one"}, claims)


def _stripped(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda claims: unsigned({"alg": "RS256", "kid": "one"}, claims)


def _hs256_with_the_public_key(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    key = provider.key.as_pem(private=False)
    return lambda claims: by_hmac({"alg": "HS256", "kid": "one"}, claims, key)


def _hs256_with_the_client_secret(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda claims: by_hmac({"alg": "HS256"}, claims, b"s3+x")


def _hs256_with_a_published_key(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    key = OctKey.generate_key(256, {"kid": "oct"})
    provider.published.append(dict(key.as_dict()))
    return lambda claims: jwt.encode({"alg": "HS256", "kid": "oct"}, claims, key)


def _unknown_kid(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "two"}, claims, provider.key)


def _another_key(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    key = RSAKey.generate_key(2048)
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


def _brings_its_key(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    key = RSAKey.generate_key(2048, {"kid": "mine"})
    header = {"alg": "RS256", "kid": "mine", "jwk": dict(key.as_dict(private=False))}
    return lambda claims: jwt.encode(header, claims, key)


def _names_its_keys(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    key = RSAKey.generate_key(2048, {"kid": "mine"})
    header = {"alg": "RS256", "kid": "mine", "jku": f"{provider.issuer}/my-keys"}
    return lambda claims: jwt.encode(header, claims, key)


def _key_for_encryption(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    provider.published = [{**provider.published[0], "use": "enc"}]
    return provider.sign


def _key_for_another_algorithm(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    provider.published = [{**provider.published[0], "alg": "PS256"}, {**provider.published[0]}]
    provider.published[1]["kid"] = "two"
    return provider.sign


def _small_key(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    from cryptography.hazmat.primitives.asymmetric import rsa

    small = RSAKey(rsa.generate_private_key(65537, 1024), "", {"kid": "small"})  # noqa: S505
    public = dict(small.as_dict(private=False))
    provider.published = [public]
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "small"}, claims, small)


def _critical(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    header = {"alg": "RS256", "kid": "one", "crit": ["http://evil.example"]}
    return lambda claims: unsigned(header, claims, b"x" * 256)


def _no_token(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda _claims: "a.b.c"


def _deep(provider: Hostile) -> Callable[[dict[str, Any]], str]:
    return lambda _claims: f"{b64(b'[' * 100_000)}.e30.x"


@pytest.mark.parametrize(
    "forge",
    [
        _none,
        _none_in_other_letters,
        _stripped,
        _hs256_with_the_public_key,
        _hs256_with_the_client_secret,
        _hs256_with_a_published_key,
        _unknown_kid,
        _another_key,
        _brings_its_key,
        _names_its_keys,
        _key_for_encryption,
        _key_for_another_algorithm,
        _small_key,
        _critical,
        _no_token,
        _deep,
    ],
)
@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_signature_that_is_not_the_providers(
    panel: Flask, provider: Hostile, forge: Callable[[Hostile], Callable[[dict[str, Any]], str]]
) -> None:
    provider.sign = forge(provider)
    client = panel.test_client()
    _refused(client, provider.send_back(begin(client)))
    assert "/my-keys" not in provider.seen


def test_new_keys_are_found_and_nobody_makes_us_ask_for_them_all_the_time(
    panel: Flask, provider: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = panel.test_client()
    assert client.get(provider.send_back(begin(client))).status_code == 303
    fresh = RSAKey.generate_key(2048, {"kid": "new", "use": "sig"})
    provider.published = [dict(fresh.as_dict(private=False))]
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "new"}, claims, fresh)
    other = panel.test_client()
    for _ in range(3):
        assert other.get(provider.send_back(begin(other))).status_code == 400
    assert provider.seen.count("/jwks") == 1
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert other.get(provider.send_back(begin(other))).status_code == 303
    assert provider.seen.count("/jwks") == 2


def test_a_subject_that_only_looks_alike_is_another(
    panel: Flask, provider: Hostile, both_dbs: Databases
) -> None:
    """MariaDB takes trailing spaces for nothing, others fold case."""
    for subject in ("s-ann ", "S-ANN", "s-a\u0301nn", "s-ann\u00a0", "%", "s-an_"):
        client = panel.test_client()
        status = client.get(provider.send_back(begin(client), subject)).status_code
        assert status in (400, 403), subject
        assert client.get("/account").status_code == 303, subject
        with writing(both_dbs.panel) as connection:
            connection.execute(throttle.login_attempt.delete())


# the provider ------------------------------------------------------------------------------


def test_an_answer_of_another_issuer_is_refused(panel: Flask, provider: Hostile) -> None:
    """RFC 9207: the mix-up."""
    client = panel.test_client()
    path = provider.send_back(begin(client), iss="https://evil.example")
    assert "of another sign-in provider" in _refused(client, path).text
    assert "/token" not in provider.seen


def test_who_promises_to_say_who_it_is_must_say_it(panel: Flask, provider: Hostile) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    client = panel.test_client()
    _refused(client, provider.send_back(begin(client)))
    right = provider.send_back(begin(client), iss=provider.issuer)
    assert client.get(right).status_code == 303


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "you said no there"),
        ("<script>alert(1)</script>", "did not finish"),
        ("server_error", "did not finish"),
        ("Call +49 900 1234 now", "did not finish"),
    ],
)
def test_the_page_never_shows_the_words_of_a_link(
    panel: Flask, provider: Hostile, error: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = panel.test_client()
    hostile = "<img src=x onerror=alert(1)> call 0900"
    path = provider.send_back(
        begin(client), error=error, error_description=hostile, error_uri="https://evil.example"
    )
    with caplog.at_level(logging.DEBUG):
        answer = _refused(client, path)
    assert says in answer.text
    for words in ("alert(1)", "0900", "evil.example", "+49 900"):
        assert words not in answer.text and words not in caplog.text


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/login/../\\evil.example",
    ],
)
def test_one_is_not_led_elsewhere_afterwards(panel: Flask, provider: Hostile, then: str) -> None:
    client = panel.test_client()
    answer = client.get(provider.send_back(begin(client, then), next="https://evil.example"))
    assert (answer.status_code, answer.location) == (303, "/")


def test_a_provider_that_is_away_is_a_sentence_and_the_password_still_works(app: Flask) -> None:
    switch_on(app, f"http://127.0.0.1:{ports.free_port()}")
    client = sign_in(app, "admin")
    answer = client.post("/login/openid", data={"csrf_token": client.csrf})
    assert answer.status_code == 502
    assert "does not answer as it should" in answer.text and "login and password" in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": 'https://x.example/"><script>'},
        {"authorization_endpoint": "https://u:p@x.example/"},
    ],
    ids=str,
)
def test_a_discovery_document_of_another_is_refused(
    panel: Flask, provider: Hostile, change: dict[str, Any]
) -> None:
    provider.metadata |= change
    client = sign_in(panel, "admin", "boss")
    answer = client.post("/login/openid", data={"csrf_token": client.csrf})
    assert answer.status_code == 502
    assert "not the one that was set up" in answer.text


def test_redirects_are_not_followed(panel: Flask, provider: Hostile) -> None:
    moved = Response(status=307, headers={"Location": f"{provider.issuer}/moved"})
    keys = Response(json.dumps({"keys": provider.published}), mimetype="application/json")
    provider.answers |= {"/jwks": lambda: moved, "/moved": lambda: keys}
    client = panel.test_client()
    _refused(client, provider.send_back(begin(client)), 502)
    assert "/jwks" in provider.seen and "/moved" not in provider.seen


def _too_large() -> Response:
    return Response(b'{"a": "' + b"x" * (2 << 20) + b'"}', mimetype="application/json")


def _packed() -> Response:
    return Response(b"x", headers={"Content-Encoding": "gzip"}, mimetype="application/json")


def _list() -> Response:
    return Response(b"[]", mimetype="application/json")


def _nothing() -> Response:
    return Response(b"", mimetype="application/json")


def _nested() -> Response:
    return Response(b"[" * 200_000, mimetype="application/json")


@pytest.mark.parametrize("answer", [_too_large, _packed, _list, _nothing, _nested])
@pytest.mark.parametrize("path", ["/token", "/jwks"])
def test_what_makes_no_sense_is_not_followed(
    panel: Flask, provider: Hostile, path: str, answer: Callable[[], Response]
) -> None:
    provider.answers[path] = answer
    client = panel.test_client()
    _refused(client, provider.send_back(begin(client)), 502)


def test_a_provider_that_drips_does_not_hold_us(
    panel: Flask, provider: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_http, "TOTAL_SECONDS", 1.0)

    def drip() -> Response:
        def slowly() -> Iterator[bytes]:
            for _ in range(100):
                yield b" "
                time.sleep(0.1)

        return Response(slowly(), mimetype="application/json")

    provider.answers["/token"] = drip
    client = panel.test_client()
    path = provider.send_back(begin(client))
    begun = time.monotonic()
    _refused(client, path, 502)
    assert time.monotonic() - begun < 4


def test_who_tries_too_often_waits(panel: Flask, provider: Hostile) -> None:
    client = panel.test_client()
    provider.claims = {"aud": "another"}
    answers = [
        client.get(provider.send_back(begin(client))).status_code
        for _ in range(throttle.PER_LOGIN + 2)
    ]
    assert answers == [400] * throttle.PER_LOGIN + [429, 429]


def test_no_secret_is_in_the_log(
    panel: Flask, provider: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    good = provider.sign

    def note(claims: dict[str, Any]) -> str:
        told.append(good(claims))
        return told[-1]

    provider.sign = note
    with caplog.at_level(logging.DEBUG):
        for claims in ({}, {"aud": "another"}):
            provider.claims = claims
            client = panel.test_client()
            path = provider.send_back(begin(client))
            told.append(path.rpartition("code=")[2])
            client.get(path)
        with client.session_transaction() as kept:
            told += [str(kept.get("_user_id", "-" * 9))]
    logged = "\n".join(line.getMessage() for line in caplog.records if line.name.startswith("app"))
    assert "id_token refused" in logged
    assert not [secret for secret in (*told, "s3+x") if secret in logged]


# linking -----------------------------------------------------------------------------------


def test_a_link_begun_by_one_cannot_be_finished_by_another(
    panel: Flask, provider: Hostile, databases: Databases
) -> None:
    """The attacker's provider account must not become a door to the victim's."""
    eve, victim = sign_in(panel, "noc", "eve"), sign_in(panel, "admin", "boss")
    page = eve.post("/account/openid/link", data={"csrf_token": eve.csrf, "password": PASSWORD})
    path = provider.send_back(leads_to(page), "s-eve")
    assert victim.get(path).status_code == 400
    # Even with what eve's browser keeps for it.
    with eve.session_transaction() as theirs, victim.session_transaction() as kept:
        kept["openid"] = theirs["openid"]
    assert victim.get(path).status_code == 400
    path = provider.send_back(leads_to(page), "s-eve")
    # Signed out, or somebody else, when the answer comes.
    planted = eve.get_cookie("companion")
    assert planted is not None
    eve.post("/logout", data={"csrf_token": eve.csrf})
    thief = panel.test_client()
    thief.set_cookie("companion", planted.value)
    answer = thief.get(path)
    assert answer.status_code == 400 and "not signed in any more" in answer.text
    with reading(databases.panel) as connection:
        assert connection.scalars(select(operator_identity.c.subject)).all() == ["s-ann"]


def test_a_sign_in_answer_does_not_link_and_a_link_answer_does_not_sign_in(
    panel: Flask, provider: Hostile, databases: Databases
) -> None:
    client = sign_in(panel, "noc", "eve")
    address = leads_to(client.post("/login/openid", data={"csrf_token": client.csrf}))
    assert client.get(provider.send_back(address, "s-eve")).status_code == 403
    page = client.post(
        "/account/openid/link", data={"csrf_token": client.csrf, "password": PASSWORD}
    )
    # What is ann's stays ann's: no link, and eve is who she was.
    assert client.get(provider.send_back(leads_to(page), "s-ann")).status_code == 409
    assert client.get("/operators").status_code == 403
    with reading(databases.panel) as connection:
        assert connection.scalars(select(operator_identity.c.subject)).all() == ["s-ann"]


def test_linking_takes_the_token_of_the_form_and_the_password(
    panel: Flask, provider: Hostile
) -> None:
    client = sign_in(panel, "noc", "eve")
    assert client.post("/account/openid/link", data={"password": PASSWORD}).status_code == 400
    assert client.post("/login/openid").status_code == 400
    no_password = client.post("/account/openid/link", data={"csrf_token": client.csrf})
    assert no_password.status_code == 400
    assert client.get("/account/openid/link").status_code == 405
    assert client.get("/login/openid").status_code == 405


def test_a_forged_host_does_not_change_where_the_panel_trusts(
    panel: Flask, provider: Hostile
) -> None:
    """The provider knows its redirect URIs; an answer for another host is not redeemed here."""
    client = panel.test_client()
    path = provider.send_back(begin(client))
    for code in provider.codes.values():
        code["redirect_uri"] = "https://evil.example/login/openid/back"
    _refused(client, path)
    assert provider.problems == ["redirect_uri"]
