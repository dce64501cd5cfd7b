"""What the tests of webhooks share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.database import Databases
from app.core.settings import Settings
from app.webhooks.deliverer import Deliverer
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def deliverer(databases: Databases, settings: Settings) -> Iterator[Deliverer]:
    made = Deliverer(databases, settings)
    yield made
    made.leave()
