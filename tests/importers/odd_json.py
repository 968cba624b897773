"""JSON that no system exports, for the properties of importers."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from flowengine.importers.flow_parts import ImportResult
from tests.importers.imported_project import check_odd_import

ImportFiles = Callable[[Mapping[str, bytes], str], ImportResult]


def build_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values of all kinds, with these texts."""
    plain = st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | texts
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)
    )


def check_odd_flows(import_files: ImportFiles, flows: list[Any]) -> None:
    """Import each of these as a file, and check what becomes of them."""
    contents = {f"odd{number}.json": json.dumps(flow).encode() for number, flow in enumerate(flows)}
    check_odd_import(import_files(contents, "imported"), contents)
