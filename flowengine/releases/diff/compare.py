"""Two versions of a project, fact by fact."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from flowengine.compile import Compiled
from flowengine.releases.diff.difference import Difference, FlowDifference, Item
from flowengine.releases.diff.facts import Fact, FlowFacts, ProjectFacts
from flowengine.releases.diff.paths import compare_paths, reachable
from flowengine.releases.diff.renames import renamed_flows, renamed_states
from flowengine.releases.diff.shared import common, read_project
from flowengine.releases.diff.states import Affected, differing, states
from flowengine.releases.diff.ways import Listing, same_key, same_lead

RESOLVED = frozenset(
    {"message", "default", "key"}
)  # it shows in the states themselves whether one of these means anything else now
RELIED_ON = frozenset(
    {"table", "calendar", "service", "secret"}
)  # these change whatever draws on them
RELIED_ON_TOPICS = frozenset({"zone", "project locale", "project voice"})


def compare(old: Compiled, new: Compiled) -> Difference:
    """What changed in meaning. Versions with mistakes are compared as far as they can be read."""
    if old.sources == new.sources:
        return Difference()
    same = untouched(old, new)
    before, after = read_project(old, same), read_project(new, same)
    return Comparison(before, after, renamed_flows(before.flows, after.flows)).made()


def untouched(old: Compiled, new: Compiled) -> set[str]:
    """Flows that cannot have changed: nothing has in what flows share, none has come or gone, and
    their own files are the same.
    """
    if common(old) != common(new) or set(old.programs) != set(new.programs):
        return set()
    return {
        name
        for name, program in new.programs.items()
        if old.programs[name].document.text == program.document.text
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two projects; `names` are new names of flows by old ones. `affected` are states that changed
    by what they draw on, by topic.
    """

    old: ProjectFacts
    new: ProjectFacts
    names: Mapping[str, str]
    affected: dict[str, dict[str, None]] = field(default_factory=dict)

    def made(self) -> Difference:
        was = {name: self.names.get(name, name) for name in self.old.flows}
        found = [
            self.flow(self.old.flows[name], self.new.flows[now])
            for name, now in was.items()
            if now in self.new.flows
        ]
        found += [
            FlowDifference(name, "", "removed", None)
            for name, now in was.items()
            if now not in self.new.flows
        ]
        found += [added(flow) for name, flow in self.new.flows.items() if name not in was.values()]
        flows = sorted((flow for flow in found if flow), key=lambda flow: flow.flow)
        return Difference((*self.shared(), *self.routes()), tuple(flows))

    def shared(self) -> Iterator[Item]:
        users = self.users() if self.old.facts != self.new.facts else {}
        items = [
            relied(item, fact, users, self.affected)
            for item, fact in differing(
                self.old.facts, self.new.facts, {}, {}, lambda fact: self.new.places.get(fact.label)
            )
        ]
        yield from grouped(item for item in items if item)

    def users(self) -> dict[str, dict[str, None]]:
        """Which states draw on a topic, be it by way of another."""
        found: dict[str, dict[str, None]] = {}
        for flow in self.new.flows.values():
            draws = drawing([*flow.facts.values(), *self.new.facts.values()])
            for state in flow.states.values():
                for topic in closed(state.uses, draws):
                    found.setdefault(topic, {})[f"{flow.name}.{state.name}"] = None
        return found

    def routes(self) -> Iterator[Item]:
        places = dict(zip(self.new.routes, self.new.route_places, strict=True))
        yield from Listing(
            "route", "route", (same_key, same_lead), self.names, places.get, None
        ).compare(self.old.routes, self.new.routes)
        before, after = unrouted(self.old), unrouted(self.new)
        if self.names.get(before, before) != after and not (
            catch_all(self.old) or catch_all(self.new)
        ):
            yield Item(
                "changed",
                "route",
                "calls that no route takes",
                before or "nobody",
                after or "nobody",
            )

    def flow(self, old: FlowFacts, new: FlowFacts) -> FlowDifference | None:
        names = renamed_states(old, new)
        affected: Affected = {}
        found = tuple(states(old, new, names, self.names, affected))
        items = tuple(self.flow_items(old, new, names, affected))
        draws = drawing(
            [
                *old.facts.values(),
                *new.facts.values(),
                *self.old.facts.values(),
                *self.new.facts.values(),
            ]
        )
        for topic, users in affected.items():
            for beyond in closed([topic], draws):
                self.affected.setdefault(beyond, {}).update(
                    {f"{new.name}.{name}": None for name in users}
                )
        if not items and not found and old.name == new.name:
            return None
        before, after = reachable(old, names), reachable(new, {})
        both = {names.get(name, name) for name in old.states}
        return FlowDifference(
            flow=new.name,
            was=old.name if old.name != new.name else "",
            change="changed" if old.name == new.name else "renamed",
            place=new.place(("flow",)),
            items=items,
            states=found,
            reached=tuple(name for name in new.states if name in both and name in after - before),
            unreached=tuple(name for name in new.states if name in both and name in before - after),
            paths=compare_paths(old, new, names),
        )

    def flow_items(
        self, old: FlowFacts, new: FlowFacts, names: Mapping[str, str], affected: Affected
    ) -> Iterator[Item]:
        users: Affected = {}
        draws = drawing(new.facts.values())
        for state in new.states.values():
            for topic in closed(state.uses, draws):
                users.setdefault(topic, {})[state.name] = None
        for item, fact in differing(
            old.facts, new.facts, names, self.names, lambda fact: new.place(fact.path)
        ):
            kept = relied(item, fact, users, affected)
            if kept:
                yield replace(
                    kept,
                    affects=tuple(f"{new.name}.{name}" for name in kept.affects),
                    place=kept.place or new.place(("flow",)),
                )


