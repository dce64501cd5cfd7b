"""Reading past gaps: no id is lost, none is read twice, none is waited for for ever."""

from hypothesis import given
from hypothesis import strategies as st

from app.mediation.position import Gap, Position, advance, gaps_from_text, gaps_to_text

SETTLING = 600_000


def read(position: Position, ids: list[int], now: int = 1_000_000) -> Position:
    return advance(position, [(row_id, now) for row_id in ids], now, SETTLING)


def test_a_gap_is_remembered_and_closed_by_its_late_row() -> None:
    position = read(Position(0, 0), [1, 2, 5])
    assert (position.settled, position.high) == (2, 5)
    assert position.wants(3)
    assert position.wants(4)
    assert not position.wants(5)
    position = read(position, [4])
    assert position.gaps == (Gap(3, 3, 1_000_000),)
    position = read(position, [3])
    assert (position.settled, position.high, position.gaps) == (5, 5, ())


def test_a_gap_is_given_up_after_the_settling_time_and_counted() -> None:
    position = read(Position(0, 0), [1, 4])
    later = advance(position, [], 1_000_000 + SETTLING, SETTLING)
    assert (later.settled, later.skipped, later.gaps) == (4, 2, ())


def test_gaps_of_an_old_table_are_not_waited_for() -> None:
    now = 10_000_000
    position = advance(Position(0, 0), [(5, now - SETTLING), (7, now)], now, SETTLING)
    assert position.gaps == (Gap(6, 6, now),)
    assert position.skipped == 4


@given(
    st.lists(st.integers(1, 60), unique=True, min_size=1),
    st.integers(1, 5),
)
def test_rows_in_any_order_of_commit_are_each_wanted_once(order: list[int], batch: int) -> None:
    """Rows become visible in any order; each pass reads what is visible and wanted."""
    position, visible, taken = Position(0, 0), set[int](), list[int]()
    for start in range(0, len(order), batch):
        visible |= set(order[start : start + batch])
        wanted = sorted(row_id for row_id in visible if position.wants(row_id))
        taken += wanted
        position = read(position, wanted)
        position = Position(
            position.settled, position.high, gaps_from_text(gaps_to_text(position.gaps))
        )
    assert sorted(taken) == sorted(order)
