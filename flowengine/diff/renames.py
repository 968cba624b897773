"""Which states and flows are old ones under new names: told by what they do and by what is around
them, not by the names.
"""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

import msgspec

from flowengine.diff.project_facts import FlowEdge, FlowFacts, StateFacts
from flowengine.states import STATE_KINDS

PART_WEIGHTS = {"words": 2.0, "condition": 2.0, "value": 2.0, "number": 0.25}
IDENTIFYING_SETTINGS = frozenset[str]().union(
    *(kind.identifying_options for kind in STATE_KINDS.values())
)
MIN_STATE_SCORE, MIN_FLOW_SCORE = 0.6, 0.5
MIN_TEXT_SIMILARITY = 0.6  # texts less alike than this have nothing to do with each other
MIN_CONTENT_WEIGHT, CERTAIN_SCORE = 2.0, 0.95
MAX_COMPARED_PAIRS = 2_500  # all are weighed again after each match
INCOMING_WEIGHT, OUTGOING_WEIGHT, CONTENT_WEIGHT = 0.3, 0.2, 0.5


class EdgeNeighbours(msgspec.Struct, frozen=True):
    """The edges of a flow, by where they lead and where they come from. Entries come from nowhere."""

    into: Mapping[str, frozenset[tuple[str, str]]]
    out: Mapping[str, frozenset[tuple[str, str]]]

    @classmethod
    def from_flow(cls, flow: FlowFacts, names: Mapping[str, str]) -> "EdgeNeighbours":
        edges = [FlowEdge("", name, state) for name, state in flow.find_entries().items()]
        edges += [edge for state in flow.states.values() for edge in state.list_edges()]
        into: dict[str, set[tuple[str, str]]] = {}
        out: dict[str, set[tuple[str, str]]] = {}
        for edge in edges:
            into.setdefault(edge.target, set()).add(
                (names.get(edge.source, edge.source), edge.label)
            )
            out.setdefault(edge.source, set()).add(
                (edge.label, names.get(edge.target, edge.target))
            )
        return cls(
            {name: frozenset(found) for name, found in into.items()},
            {name: frozenset(found) for name, found in out.items()},
        )


def find_renamed_states(old: FlowFacts, new: FlowFacts) -> dict[str, str]:
    """New names by old ones. Each match makes its neighbours easier to tell, so the surest is taken
    first, and all are looked at again.
    """
    gone = [state for name, state in old.states.items() if name not in new.states]
    come = [state for name, state in new.states.items() if name not in old.states]
    names = match_identical_states(gone, come)
    likeness = compare_pairs(gone, come, names)
    # spelling decides between pairs that are as good as equal, and never against content
    spelling = {pair: SequenceMatcher(None, *pair).ratio() / 100 for pair in likeness}
    after = EdgeNeighbours.from_flow(new, {})
    while likeness:
        before = EdgeNeighbours.from_flow(old, names)
        scores = {
            pair: compute_score(pair, alike, before, after) for pair, alike in likeness.items()
        }
        best = max(scores, key=lambda pair: scores[pair] + spelling[pair])
        if scores[best] < MIN_STATE_SCORE:
            break
        names[best[0]] = best[1]
        likeness = {
            pair: alike
            for pair, alike in likeness.items()
            if pair[0] != best[0] and pair[1] != best[1]
        }
    return names


