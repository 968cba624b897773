"""What is known of a name, in words."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lsprotocol.types import MarkupContent, MarkupKind

from flowengine.compile.flow_variables import DEFAULT_SIZE
from flowengine.expr.calendar_parser import CalendarError, parse_calendar
from flowengine.lsp.name_index import Symbol
from flowengine.lsp.project_view import ProjectView
from flowengine.problems import format_count
from flowengine.sources.project_folder import PROJECT_FILE


def to_markdown(text: str) -> MarkupContent:
    return MarkupContent(MarkupKind.Markdown, text)


def describe_variable(value: Any) -> str:
    """Type and size of a variable, as its author declared it."""
    if not isinstance(value, dict):
        return "variable"
    kind = str(value.get("type", "variable"))
    parts = [kind]
    if "max" in value or kind == "text":
        parts.append(f"at most {value.get('max', DEFAULT_SIZE)} characters")
    if isinstance(value.get("choices"), list):
        parts.append(" | ".join(map(str, value["choices"])))
    if "default" in value:
        parts.append(f"begins as {value['default']}")
    if value.get("secret") is True:
        parts.append("secret")
    return ", ".join(parts)


def describe_symbol(view: ProjectView, symbol: Symbol, now: datetime | None = None) -> str:
    """A name in Markdown; nothing for one that is not defined. What a state sends is told by
    `flowengine.explanation`.
    """
    value = view.get_value(symbol)
    if value is None and symbol.name not in view.list_names(symbol.kind, symbol.flow):
        return ""
    if symbol.kind == "variable":
        return "\n\n".join(
            [f"**{symbol.name}**: {describe_variable(value)}", *_list_setters(view, symbol)]
        )
    if symbol.kind == "calendar":
        more = _describe_calendar(view, value, now or datetime.now(UTC))
    else:
        more = _DESCRIPTIONS.get(symbol.kind, _describe_nothing)(value)
    return "\n\n".join([f"**{symbol.name}**: {symbol.kind}", *([more] if more else [])])


def _describe_message(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return "\n".join(f"- {locale}: {text}" for locale, text in value.items())


def _describe_service(value: Any) -> str:
    return str(value.get("url", "")) if isinstance(value, dict) else ""


def _describe_secret(value: Any) -> str:
    return f"from the environment variable `{value}`"


def _describe_table(value: Any) -> str:
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, dict) or not rows:
        return ""
    first = next(iter(rows.values()))
    columns = ", ".join(map(str, first)) if isinstance(first, dict) else ""
    return f"{format_count(len(rows), 'row')} with {columns}"


def _describe_group(value: Any) -> str:
    members = value.get("members") if isinstance(value, dict) else None
    return "\n".join(f"- {member}" for member in members) if isinstance(members, list) else ""


def _describe_flow(value: Any) -> str:
    return str(value.get("title", "")) if isinstance(value, dict) else ""


def _describe_nothing(_: Any) -> str:
    return ""


_DESCRIPTIONS: Final[Mapping[str, Callable[[Any], str]]] = {
    "message": _describe_message,
    "service": _describe_service,
    "secret": _describe_secret,
    "table": _describe_table,
    "group": _describe_group,
    "flow": _describe_flow,
}


def _list_setters(view: ProjectView, symbol: Symbol) -> Iterator[str]:
    """The states that give a variable its value."""
    latest = view.checker.latest
    program = latest.compiled.programs.get(symbol.flow) if latest else None
    states = program.states.values() if program else ()
    setting = [state.name for state in states if f"vars.{symbol.name}" in state.writes]
    data = view.get_flow_data(symbol.flow).get("inputs")
    if isinstance(data, list) and symbol.name in data:
        yield "handed in as an input"
    if setting:
        yield f"set in {', '.join(f'`{name}`' for name in setting)}"


def _describe_calendar(view: ProjectView, value: Any, now: datetime) -> str:
    project = view.session.read_file(PROJECT_FILE)
    data = project.document.data if project and isinstance(project.document.data, dict) else {}
    try:
        calendar = parse_calendar(value, str(data.get("zone", "UTC")))
    except (CalendarError, AttributeError, TypeError):
        return "It has a mistake."
    if calendar.is_open(now):
        return f"It is open now ({calendar.zone.key})."
    opening = calendar.find_next_opening(now)
    if opening is None:
        return f"It is closed, and never opens again ({calendar.zone.key})."
    return f"It is closed now, and opens on {opening:%A, %Y-%m-%d at %H:%M} ({calendar.zone.key})."
