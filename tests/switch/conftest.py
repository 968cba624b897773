"""A switch with a backend, for tests of its APIs."""

from collections.abc import Iterator

import desk_process
import pytest


@pytest.fixture
def backend() -> Iterator[desk_process.Backend]:
    with desk_process.backend() as made:
        yield made


@pytest.fixture
def switch(backend: desk_process.Backend) -> Iterator[desk_process.Switch]:
    with desk_process.switch(backend.url) as made:
        yield made
