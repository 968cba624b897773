"""What flows share, as facts."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec.structs import asdict

from flowengine.compile import Compiled
from flowengine.expr import Calendar, CalendarError, parse_calendar
from flowengine.model import Authored, Flow, Project, Route, load
from flowengine.model.folder import PROJECT_FILE
from flowengine.releases.diff import normal
from flowengine.releases.diff.difference import Place
from flowengine.releases.diff.facts import Fact, ProjectFacts, Way
from flowengine.releases.diff.flows import ENGINE, given, read_flow
from flowengine.releases.diff.reading import INHERITED, Around, Reader, plain_fact
from flowengine.releases.diff.wording import Wording
from flowengine.source import Document, Path
from flowengine.states.fields import DURATION, millis
from flowengine.states.prompt import Spoken

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PLACED = ("messages", "tables", "calendars")


def common(compiled: Compiled) -> dict[str, bytes]:
    """The files that all flows share."""
    return {
        name: text.encode()
        for name, text in compiled.sources.items()
        if name == PROJECT_FILE or "/" in name
    }


def read_project(compiled: Compiled, without: Collection[str]) -> ProjectFacts:
    """All facts of a project, but for flows that nobody asks for."""
    authored, _ = load(common(compiled))
    project = authored.project
    flows = {
        name: read_flow(msgspec.convert(program.document.data, Flow), program.document, project)
        for name, program in compiled.programs.items()
        if name not in without
    }
    facts = {
        fact.label: fact
        for fact in project_facts(project, Wording(project, project.locale, project.voice))
    }
    places = {
        label: place for label, fact in facts.items() if (place := located(authored, fact.path))
    }
    routes = tuple(way(index, route) for index, route in enumerate(project.routes))
    return ProjectFacts(
        facts,
        places,
        routes,
        tuple(located(authored, route.path) for route in routes),
        flows,
        tuple(compiled.programs),
    )


def located(authored: Authored, path: Path) -> Place | None:
    """The place of a fact; calendars, tables and messages may be in files of their own."""
    if path and path[0] in PLACED and (str(path[0]), str(path[1])) in authored.places:
        document, root = authored.places[str(path[0]), str(path[1])]
        return placed(document, (*root, *path[2:]))
    return placed(authored.project_document, path) if authored.project_document else None


def placed(document: Document, path: Path) -> Place:
    span = document.key_span(path)
    return Place(span.file, span.line, span.column)


def way(index: int, route: Route) -> Way:
    asked = {name: value for name, value in asdict(route).items() if name != "flow" and value}
    if "to" in asked:
        asked["to"] = asked["to"].lower().removeprefix("sip:").lstrip("+")
    shown = ", ".join(f"{name} {getattr(route, name)}" for name in asked)
    return Way(normal.scalar_of(asked), shown or "all other calls", route.flow, ("routes", index))


def project_facts(project: Project, wording: Wording) -> Iterator[Fact]:
    for name in ("locale", "voice"):
        yield Fact("setting", name, getattr(project, name), (name,), topic=f"project {name}")
    yield Fact("setting", "zone", project.zone, ("zone",))
    yield from (
        replace(
            fact,
            part="setting",
        )
        for fact in wording.prompt("apology", Spoken(text=project.apology), ("apology",))
    )
    yield from settings(project)
    yield from defaults(project, wording)
    yield from messages(project, wording)
    yield from tables(project)
    yield from calendars(project)
    yield from services(project)


def settings(project: Project) -> Iterator[Fact]:
    for part in ("platform", "journal"):
        for name, value in asdict(getattr(project, part)).items():
            meant = (
                f"{millis(value)}ms"
                if isinstance(value, str) and re.fullmatch(DURATION, value)
                else normal.scalar(value)
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
    for name, variable in project.secrets.items():
        yield Fact("secret", f"secret {name}", variable, ("secrets", name))


def defaults(project: Project, wording: Wording) -> Iterator[Fact]:
    found = {**ENGINE, **given(project.defaults)}
    for name in (*INHERITED, "error"):
        # defaults have no flow around them
        reader = Reader(Around(None, project, wording, {}))  # type: ignore[arg-type]
        reader.part(
            "next" if name == "error" else name, found.get(name, ""), ("defaults", name), "default "
        )
        for fact in reader.facts.values():
            if name not in found or fact.derived:
                continue
            label = "default error" if name == "error" else fact.label
            yield replace(
                fact, part="default", label=label, leads="", topic=f"project default {name}"
            )


def messages(project: Project, wording: Wording) -> Iterator[Fact]:
    for name, texts in project.messages.items():
        topic = f"message {name}"
        for fact in wording.prompt(topic, Spoken(text=texts), ("messages", name), "message"):
            if not fact.derived:
                yield replace(
                    fact,
                    own="",
                    topic=topic,
                    uses=fact.uses - {"locale", "voice"},
                    value=fact.shown,
                )


def tables(project: Project) -> Iterator[Fact]:
    for name, table in project.tables.items():
        topic = f"table {name}"
        for key, row in table.rows.items():
            yield Fact(
                "table",
                f"{topic}, row {key}",
                cells(row),
                ("tables", name, "rows", key),
                topic=topic,
            )
        if table.default:
            yield Fact(
                "table",
                f"{topic}, other keys",
                cells(table.default),
                ("tables", name, "default"),
                topic=topic,
            )


def cells(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{column} {normal.scalar(value)}" for column, value in sorted(row.items()))


def calendars(project: Project) -> Iterator[Fact]:
    for name, data in project.calendars.items():
        topic = f"calendar {name}"
        try:
            hours = opening(parse_calendar(data, project.zone))
        except CalendarError as error:
            hours = {"mistake": str(error)}
        for when, told in hours.items():
            yield Fact("calendar", f"{topic}, {when}", told, ("calendars", name), topic=topic)


def opening(calendar: Calendar) -> dict[str, str]:
    """Opening hours by day; a weekday that is not named is closed."""
    days: dict[str, Any] = {name: calendar.weekly.get(day, ()) for day, name in enumerate(DAYS)}
    days |= {day.isoformat(): ranges for day, ranges in calendar.exceptions.items()}
    days |= {f"{month:02}-{day:02}": ranges for (month, day), ranges in calendar.yearly.items()}
    told = {
        day: ", ".join(f"{clock(item[0])}-{clock(item[1])}" for item in sorted(ranges)) or "closed"
        for day, ranges in days.items()
    }
    return {"zone": calendar.zone.key, **told, **({"closed": "yes"} if calendar.closed else {})}


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def services(project: Project) -> Iterator[Fact]:
    for name, service in project.services.items():
        topic = f"service {name}"
        for part, value in {**asdict(service), "url": service.url.rstrip("/")}.items():
            values = (
                {f"{part} {key}": text for key, text in value.items()}
                if isinstance(value, dict)
                else {part: value}
            )
            for label, one in values.items():
                fact = plain_fact(part, f"{topic}, {label}", one, ("services", name, part))
                yield replace(fact, part="service", topic=topic)
