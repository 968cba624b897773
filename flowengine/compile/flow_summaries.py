"""What is kept of the flows of a project, for checking some of them again without the others."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from flowengine.compile.checks import conference_commands, phone_columns, spoken_values
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
from flowengine.compile.project_compiler import ProjectBuild, ProjectCompiler
from flowengine.model import CompileCache, OutsideFlows, ResultRecorder
from flowengine.model.outside_flows import Column
from flowengine.problems import Problem
from flowengine.sources.project_folder import PROJECT_FILE, PROJECT_PARTS

Files = Mapping[str, bytes]
# the parts of a compilation that are described
RECORDED_PARTS: Final = frozenset(
    {"program", "call facts", "walk", "speech before", "texts", "spoken locales", "transfers"}
)
# whose problems in one flow may come or go by a change of another one that does not use it
FAR_CODES: Final = frozenset({"FE403", "FE908", "FE910", "FE932", "FE943"})


class FlowSummary(msgspec.Struct, frozen=True, array_like=True):
    """All that the problems of other flows, and of what all flows share, may depend on; `linked` are
    the flows that it uses or has somebody called into. `far_codes` are those of its own problems
    that other flows may change, and `has_problems` whether it has any, accepted or not. See `OutsideFlows` for the rest.
    """

    name: str
    file: str
    digest: str
    state_count: int
    linked: tuple[str, ...] = ()
    leads_back: bool = False
    reads_call_locale: bool = False
    call_locales: tuple[str, ...] | None = ()
    locales: tuple[str, ...] = ()
    spoken_locales: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rooms: tuple[str | None, ...] = ()
    led_rooms: tuple[str | None, ...] = ()
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
    programs = build.programs
    dialled, rung, spoken = (
        list_sources(programs, find)
        for find in (
            phone_columns.find_dialled_sources,
            phone_columns.find_rung_sources,
            spoken_values.find_spoken_sources,
        )
    )
    transfers = list_transfers(build, recorded)
    far = list_far_codes(build.undecided)
    faulty = {problem.span.file for problem in build.undecided}
    records = CallRecords.from_cache(recorded)
    incoming = frozenset(find_incoming_flows(build.authored))
    looked_up = dict(recorded.list_found("program"))
    spoken_locales = dict(recorded.list_found("spoken locales"))
    texts = dict(recorded.list_found("texts"))
    found = []
    for name, program in programs.items():
        flow, document = build.authored.flows[name]
        rooms = program.compute_once(conference_commands.find_used_rooms)
        call_locales = list_flow_locales(flow, program.variables)
        found.append(
            FlowSummary(
                name,
                document.file,
                compute_digest(files[document.file]),
                len(program.states),
                list_linked_flows(name, looked_up[name]),
                has_back_key(flow, document),
                "call.locale" in document.text,
                None if call_locales is None else tuple(sorted(set(call_locales))),
                sort(program.compute_once(collect_flow_locales)),
                sort(spoken_locales.get(name, ())),
                sort(find_used_secrets(document)),
                sort(filter(None, program.compute_once(find_called_groups))),
                tuple(sorted(rooms.known, key=str)),
                tuple(sorted(rooms.led, key=str)),
                dialled[name].columns,
                rung[name].columns,
                spoken[name].columns,
                transfers.get(name, {}),
                describe_texts(texts.get(name, ()), program.locale),
                far.get(document.file, ()),
                document.file in faulty,
                list_effects(program, records, incoming),
                tuple(each[name].variables for each in (dialled, rung, spoken)),
            )
        )
    return found


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
    for name, each in used.items():
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
    build: ProjectBuild, recorded: CompileCache
) -> dict[str, dict[str, tuple[str, ...]]]:
    """By flow: the numbers of the project that it dials, by the number that leads to it."""
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    dialled = {number: hops for number, hops in recorded.list_found("transfers") if hops}
    if dialled:
        plan = NumberPlan.from_project(build.authored)
        for number, hops in dialled.items():
            found[plan.find_flow(number)][number] = sort(hops)
    return found


def list_far_codes(problems: Iterable[Problem]) -> dict[str, tuple[str, ...]]:
    """By file: the codes of its problems that other flows may change."""
    found: dict[str, set[str]] = defaultdict(set)
    for problem in problems:
        if problem.code in FAR_CODES:
            found[problem.span.file].add(problem.code)
    return {file: sort(codes) for file, codes in found.items()}


def describe_texts(texts: Iterable[UsedText], locale: str) -> str:
    """A digest of the texts that have no words for a locale, or may have none where another flow
    says them, too; "" for none.
    """
    found = [
        (text.message, text.path[3:], text.text_locales, sorted(text.spoken_locales), locale)
        for text in texts
        if not text.text_locales or find_missing(text.text_locales, text.spoken_locales, "")
    ]
    return compute_digest(repr(found).encode(errors="surrogatepass")) if found else ""


def unite_flows(flows: Iterable[FlowSummary]) -> OutsideFlows:
    """What flows are to others that are compiled without them."""
    flows = tuple(flows)
    return OutsideFlows(
        {flow.name: flow.file for flow in flows},
        any(flow.leads_back for flow in flows),
        unite_locales([flow.call_locales for flow in flows]),
        unite(flow.locales for flow in flows),
        unite(flow.spoken_locales for flow in flows),
        unite(flow.secrets for flow in flows),
        unite(flow.groups for flow in flows),
        unite(flow.rooms for flow in flows),
        unite(flow.led_rooms for flow in flows),
        unite(flow.dialled for flow in flows),
        unite(flow.rung for flow in flows),
        unite(flow.spoken for flow in flows),
        unite(to for flow in flows for to in flow.transfers.values()),
    )


def unite(parts: Iterable[tuple[Any, ...]]) -> frozenset[Any]:
    return frozenset().union(*parts)


def unite_locales(parts: Sequence[tuple[str, ...] | None]) -> frozenset[str] | None:
    """None where only a call tells."""
    known = [part for part in parts if part is not None]
    return unite(known) if len(known) == len(parts) else None


def select_shared_files(files: Files) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if is_shared_file(name)}


def is_shared_file(name: str) -> bool:
    return name == PROJECT_FILE or name.rpartition("/")[0] in PROJECT_PARTS


def compute_shared_digest(files: Files) -> str:
    """A digest of the names and contents of these files."""
    return compute_digest(repr(sorted(list_digests(files))).encode(errors="surrogatepass"))


def list_digests(files: Files) -> Iterator[tuple[str, str]]:
    for name, content in files.items():
        yield name, compute_digest(content)


def compute_digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
