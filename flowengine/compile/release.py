"""A whole project, from file contents to a release or to all of its problems."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET
from msgspec.structs import asdict

from flowengine.compile import facts, names
from flowengine.compile.build import program, signature, variables
from flowengine.compile.checks import check
from flowengine.compile.guarded import guarded
from flowengine.compile.program import Compiled, Program, Release
from flowengine.compile.routing import routing
from flowengine.expr import Calendar, CalendarError, ExprError, Mode, Scope, Table, Template, Type, parse_calendar
from flowengine.model import Authored, Flow, load
from flowengine.model import Table as AuthoredTable
from flowengine.problems import Problem, Span, in_order, suggest
from flowengine.states import Surroundings, Variable
from flowengine.states.builder import Service
from flowengine.states.fields import millis
from flowengine.states.prompt import Localised, Part, Plan
from flowengine.states.run import Computed

COLUMN_TYPES: tuple[tuple[type, Type], ...] = ((bool, Type.BOOLEAN), (int, Type.INTEGER), (float, Type.DECIMAL), (str, Type.TEXT))
NOWHERE = Span("project.yaml", 1, 1, 1, 1)


@dataclass(slots=True)
class Compiling:
    """A project being compiled; problems gather on the way."""

    authored: Authored
    environment: Mapping[str, str]
    problems: list[Problem]

    def report(self, code: str, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        document = self.authored.project_document
        self.problems.append(Problem(code, document.span(path) if document else NOWHERE, message, hint))

    def calendars(self) -> dict[str, Calendar]:
        found = {}
        for name, data in self.authored.project.calendars.items():
            document, path = self.authored.places["calendars", name]
            try:
                found[name] = parse_calendar(data)
            except CalendarError as error:
                self.problems.append(Problem("FE504", document.span((*path, *error.path)), error.message, error.hint))
        return found

    def tables(self) -> dict[str, Table]:
        return {name: self.table(name, table) for name, table in self.authored.project.tables.items()}

    def table(self, name: str, table: AuthoredTable) -> Table:
        document, path = self.authored.places["tables", name]
        columns = {
            column: next(kind for python, kind in COLUMN_TYPES if isinstance(value, python))
            for column, value in next(iter(table.rows.values())).items()
        }
        rows = {("rows", key): row for key, row in table.rows.items()} | ({("default",): table.default} if table.default else {})
        alike = {place: row for place, row in rows.items() if fits_columns(row, columns)}
        for place in rows.keys() - alike.keys():
            message = f"row {place[-1]} of {name} has not the same columns and types as the first row"
            self.problems.append(Problem("FE505", document.span((*path, *place)), message, f"give it {', '.join(columns)}"))
        if "has" in columns:
            self.problems.append(
                Problem("FE505", document.span(path), "no column can be called has", f"tables.{name}.has(key) asks for a row")
            )
        return Table(columns, {key: row for key, row in table.rows.items() if ("rows", key) in alike}, alike.get(("default",)))

    def secrets(self) -> dict[str, str]:
        """Secrets by their dotted name. A missing one is empty, so that a lookup fails rather than the server."""
        found = {}
        for name, variable in self.authored.project.secrets.items():
            if variable not in self.environment:
                self.report("FE905", ("secrets", name), f"the environment has no {variable}", f"set {variable} before serving")
            found[f"secrets.{name}"] = self.environment.get(variable, "")
        return found

    def services(self, secrets: Mapping[str, str]) -> dict[str, Service]:
        scope = Scope(dict.fromkeys(secrets, Type.TEXT))
        found = {}
        for name, service in self.authored.project.services.items():
            headers = {key: self.header(scope, ("services", name, "headers", key), text) for key, text in service.headers.items()}
            usable = {key: template for key, template in headers.items() if template}
            found[name] = Service(name, service.url.rstrip("/"), usable, millis(service.timeout) / 1000, service.retries)
        return found

    def header(self, scope: Scope, path: tuple[str | int, ...], text: str) -> Template | None:
        try:
            return scope.template(text, Mode.PLAIN)
        except ExprError as error:
            self.report(error.code, path, error.message, error.hint)
            return None

    def zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.authored.project.zone)
        except (ZoneInfoNotFoundError, ValueError):
            self.report(
                "FE506", ("zone",), f"there is no time zone {self.authored.project.zone}", "write an IANA name such as Europe/Stockholm"
            )
            return ZoneInfo("UTC")

    def routes(self) -> None:
        for index, route in enumerate(self.authored.project.routes):
            if route.flow not in self.authored.flows:
                hint = suggest(route.flow, self.authored.flows)
                self.report("FE503", ("routes", index, "flow"), f"there is no flow {route.flow}", hint)

    def applications(self) -> dict[str, str]:
        found = {}
        for index, application in enumerate(self.authored.project.applications):
            if not self.environment.get(application.secret):
                self.report(
                    "FE905",
                    ("applications", index, "secret"),
                    f"the environment has no {application.secret}",
                    f"set {application.secret} before serving",
                )
            else:
                found[application.key] = self.environment[application.secret]
        return found


def fits_columns(row: Mapping[str, Any], columns: Mapping[str, Type]) -> bool:
    return row.keys() == columns.keys() and all(fits_column(row[column], kind) for column, kind in columns.items())


def fits_column(value: Any, kind: Type) -> bool:
    return next(found for python, found in COLUMN_TYPES if isinstance(value, python)) is kind


def defaults(compiling: Compiling, flow: Flow) -> dict[str, Any]:
    """What a state falls back to: the flow's defaults before the project's."""
    layers = (compiling.authored.project.defaults, flow.defaults)
    return {name: value for layer in layers if layer for name, value in asdict(layer).items() if value is not UNSET}


def programs(compiling: Compiling, calendars: Mapping[str, Calendar], tables: Mapping[str, Table]) -> dict[str, Program]:
    flows = compiling.authored.flows
    declared = {name: variables(flow, document, compiling.problems) for name, (flow, document) in flows.items()}
    signatures = {name: signature(flow, document, declared[name], compiling.problems) for name, (flow, document) in flows.items()}
    secrets = compiling.secrets()
    shared: dict[str, Any] = {
        "messages": compiling.authored.project.messages,
        "services": compiling.services(secrets),
        "secrets": secrets,
        "subflows": signatures,
        "menu_ids": compiling.authored.project.platform.menu_ids,
    }
    built = {}
    for name, (flow, document) in flows.items():
        scope = Scope(names.types({key: item.type for key, item in declared[name].items()}, calendars), tables)
        around = surroundings(compiling, flow, declared[name], shared)
        built[name] = program(flow, document, scope, around, compiling.problems)
    return facts.shared(built)


def surroundings(compiling: Compiling, flow: Flow, declared: Mapping[str, Variable], shared: Mapping[str, Any]) -> Surroundings:
    project = compiling.authored.project
    return Surroundings(
        flow=flow.flow,
        locale=flow.locale or project.locale,
        voice=flow.voice or project.voice,
        variables=declared,
        global_keys=flow.keys,
        defaults=defaults(compiling, flow),
        **shared,
    )


def apology(text: Localised, locale: str) -> Plan:
    """The words of last resort. They are constant, so that nothing can go wrong in them."""
    each = {"": text} if isinstance(text, str) else {"": text.get(locale) or next(iter(text.values())), **text}
    scope = Scope({})
    return Plan.of((Part("text", {key: scope.template(words.replace("$", ""), Mode.SPEECH) for key, words in each.items()}),))


def release_id(files: Mapping[str, bytes]) -> str:
    """The same content has the same id on every machine."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()[:12]


