"""What an editor shows of what stands under the pointer."""

import re
from textwrap import dedent

from lsprotocol.types import Hover, Range

from flowengine.lsp.describe import describe_symbol, to_markdown
from flowengine.lsp.file_model import find_keys
from flowengine.lsp.name_index import Symbol
from flowengine.lsp.open_view import OpenView
from flowengine.problems import CATALOGUE

_CODE = re.compile(r"\bFE[0-9]{3}\b")


async def build_hover(place: OpenView) -> Hover | None:
    """Problems that are told here, a problem code, a name, or a key; in this order."""
    if found := _find_code(place):
        return found
    pages = [_describe_code(code) for code in _list_problem_codes(place)]
    text, where = await _describe_name(place)
    if not text:
        text, where = _describe_key(place)
    shown = [*([text] if text else []), *pages]
    return Hover(to_markdown("\n\n---\n\n".join(shown)), where) if shown else None


def _find_code(place: OpenView) -> Hover | None:
    """The page of a problem code that somebody wrote, such as in a comment."""
    line, column = place.positions.split_offset(place.offset)
    for found in _CODE.finditer(place.positions.get_line(line)):
        if found.start() <= column <= found.end() and found[0] in CATALOGUE:
            return Hover(to_markdown(_describe_code(found[0])))
    return None


def _list_problem_codes(place: OpenView) -> list[str]:
    """The codes of the problems at this place, as they were published last."""
    latest = place.view.checker.latest
    if latest is None:
        return []
    found = []
    for problem in latest.problems:
        if problem.span.file == place.view.file and problem.span.line:
            start, end = place.positions.to_offsets(problem.span)
            if start <= place.offset <= end:
                found.append(problem.code)
    return list(dict.fromkeys(found))


def _describe_code(code: str) -> str:
    entry = CATALOGUE[code]
    examples = [
        f"{label}:\n\n```yaml\n{example.rstrip()}\n```"
        for label, example in (("Wrong", entry.wrong), ("Right", entry.right))
        if example
    ]
    return "\n\n".join([f"**{code}** {entry.title}", entry.explanation.strip(), *examples])


async def _describe_name(place: OpenView) -> tuple[str, Range | None]:
    use = place.find_name()
    if use is None:
        return "", None
    text = describe_symbol(place.view, use.symbol)
    if use.symbol.kind == "state" and text:
        told = await _explain_state(place, use.symbol)
        text = f"```text\n{told}\n```" if told else text
    return text, place.positions.to_range(use.start, use.end)


async def _explain_state(place: OpenView, symbol: Symbol) -> str:
    """What a state sends and where it leads, by the last version without errors."""
    explanation = await place.view.checker.explain()
    program = explanation.release.programs.get(symbol.flow) if explanation else None
    state = program.states.get(symbol.name) if program else None
    if explanation is None or program is None or state is None:
        return ""
    return dedent(explanation.format_state(program, state)).rstrip()


def _describe_key(place: OpenView) -> tuple[str, Range | None]:
    found = place.find_key()
    if found is None:
        return "", None
    path, where = found
    for key in find_keys(place.view.kind, path[:-1]):
        if key.name == path[-1] and key.description:
            return f"**{key.name}**: {key.description}", where
    return "", None
