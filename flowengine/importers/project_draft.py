"""The project that an importer writes: flows, what they share, and skeletons of scenarios."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import yaml

from flowengine.importers.import_report import Conversion, ImportReport, ReportEntry
from flowengine.source.canonical_form import format_content
from flowengine.source.layout_gaps import UnformattableError

_PLACEHOLDER_MEMBER: Final = "sip:fill-in@example.invalid"
PLACEHOLDER_ADDRESS: Final = "https://fill-in.example.invalid"
_MAX_COMMENT: Final = 300
_INLINE_LENGTH: Final = 70
_STEADY_KEYS: Final = frozenset(("say", "set", "next", "error", "locale", "record"))


class DraftDumper(yaml.SafeDumper):
    """YAML as flows are written: nothing is abbreviated, and a key without a value has none."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature of PyYAML
        """Whether to write a value out each time."""
        return True


DraftDumper.add_representer(
    type(None), lambda dumper, _value: dumper.represent_scalar("tag:yaml.org,2002:null", "")
)


class InlineMapping(dict[str, Any]):
    """A small group that stands on one line."""


class InlineList(list[Any]):
    """A small list that stands on one line."""


DraftDumper.add_representer(
    InlineMapping,
    lambda dumper, value: dumper.represent_mapping(
        "tag:yaml.org,2002:map", value.items(), flow_style=True
    ),
)
DraftDumper.add_representer(
    InlineList,
    lambda dumper, value: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", value, flow_style=True
    ),
)


@dataclass
class StateDraft:
    """A state and the construct that it comes from; or several, which are one state here."""

    body: dict[str, Any]
    entry: ReportEntry | None = None
    comment: str = ""
    others: list[ReportEntry] = field(default_factory=list)


@dataclass
class FlowDraft:
    """A flow; `head` holds its keys before the states. `leads_to` are the flows that it goes over
    to.
    """

    name: str
    title: str = ""
    start: str = ""
    head: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, StateDraft] = field(default_factory=dict)
    comment: str = ""
    leads_to: list[str] = field(default_factory=list)


class ServiceDraft(msgspec.Struct, frozen=True):
    """A service, what it comes from, and its address."""

    source: str
    url: str = PLACEHOLDER_ADDRESS


@dataclass
class ProjectDraft:
    """The flows and what they share, by name; what an author fills in is a comment there."""

    name: str
    report: ImportReport = field(default_factory=ImportReport)
    flows: dict[str, FlowDraft] = field(default_factory=dict)
    services: dict[str, ServiceDraft] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict)
    records: bool = False

    def to_files(self) -> dict[str, bytes]:
        """All files by name, in their canonical form."""
        files = {"project.yaml": "".join(write_project(self))}
        called = self.list_called_flows()
        for flow in self.flows.values():
            files[f"{flow.name}.yaml"] = "".join(write_flow(flow))
            if flow.name in called:
                files[f"scenarios/{flow.name}.yaml"] = write_scenarios(flow, self.services)
        return {name: to_canonical_form(text, name) for name, text in files.items()}

    def list_called_flows(self) -> list[str]:
        """The flows that callers reach by dialling: no subflows, and none that others lead to. Of
        flows that lead to each other in a loop, it is the first.
        """
        main = [
            name for name, flow in self.flows.items() if flow.start and "outcomes" not in flow.head
        ]
        led_to = {each for name in main for each in self.flows[name].leads_to}
        called: set[str] = set()
        reached: set[str] = set()
        for name in sorted(main, key=led_to.__contains__):
            if name in reached:
                continue
            called.add(name)
            waiting = [name]
            while waiting:
                each = waiting.pop()
                if each not in reached:
                    reached.add(each)
                    waiting += self.flows[each].leads_to
        return [name for name in main if name in called]


def to_canonical_form(text: str, name: str) -> bytes:
    content = text.encode()
    try:
        formatted, _ = format_content(content, name)
    except UnformattableError:
        return content
    return formatted


