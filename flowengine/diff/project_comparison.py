"""Two versions of a project, fact by fact."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import msgspec
from msgspec.structs import replace

from flowengine.compile import CompileResult
from flowengine.diff.caller_paths import compare_paths, find_reachable_states
from flowengine.diff.difference import DiffItem, FlowDifference, ProjectDifference
from flowengine.diff.list_comparison import ListComparison, has_same_key, has_same_target
from flowengine.diff.project_facts import Fact, FlowFacts, ProjectFacts
from flowengine.diff.renames import find_renamed_flows, find_renamed_states
from flowengine.diff.shared_facts import read_project_facts, select_shared_files
from flowengine.diff.shared_renames import TopicRenaming, find_renamed_topics, get_name
from flowengine.diff.state_comparison import AffectedStates, compare_facts, compare_states

RESOLVED_PARTS = frozenset(
    {"message", "default", "key"}
)  # it shows in the states themselves whether one of these means anything else now
DEPENDENCY_PARTS = frozenset(
    {"table", "calendar", "group", "service", "secret"}
)  # these change whatever draws on them
DEPENDENCY_TOPICS = frozenset({"zone", "project locale", "project voice"})


def compare_projects(old: CompileResult, new: CompileResult) -> ProjectDifference:
    """What changed in meaning. Versions with mistakes are compared as far as they can be read."""
    if old.sources == new.sources:
        return ProjectDifference()
    same = find_unchanged_flows(old, new)
    before, after = read_project_facts(old, same), read_project_facts(new, same)
    topics = find_renamed_topics(before, after)
    if topics:
        before = TopicRenaming(topics).rename_project(before)
    return ProjectComparison(
        before, after, find_renamed_flows(before.flows, after.flows), topics
    ).compare_all()


def find_unchanged_flows(old: CompileResult, new: CompileResult) -> set[str]:
    """Flows that cannot have changed: nothing has in what flows share, none has come or gone, and
    their own files are the same.
    """
    if select_shared_files(old) != select_shared_files(new) or set(old.programs) != set(
        new.programs
    ):
        return set()
    return {
        name
        for name, program in new.programs.items()
        if old.programs[name].document.text == program.document.text
    }


class ProjectComparison(msgspec.Struct, frozen=True):
    """Two projects; `names` are new names of flows by old ones, `topics` are new topics by old ones:
    `old` has the new ones already. `affected` are states that changed by what they draw on, by topic.
    """

    old: ProjectFacts
    new: ProjectFacts
    names: Mapping[str, str]
    topics: Mapping[str, str]
    affected: dict[str, dict[str, None]] = msgspec.field(default_factory=dict)

    def compare_all(self) -> ProjectDifference:
        was = {name: self.names.get(name, name) for name in self.old.flows}
        found = [
            self.compare_flow(self.old.flows[name], self.new.flows[now])
            for name, now in was.items()
            if now in self.new.flows
        ]
        found += [
            find_unreadable_flow(self.old.flows[name], self.new)
            or FlowDifference(name, "", "removed", None)
            for name, now in was.items()
            if now not in self.new.flows
        ]
        found += [
            find_unreadable_flow(flow, self.old) or build_added_flow(flow)
            for name, flow in self.new.flows.items()
            if name not in was.values()
        ]
        flows = sorted((flow for flow in found if flow), key=lambda flow: flow.flow)
        return ProjectDifference((*self.compare_shared(), *self.compare_routes()), tuple(flows))

    def compare_shared(self) -> Iterator[DiffItem]:
        users = self.find_users() if self.topics or self.old.facts != self.new.facts else {}
        yield from self.list_renamed_topics(users)
        items = [
            resolve_affected(item, fact, users, self.affected)
            for item, fact in compare_facts(
                self.old.facts, self.new.facts, {}, {}, lambda fact: self.new.places.get(fact.label)
            )
        ]
        yield from merge_calendar_days(item for item in items if item)

    def list_renamed_topics(self, users: AffectedStates) -> Iterator[DiffItem]:
        facts = {fact.effective_topic: fact for fact in reversed([*self.new.facts.values()])}
        for old, new in self.topics.items():
            fact = facts[new]
            place = self.new.places.get(fact.label)
            yield DiffItem(
                "renamed",
                fact.part,
                new,
                get_name(old),
                get_name(new),
                place,
                tuple(users.get(new, ())),
            )

    def find_users(self) -> dict[str, dict[str, None]]:
        """Which states draw on a topic, be it by way of another."""
        found: dict[str, dict[str, None]] = {}
        for flow in self.new.flows.values():
            draws = collect_dependencies([*flow.facts.values(), *self.new.facts.values()])
            for state in flow.states.values():
                for topic in find_transitive_topics(state.uses, draws):
                    found.setdefault(topic, {})[f"{flow.name}.{state.name}"] = None
        return found

    def compare_routes(self) -> Iterator[DiffItem]:
        places = dict(zip(self.new.routes, self.new.route_places, strict=True))
        yield from ListComparison(
            "route", "route", (has_same_key, has_same_target), self.names, places.get, None
        ).compare(self.old.routes, self.new.routes)
        before, after = find_default_flow(self.old), find_default_flow(self.new)
        if self.names.get(before, before) != after and not (
            has_catch_all_route(self.old) or has_catch_all_route(self.new)
        ):
            yield DiffItem(
                "changed",
                "route",
                "calls that no route takes",
                before or "nobody",
                after or "nobody",
            )

    def compare_flow(self, old: FlowFacts, new: FlowFacts) -> FlowDifference | None:
        names = find_renamed_states(old, new)
        affected: AffectedStates = {}
        found = tuple(compare_states(old, new, names, self.names, affected))
        items = tuple(self.compare_flow_facts(old, new, names, affected))
        self.note_affected(old, new, affected)
        if not items and not found and old.name == new.name:
            return None
        before, after = find_reachable_states(old, names), find_reachable_states(new, {})
        kept = {names.get(name, name) for name in old.states} & new.states.keys()
        return FlowDifference(
            flow=new.name,
            was=old.name if old.name != new.name else "",
            change="changed" if old.name == new.name else "renamed",
            place=new.locate(("flow",)),
            items=items,
            states=found,
            reached=tuple(name for name in new.states if name in kept & (after - before)),
            unreached=tuple(name for name in new.states if name in kept & (before - after)),
            paths=compare_paths(old, new, names),
        )

    def note_affected(self, old: FlowFacts, new: FlowFacts, affected: AffectedStates) -> None:
        """Note which states of this flow change with a part that several flows share."""
        draws = collect_dependencies(
            [
                *old.facts.values(),
                *new.facts.values(),
                *self.old.facts.values(),
                *self.new.facts.values(),
            ]
        )
        for topic, users in affected.items():
            states = {f"{new.name}.{name}": None for name in users}
            for beyond in find_transitive_topics([topic], draws):
                self.affected.setdefault(beyond, {}).update(states)

    def compare_flow_facts(
        self, old: FlowFacts, new: FlowFacts, names: Mapping[str, str], affected: AffectedStates
    ) -> Iterator[DiffItem]:
        users: AffectedStates = {}
        draws = collect_dependencies(new.facts.values())
        for state in new.states.values():
            for topic in find_transitive_topics(state.uses, draws):
                users.setdefault(topic, {})[state.name] = None
        for item, fact in compare_facts(
            old.facts, new.facts, names, self.names, lambda fact: new.locate(fact.path)
        ):
            kept = resolve_affected(item, fact, users, affected)
            if kept:
                yield replace(
                    kept,
                    affects=tuple(f"{new.name}.{name}" for name in kept.affects),
                    place=kept.place or new.locate(("flow",)),
                )


def resolve_affected(
    item: DiffItem, fact: Fact, users: AffectedStates, affected: AffectedStates
) -> DiffItem | None:
    """The item with the states that it changes; None where it changes none and means nothing by
    itself.
    """
    resolved = fact.part in RESOLVED_PARTS or fact.effective_topic in (
        "error",
        "project default error",
    )
    affects = tuple((affected if resolved else users).get(fact.effective_topic, {}))
    silent = resolved or fact.part in DEPENDENCY_PARTS or fact.effective_topic in DEPENDENCY_TOPICS
    return replace(item, affects=affects) if affects or not silent else None


def collect_dependencies(facts: Iterable[Fact]) -> dict[str, set[str]]:
    """What each topic draws on itself."""
    uses: dict[str, set[str]] = {}
    for fact in facts:
        uses.setdefault(fact.effective_topic, set()).update(fact.uses)
    return uses


def find_transitive_topics(topics: Iterable[str], draws: Mapping[str, set[str]]) -> set[str]:
    """These topics and all that they draw on in turn."""
    found, todo = set(topics), list(topics)
    while todo:
        for topic in draws.get(todo.pop(), ()):
            if topic not in found:
                found.add(topic)
                todo.append(topic)
    return found


def find_unreadable_flow(flow: FlowFacts, other: ProjectFacts) -> FlowDifference | None:
    """The difference of a flow that the other version lacks because its file has mistakes there."""
    place = flow.locate(("flow",))
    if place is None or place.file not in other.files_without_flow:
        return None
    return FlowDifference(flow.name, "", "unreadable", replace(place, line=1, column=1))


def build_added_flow(flow: FlowFacts) -> FlowDifference:
    entries = (fact for fact in flow.facts.values() if fact.part == "entry")
    items = tuple(
        DiffItem("added", fact.part, fact.label, "", fact.display_text, flow.locate(fact.path))
        for fact in entries
    )
    return FlowDifference(flow.name, "", "added", flow.locate(("flow",)), items)


def has_catch_all_route(project: ProjectFacts) -> bool:
    return any(way.key == "{}" for way in project.routes)


def find_default_flow(project: ProjectFacts) -> str:
    """The flow that answers what no route takes: the only one there is."""
    return project.names[0] if len(project.names) == 1 else ""


def merge_calendar_days(items: Iterable[DiffItem]) -> Iterator[DiffItem]:
    """Days of a calendar that changed alike, in one."""
    for _, group in groupby(
        items, lambda item: (item.part == "calendar" or item.label, item.change, item.old, item.new)
    ):
        first, *others = group
        days = [item.label.rpartition(", ")[2] for item in others]
        yield replace(first, label=", ".join([first.label, *days])) if days else first