def relied(item: Item, fact: Fact, users: Affected, affected: Affected) -> Item | None:
    """The item with the states that it changes; None where it changes none and means nothing by
    itself.
    """
    resolved = fact.part in RESOLVED or fact.about in ("error", "project default error")
    affects = tuple((affected if resolved else users).get(fact.about, {}))
    silent = resolved or fact.part in RELIED_ON or fact.about in RELIED_ON_TOPICS
    return replace(item, affects=affects) if affects or not silent else None


def drawing(facts: Iterable[Fact]) -> dict[str, set[str]]:
    """What each topic draws on itself."""
    uses: dict[str, set[str]] = {}
    for fact in facts:
        uses.setdefault(fact.about, set()).update(fact.uses)
    return uses


def closed(topics: Iterable[str], draws: Mapping[str, set[str]]) -> set[str]:
    """These topics and all that they draw on in turn."""
    found, todo = set(topics), list(topics)
    while todo:
        for topic in draws.get(todo.pop(), ()):
            if topic not in found:
                found.add(topic)
                todo.append(topic)
    return found


def added(flow: FlowFacts) -> FlowDifference:
    entries = (fact for fact in flow.facts.values() if fact.part == "entry")
    items = tuple(
        Item("added", fact.part, fact.label, "", fact.words, flow.place(fact.path))
        for fact in entries
    )
    return FlowDifference(flow.name, "", "added", flow.place(("flow",)), items)


def catch_all(project: ProjectFacts) -> bool:
    return any(way.key == "{}" for way in project.routes)


def unrouted(project: ProjectFacts) -> str:
    """The flow that answers what no route takes: the only one there is."""
    return project.names[0] if len(project.names) == 1 else ""


def grouped(items: Iterable[Item]) -> Iterator[Item]:
    """Days of a calendar that changed alike, in one."""
    for _, group in groupby(
        items, lambda item: (item.part == "calendar" or item.label, item.change, item.old, item.new)
    ):
        first, *others = group
        days = [item.label.rpartition(", ")[2] for item in others]
        yield replace(first, label=", ".join([first.label, *days])) if days else first
