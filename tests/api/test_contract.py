"""Schemathesis over the whole document, on each database: as the house, and as a tenant."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given
from schemathesis.checks import CHECKS, load_all_checks

from app.api.operations import OPERATIONS, Operation
from app.core.database import Databases
from app.core.settings import Settings
from tests.api import world
from tests.api.conftest import Program
from tests.api.world import World
from tests.architecture.test_matrix import mark_of

# Examples of each operation; what is found is the same in each run.
EXAMPLES = {"sqlite": 12, "mariadb": 5, "postgresql": 5}
# What would take the ground from under the others.
_ALONE = {"tokens_revoke", "me_password"}
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """More requests than a program may make in a minute."""
    return dataclasses.replace(settings, api_rate=1_000_000)


@pytest.fixture
def seeded(app: Flask, both_dbs: Databases) -> World:
    """Two tenants and the house, with a little of everything."""
    return world.build(app, both_dbs)


def _path(operation: Operation, ids: dict[str, Any]) -> str:
    found = operation.path
    for name in operation.path_names:
        value = ids["audit_id"] if operation.id == "audit_one" else ids[name]
        found = found.replace(f"{{{name}}}", str(value))
    return found


def _examples(seeded: World, client: Program) -> Iterator[tuple[Operation, Any]]:
    """Each operation as its own example asks it."""
    for operation in OPERATIONS.values():
        body = None if operation.body is None else dict(operation.body.example)
        headers = {"If_Match": "*"} if operation.needs_match else {}
        if operation.method == "POST":
            headers["Idempotency_Key"] = f"example-{operation.id}"
        needed = "&".join(f"{p.name}=1" for p in operation.params if p.required)
        path = f"{_path(operation, seeded.ids)}?{needed}".rstrip("?")
        yield operation, client.ask(operation.method, path, body, **headers)


def test_examples_reach_what_they_are_examples_of(seeded: World) -> None:
    reached = Counter[bool]()
    answers = {}
    for operation, answer in _examples(seeded, seeded.admin):
        answers[operation.id] = (answer.status_code, answer.text[:200])
        reached[answer.status_code < 300] += 1
        assert answer.status_code < 500, (operation.id, answer.text)
    failed = {name: found for name, found in answers.items() if found[0] >= 300}
    assert reached[True] >= 0.8 * reached.total(), failed


def _cases(app: Flask, client: Program) -> Iterator[Any]:
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", app, headers={"Authorization": f"Bearer {client.token}"}
    )
    found = [result.ok() for result in schema.get_all_operations()]
    # What deletes comes last: the others want to find something.
    for operation in sorted(found, key=lambda one: one.method.upper() == "DELETE"):
        if operation.definition.raw["operationId"] not in _ALONE:
            yield operation


@pytest.mark.parametrize("who", ["admin", "reseller"])
def test_whatever_is_sent_the_answer_is_described(seeded: World, db_kind: str, who: str) -> None:
    client: Program = getattr(seeded, who)
    load_all_checks()
    checks = [check for check in CHECKS.get_all() if check.__name__ in _CHECKS]
    assert len(checks) == len(_CHECKS)
    reached: dict[str, set[int]] = defaultdict(set)
    known = [seeded.ids, seeded.mine, seeded.theirs]
    if who == "reseller":
        for operation, answer in _examples(seeded, client):
            reached[operation.id].add(answer.status_code)
            assert mark_of(3) not in answer.text, operation.id
    hidden = mark_of(3) if who == "reseller" else ""
    for operation in _cases(seeded.app, client):
        name = operation.definition.raw["operationId"]
        _hunt(operation, name, client, known, checks, reached, EXAMPLES[db_kind], hidden)
    print({n: sorted(f) for n, f in reached.items()})
    assert client.ask("GET", "/me").status_code == 200
    if who == "admin":
        good = [name for name, found in reached.items() if any(code < 300 for code in found)]
        assert len(good) >= 0.8 * len(reached), {n: f for n, f in reached.items() if n not in good}


def _hunt(
    operation: Any,
    name: str,
    client: Program,
    known: list[dict[str, Any]],
    checks: list[Any],
    reached: dict[str, set[int]],
    count: int,
    hidden: str,
) -> None:
    """Asks one operation; half of the numbers in its path are of things that there are."""
    choose = random.Random(name)

    @given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        if case.path_parameters and choose.random() < 0.7:
            ids = choose.choice(known)
            for part in case.path_parameters:
                case.path_parameters[part] = ids.get(part, known[0][part])
        if case.headers and "If-Match" in case.headers and choose.random() < 0.7:
            case.headers["If-Match"] = "*"
        answer = case.call(headers={"Authorization": f"Bearer {client.token}"})
        reached[name].add(answer.status_code)
        case.validate_response(answer, checks=checks)
        assert not hidden or hidden not in answer.text, (name, answer.text[:500])

    ask()
