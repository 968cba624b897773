"""A whole project, from file contents to a release or to all of its problems."""

import gc
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from flowengine.compile import names
from flowengine.compile.checks import check
from flowengine.compile.common import Common, common, report
from flowengine.compile.flows import programs
from flowengine.compile.guarded import guarded
from flowengine.compile.program import Compiled, Program, Release
from flowengine.compile.routing import Table, routing
from flowengine.compile.speech import prepare_speech
from flowengine.expr import Mode, Scope
from flowengine.model import Authored, Memory, load
from flowengine.model.authored import place_of_project
from flowengine.model.project import APOLOGY, APOLOGY_LOCALE
from flowengine.pace import paced
from flowengine.problems import Problem, Span, in_order, suggest
from flowengine.source import CONFLICT_CODE, INTERNAL_CODE, internal_problem
from flowengine.states.fields import millis
from flowengine.states.prompt import Localised, Part, Plan

# what all else would only follow from: what such a file defines may be missing everywhere
UNFINISHED = frozenset({CONFLICT_CODE, INTERNAL_CODE})


class Compiler:
    """Compiles a project again and again: whatever cannot have changed since the last time is taken
    from there.

    The outcome equals that of compiling from scratch; programs that are the same are the same
    objects. One thread at a time.
    """

    def __init__(self) -> None:
        self._memory = Memory()

    def compile(
        self,
        files: Mapping[str, bytes],
        environment: Mapping[str, str] | None = None,
        *,
        cookies_only: bool = False,
    ) -> Compiled:
        """Compile the files of a project. `cookies_only` says that no session store will hold what
        outgrows the cookie. Raises nothing: a mistake of ours is a problem too.
        """
        environment = os.environ if environment is None else environment
        with uncollected():
            try:
                return self._compile(files, environment, cookies_only=cookies_only)
            except Exception as error:  # noqa: BLE001  # whatever it is, a server goes on
                self._memory.turn(sound=False)
                span = place_of_project(files)
                if len(files) == 1:
                    span = Span(next(iter(files)), 1, 1, 1, 1)
                sources = {
                    name: content.decode(errors="replace") for name, content in files.items()
                }
                return Compiled(None, (internal_problem(span, error),), sources, {})

    def _compile(
        self, files: Mapping[str, bytes], environment: Mapping[str, str], *, cookies_only: bool
    ) -> Compiled:
        memory = self._memory
        authored, problems = load(files, memory)
        sources = {
            name: memory.recall(
                ("source", name), content, partial(content.decode, errors="replace")
            )
            for name, content in files.items()
        }
        if any(problem.code in UNFINISHED for problem in problems):
            memory.turn(sound=False)
            return Compiled(None, tuple(in_order(problems)), sources, {})
        shared = common(authored, environment, memory)
        built, found = programs(authored, shared, memory)
        problems += [*shared.problems, *routes(authored), *found]
        problems += check(built, authored, problems, memory, cookies_only=cookies_only)
        sound = not any(problem.severity == "error" for problem in problems)
        release = released(authored, environment, files, built, shared) if sound else None
        memory.turn(sound=sound)
        return Compiled(release, tuple(in_order(problems)), sources, built)


@contextmanager
def uncollected() -> Iterator[None]:
    """Nearly all that compiling makes is kept, in no circles: looking through it for garbage took a
    third of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def compile_project(
    files: Mapping[str, bytes],
    environment: Mapping[str, str] | None = None,
    *,
    cookies_only: bool = False,
) -> Compiled:
    """Compile the files of a project once; see `Compiler`."""
    return Compiler().compile(files, environment, cookies_only=cookies_only)


def routes(authored: Authored) -> Iterator[Problem]:
    for index, route in enumerate(authored.project.routes):
        if route.flow not in authored.flows:
            hint = suggest(route.flow, authored.flows)
            yield report(
                authored, "FE503", ("routes", index, "flow"), f"there is no flow {route.flow}", hint
            )


def apology(text: Localised, locale: str) -> Plan:
    """The words of last resort. They are constant, so that nothing can go wrong in them; without
    any in any locale, those of a project that says nothing, which no voice of another language is
    to speak.
    """
    said = [text] if isinstance(text, str) else list(text.values())
    text = text if said and all(words.strip() for words in said) else APOLOGY
    if text == APOLOGY:
        text = {APOLOGY_LOCALE: text}
    each = (
        {"": text}
        if isinstance(text, str)
        else {"": text.get(locale) or next(iter(text.values())), **text}
    )
    scope = Scope({})
    return Plan.of(
        (
            Part(
                "text",
                {
                    key: scope.template(words.replace("$", ""), Mode.SPEECH)
                    for key, words in each.items()
                },
            ),
        )
    )


def release_id(files: Mapping[str, bytes]) -> str:
    """The same content has the same id on every machine."""
    digest = hashlib.sha256()
    for name in paced(sorted(files)):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()[:12]


def released(
    authored: Authored,
    environment: Mapping[str, str],
    files: Mapping[str, bytes],
    built: Mapping[str, Program],
    shared: Common,
) -> Release:
    project = authored.project
    routes = tuple(map(routing, project.routes))
    prepare_speech(authored)
    return Release(
        id=release_id(files),
        programs=built,
        routes=routes,
        table=Table.of(routes),
        computed=names.computed(shared.calendars, shared.zone),
        apology=apology(project.apology, project.locale),
        locale=project.locale,
        deadline=millis(project.platform.deadline) / 1000,
        freshness=millis(project.platform.freshness) / 1000,
        applications=shared.applications,
        lacking=tuple(
            item.secret for item in project.applications if not environment.get(item.secret)
        ),
        guarded=guarded(built),
        hosts={host(service.url): service.private for service in project.services.values()},
        journal=project.journal,
    )


def host(url: str) -> str:
    return urlsplit(url).netloc.lower()
