"""A whole project, from file contents to a release or to all of its problems."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

import msgspec

from flowengine.compile import expression_names
from flowengine.compile.accepted_warnings import decide_warnings
from flowengine.compile.checks import check_project
from flowengine.compile.incremental_compile import compile_flows
from flowengine.compile.locale_preload import preload_locales
from flowengine.compile.program import CompileResult, Program, Release
from flowengine.compile.release_id import compute_release_id
from flowengine.compile.routing import CompiledRoute, RoutesByNumber, compile_route
from flowengine.compile.secret_flows import find_secret_flows
from flowengine.compile.shared_definitions import (
    SharedDefinitions,
    build_project_problem,
    compile_shared_definitions,
)
from flowengine.cooperative import iterate_with_pauses
from flowengine.environment import VARIABLES
from flowengine.expr import EscapeMode, Scope
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.model import AuthoredProject, CompileCache, NoCompileCache, Project, load_project
from flowengine.model.project_file import DEFAULT_APOLOGY, DEFAULT_APOLOGY_LOCALE
from flowengine.model.project_loader import place_of_project
from flowengine.problems import CATALOGUE, Problem, Severity, Span, sort_problems, suggest_name
from flowengine.source import CONFLICT_CODE, INTERNAL_CODE, to_internal_problem
from flowengine.states.field_types import parse_millis
from flowengine.states.prompt import CompiledPrompt, LocalisedText, PromptPart
from flowengine.states.prompt_faults import find_prompt_faults

# what all else would only follow from: what such a file defines may be missing everywhere
BLOCKING_CODES = frozenset({CONFLICT_CODE, INTERNAL_CODE})


class ProjectCompiler:
    """Compiles a project again and again, reusing whatever cannot have changed. The result equals
    that of compiling from scratch; unchanged programs are the same objects. For one thread at a
    time. `latest_build` is what the last compilation has made, where it came so far.
    """

    def __init__(self, cache: CompileCache | None = None) -> None:
        self._cache = cache or CompileCache()
        self.latest_build: ProjectBuild | None = None

    def compile(
        self,
        files: Mapping[str, bytes],
        environment: Mapping[str, str] | None = None,
        *,
        cookies_only: bool = False,
    ) -> CompileResult:
        """Compile the files of a project. `cookies_only` says that no session store will hold what
        exceeds the cookie. Raises nothing: an internal error becomes a problem, too.
        """
        environment = VARIABLES if environment is None else environment
        self.latest_build = None
        with pause_garbage_collection():
            try:
                return self._compile_files(files, environment, cookies_only=cookies_only)
            except Exception as error:  # noqa: BLE001  # whatever it is, a server goes on
                self._cache.rotate_generations(sound=False)
                span = place_of_project(files)
                # a single file has a line to point at; several have only their folder
                if len(files) == 1:
                    span = Span(next(iter(files)), 1, 1, 1, 1)
                sources = {
                    name: content.decode(errors="replace") for name, content in files.items()
                }
                return CompileResult(None, (to_internal_problem(span, error),), sources, {})

    def _compile_files(
        self, files: Mapping[str, bytes], environment: Mapping[str, str], *, cookies_only: bool
    ) -> CompileResult:
        memory = self._cache
        authored, problems = load_project(files, memory)
        sources = decode_files(files, authored)
        # sound=False keeps the cache of the last sound compile, for when the file is mended
        if any(problem.code in BLOCKING_CODES for problem in problems):
            memory.rotate_generations(sound=False)
            return CompileResult(None, tuple(sort_problems(problems)), sources, {})
        built = self.latest_build = build_project(
            authored, problems, sources, environment, memory, cookies_only=cookies_only
        )
        programs = built.programs
        # the whole project or nothing: with one broken flow left out, a call could lead into the
        # gap
        sound = not built.has_errors
        release = None
        if sound:
            # here, as loading a locale takes longer than a callback may
            preload_locales(authored, memory)
            release = build_release(
                authored,
                environment,
                compute_release_id(files),
                programs,
                built.shared,
                find_secret_flows(programs),
                memory,
            )
        memory.rotate_generations(sound=sound)
        drop_positions(authored)
        return CompileResult(release, built.problems, sources, programs, built.state_count)


class ProjectBuild(msgspec.Struct, frozen=True):
    """The programs of a project, and all of its problems: as the rules find them, and as its authors
    have decided on them, in document order.
    """

    authored: AuthoredProject
    shared: SharedDefinitions
    programs: Mapping[str, Program]
    undecided: tuple[Problem, ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def state_count(self) -> int:
        return sum(len(program.states) for program in self.programs.values())


def build_project(
    authored: AuthoredProject,
    form: Sequence[Problem],
    sources: Mapping[str, str],
    environment: Mapping[str, str],
    memory: CompileCache,
    *,
    cookies_only: bool,
) -> ProjectBuild:
    """Compile and check a project that was read; `form` are the problems that reading it has found."""
    shared = compile_shared_definitions(authored, environment, memory)
    is_whole = not any(problem.severity == "error" for problem in form)
    programs, found = compile_flows(authored, shared, memory, is_whole=is_whole)
    problems = [*form, *shared.problems]
    problems += [*check_routes(authored), *check_apology(authored), *found]
    problems += check_project(programs, authored, problems, memory, cookies_only=cookies_only)
    problems += check_strict_codes(authored)
    decided = decide_warnings(problems, sources, authored.project.strict)
    return ProjectBuild(authored, shared, programs, tuple(problems), tuple(sort_problems(decided)))


def decode_files(files: Mapping[str, bytes], authored: AuthoredProject) -> dict[str, str]:
    """The texts of the files; those of flows are in memory already."""
    known = {document.file: document.text for _, document in authored.flows.values()}
    return {
        # a document has its text without the byte order mark
        name: known[name]
        if name in known and not content.startswith(BOM_UTF8)
        else content.decode(errors="replace")
        for name, content in iterate_with_pauses(files.items())
    }


def drop_positions(authored: AuthoredProject) -> None:
    """Free the positions of all documents: problems have theirs by now."""
    for _, document in authored.flows.values():
        document.positions.drop()
    for document in authored.shared_documents:
        document.positions.drop()


def compile_project(
    files: Mapping[str, bytes],
    environment: Mapping[str, str] | None = None,
    *,
    cookies_only: bool = False,
) -> CompileResult:
    """Compile the files of a project once; see `ProjectCompiler`."""
    return ProjectCompiler(NoCompileCache()).compile(files, environment, cookies_only=cookies_only)


def check_routes(authored: AuthoredProject) -> Iterator[Problem]:
    for index, route in enumerate(authored.project.routes):
        known = route.flow in authored.flows or route.flow in authored.outside.files
        if not known and not authored.unread.has_name("flows", route.flow):
            hint = suggest_name(route.flow, authored.flows) or (
                "a flow is a file beside project.yaml; those in folders below it are not read"
            )
            yield build_project_problem(
                authored, "FE503", ("routes", index, "flow"), f"there is no flow {route.flow}", hint
            )


def check_strict_codes(authored: AuthoredProject) -> Iterator[Problem]:
    for index, code in enumerate(authored.project.strict):
        path = ("strict", index)
        if code not in CATALOGUE:
            hint = suggest_name(code, CATALOGUE) or "docs/problems.md lists all codes"
            yield build_project_problem(authored, "FE516", path, f"there is no {code}", hint)
        elif CATALOGUE[code].severity is Severity.ERROR:
            message = f"{code} is an error without this"
            yield build_project_problem(authored, "FE516", path, message, "remove it")


def check_apology(authored: AuthoredProject) -> Iterator[Problem]:
    """Mistakes in the words of the apology. An empty one is none: the built-in one is spoken then."""
    text = authored.project.apology
    spoken = compile_apology(text, authored.project.locale).parts[0].texts
    for locale in ("",) if isinstance(text, str) else text:
        place = ("apology", locale) if locale else ("apology",)
        if template := spoken.get(locale):
            for code, message, hint in find_prompt_faults("text", template):
                cure = "shorten it" if code == "FE410" else hint  # it cannot be a list
                yield build_project_problem(authored, code, place, message, cure)


def compile_apology(text: LocalisedText, locale: str) -> CompiledPrompt:
    """The apology, spoken when all else fails. It is constant, so that it cannot fail itself. Where
    the project leaves it empty in any locale, the built-in one in English, which no voice of
    another language may speak.
    """
    said = [text] if isinstance(text, str) else list(text.values())
    text = text if said and all(words.strip() for words in said) else DEFAULT_APOLOGY
    if text == DEFAULT_APOLOGY:
        text = {DEFAULT_APOLOGY_LOCALE: text}
    each = (
        {"": text}
        if isinstance(text, str)
        else {"": text.get(locale) or next(iter(text.values())), **text}
    )
    scope = Scope({})
    return CompiledPrompt.from_parts(
        (
            PromptPart(
                "text",
                {
                    # without $ no word can be an expression, which could fail
                    key: scope.compile_template(words.replace("$", ""), EscapeMode.SPEECH)
                    for key, words in each.items()
                },
            ),
        )
    )


def build_release(
    authored: AuthoredProject,
    environment: Mapping[str, str],
    release_id: str,
    built: Mapping[str, Program],
    shared: SharedDefinitions,
    secret_flows: frozenset[str],
    memory: CompileCache,
) -> Release:
    project = authored.project
    routes, routes_by_number = memory.get_or_compute(
        ("routes",), authored.shared_documents, partial(compile_routes, project)
    )
    return Release(
        id=release_id,
        programs=built,
        routes=routes,
        routes_by_number=routes_by_number,
        computed_names=expression_names.build_computed_names(shared.calendars, shared.zone),
        apology=compile_apology(project.apology, project.locale),
        locale=project.locale,
        deadline=parse_millis(project.platform.deadline) / 1000,
        freshness=parse_millis(project.platform.freshness) / 1000,
        applications=shared.applications,
        missing_secrets=tuple(
            item.secret for item in project.applications if not environment.get(item.secret)
        ),
        secret_flows=secret_flows,
        hosts={get_host(service.url): service.private for service in project.services.values()},
        journal=project.journal,
        calendars=shared.calendars,
        groups=shared.groups,
        zone=shared.zone,
    )


def compile_routes(project: Project) -> tuple[tuple[CompiledRoute, ...], RoutesByNumber]:
    routes = tuple(map(compile_route, project.routes))
    return routes, RoutesByNumber.from_routes(routes)


def get_host(url: str) -> str:
    return urlsplit(url).netloc.lower()