def dump_yaml(data: Any, indent: int = 0) -> str:
    text = yaml.dump(data, Dumper=DraftDumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return "".join(f"{' ' * indent}{line}\n" for line in text.splitlines())


def inline_small(value: Any) -> Any:
    """The value with each small group of plain values on one line."""
    if not isinstance(value, dict | list):
        return value
    inner = list(value.values()) if isinstance(value, dict) else value
    keys = "".join(map(str, value)) if isinstance(value, dict) else ""
    # inside of brackets PyYAML would write an empty value as `!!null`
    is_plain = not any(each is None or isinstance(each, dict | list) for each in inner)
    if is_plain and len(keys) + sum(len(str(each)) + 4 for each in inner) <= _INLINE_LENGTH:
        return InlineMapping(value) if isinstance(value, dict) else InlineList(value)
    if isinstance(value, dict):
        return {key: inline_small(each) for key, each in value.items()}
    return [inline_small(each) for each in value]


def inline_values(group: dict[str, Any]) -> dict[str, Any]:
    """A group of several lines whose values are as short as they can be."""
    return {key: inline_small(each) for key, each in group.items()}


def to_comment(text: str, indent: int = 0) -> str:
    line = " ".join(text.split())
    short = line if len(line) <= _MAX_COMMENT else f"{line[:_MAX_COMMENT]} …"
    return f"{' ' * indent}# {short}\n"


def write_flow(flow: FlowDraft) -> Iterator[str]:
    if flow.comment:
        yield to_comment(flow.comment)
    head: dict[str, Any] = {"flow": flow.name}
    if flow.title:
        head["title"] = flow.title
    head |= inline_values(flow.head)
    if flow.start:
        head["start"] = flow.start
    if flow.variables:
        head["vars"] = inline_values(flow.variables)
    yield dump_yaml(head).replace("\n'on':", "\non:")  # a key of the language, no truth value
    yield "\nstates:\n"
    for name, state in flow.states.items():
        if state.comment:
            yield to_comment(state.comment, 2)
        for entry in filter(None, [state.entry, *state.others]):
            if comment := describe_origin(entry):
                yield to_comment(comment, 2)
        yield dump_yaml({name: inline_values(state.body)}, 2)


def describe_origin(entry: ReportEntry) -> str:
    """What a reader of the flow has to know of the construct."""
    if not entry.remarks:
        return ""
    if entry.conversion is Conversion.CONVERTED:
        return f"{entry.construct}: {'; '.join(entry.remarks)}"
    return entry.describe()


def write_project(draft: ProjectDraft) -> Iterator[str]:
    yield dump_yaml({"project": draft.name})
    called = draft.list_called_flows()
    if called and len(draft.flows) > 1:
        numbered = enumerate(called[:0:-1], start=100)  # 555-0100 to 555-0199 ring nobody
        routes: list[dict[str, str]] = [
            {"to": f"+1404555{number:04}", "flow": name} for number, name in numbered
        ]
        yield "routes:\n"
        yield to_comment("fill in: the numbers of each flow; the last one takes all other calls", 2)
        yield dump_yaml([*map(InlineMapping, routes), InlineMapping(flow=called[0])], 2)
    if draft.services:
        yield "services:\n"
        if any(each.url == PLACEHOLDER_ADDRESS for each in draft.services.values()):
            comment = "fill in: the addresses of these services, which stand for functions"
            yield to_comment(comment, 2)
        for name, service in draft.services.items():
            yield to_comment(service.source, 2)
            yield dump_yaml({name: {"url": service.url}}, 2)
    if draft.groups:
        yield "groups:\n"
        yield to_comment("fill in: the members who take the calls of each queue", 2)
        for name, source in draft.groups.items():
            yield to_comment(source, 2)
            group = {"members": InlineList([_PLACEHOLDER_MEMBER]), "order": "longest idle"}
            yield dump_yaml({name: group}, 2)
    if draft.calendars:
        yield "calendars:\n"
        yield to_comment("fill in: zone and hours", 2)
        for name, source in draft.calendars.items():
            yield to_comment(source, 2)
            hours = InlineMapping({"mon-fri": "09:00-17:00"})
            yield dump_yaml({name: {"zone": "UTC", "open": hours}}, 2)
    if draft.records:
        yield "recordings:\n"
        yield to_comment("fill in: where recordings go", 2)
        yield dump_yaml({"to": "s3://fill-in/recordings"}, 2)


def write_scenarios(flow: FlowDraft, services: Iterable[str]) -> str:
    """A call that hears what the flow says first, as far as no condition decides it."""
    steps: list[dict[str, str]] = []
    name, seen = flow.start, set()
    while name in flow.states and name not in seen and not steps:
        seen.add(name)
        body = flow.states[name].body
        said = body.get("say")
        if isinstance(said, str) and "$" not in said:
            steps.append({"hears": said})
        if set(body) - _STEADY_KEYS:
            break
        name = body.get("next", "")
    lookups = [{"service": each, "post": "/", "times": "any", "answer": {}} for each in services]
    given = {"caller": "+14045550199"} | ({"lookups": lookups} if lookups else {})
    scenario = {"given": given} | ({"when": steps} if steps else {})
    text = dump_yaml({"flow": flow.name, "scenarios": {"a call begins": inline_values(scenario)}})
    return to_comment("A skeleton: say what callers press and hear, and how calls end.") + text
