"""However a flow is written down, it is the same flow; and no word, number or exit of it changes
unseen.
"""

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flowengine.compile import CompileResult, ProjectCompiler, compile_project
from flowengine.diff import compare_projects, to_text
from flowengine.source import read_document
from flowengine.sources.project_folder import read_folder
from tests.diff.diff_edits import FILES
from tests.thoroughness import examples

FLOWS = Path(__file__).parents[2] / "flows"
SHIPPED = read_folder(FLOWS)
NAMES = sorted(name for name in SHIPPED if "/" not in name and name != "project.yaml")

SLOW = settings(
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
UNHEARD = {"note", "title", "flow", "project"}


@cache
def data(name: str) -> Any:
    document, problems = read_document(SHIPPED[name], name)
    assert document
    assert not problems
    return document.data


COMPILER = ProjectCompiler()


@cache
def shipped() -> CompileResult:
    return compile_project(SHIPPED, {})


def with_file(name: str, content: bytes) -> CompileResult:
    return COMPILER.compile({**SHIPPED, name: content}, {})


class Dumper(yaml.SafeDumper):
    """Writes texts in any of the ways there are, and never an alias."""

    chance: random.Random

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def any_text(dumper: Dumper, text: str) -> yaml.Node:
    style = dumper.chance.choice([None, "'", '"'])
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, any_text)


def rewritten(name: str, chance: random.Random) -> bytes:
    """The same file as another hand would write it."""
    kind = type("Hand", (Dumper,), {"chance": chance})
    text = yaml.dump(
        shuffled(data(name), chance),
        Dumper=kind,
        default_flow_style=chance.choice([True, False, None]),
        indent=chance.choice([2, 4]),
        width=chance.choice([40, 80, 1000]),
        sort_keys=False,
        allow_unicode=chance.choice([True, False]),
    )
    return commented(text, chance).encode()


def commented(text: str, chance: random.Random) -> str:
    """With remarks before the first line and after the last."""
    return f"# {chance.random()}\n\n{text}\n# The end.\n"


def shuffled(value: Any, chance: random.Random, key: str = "") -> Any:
    """Keys in another order, and short forms in their long form. Lists mean what they are in order."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if (
        isinstance(value, str)
        and key in ("say", "prompt", "invalid", "again")
        and chance.random() < 0.5
    ):
        return chance.choice([{"text": value}, [value], [{"text": value}]])
    if isinstance(value, str) and key == "connect":
        return {"phone": value}
    if not isinstance(value, dict):
        return value
    keys = list(value)
    chance.shuffle(keys)
    made = {one: shuffled(value[one], chance, one) for one in keys}
    if key == "options":
        made = {
            one: {"next": leads} if isinstance(leads, str) and chance.random() < 0.5 else leads
            for one, leads in made.items()
        }
    return made


@SLOW
@given(name=st.sampled_from([*NAMES, "project.yaml"]), chance=st.randoms(use_true_random=False))
def test_reformatting_is_no_change(name: str, chance: random.Random) -> None:
    new = with_file(name, rewritten(name, chance))
    assert new.release, [str(problem) for problem in new.problems if problem.severity == "error"]
    assert to_text(compare_projects(shipped(), new)) == "no change in meaning\n"


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in UNHEARD or "subflow" in path:
                yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(value, dict):
        return {
            key: replaced(item, tuple(rest), new) if key == step else item
            for key, item in value.items()
        }
    return [
        replaced(item, tuple(rest), new) if index == step else item
        for index, item in enumerate(value)
    ]


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def other(value: Any, states: list[str], chance: random.Random) -> Any:
    """Another value that may stand there."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if value in states:
        return chance.choice([name for name in states if name != value] or [value])
    if isinstance(value, str) and value.startswith("+"):
        return f"{value[:-1]}9"
    if isinstance(value, str):
        return chance.choice([f"{value} indeed", f"{value}1", f"1{value}", "7s", "true", "31%"])
    return value


@settings(SLOW, max_examples=examples(150))
@given(name=st.sampled_from(NAMES), chance=st.randoms(use_true_random=False))
def test_edit_of_any_value_is_a_difference(name: str, chance: random.Random) -> None:
    whole = data(name)
    path = chance.choice(list(leaves(whole)))
    old = at(whole, path)
    new = other(old, list(whole["states"]), chance)
    assume(new != old)
    text = yaml.safe_dump(replaced(whole, path, new), sort_keys=False)
    changed = with_file(name, text.encode())
    assume(changed.release is not None)
    assert compare_projects(shipped(), changed), f"{name}: {path} was {old!r} and is {new!r}"
    assert compare_projects(changed, shipped())


@SLOW
@given(st.sets(st.sampled_from(sorted(FILES)), min_size=1))
def test_flows_do_not_differ_from_themselves(names: set[str]) -> None:
    some = compile_project({name: FILES[name].encode() for name in names}, {})
    again = compile_project({name: f"# again\n{FILES[name]}".encode() for name in names}, {})
    assert not compare_projects(some, some)
    assert not compare_projects(some, again)
