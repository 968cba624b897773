"""What is kept of the flows of a project, for checking some of them again without the others."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from flowengine.compile.checks import (
    conference_commands,
    parking_codes,
    phone_columns,
    spoken_values,
)
from flowengine.compile.checks.call_facts import collect_flow_locales
from flowengine.compile.checks.callback_contexts import find_incoming_flows
from flowengine.compile.checks.missing_locales import UsedText, find_missing
from flowengine.compile.checks.secret_use import find_used_secrets
from flowengine.compile.checks.transfer_loops import NumberPlan
from flowengine.compile.checks.unused_groups import find_called_groups
from flowengine.compile.checks.value_sources import (
    ValueSource,
    follow_sources,
    list_written_texts,
)
from flowengine.compile.flow_effects import CallRecords, UseEffects, list_effects
from flowengine.compile.incremental_compile import FlowBuild, has_back_key
from flowengine.compile.name_domains import list_flow_locales
from flowengine.compile.program import CompileResult, Program
from flowengine.compile.project_compiler import (
    ProjectBuild,
    ProjectCompiler,
)
from flowengine.cooperative import iterate_with_pauses
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.model import CompileCache, Flow, ResultRecorder
from flowengine.model.outside_flows import Column
from flowengine.problems import Problem
from flowengine.source import Document
from flowengine.sources.project_folder import PROJECT_FILE, PROJECT_PARTS
from flowengine.states.state_results import FAILED_STATE_FACT

Files = Mapping[str, bytes]
# the parts of a compilation that are described
RECORDED_PARTS: Final = frozenset(
    {"call facts", "program", "secrets of", "speech before", "spoken locales"}
    | {"texts", "transfers", "walk"}
)
SOURCE_FINDERS: Final = (
    phone_columns.find_dialled_sources,
    phone_columns.find_rung_sources,
    spoken_values.find_spoken_sources,
)
# whose problems in one flow may come or go by a change of another one that does not use it
FAR_CODES: Final = frozenset({"FE403", "FE908", "FE910", "FE932", "FE943", "FE947"})


class FlowSummary(msgspec.Struct, frozen=True, array_like=True):
    """All that the problems of other flows, and of what all flows share, may depend on; `linked` are
    the flows that it uses or has somebody called into. `far_codes` are those of its own problems
    that other flows may change, and `has_problems` whether it has any, accepted or not. See
    `OutsideFlows` for the rest.
    """

    name: str
    file: str
    digest: str
    state_count: int
    linked: tuple[str, ...] = ()
    leads_back: bool = False
    reads_call_locale: bool = False
    reads_failed_state: bool = False
    call_locales: tuple[str, ...] | None = ()
    locales: tuple[str, ...] = ()
    spoken_locales: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rooms: tuple[str | None, ...] = ()
    led_rooms: tuple[str | None, ...] = ()
    parked: tuple[str | None, ...] = ()
    dialled: tuple[Column, ...] = ()
    rung: tuple[Column, ...] = ()
    spoken: tuple[Column, ...] = ()
    # by number of the project that leads to this flow: the numbers of the project that it dials
    transfers: dict[str, tuple[str, ...]] = {}
    texts: str = ""  # a digest of what it says in words that other flows may say, too
    far_codes: tuple[str, ...] = ()
    has_problems: bool = False
    effects: dict[str, UseEffects] = {}
    # variables of other flows whose values it dials, rings and speaks: the flow, and the name
    taken: tuple[tuple[Column, ...], ...] = ((), (), ())


class FlowSources(NamedTuple):
    """The columns of tables, and the variables of other flows, that values of a flow come from."""

    columns: tuple[Column, ...]
    variables: tuple[Column, ...]


class BuildRecords(msgspec.Struct, frozen=True):
    """What a compilation has found of flows, by flow; `codes` and `secrets` are by file. `sources`
    are those of what is dialled, rung and spoken.
    """

    builds: Mapping[str, FlowBuild]
    calls: CallRecords
    incoming: frozenset[str]
    codes: Mapping[str, set[str]]
    secrets: Mapping[str, frozenset[str]]
    sources: Sequence[Mapping[str, FlowSources]]
    spoken_locales: Mapping[str, frozenset[str]]
    texts: Mapping[str, Sequence[UsedText]]
    transfers: Mapping[str, dict[str, tuple[str, ...]]]

    @classmethod
    def from_build(cls, build: ProjectBuild, recorded: CompileCache) -> "BuildRecords":
        found = recorded.group_found(RECORDED_PARTS)
        return cls(
            found["program"],
            CallRecords.from_found(found),
            frozenset(find_incoming_flows(build.authored)),
            list_codes(build.undecided),
            found["secrets of"],
            [list_sources(build.programs, find) for find in SOURCE_FINDERS],
            found["spoken locales"],
            found["texts"],
            list_transfers(build, found["transfers"]),
        )


class ProjectSummary(msgspec.Struct, frozen=True):
    """A project without errors. `shared` is a digest of the files that all flows share, and
    `shared_codes` are the codes of problems in them, accepted or not.
    """

    shared: str
    shared_codes: tuple[str, ...]
    problems: tuple[Problem, ...]
    flows: tuple[FlowSummary, ...]


def compile_and_summarize(
    files: Files, environment: Mapping[str, str], *, cookies_only: bool
) -> tuple[CompileResult, ProjectSummary | None]:
    """Compile a project as a whole; the summary of one without errors."""
    recorded = ResultRecorder(RECORDED_PARTS)
    compiler = ProjectCompiler(recorded)
    with pause_garbage_collection():
        compiled = compiler.compile(files, environment, cookies_only=cookies_only)
        build = compiler.latest_build
        if compiled.release is None or build is None:
            return compiled, None
        return compiled, summarize_project(build, recorded, files)


def summarize_project(build: ProjectBuild, recorded: CompileCache, files: Files) -> ProjectSummary:
    """The summary of a project that was compiled as a whole."""
    flows = summarize_flows(build, recorded, files)
    own = {flow.file for flow in flows}
    codes = {one.code for one in build.undecided if one.span.file not in own}
    shared = compute_shared_digest(select_shared_files(files))
    return ProjectSummary(shared, tuple(sorted(codes)), build.problems, tuple(flows))


def summarize_flows(build: ProjectBuild, recorded: CompileCache, files: Files) -> list[FlowSummary]:
    """The summaries of all flows that were compiled, in the order of the project."""
    records = BuildRecords.from_build(build, recorded)
    return [
        summarize_flow(program, *build.authored.flows[name], files, records)
        for name, program in iterate_with_pauses(build.programs.items())
    ]


def summarize_flow(
    program: Program, flow: Flow, document: Document, files: Files, records: BuildRecords
) -> FlowSummary:
    name, file = program.flow, document.file
    rooms = program.compute_once(conference_commands.find_used_rooms)
    call_locales = list_flow_locales(flow, program.variables)
    secrets = records.secrets.get(file)
    sources = [each[name] for each in records.sources]
    return FlowSummary(
        name,
        file,
        digest=compute_digest(files[file]),
        state_count=len(program.states),
        linked=list_linked_flows(name, records.builds[name]),
        leads_back=has_back_key(flow, document),
        # a name in a comment counts, too: then more is checked than need be, and never less
        reads_call_locale="call.locale" in document.text,
        reads_failed_state=FAILED_STATE_FACT in document.text,
        call_locales=None if call_locales is None else sort(set(call_locales)),
        locales=sort(program.compute_once(collect_flow_locales)),
        spoken_locales=sort(records.spoken_locales.get(name, ())),
        secrets=sort(find_used_secrets(document) if secrets is None else secrets),
        groups=sort(program.compute_once(find_called_groups)),
        rooms=tuple(sorted(rooms.known, key=str)),
        led_rooms=tuple(sorted(rooms.led, key=str)),
        parked=tuple(sorted(program.compute_once(parking_codes.find_parked_codes), key=str)),
        dialled=sources[0].columns,
        rung=sources[1].columns,
        spoken=sources[2].columns,
        transfers=records.transfers.get(name, {}),
        texts=digest_texts(records.texts.get(name, ()), program.locale),
        far_codes=sort(records.codes.get(file, set()) & FAR_CODES),
        has_problems=file in records.codes,
        effects=list_effects(program, records.calls, records.incoming),
        taken=tuple(each.variables for each in sources),
    )


def sort(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def list_linked_flows(name: str, build: FlowBuild) -> tuple[str, ...]:
    """The other flows that a flow looked up."""
    used = build.used_fingerprints["subflows"]
    return sort(other for other in used.fingerprints if other != name)


def list_sources(programs: Mapping[str, Program], find: Any) -> dict[str, FlowSources]:
    """By flow: where values come from that come as they are to where `find` looks."""
    used = {name: program.compute_once(find) for name, program in programs.items()}
    written = list_written_texts(programs)
    reached = follow_sources((source for each in used.values() for source in each), written)
    found = {}
    for name, each in iterate_with_pauses(used.items()):
        moved = (item.source for item in written[name] if item.source and item.variable in reached)
        sources = {*each, *moved}
        found[name] = FlowSources(
            sort_sources(one for one in sources if one.is_column),
            sort_sources(one for one in sources if not one.is_column and one.owner != name),
        )
    return found


def sort_sources(sources: Iterable[ValueSource]) -> tuple[Column, ...]:
    return tuple(sorted({(one.owner, one.name) for one in sources}))


def list_transfers(
    build: ProjectBuild, transfers: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """By flow: the numbers of the project that it dials, by the number that leads to it."""
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    dialled = {number: hops for number, hops in transfers.items() if hops}
    if dialled:
        plan = NumberPlan.from_project(build.authored)
        for number, hops in dialled.items():
            found[plan.find_flow(number)][number] = sort(hops)
    return found


def list_codes(problems: Iterable[Problem]) -> dict[str, set[str]]:
    """The codes of problems by file."""
    found: dict[str, set[str]] = defaultdict(set)
    for problem in problems:
        found[problem.span.file].add(problem.code)
    return found


def digest_texts(texts: Iterable[UsedText], locale: str) -> str:
    """A digest of the texts that have no words for a locale, or may have none where another flow
    says them, too; "" for none.
    """
    found = [
        (text.message, text.path[3:], text.text_locales, sorted(text.spoken_locales), locale)
        for text in texts
        if not text.text_locales or find_missing(text.text_locales, text.spoken_locales, "")
    ]
    return compute_digest(repr(found).encode(errors="surrogatepass")) if found else ""


def select_shared_files(files: Files) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if is_shared_file(name)}


def is_shared_file(name: str) -> bool:
    return name == PROJECT_FILE or name.rpartition("/")[0] in PROJECT_PARTS


def compute_shared_digest(files: Files) -> str:
    """A digest of the names and contents of these files."""
    return compute_digest(repr(sorted(list_digests(files))).encode(errors="surrogatepass"))


def list_digests(files: Files) -> Iterator[tuple[str, str]]:
    for name, content in iterate_with_pauses(files.items()):
        yield name, compute_digest(content)


def compute_digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
