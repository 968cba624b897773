"""The id of a release is the same digest of its files, however it is come by."""

import hashlib
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.compile.changed_files import list_changed_names
from flowengine.compile.release_id import ReleaseIds, compute_release_id
from tests.thoroughness import examples

NAMES = [f"{number}.yaml" for number in range(300)]
CONTENTS = st.binary(max_size=3)


def digest(files: Mapping[str, bytes]) -> str:
    """The id as all versions have written it into archives and cookies."""
    parts = (f"{name}\0{len(files[name])}\0".encode() + files[name] for name in sorted(files))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def test_release_id_is_the_one_that_archives_have() -> None:
    files = {"a.yaml": b"flow: a", "project.yaml": b"project: x", "tables/ä.yaml": b""}
    assert compute_release_id(files) == digest(files) == "02c6665d8358"
    assert compute_release_id({}) == digest({}) == "e3b0c44298fc"


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_release_ids_of_edited_files_equal_those_from_nothing(data: st.DataObject) -> None:
    ids = ReleaseIds()
    files = dict.fromkeys(NAMES[: data.draw(st.integers(0, 300))], b"")
    for _ in range(data.draw(st.integers(1, 8))):
        assert ids.compute(files) == digest(files)
        edits = data.draw(st.dictionaries(st.sampled_from(NAMES), st.none() | CONTENTS, max_size=3))
        before, files = files, {**files, **{k: v for k, v in edits.items() if v is not None}}
        for name in edits:
            if edits[name] is None:
                files.pop(name, None)
        assert list_changed_names(before, files) == {
            name for name in NAMES if before.get(name) != files.get(name)
        }
