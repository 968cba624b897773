"""Checks the flows of a project that have changed, and takes the problems of the others from the
check before.

Flows that use each other are compiled together, with those that have changed among them. All else
that a problem may depend on is known of each flow (`FlowSummary`). Where the change may have changed
a problem of a flow that is not compiled, nothing is said, and the project is compiled as a whole.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from flowengine.compile.checks.program_graph import find_components, find_reachable
from flowengine.compile.flow_effects import UseEffects, can_change_nothing, unite_effects
from flowengine.compile.flow_summaries import (
    RECORDED_PARTS,
    FlowSummary,
    ProjectSummary,
    compute_shared_digest,
    is_shared_file,
    list_digests,
    select_shared_files,
    summarize_flows,
    unite_flows,
)
from flowengine.compile.project_compiler import (
    BLOCKING_CODES,
    ProjectBuild,
    build_project,
    decode_files,
    drop_positions,
    pause_garbage_collection,
)
from flowengine.cooperative import iterate_with_pauses
from flowengine.model import OutsideFlows, ResultRecorder, load_project
from flowengine.model.outside_flows import Column
from flowengine.problems import Problem, Severity, sort_problems

Files = Mapping[str, bytes]
FLOW_NAMES: Final = "subflows"
# of rules that look at projects without errors alone
SOUND_CODES: Final = frozenset({"FE910", "FE941", "FE943", "FE947"})
# of rules that compare flows with each other
COMPARING_CODES: Final = frozenset({"FE908", "FE932"})
# of a name that none of the compiled flows has: the cure may name one of the others
UNKNOWN_FLOW_CODES: Final = frozenset({"FE501", "FE502", "FE503"})


@dataclass(frozen=True, slots=True)
class PartialCheck:
    """What was found in a project. `build` has the flows that were compiled, `unchanged` are the
    others. `summary` is that of the project, where it has no errors.
    """

    problems: tuple[Problem, ...]
    flow_count: int
    state_count: int
    build: ProjectBuild
    unchanged: Sequence[str]
    summary: ProjectSummary | None


@dataclass(frozen=True, slots=True)
class FlowSelection:
    """The flows to check, as they were before, those that they use, which are compiled with them,
    and those that are not compiled.
    """

    inside: Sequence[FlowSummary]
    used: Sequence[FlowSummary]
    outside: Sequence[FlowSummary]
    files: Files
    flows: OutsideFlows

    @property
    def others(self) -> list[FlowSummary]:
        """The flows whose problems are those of the check before."""
        return [*self.outside, *self.used]


@dataclass(frozen=True, slots=True)
class SelectionBuild:
    build: ProjectBuild
    recorded: ResultRecorder
    is_whole: bool


def try_partial_check(
    files: Files, environment: Mapping[str, str], known: ProjectSummary, *, cookies_only: bool
) -> PartialCheck | None:
    """See `check_changed_flows`. Raises nothing."""
    try:
        return check_changed_flows(files, environment, known, cookies_only=cookies_only)
    except Exception:  # noqa: BLE001  # compiling the project as a whole will tell
        return None


def check_changed_flows(
    files: Files, environment: Mapping[str, str], known: ProjectSummary, *, cookies_only: bool
) -> PartialCheck | None:
    """Check the flows that have changed since `known`. None where the project must be compiled as a
    whole to tell.
    """
    shared = select_shared_files(files)
    if compute_shared_digest(shared) != known.shared:
        return None
    digests = dict(list_digests({name: files[name] for name in files if name not in shared}))
    changed = digests.items() ^ {(flow.file, flow.digest) for flow in known.flows}
    changed_files = {name for name, _ in changed}
    sought = {flow.name for flow in known.flows if flow.file in changed_files}
    with pause_garbage_collection():
        return next(
            (
                found
                for select in (select_users, select_linked_flows)
                if (
                    found := check_selection(
                        partial(select, files, known, changed_files),
                        known,
                        sought,
                        environment,
                        cookies_only=cookies_only,
                    )
                )
            ),
            None,
        )


def check_selection(
    select: Callable[[Collection[str]], FlowSelection | None],
    known: ProjectSummary,
    sought: Collection[str],
    environment: Mapping[str, str],
    *,
    cookies_only: bool,
) -> PartialCheck | None:
    """Check these flows, and what they are found to use meanwhile."""
    while selection := select(sought):
        made = build_selection(selection, environment, cookies_only=cookies_only)
        if made is None:
            return None
        looked_up = list_looked_up(made.recorded)
        if looked_up.isdisjoint(selection.flows.files):
            return conclude(known, selection, made)
        sought = {*sought, *(looked_up & selection.flows.files.keys())}
    return None


def select_users(
    files: Files, known: ProjectSummary, changed: Collection[str], sought: Collection[str]
) -> FlowSelection | None:
    """The flows that have changed, if no other flow uses one of them; they are compiled with those
    that they use.
    """
    checked = {flow.name for flow in known.flows if flow.file in changed}
    if any(not checked.isdisjoint(flow.linked) for flow in known.flows):
        return None
    links = {flow.name: flow.linked for flow in known.flows}
    used = find_reachable(links, sought) - checked
    return select_flows(files, known, changed, checked, used)


def select_linked_flows(
    files: Files, known: ProjectSummary, changed: Collection[str], sought: Collection[str]
) -> FlowSelection | None:
    """The flows that have changed, and all that are linked with them by whatever way."""
    return select_flows(files, known, changed, find_linked_flows(known.flows, sought), set())


def select_flows(
    files: Files,
    known: ProjectSummary,
    changed: Collection[str],
    checked: Collection[str],
    used: Collection[str],
) -> FlowSelection | None:
    """None where it is most of the project."""
    inside = [flow for flow in iterate_with_pauses(known.flows) if flow.name in checked]
    below = [flow for flow in known.flows if flow.name in used]
    outside = [flow for flow in known.flows if flow.name not in used and flow.name not in checked]
    if len(outside) <= len(inside) + len(below):
        return None
    others = {flow.file for flow in outside}
    left = {
        name: content
        for name, content in iterate_with_pauses(files.items())
        if is_shared_file(name) or name in changed or name not in others
    }
    flows = replace(
        unite_flows([*outside, *below]), files={flow.name: flow.file for flow in outside}
    )
    return FlowSelection(inside, below, outside, left, flows)


def find_linked_flows(flows: Iterable[FlowSummary], sought: Iterable[str]) -> set[str]:
    links: dict[str, list[str]] = defaultdict(list)
    for flow in iterate_with_pauses(flows):
        for other in flow.linked:
            links[flow.name].append(other)
            links[other].append(flow.name)
    return find_reachable(links, sought)


def build_selection(
    selection: FlowSelection, environment: Mapping[str, str], *, cookies_only: bool
) -> SelectionBuild | None:
    """Compile the selected flows; None where something about them is not known."""
    recorded = ResultRecorder(RECORDED_PARTS)
    authored, form = load_project(selection.files, recorded, selection.flows)
    # without routes it is the number of flows that says which one answers
    if not authored.project.routes:
        return None
    if not authored.flows.keys().isdisjoint(selection.flows.files) or any(
        problem.code in BLOCKING_CODES for problem in form
    ):
        return None
    is_whole = not any(problem.severity is Severity.ERROR for problem in form)
    sources = decode_files(selection.files, authored)
    build = build_project(authored, form, sources, environment, recorded, cookies_only=cookies_only)
    drop_positions(authored)
    return SelectionBuild(build, recorded, is_whole)


def list_looked_up(recorded: ResultRecorder) -> set[str]:
    """The flows that the compiled ones use, or try to."""
    return {
        name
        for _, found in recorded.list_found("program")
        for name in found.used_fingerprints[FLOW_NAMES].fingerprints
    }


def conclude(
    known: ProjectSummary, selection: FlowSelection, made: SelectionBuild
) -> PartialCheck | None:
    """What is known of the project now; None where a flow that was not checked may have other
    problems than before.
    """
    build = made.build
    below = {flow.name for flow in selection.used}
    found = [
        flow
        for flow in summarize_flows(build, made.recorded, selection.files)
        if flow.name not in below
    ]
    if not is_nothing_new(known, selection, made, found):
        return None
    flows = sorted([*selection.others, *found], key=lambda flow: flow.file)
    kept = frozenset(flow.file for flow in selection.others)
    problems = [one for one in known.problems if one.span.file in kept]
    if build.has_errors and any(problem.code in SOUND_CODES for problem in problems):
        return None
    problems += [one for one in build.problems if one.span.file not in kept]
    everything = tuple(sort_problems(problems))
    own = {flow.file for flow in flows}
    codes = {one.code for one in build.undecided if one.span.file not in own}
    return PartialCheck(
        everything,
        len(flows),
        sum(flow.state_count for flow in flows),
        build,
        [flow.name for flow in selection.others],
        None
        if build.has_errors
        else ProjectSummary(known.shared, tuple(sorted(codes)), everything, tuple(flows)),
    )


def is_nothing_new(
    known: ProjectSummary,
    selection: FlowSelection,
    made: SelectionBuild,
    found: Sequence[FlowSummary],
) -> bool:
    """Whether all that the flows that were not checked may depend on is as it was."""
    codes = {problem.code for problem in made.build.undecided}
    codes |= set(known.shared_codes) & COMPARING_CODES
    codes |= {code for flow in known.flows for code in flow.far_codes} & COMPARING_CODES
    far = {code for flow in selection.others for code in flow.far_codes}
    if made.build.has_errors and far & SOUND_CODES:
        return False
    return (
        not codes & (BLOCKING_CODES | UNKNOWN_FLOW_CODES | COMPARING_CODES)
        and not has_listed_flows(made.recorded)
        and is_alike_in_calls(known, selection, made, found)
        and is_alike_in_rooms_and_codes(selection, found)
        and is_alike_in_use(known, selection, made, found)
        and list_texts(selection.inside) == list_texts(found)
        and not has_circles([*selection.others, *found])
    )


def is_alike_in_use(
    known: ProjectSummary,
    selection: FlowSelection,
    made: SelectionBuild,
    found: Sequence[FlowSummary],
) -> bool:
    """Whether the flows that the checked ones use have no problems, as before."""
    if not selection.used:
        return True
    files = {flow.file for flow in selection.used}
    checked = {flow.name for flow in found}
    if any(flow.has_problems for flow in selection.used) or any(
        not checked.isdisjoint(flow.linked) for flow in found
    ):
        return False
    if any(
        problem.severity is Severity.ERROR and problem.span.file in files
        for problem in made.build.problems
    ):
        return False
    now = [*selection.others, *found]
    before = unite_effects(flow.effects for flow in known.flows)
    after = unite_effects(flow.effects for flow in now)
    nothing = UseEffects()
    return list_taken(known.flows) == list_taken(now) and all(
        can_change_nothing(
            before.get(flow.name, nothing),
            after.get(flow.name, nothing),
            ends_here=not flow.effects,
        )
        for flow in selection.used
    )


def list_taken(flows: Sequence[FlowSummary]) -> list[frozenset[Column]]:
    """The variables of other flows that are dialled, rung and spoken."""
    return [frozenset(one for flow in flows for one in flow.taken[kind]) for kind in range(3)]


def has_listed_flows(recorded: ResultRecorder) -> bool:
    """Whether a flow has looked at the names of all flows."""
    return any(
        found.used_fingerprints[FLOW_NAMES].all_names is not None
        for _, found in recorded.list_found("program")
    )


def is_alike_in_calls(
    known: ProjectSummary,
    selection: FlowSelection,
    made: SelectionBuild,
    found: Sequence[FlowSummary],
) -> bool:
    """Whether calls in the flows outside may have the same locales, and go back or not, as before."""
    before, now = unite_flows(known.flows), unite_flows([*selection.others, *found])
    # a flow with mistakes is left out where calls are followed
    followed = [facts.locales for _, facts in made.recorded.list_found("call facts")]
    locales = selection.flows.locales.union(*followed[:1])
    if now.leads_back != before.leads_back or locales != before.locales:
        return False
    if not any(flow.reads_call_locale for flow in selection.others):
        return True
    project = made.build.authored.project.locale
    return made.is_whole and (
        add_locale(now.call_locales, project) == add_locale(before.call_locales, project)
    )


def add_locale(known: frozenset[str] | None, locale: str) -> frozenset[str] | None:
    return None if known is None else known | {locale}


def is_alike_in_rooms_and_codes(selection: FlowSelection, found: Sequence[FlowSummary]) -> bool:
    before, now, outside = unite_flows(selection.inside), unite_flows(found), selection.flows
    return (
        before.rooms ^ now.rooms <= outside.rooms
        and before.led_rooms ^ now.led_rooms <= outside.led_rooms
        and before.parked ^ now.parked <= outside.parked
    )


def list_texts(flows: Iterable[FlowSummary]) -> list[tuple[str, str, str]]:
    return [(flow.file, flow.name, flow.texts) for flow in flows if flow.texts]


def has_circles(flows: Iterable[FlowSummary]) -> bool:
    """Whether calls between numbers of the project may go round."""
    hops = {number: to for flow in flows for number, to in flow.transfers.items()}
    graph: dict[str, Sequence[str]] = {number: () for to in hops.values() for number in to}
    graph |= hops
    return any(
        len(circle) > 1 or circle[0] in graph[circle[0]] for circle in find_components(graph)
    )
