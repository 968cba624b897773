"""Checks the flows of a project that have changed, and takes the problems of the others from the
check before.

Flows that use each other are compiled together, with those that have changed among them. All else
that a problem may depend on is known of each flow (`FlowSummary`). Where the change may have changed
a problem of a flow that is not compiled, nothing is said, and the project is compiled as a whole.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from flowengine.compile.flow_effects import can_change_nothing
from flowengine.compile.flow_summaries import (
    RECORDED_PARTS,
    FlowSummary,
    compute_shared_digest,
    is_shared_file,
    list_digests,
    select_shared_files,
    summarize_flows,
)
from flowengine.compile.name_counts import NameCounts
from flowengine.compile.project_compiler import (
    BLOCKING_CODES,
    ProjectBuild,
    build_project,
    decode_files,
    drop_positions,
)
from flowengine.compile.summary_index import SummaryIndex, SummaryUpdate
from flowengine.cooperative import iterate_with_pauses
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.model import CompileCache, OutsideFlows, ResultRecorder, load_project
from flowengine.problems import Problem, Severity, sort_problems
from flowengine.sources.project_folder import PROJECT_FILE

Files = Mapping[str, bytes]
FLOW_NAMES: Final = "subflows"
# of rules that look at projects without errors alone
ERROR_FREE_CODES: Final = frozenset({"FE910", "FE941", "FE943", "FE947"})
# of rules that compare flows with each other
COMPARING_CODES: Final = frozenset({"FE908", "FE932"})
# of a name that none of the compiled flows has: the cure may name one of the others
UNKNOWN_FLOW_CODES: Final = frozenset({"FE501", "FE502", "FE503"})


class PartialCheck(msgspec.Struct, frozen=True):
    """What was found in a project. `build` has the flows that were compiled, `removed` are the names
    of those that are no more as they were. `update` is what is new of the project, where it has no
    errors.
    """

    problems: tuple[Problem, ...]
    flow_count: int
    state_count: int
    build: ProjectBuild
    removed: Sequence[str]
    update: SummaryUpdate | None


class FlowSelection(msgspec.Struct, frozen=True):
    """The flows to check, as they were before, and those that they use, which are compiled with
    them. `others` is what all but the former name.
    """

    inside: Sequence[FlowSummary]
    used: Sequence[FlowSummary]
    others: NameCounts
    files: Files
    flows: OutsideFlows


class SelectionBuild(msgspec.Struct, frozen=True):
    build: ProjectBuild
    recorded: ResultRecorder
    is_whole: bool


def try_partial_check(
    files: Files,
    changed: Collection[str],
    environment: Mapping[str, str],
    known: SummaryIndex,
    cache: CompileCache | None = None,
    *,
    cookies_only: bool,
) -> PartialCheck | None:
    """See `check_changed_flows`. Raises nothing."""
    try:
        return check_changed_flows(
            files, changed, environment, known, cache, cookies_only=cookies_only
        )
    except Exception:  # noqa: BLE001  # compiling the project as a whole will tell
        return None


def check_changed_flows(
    files: Files,
    changed: Collection[str],
    environment: Mapping[str, str],
    known: SummaryIndex,
    cache: CompileCache | None = None,
    *,
    cookies_only: bool,
) -> PartialCheck | None:
    """Check the flows of the files that have changed since `known`, came or went; `cache` may know
    the files that all flows share. None where the project must be compiled as a whole to tell.
    """
    if any(map(is_shared_file, changed)):
        return None
    sought = {known.names_by_file[name] for name in changed if name in known.names_by_file}
    with pause_garbage_collection():
        return next(
            (
                found
                for select in (select_users, select_linked_flows)
                if (
                    found := check_selection(
                        partial(select, files, known, changed),
                        known,
                        sought,
                        environment,
                        cache,
                        cookies_only=cookies_only,
                    )
                )
            ),
            None,
        )


def list_changed_files(files: Files, known: SummaryIndex) -> set[str]:
    """The names of the files that are not as they were in a project, by their digests; of those that
    all flows share, one name stands for all.
    """
    shared = select_shared_files(files)
    digests = dict(list_digests({name: files[name] for name in files if name not in shared}))
    changed = digests.items() ^ {(flow.file, flow.digest) for flow in known.flows.values()}
    is_same = compute_shared_digest(shared) == known.shared
    return {name for name, _ in changed} | (set() if is_same else {PROJECT_FILE})


def check_selection(
    select: Callable[[Collection[str]], FlowSelection | None],
    known: SummaryIndex,
    sought: Collection[str],
    environment: Mapping[str, str],
    cache: CompileCache | None,
    *,
    cookies_only: bool,
) -> PartialCheck | None:
    """Check these flows, and what they are found to use meanwhile."""
    while selection := select(sought):
        made = build_selection(selection, environment, cache, cookies_only=cookies_only)
        if made is None:
            return None
        outside = {name for name in list_looked_up(made.recorded) if name in selection.flows.files}
        if not outside:
            return conclude_check(known, selection, made)
        sought = {*sought, *outside}
    return None


def select_users(
    files: Files, known: SummaryIndex, changed: Collection[str], sought: Collection[str]
) -> FlowSelection | None:
    """The flows that have changed, if no other flow uses one of them; they are compiled with those
    that they use.
    """
    checked = {known.names_by_file[name] for name in changed if name in known.names_by_file}
    if any(map(known.has_users, checked)):
        return None
    # such a flow is compared with all that it is linked with
    if any(known.flows[name].reads_failed_state for name in known.find_linked(sought)):
        return None
    return select_flows(files, known, changed, checked, known.find_used(sought) - checked)


def select_linked_flows(
    files: Files, known: SummaryIndex, changed: Collection[str], sought: Collection[str]
) -> FlowSelection | None:
    """The flows that have changed, and all that are linked with them by whatever way."""
    return select_flows(files, known, changed, known.find_linked(sought), set())


def select_flows(
    files: Files,
    known: SummaryIndex,
    changed: Collection[str],
    checked: Collection[str],
    used: Collection[str],
) -> FlowSelection | None:
    """None where it is most of the project."""
    names = {*checked, *used}
    if len(known.flows) <= 2 * len(names):
        return None
    inside, below = (
        sorted((known.flows[name] for name in some), key=lambda flow: flow.file)
        for some in (checked, used)
    )
    others = known.counts.replace_flows(inside)
    outside_files = dict(known.files)
    for name in names:
        del outside_files[name]
    chosen = {*known.shared_files, *changed, *(known.files[name] for name in names)}
    return FlowSelection(
        inside,
        below,
        others,
        {name: files[name] for name in sorted(chosen) if name in files},
        others.to_outside_flows(outside_files),
    )


def build_selection(
    selection: FlowSelection,
    environment: Mapping[str, str],
    cache: CompileCache | None,
    *,
    cookies_only: bool,
) -> SelectionBuild | None:
    """Compile the selected flows; None where something about them is not known."""
    recorded = ResultRecorder(RECORDED_PARTS, cache)
    authored, form = load_project(selection.files, recorded, selection.flows)
    # without routes it is the number of flows that says which one answers
    if not authored.project.routes:
        return None
    if any(name in selection.flows.files for name in authored.flows) or any(
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
        for found in recorded.group_found(("program",))["program"].values()
        for name in found.used_fingerprints[FLOW_NAMES].fingerprints
    }


def conclude_check(
    known: SummaryIndex, selection: FlowSelection, made: SelectionBuild
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
    if not is_rest_unaffected(known, selection, made, found):
        return None
    left = {flow.file for flow in selection.inside}

    def is_kept(problem: Problem) -> bool:
        file = problem.span.file
        return file in known.names_by_file and file not in left

    problems = [one for one in iterate_with_pauses(known.problems) if is_kept(one)]
    if build.has_errors and any(problem.code in ERROR_FREE_CODES for problem in problems):
        return None
    problems += [one for one in build.problems if not is_kept(one)]
    everything = tuple(sort_problems(problems))
    own = {flow.file for flow in found}
    codes = {one.code for one in build.undecided if one.span.file not in own and not is_kept(one)}
    return PartialCheck(
        everything,
        len(known.flows) - len(selection.inside) + len(found),
        known.state_count
        + sum(flow.state_count for flow in found)
        - sum(flow.state_count for flow in selection.inside),
        build,
        [flow.name for flow in selection.inside],
        None
        if build.has_errors
        else SummaryUpdate(selection.inside, found, tuple(sorted(codes)), everything),
    )


def is_rest_unaffected(
    known: SummaryIndex,
    selection: FlowSelection,
    made: SelectionBuild,
    found: Sequence[FlowSummary],
) -> bool:
    """Whether all that the flows that were not checked may depend on is as it was."""
    codes = {problem.code for problem in made.build.undecided}
    codes |= set(known.shared_codes) & COMPARING_CODES
    codes |= known.counts.get_names("far_codes") & COMPARING_CODES
    if made.build.has_errors and selection.others.get_names("far_codes") & ERROR_FREE_CODES:
        return False
    return (
        not codes & (BLOCKING_CODES | UNKNOWN_FLOW_CODES | COMPARING_CODES)
        and not has_listed_flows(made.recorded)
        and has_same_call_facts(known, selection, made, found)
        and has_same_rooms_and_codes(selection, found)
        and has_same_used_flows(known, selection, made, found)
        and list_texts(selection.inside) == list_texts(found)
        and not known.has_cycles(selection.inside, found)
    )


def has_same_used_flows(
    known: SummaryIndex,
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
        flow.reads_failed_state or not checked.isdisjoint(flow.linked) for flow in found
    ):
        return False
    if any(
        problem.severity is Severity.ERROR and problem.span.file in files
        for problem in made.build.problems
    ):
        return False
    now = selection.others.replace_flows((), found)
    return now.list_taken_variables() == known.counts.list_taken_variables() and all(
        can_change_nothing(
            known.unite_effects(flow.name),
            known.unite_effects(flow.name, selection.inside, found),
            ends_here=not flow.effects,
        )
        for flow in selection.used
    )


def has_listed_flows(recorded: ResultRecorder) -> bool:
    """Whether a flow has looked at the names of all flows."""
    return any(
        found.used_fingerprints[FLOW_NAMES].all_names is not None
        for found in recorded.group_found(("program",))["program"].values()
    )


def has_same_call_facts(
    known: SummaryIndex,
    selection: FlowSelection,
    made: SelectionBuild,
    found: Sequence[FlowSummary],
) -> bool:
    """Whether calls in the flows outside may have the same locales, and go back or not, as before."""
    before, now = known.counts, selection.others.replace_flows((), found)
    # a flow with mistakes is left out where calls are followed
    calls = made.recorded.group_found(("call facts",))["call facts"]
    followed = [facts.locales for facts in calls.values()]
    locales = selection.flows.locales.union(*followed[:1])
    if now.leads_back != before.leads_back or locales != before.get_names("locales"):
        return False
    if not selection.others.reads_call_locale:
        return True
    project = made.build.authored.project.locale
    return made.is_whole and (
        add_locale(now.call_locales, project) == add_locale(before.call_locales, project)
    )


def add_locale(known: frozenset[str] | None, locale: str) -> frozenset[str] | None:
    return None if known is None else known | {locale}


def has_same_rooms_and_codes(selection: FlowSelection, found: Sequence[FlowSummary]) -> bool:
    before, now = NameCounts(selection.inside), NameCounts(found)
    return all(
        before.get_names(kind) ^ now.get_names(kind) <= selection.others.get_names(kind)
        for kind in ("rooms", "led_rooms", "parked")
    )


def list_texts(flows: Iterable[FlowSummary]) -> list[tuple[str, str, str]]:
    return [(flow.file, flow.name, flow.texts) for flow in flows if flow.texts]
