"""The shape of the house: imports point one way, files and functions stay small."""

import ast
from pathlib import Path
from typing import TypeGuard

import pytest

from flowengine.states import STATE_KINDS
from tests.house_modules import ROOT, list_nodes, parse_module

ORDER = (
    "limits", "environment", "operator_error", "cooperative", "garbage_collection", "cross_site", "public_addresses", "templates",
    "problems", "source", "expr", "svaml", "sinch", "states", "orchestration",
    "sources", "cache", "model", "compile", "storage", "runtime", "journal",
    "releases", "diff", "replay", "server", "switch", "scenarios", "diagram", "explanation",
    "importers", "phone", "console", "lsp", "cli",
)  # fmt: skip
LEAVES = {"problems", "limits", "cooperative", "source", "expr", "svaml", "sinch"}
OF_THE_SWITCH = {"limits", "cross_site", "problems", "source", "svaml", "sinch", "switch"}
FREE = {"__init__", "__main__"}


def package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in list_nodes(path):
        modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {
            parts[1]
            for name in modules
            if (parts := name.split("."))[0] == "flowengine" and len(parts) > 1
        }
    return found


FILES = sorted(path for path in ROOT.rglob("*.py") if package(path) not in FREE)


def get_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_point_one_way() -> None:
    for path in FILES:
        own = package(path)
        assert own in ORDER, f"{own} has no place in the order of packages"
        for other in imported(path) - {own}:
            assert ORDER.index(other) < ORDER.index(own), (
                f"{get_name(path)} imports {other}, which is above it"
            )
            if own in LEAVES - {"problems", "limits"}:
                assert other in {"problems", "limits", "cooperative"}, (
                    f"{get_name(path)}: a leaf may import problems, limits and cooperative only"
                )


def module(path: Path) -> str:
    parts = ("flowengine", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def imported_modules(path: Path, known: set[str]) -> set[str]:
    found = set()
    for node in list_nodes(path):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & known) - {module(path)}


def test_imports_between_files_form_no_cycle() -> None:
    paths = {module(path): path for path in ROOT.rglob("*.py")}
    left = {name: imported_modules(path, set(paths)) for name, path in paths.items()}
    while free := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in free}
    while unused := left.keys() - set().union(*left.values()):
        left = {name: needs for name, needs in left.items() if name not in unused}
    assert not left, "cycles, or what lies between them: " + ", ".join(sorted(left))


def test_files_and_functions_stay_small() -> None:
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 400, f"{get_name(path)} is too long"
        for node in list_nodes(path):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert (node.end_lineno or 0) - node.lineno < 50, (
                    f"{get_name(path)}: {node.name} is too long to read at a glance"
                )


def test_switch_modules_import_nothing_of_flows() -> None:
    for path in (ROOT / "switch").rglob("*.py"):
        assert imported(path) <= OF_THE_SWITCH, get_name(path)


def test_cel_is_imported_once_and_starlette_not_below_the_server() -> None:
    for path in FILES:
        text = path.read_text()
        if "cel_expr_python" in text:
            assert get_name(path) == "expr/cel.py"
        if "starlette" in text:
            assert package(path) in {"server", "switch", "console", "cli"}


STATES = ROOT / "states"
KIND_FILES = {
    f"flowengine.states.{path.stem}"
    for path in STATES.glob("*.py")
    if "_KIND = StateKind(" in path.read_text()
}
# Words of the platform, which calls some of its actions and places as this project calls kinds.
PLATFORM_PACKAGES = {"svaml", "sinch", "switch", "journal", "server"}
NAMES_OF_KINDS = {
    "console/action_words.py": "the platform's actions, in words",
    "console/call_words.py": "types of menu results, in the words of the platform",
    "compile/checks/legality.py": "the platform's actions, in the words of an author",
    "runtime/orchestrations.py": "tasks: place a leg, hang up",
    "scenarios/scenario_run.py": "a call that the switch has parked",
    "scenarios/simulated_rings.py": "a call that is in a conference of the switch",
    "scenarios/simulated_parties.py": "a call that is in a conference of the switch, or parked",
    "phone/call_prompt.py": "a call that the switch has parked",
    "phone/call_narrator.py": "a call that the switch has parked",
    "phone/save_scenario.py": "a call that the switch has parked",
    "importers/unique_names.py": "words that expressions keep to themselves",
    "importers/connect/contact_actions.py": "the states that it writes, as authors do",
    "importers/connect/control_actions.py": "the states that it writes, as authors do",
    "importers/voicexml/element_table.py": "elements of VoiceXML that are called like kinds",
}


def list_texts(node: ast.AST) -> set[str]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def is_looking_into_verb(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this asks by name for something that only some kinds have."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("getattr", "hasattr"):
        return False
    return ast.unparse(node.args[0]).rpartition(".")[2] == "verb"


def find_named_kinds(tree: ast.AST) -> list[str]:
    """Comparisons of a `.kind` with the name of a kind, collections of names of kinds, and members
    of a verb by their names.
    """
    found = []
    for node in ast.walk(tree):
        if is_looking_into_verb(node):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        compared = isinstance(node, ast.Compare) and any(
            isinstance(side, ast.Attribute) and side.attr == "kind"
            for side in (node.left, *node.comparators)
        )
        least = 1 if compared else 2
        if compared or isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            names = list_texts(node) & STATE_KINDS.keys()
        elif isinstance(node, ast.Dict):
            keys = {text for key in node.keys if key is not None for text in list_texts(key)}
            names = keys & STATE_KINDS.keys()
        else:
            continue
        found += [f"line {node.lineno}: {', '.join(sorted(names))}"] if len(names) >= least else []
    return found


def test_modules_outside_states_name_no_kind() -> None:
    """Ask the compiled state (`Verb`) or the entry of the registry (`StateKind`) instead."""
    for path in FILES:
        if package(path) == "states":
            continue
        imports = [node for node in list_nodes(path) if isinstance(node, ast.ImportFrom)]
        named = {node.module for node in imports} | {
            f"{node.module}.{alias.name}" for node in imports for alias in node.names
        }
        assert not named & KIND_FILES, get_name(path)
        if package(path) not in PLATFORM_PACKAGES:
            found = find_named_kinds(parse_module(path))
            assert bool(found) == (get_name(path) in NAMES_OF_KINDS), f"{get_name(path)}: {found}"


def test_state_kinds_have_a_file_of_their_own() -> None:
    assert len(KIND_FILES) >= 9
    assert set(NAMES_OF_KINDS) <= {get_name(path) for path in FILES}


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('state.kind == "menu"', True),
        ('state.kind in ("menu", "collect")', True),
        ('KINDS = {"menu", "collect"}', True),
        ('SHAPES = {"menu": 1, "hangup": 2}', True),
        ('state.kind == "say"', False),
        ('getattr(state.verb, "least", 0)', True),
        ("state.verb.is_question", False),
        ('event.type == "hangup"', False),
    ],
)
def test_named_kinds_are_recognised(code: str, named: bool) -> None:
    assert bool(find_named_kinds(ast.parse(code))) is named
