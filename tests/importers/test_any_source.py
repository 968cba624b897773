"""Whatever is in a file, each importer names a problem, and never fails."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.cli.import_ import IMPORTERS
from tests.importers.odd_json import build_values
from tests.thoroughness import examples


@pytest.mark.parametrize("system", IMPORTERS)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=40))
def test_import_of_any_bytes_gives_a_problem(system: str, content: bytes) -> None:
    assert IMPORTERS[system]({"any": content}, "imported").problems.keys() == {"any"}


@pytest.mark.parametrize("system", IMPORTERS)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(build_values(st.text(max_size=8)))
def test_import_of_any_json_gives_a_problem(system: str, value: Any) -> None:
    content = json.dumps(value).encode()
    assert IMPORTERS[system]({"any": content}, "imported").problems.keys() == {"any"}
