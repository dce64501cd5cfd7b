"""Pages by place: every row once, both ways, on each database; hostile places refused."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, select

from app.core.database import Databases, reading, writing
from app.core.errors import InvalidInput
from app.shell import keyset
from app.shell.keyset import Page, Place

ROWS = 97


@pytest.fixture
def fruit(panel_db: Databases) -> Table:
    """A table with many equal values in the column that lists are sorted by."""
    table = Table(
        "fruit",
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", String(20), nullable=False),
        Column("weight", Integer, nullable=False),
    )
    table.create(panel_db.panel)
    chance = random.Random(4)
    names = ["", "apple", "Apple", "pear", "pear ", "ÿ", "z\\"]
    with writing(panel_db.panel) as connection:
        connection.execute(
            table.insert(),
            [
                {"id": n, "name": chance.choice(names), "weight": chance.randrange(-3, 4)}
                for n in chance.sample(range(1000), ROWS)
            ],
        )
    return table


def _page(dbs: Databases, table: Table, sort: str, falling: bool, place: Place | None) -> Page:
    keys = {sort: table.c[sort], "id": table.c.id} if sort != "id" else {"id": table.c.id}
    with reading(dbs.panel) as connection:
        return keyset.page(
            connection, select(table), keys, descending=falling, place=place, limit=10
        )


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.dictionaries(
        st.integers(-(2**31), 2**31 - 1),
        st.tuples(st.text("aAb %_\\'é", max_size=3), st.integers(-2, 2)),
        max_size=45,
    ),
    sort=st.sampled_from(["id", "name", "weight"]),
    falling=st.booleans(),
)
def test_any_rows_are_met_once_each_way(
    panel_db: Databases,
    fruit: Table,
    rows: dict[int, tuple[str, int]],
    sort: str,
    falling: bool,
) -> None:
    with writing(panel_db.panel) as connection:
        connection.execute(fruit.delete())
        if rows:
            values = [{"id": n, "name": name, "weight": w} for n, (name, w) in rows.items()]
            connection.execute(fruit.insert(), values)
    seen = _walk(panel_db, fruit, sort, falling)
    assert sorted(seen) == sorted(rows)


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("sort", ["id", "name", "weight"])
def test_walking_there_and_back_meets_every_row_once(
    panel_db: Databases, fruit: Table, sort: str, falling: bool
) -> None:
    assert len(set(_walk(panel_db, fruit, sort, falling))) == ROWS


def _walk(panel_db: Databases, fruit: Table, sort: str, falling: bool) -> list[int]:
    """The ids from the first page to the last, after the way back has met the same."""
    there: list[list[int]] = []
    place: Place | None = None
    while True:
        found = _page(panel_db, fruit, sort, falling, place)
        there.append([row["id"] for row in found.rows])
        if found.older is None:
            break
        place = Place.parse(found.older)
    seen = [number for ids in there for number in ids]
    assert len(seen) == len(set(seen))
    back = [there[-1]]
    while found.newer is not None:
        found = _page(panel_db, fruit, sort, falling, Place.parse(found.newer, backwards=True))
        back.insert(0, [row["id"] for row in found.rows])
    assert [number for ids in back for number in ids] == seen
    return seen


def test_the_order_is_the_databases_own(panel_db: Databases, fruit: Table) -> None:
    with reading(panel_db.panel) as connection:
        query = select(fruit.c.id).order_by(fruit.c.weight.desc(), fruit.c.id.desc())
        whole = list(connection.scalars(query))
    first = _page(panel_db, fruit, "weight", True, None)
    assert [row["id"] for row in first.rows] == whole[:10]


def test_an_empty_list_has_no_neighbours(panel_db: Databases, fruit: Table) -> None:
    with writing(panel_db.panel) as connection:
        connection.execute(fruit.delete())
    assert _page(panel_db, fruit, "name", False, None) == Page([])


def test_rows_that_vanish_leave_a_way_back(panel_db: Databases, fruit: Table) -> None:
    found = _page(panel_db, fruit, "id", False, None)
    place = Place.parse(str(found.older))
    with writing(panel_db.panel) as connection:
        connection.execute(fruit.delete().where(fruit.c.id > place.values[0]))
    assert _page(panel_db, fruit, "id", False, place).rows == []


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    ["x", "%%%", _packed({}), _packed([1.5, 2]), _packed([True, 1]), _packed([None, 1]),
     _packed([[1], 2]), _packed([2**63, 1]), _packed(["a" * 2000, 1]), _packed(["\x00", 1]),
     _packed(["\ud800", 1]),
     "é", _packed("a"), "W" * 9000],
)  # fmt: skip
def test_what_was_never_a_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Place.parse(text)


@pytest.mark.parametrize("values", [[], [1], [1, 2, 3], ["1", 2], [1, "2"], ["a", "b"]])
def test_a_place_of_another_list_is_refused(
    panel_db: Databases, fruit: Table, values: list[object]
) -> None:
    with pytest.raises(InvalidInput):
        _page(panel_db, fruit, "weight", False, Place.parse(_packed(values)))


@given(st.lists(st.one_of(st.integers(-(2**63) + 1, 2**63 - 1), st.text(max_size=50)), min_size=1))
def test_places_survive_the_address(values: list[int | str]) -> None:
    if any(isinstance(value, str) and "\x00" in value for value in values):
        return
    place = Place(tuple(values))
    assert Place.parse(str(place)) == place
