"""A switch with a backend, for tests of its APIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.switch.switch_process import Backend, Switch


@pytest.fixture
def backend() -> Iterator[Backend]:
    from tests.switch import switch_process

    with switch_process.backend() as made:
        yield made


@pytest.fixture
def switch(backend: Backend) -> Iterator[Switch]:
    from tests.switch import switch_process

    with switch_process.switch(backend.url) as made:
        yield made
