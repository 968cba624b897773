"""What flows share, as facts."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict, replace

from flowengine.compile import CompileResult
from flowengine.diff import normalisation
from flowengine.diff.difference import DiffLocation
from flowengine.diff.flow_facts import ENGINE_DEFAULTS, read_flow_facts, read_written_defaults
from flowengine.diff.project_facts import ExitFact, Fact, ProjectFacts
from flowengine.diff.prompt_facts import PromptReader
from flowengine.diff.state_facts import INHERITED_FIELDS, FactContext, FactReader, build_plain_fact
from flowengine.expr import Calendar, CalendarError, parse_calendar
from flowengine.model import AuthoredProject, Flow, Project, Route, load_project
from flowengine.source import Document, KeyPath
from flowengine.sources.project_folder import PROJECT_FILE
from flowengine.states.field_types import DURATION_PATTERN, parse_millis
from flowengine.states.prompt import PromptSpec
from flowengine.states.ring_members import format_member

WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS_WITH_FILES = ("messages", "tables", "calendars", "groups")


def select_shared_files(compiled: CompileResult) -> dict[str, bytes]:
    """The files that all flows share."""
    return {
        name: text.encode()
        for name, text in compiled.sources.items()
        if name == PROJECT_FILE or "/" in name
    }


def read_project_facts(compiled: CompileResult, without: Collection[str]) -> ProjectFacts:
    """All facts of a project, without those of some flows."""
    authored, _ = load_project(select_shared_files(compiled))
    project = authored.project
    flows = {
        name: read_flow_facts(
            msgspec.convert(program.document.data, Flow), program.document, project
        )
        for name, program in compiled.programs.items()
        if name not in without
    }
    facts = {
        fact.label: fact
        for fact in read_shared_facts(project, PromptReader(project, project.locale, project.voice))
    }
    places = {
        label: place for label, fact in facts.items() if (place := locate_fact(authored, fact.path))
    }
    routes = tuple(build_route_fact(index, route) for index, route in enumerate(project.routes))
    return ProjectFacts(
        facts,
        places,
        routes,
        tuple(locate_fact(authored, route.path) for route in routes),
        flows,
        tuple(compiled.programs),
        frozenset(compiled.sources)
        - {program.document.file for program in compiled.programs.values()},
    )


def locate_fact(authored: AuthoredProject, path: KeyPath) -> DiffLocation | None:
    """The place of a fact; calendars, tables, messages and groups may be in files of their own."""
    if path and path[0] in PARTS_WITH_FILES and (str(path[0]), str(path[1])) in authored.locations:
        document, root = authored.locations[str(path[0]), str(path[1])]
        return locate_key(document, (*root, *path[2:]))
    return locate_key(authored.project_document, path) if authored.project_document else None


def locate_key(document: Document, path: KeyPath) -> DiffLocation:
    span = document.find_key_span(path)
    return DiffLocation(span.file, span.line, span.column)


def build_route_fact(index: int, route: Route) -> ExitFact:
    asked = {name: value for name, value in asdict(route).items() if name != "flow" and value}
    if "to" in asked:
        asked["to"] = asked["to"].lower().removeprefix("sip:").lstrip("+")
    shown = ", ".join(f"{name} {getattr(route, name)}" for name in asked)
    return ExitFact(
        normalisation.format_values(asked),
        shown or "all other calls",
        route.flow,
        ("routes", index),
    )


def read_shared_facts(project: Project, wording: PromptReader) -> Iterator[Fact]:
    for name in ("locale", "voice"):
        yield Fact("setting", name, getattr(project, name), (name,), topic=f"project {name}")
    yield Fact("setting", "zone", project.zone, ("zone",))
    yield from (
        replace(
            fact,
            part="setting",
        )
        for fact in wording.read_prompt("apology", PromptSpec(text=project.apology), ("apology",))
    )
    yield from read_settings(project)
    yield from read_defaults(project, wording)
    yield from read_messages(project, wording)
    yield from read_tables(project)
    yield from read_calendars(project)
    yield from read_groups(project)
    yield from read_services(project)


def read_settings(project: Project) -> Iterator[Fact]:
    for part in ("platform", "journal"):
        for name, value in asdict(getattr(project, part)).items():
            meant = (
                f"{parse_millis(value)}ms"
                if isinstance(value, str) and re.fullmatch(DURATION_PATTERN, value)
                else normalisation.format_scalar(value)
            )
            yield Fact(
                "setting",
                f"{part} {name}",
                meant,
                (part, name),
                shown=value if isinstance(value, str) else "",
            )
    for index, application in enumerate(project.applications):
        label = f"application {application.key}"
        yield Fact("application", label, application.secret, ("applications", index))
    if project.recordings is not UNSET:
        for name, value in asdict(project.recordings).items():
            if value is not UNSET:
                label = f"recordings {name}"
                yield Fact("setting", label, value, ("recordings", name), topic="recordings")
    for name, variable in project.secrets.items():
        yield Fact("secret", f"secret {name}", variable, ("secrets", name))


def read_defaults(project: Project, wording: PromptReader) -> Iterator[Fact]:
    found = {**ENGINE_DEFAULTS, **read_written_defaults(project.defaults)}
    for name in (*INHERITED_FIELDS, "error"):
        # defaults have no flow around them
        reader = FactReader(FactContext(None, project, wording, {}))  # type: ignore[arg-type]
        reader.read_field(
            "next" if name == "error" else name, found.get(name, ""), ("defaults", name), "default "
        )
        for fact in reader.facts.values():
            if name not in found or fact.is_derived:
                continue
            label = "default error" if name == "error" else fact.label
            yield replace(
                fact, part="default", label=label, refers_to="", topic=f"project default {name}"
            )


def read_messages(project: Project, wording: PromptReader) -> Iterator[Fact]:
    for name, texts in project.messages.items():
        topic = f"message {name}"
        for fact in wording.read_prompt(
            topic, PromptSpec(text=texts), ("messages", name), "message"
        ):
            if not fact.is_derived:
                yield replace(
                    fact,
                    own="",
                    topic=topic,
                    uses=fact.uses - {"locale", "voice"},
                    value=fact.shown,
                )


def read_tables(project: Project) -> Iterator[Fact]:
    for name, table in project.tables.items():
        topic = f"table {name}"
        for key, row in table.rows.items():
            yield Fact(
                "table",
                f"{topic}, row {key}",
                format_cells(row),
                ("tables", name, "rows", key),
                topic=topic,
            )
        if table.default:
            yield Fact(
                "table",
                f"{topic}, other keys",
                format_cells(table.default),
                ("tables", name, "default"),
                topic=topic,
            )


def format_cells(row: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{column} {normalisation.format_scalar(value)}" for column, value in sorted(row.items())
    )


def read_calendars(project: Project) -> Iterator[Fact]:
    for name, data in project.calendars.items():
        topic = f"calendar {name}"
        try:
            hours = format_opening_hours(parse_calendar(data, project.zone))
        except CalendarError as error:
            hours = {"mistake": str(error)}
        for when, told in hours.items():
            yield Fact("calendar", f"{topic}, {when}", told, ("calendars", name), topic=topic)


def format_opening_hours(calendar: Calendar) -> dict[str, str]:
    """Opening hours by day; a weekday that is not named is closed."""
    days: dict[str, Any] = {
        name: calendar.weekly.get(day, ()) for day, name in enumerate(WEEKDAY_NAMES)
    }
    days |= {text: hours for text, (_, hours) in calendar.special.rules.items()}
    told = {
        day: ", ".join(
            f"{format_clock_time(item[0])}-{format_clock_time(item[1])}" for item in sorted(ranges)
        )
        or "closed"
        for day, ranges in days.items()
    }
    return {"zone": calendar.zone.key, **told, **({"closed": "yes"} if calendar.closed else {})}


def format_clock_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def read_groups(project: Project) -> Iterator[Fact]:
    for name, group in project.groups.items():
        topic = f"group {name}"
        members = ", ".join(map(format_member, group.members))
        yield Fact("group", f"{topic}, members", members, ("groups", name, "members"), topic=topic)
        for part in ("order", "each", "wrap_up"):
            place = ("groups", name, part)
            fact = build_plain_fact(part, f"{topic}, {part}", getattr(group, part), place)
            yield replace(fact, part="group", topic=topic)


def read_services(project: Project) -> Iterator[Fact]:
    for name, service in project.services.items():
        topic = f"service {name}"
        for part, value in {**asdict(service), "url": service.url.rstrip("/")}.items():
            values = (
                {f"{part} {key}": text for key, text in value.items()}
                if isinstance(value, dict)
                else {part: value}
            )
            for label, one in values.items():
                fact = build_plain_fact(part, f"{topic}, {label}", one, ("services", name, part))
                yield replace(fact, part="service", topic=topic)
