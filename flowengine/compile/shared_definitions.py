"""The definitions that all flows of a project share: calendars, tables, services, groups, secrets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET

from flowengine.compile.group_definitions import compile_groups
from flowengine.compile.recording_storage import compile_storage
from flowengine.compile.table_columns import (
    find_unlike_columns,
    find_usual_columns,
    has_columns,
)
from flowengine.expr import (
    Calendar,
    CalendarError,
    EscapeMode,
    ExprError,
    LookupTable,
    Scope,
    Template,
    Type,
    load_zone,
    parse_calendar,
    suggest_zone,
)
from flowengine.limits import MIN_JOURNAL_BYTES
from flowengine.model import AuthoredProject, CompileCache, Project
from flowengine.model import TableFile as AuthoredTable
from flowengine.problems import Problem, Span, join_with_or
from flowengine.public_addresses import is_public
from flowengine.source import KeyPath
from flowengine.states.field_types import parse_millis, parse_size_bytes
from flowengine.states.flow_context import (
    CompiledService,
    RecordingStorage,
    RingGroup,
    UnreadNames,
)
from flowengine.states.lookup_headers import find_header_fault, find_value_fault

LONG_WORD = 16  # characters
PROJECT_FILE_START = Span.for_file(".")


class SharedDefinitions(msgspec.Struct, frozen=True):
    """What is the same for all flows. `cache_key` covers the part that any flow may depend on
    without looking it up by name; `fingerprints` tell whether a message, service or group is
    unchanged.
    `unread` are the names of what has mistakes, for which nothing here stands in.
    """

    calendars: Mapping[str, Calendar]
    tables: Mapping[str, LookupTable]
    secrets: Mapping[str, str]
    services: Mapping[str, CompiledService]
    groups: Mapping[str, RingGroup]
    storage: RecordingStorage | None
    zone: ZoneInfo
    applications: Mapping[str, str]
    problems: tuple[Problem, ...]
    cache_key: tuple[Any, ...]
    fingerprints: Mapping[str, Mapping[str, bytes]]
    unread: UnreadNames


def compile_shared_definitions(
    authored: AuthoredProject, environment: Mapping[str, str], memory: CompileCache
) -> SharedDefinitions:
    """The shared definitions, compiled anew when one of their files has changed, or a variable of
    the environment that they name.
    """
    project = authored.project
    variables = [
        *project.secrets.values(),
        *(application.secret for application in project.applications),
    ]
    key = (
        authored.shared_documents,
        list_shared_unread(authored),
        [environment.get(name) for name in variables],
    )
    return memory.get_or_compute(
        ("common",),
        key,
        lambda: SharedDefinitionsCompiler(authored, environment, []).compile_definitions(),
    )


def list_shared_unread(authored: AuthoredProject) -> frozenset[tuple[str, str]]:
    """What could not be read of the files that all flows share."""
    return frozenset(one for one in authored.unread.names if one[0] != "flows")


def build_project_problem(
    authored: AuthoredProject, code: str, path: tuple[str | int, ...], message: str, hint: str = ""
) -> Problem:
    """A problem of the project file."""
    document = authored.project_document
    return Problem(
        code, document.find_span(path) if document else PROJECT_FILE_START, message, hint
    )


# stands in for a calendar with a mistake, so that the flows that use it are not blamed for it
CLOSED_CALENDAR = parse_calendar({"zone": "UTC"})


class SharedDefinitionsCompiler(msgspec.Struct):
    """Compiles the shared definitions and collects their problems."""

    authored: AuthoredProject
    environment: Mapping[str, str]
    problems: list[Problem]
    unread: set[tuple[str, str]] = msgspec.field(default_factory=set)

    def compile_definitions(self) -> SharedDefinitions:
        project = self.authored.project
        zone = self.load_project_zone()
        calendars, tables, secrets = (
            self.compile_calendars(zone),
            self.compile_tables(),
            self.read_secrets(),
        )
        # services come last: their headers may hold secrets
        services, applications = self.compile_services(secrets), self.read_applications()
        groups = compile_groups(self.authored, self.problems)
        storage = compile_storage(self.authored.project.recordings, secrets, self.add_problem)
        self.check_journal()
        given = build_cache_key(project, calendars, secrets)
        return SharedDefinitions(
            calendars,
            tables,
            secrets,
            services,
            groups,
            storage,
            zone,
            applications,
            tuple(self.problems),
            given,
            compute_fingerprints(project),
            UnreadNames(list_shared_unread(self.authored) | self.unread),
        )

    def add_problem(
        self, code: str, path: tuple[str | int, ...], message: str, hint: str = ""
    ) -> None:
        self.problems.append(build_project_problem(self.authored, code, path, message, hint))

    def compile_calendars(self, zone: ZoneInfo) -> dict[str, Calendar]:
        """The calendars, each in the project's zone where it names none. Without either it is a
        problem, as any zone would be a guess.
        """
        document, found = self.authored.project_document, {}
        named = document is not None and ("zone",) in document.values
        default = zone.key if named or self.authored.unread.has_name("zone", "") else ""
        for name, data in self.authored.project.calendars.items():
            document, path = self.authored.locations["calendars", name]
            try:
                found[name] = parse_calendar(data, default)
            except CalendarError as error:
                for one in error.mistakes:
                    span = (document.find_key_span if one.of_key else document.find_span)(
                        (*path, *one.path)
                    )
                    self.problems.append(Problem("FE504", span, one.message, one.hint))
                found[name] = CLOSED_CALENDAR
        return found

    def compile_tables(self) -> dict[str, LookupTable]:
        return {
            name: self.compile_table(name, table)
            for name, table in self.authored.project.tables.items()
        }

    def compile_table(self, name: str, table: AuthoredTable) -> LookupTable:
        columns = find_usual_columns(table)
        rows: dict[KeyPath, Mapping[str, Any]] = {
            ("rows", key): row for key, row in table.rows.items()
        }
        if table.default:
            rows["default",] = table.default
        alike = {place: row for place, row in rows.items() if has_columns(row, columns)}
        self._check_columns(name, columns, [place for place in rows if place not in alike])
        return LookupTable(
            columns,
            {key: row for key, row in table.rows.items() if ("rows", key) in alike},
            alike.get(("default",)),
        )

    def _check_columns(
        self, name: str, columns: Mapping[str, Any], unlike: Iterable[KeyPath]
    ) -> None:
        """Report the rows that are `unlike` the first one, and a column with the name of a function."""
        document, path = self.authored.locations["tables", name]
        for place in unlike:
            self.unread.add(("tables", name))
            row = (*path, *place)
            wrong = find_unlike_columns(document.get_value(row), columns)
            shown = [one for one in wrong if (*row, one) in document.values]
            self._add_table_problem(
                document.find_span((*row, shown[0])) if shown else document.find_key_span(row),
                f"row {place[-1]} of {name} has not the same columns and types as the other rows: "
                f"see {join_with_or(wrong)}",
                f"give it {', '.join(f'{column} ({kind})' for column, kind in columns.items())}",
            )
        if "has" in columns:
            self._add_table_problem(
                document.find_span(path),
                "no column can be called has",
                f"tables.{name}.has(key) asks for a row",
            )

    def _add_table_problem(self, span: Span, message: str, hint: str) -> None:
        self.problems.append(Problem("FE505", span, message, hint))

    def read_secrets(self) -> dict[str, str]:
        """Secrets by their dotted name. A missing one is empty, so that a lookup fails and not the
        server.
        """
        found = {}
        for name, variable in self.authored.project.secrets.items():
            if variable not in self.environment:
                self.add_missing_variable(("secrets", name), variable)
            found[f"secrets.{name}"] = self.environment.get(variable, "")
        return found

    def add_missing_variable(self, path: KeyPath, variable: str) -> None:
        if is_variable_name(variable):
            message, hint = f"the environment has no {variable}", f"set {variable} before serving"
        else:  # perhaps the secret itself, which no message may repeat
            message = "the environment has no variable of this name"
            hint = "write the name of a variable, such as CRM_TOKEN, and set that before serving"
        self.add_problem("FE905", path, message, hint)

    def check_journal(self) -> None:
        size = self.authored.project.journal.size
        if parse_size_bytes(size) < MIN_JOURNAL_BYTES:
            self.add_problem(
                "FE514",
                ("journal", "size"),
                f"a journal of {size} has no room for calls",
                f"write {MIN_JOURNAL_BYTES // 10**6}MB or more, or keep: none for no journal",
            )

    def compile_services(self, secrets: Mapping[str, str]) -> dict[str, CompiledService]:
        # a header of a service is built once at load, so it may read secrets and nothing of a call
        scope = Scope(dict.fromkeys(secrets, Type.TEXT))
        found = {}
        for name, service in self.authored.project.services.items():
            if fault := find_address_fault(service.url, is_private=service.private):
                self.add_problem("FE513", ("services", name, "url"), *fault)
            headers = {
                key: self.compile_header(scope, ("services", name, "headers", key), service.headers)
                for key in service.headers
            }
            usable = {key: template for key, template in headers.items() if template}
            found[name] = CompiledService(
                name,
                service.url.rstrip("/"),
                usable,
                parse_millis(service.timeout) / 1000,
                service.retries,
            )
        return found

    def compile_header(
        self, scope: Scope, path: tuple[str | int, ...], headers: Mapping[str, str]
    ) -> Template | None:
        name = str(path[-1])
        document = self.authored.project_document
        if (fault := find_header_fault(name, headers)) and document:
            self.problems.append(Problem("FE510", document.find_key_span(path), *fault))
        try:
            template = scope.compile_template(headers[name], EscapeMode.PLAIN)
        except ExprError as error:
            if self.authored.unread.is_read_by(headers[name]):
                return None
            self.add_problem(error.code, path, error.message, error.hint)
            return None
        if message := find_value_fault(template):
            self.add_problem(
                "FE511", path, message, "write the value on one line, with > or in quotes"
            )
        return template

    def load_project_zone(self) -> ZoneInfo:
        try:
            return load_zone(self.authored.project.zone)
        except ZoneInfoNotFoundError:
            self.add_problem(
                "FE506",
                ("zone",),
                f"there is no time zone {self.authored.project.zone}",
                suggest_zone(self.authored.project.zone),
            )
            # the compile goes on, so that the author sees all other mistakes, too
            return load_zone("UTC")

    def read_applications(self) -> dict[str, str]:
        found = {}
        for index, application in enumerate(self.authored.project.applications):
            if not self.environment.get(application.secret):
                self.add_missing_variable(("applications", index, "secret"), application.secret)
            else:
                found[application.key] = self.environment[application.secret]
        return found


def find_address_fault(url: str, *, is_private: bool) -> tuple[str, str] | None:
    """Why no lookup could be sent to a service at this address, and what to do about it."""
    try:
        parts = urlsplit(url)
        # reading `port` raises ValueError for one that is no number
        usable = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or re.search(r"[\x00-\x20\x7f]", url):
        return "this is no address", "write one such as https://crm.example.com/v1"
    if "?" in url or "#" in url:
        return (
            "the path of each lookup follows the address of its service",
            "write what comes after a ? in get:, post: or put:",
        )
    if not is_private and is_own_network(parts.hostname or ""):
        return (
            "this is an address of a private network, which no lookup is sent to",
            "write private: true beside url: if it is meant",
        )
    return None


def is_own_network(host: str) -> bool:
    """Whether this name or address never leads to the public internet, whoever resolves it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:  # a name
        return False