def compile_project(files: Mapping[str, bytes], environment: Mapping[str, str] | None = None, *, cookies_only: bool = False) -> Compiled:
    """Compile the files of a project. `cookies_only` says that no session store will hold what outgrows the cookie."""
    authored, problems = load(files)
    compiling = Compiling(authored, os.environ if environment is None else environment, problems)
    calendars, tables, zone = compiling.calendars(), compiling.tables(), compiling.zone()
    compiling.routes()
    built = programs(compiling, calendars, tables)
    problems += check(built, authored, problems, cookies_only=cookies_only)
    sources = {name: content.decode(errors="replace") for name, content in files.items()}
    failed = any(problem.severity == "error" for problem in problems)
    release = None if failed else released(compiling, files, built, names.computed(calendars, zone))
    return Compiled(release, tuple(in_order(problems)), sources, built)


def released(compiling: Compiling, files: Mapping[str, bytes], built: Mapping[str, Program], computed: Computed) -> Release:
    project = compiling.authored.project
    return Release(
        id=release_id(files),
        programs=built,
        routes=tuple(map(routing, project.routes)),
        computed=computed,
        apology=apology(project.apology, project.locale),
        locale=project.locale,
        deadline=millis(project.platform.deadline) / 1000,
        freshness=millis(project.platform.freshness) / 1000,
        applications=compiling.applications(),
        lacking=tuple(item.secret for item in project.applications if not compiling.environment.get(item.secret)),
        guarded=guarded(built),
        hosts={host(service.url): service.private for service in project.services.values()},
    )


def host(url: str) -> str:
    return urlsplit(url).netloc.lower()