def compare_pairs(
    gone: Iterable[StateFacts], come: Iterable[StateFacts], names: Mapping[str, str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """How alike the states of each pair are that are of one kind and not matched yet; nothing where
    the pairs are too many.
    """
    pairs = [
        (one, other)
        for one in gone if one.name not in names
        for other in come if other.name not in names.values() and one.kind == other.kind
    ]  # fmt: skip
    if len(pairs) > MAX_COMPARED_PAIRS:
        return {}
    return {(one.name, other.name): compare_content(one, other) for one, other in pairs}


def match_identical_states(
    gone: Iterable[StateFacts], come: Iterable[StateFacts]
) -> dict[str, str]:
    """States that do just the same, as no other does."""
    before, after = group_by_content(gone), group_by_content(come)
    pairs = ((found, after.get(key, [])) for key, found in before.items())
    return {
        found[0].name: others[0].name
        for found, others in pairs
        if len(found) == len(others) == 1 and compute_total_weight(found[0]) >= MIN_CONTENT_WEIGHT
    }


def group_by_content(
    states: Iterable[StateFacts],
) -> dict[frozenset[tuple[str, str]], list[StateFacts]]:
    found: dict[frozenset[tuple[str, str]], list[StateFacts]] = {}
    for state in states:
        found.setdefault(
            frozenset([("kind", state.kind), *collect_content(state).items()]), []
        ).append(state)
    return found


def collect_content(state: StateFacts) -> dict[str, str]:
    """All that a state says and does, but not where it leads."""
    found = {label: fact.value for label, fact in state.facts.items() if not fact.refers_to}
    return found | {f"way {number}": way.key for number, way in enumerate(state.exits)}


def compute_weights(state: StateFacts) -> dict[str, float]:
    """The weights of facts when states are compared. Most options have the same value everywhere,
    and so weigh little.
    """
    found = {
        label: 2.0 if label in IDENTIFYING_SETTINGS else PART_WEIGHTS.get(fact.part, 0.1)
        for label, fact in state.facts.items()
        if not fact.refers_to
    }
    found["kind"] = 0.0
    inherited = {label: 0.0 for label, fact in state.facts.items() if fact.is_derived}
    return (
        found
        | inherited
        | {f"way {number}": 1.0 for number, way in enumerate(state.exits) if way.key}
    )


def compute_total_weight(state: StateFacts) -> float:
    return sum(compute_weights(state).values())


def compare_content(one: StateFacts, other: StateFacts) -> tuple[float, float]:
    """How alike two states are in what they do, and how much there is to tell."""
    heavy = compute_weights(one) | compute_weights(other)
    total = sum(heavy.values())
    if total < 1:
        return 0.0, 0.0
    before, after = collect_content(one), collect_content(other)
    return sum(
        size * compute_similarity(before.get(label, ""), after.get(label, ""))
        for label, size in heavy.items()
    ) / total, total


def compute_similarity(one: str, other: str) -> float:
    if one == other:
        return 1.0
    matcher = SequenceMatcher(None, one, other)
    if not (one and other) or matcher.real_quick_ratio() < MIN_TEXT_SIMILARITY:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= MIN_TEXT_SIMILARITY else 0.0


def compute_score(
    pair: tuple[str, str], found: tuple[float, float], before: EdgeNeighbours, after: EdgeNeighbours
) -> float:
    """How likely it is one state: what it does weighs as much as all that is around it."""
    one, other = pair
    if found[0] >= CERTAIN_SCORE and found[1] >= MIN_CONTENT_WEIGHT:
        return found[0]
    known = [
        (CONTENT_WEIGHT, found[0] if found[1] else None),
        (
            INCOMING_WEIGHT,
            compute_overlap(before.into.get(one, frozenset()), after.into.get(other, frozenset())),
        ),
        (
            OUTGOING_WEIGHT,
            compute_overlap(before.out.get(one, frozenset()), after.out.get(other, frozenset())),
        ),
    ]
    told = [(size, value) for size, value in known if value is not None]
    return (
        sum(size * value for size, value in told) / sum(size for size, _ in told) if told else 0.0
    )


def compute_overlap(
    one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]
) -> float | None:
    return len(one & other) / len(one | other) if one | other else None


def find_renamed_flows(
    old: Mapping[str, FlowFacts], new: Mapping[str, FlowFacts]
) -> dict[str, str]:
    """New names by old ones: flows that have most of their states in common."""
    gone = [flow for name, flow in old.items() if name not in new]
    come = [flow for name, flow in new.items() if name not in old]
    pairs = sorted(
        (
            (compute_flow_overlap(one, other), one.name, other.name)
            for one in gone
            for other in come
        ),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    names: dict[str, str] = {}
    for likely, one, other in pairs:
        if likely >= MIN_FLOW_SCORE and one not in names and other not in names.values():
            names[one] = other
    return names


def compute_flow_overlap(one: FlowFacts, other: FlowFacts) -> float:
    mine, yours = collect_flow_content(one), collect_flow_content(other)
    return len(mine & yours) / len(mine | yours)


def collect_flow_content(flow: FlowFacts) -> frozenset[tuple[str, str, str]]:
    """Everything that a flow says, and where."""
    facts = {
        (state.name, label, fact.value)
        for state in flow.states.values()
        for label, fact in state.facts.items()
    }
    return frozenset(
        facts
        | {
            (state.name, way.key, way.target)
            for state in flow.states.values()
            for way in state.exits
        }
    )