def build_cache_key(
    project: Project, calendars: Mapping[str, Calendar], secrets: Mapping[str, str]
) -> tuple[Any, ...]:
    """The key as text: in Python 1 equals True, and dicts that differ in order are equal."""
    defaults = msgspec.json.encode({} if project.defaults is UNSET else project.defaults)
    return (
        msgspec.json.encode(project.tables),
        list(calendars),
        defaults,
        secrets,
        project.locale,
        project.voice,
        project.platform.menu_ids,
        msgspec.json.encode({} if project.recordings is UNSET else project.recordings),
    )


def compute_fingerprints(project: Project) -> dict[str, dict[str, bytes]]:
    offers: Mapping[str, Mapping[str, Any]] = {
        "messages": project.messages,
        "services": project.services,
        "groups": project.groups,
    }
    return {
        part: {name: msgspec.json.encode(value) for name, value in offered.items()}
        for part, offered in offers.items()
    }


def is_variable_name(text: str) -> bool:
    """Whether this looks like the name of a variable of the environment, and not like a key of a
    service: those have small letters, or digits among the letters of one long word.
    """
    is_long_word = len(text) >= LONG_WORD and "_" not in text and any(map(str.isdigit, text))
    return re.fullmatch(r"[A-Z_][A-Z0-9_]*", text) is not None and not is_long_word
