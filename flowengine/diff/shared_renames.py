"""What flows share under a new name: a calendar, table, group, service or secret that is an old one but
for its name.
"""

import re
from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from flowengine.diff.difference import DiffPart
from flowengine.diff.project_facts import ExitFact, Fact, FlowFacts, ProjectFacts, StateFacts

RENAMED_PARTS: frozenset[DiffPart] = frozenset({"calendar", "table", "group", "service", "secret"})
EXPRESSION_NAMES = {"calendar": "hours", "table": "tables", "secret": "secrets"}

Content = frozenset[tuple[str, str, str]]


def find_renamed_topics(old: ProjectFacts, new: ProjectFacts) -> dict[str, str]:
    """New topics by old ones, such as `calendar practice` by `calendar support`: the old one is gone,
    and one new topic, and no other, says the same.
    """
    before, after = group_by_topic(old), group_by_topic(new)
    removed = group_by_content(before, without=after)
    added = group_by_content(after, without=before)
    return {
        names[0]: added[content][0]
        for content, names in removed.items()
        if len(names) == len(added.get(content, ())) == 1
    }


def group_by_topic(project: ProjectFacts) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in project.facts.values():
        if fact.part in RENAMED_PARTS:
            found.setdefault(fact.effective_topic, []).append(fact)
    return found


def group_by_content(
    topics: Mapping[str, list[Fact]], without: Collection[str]
) -> dict[Content, list[str]]:
    found: dict[Content, list[str]] = {}
    for topic, facts in topics.items():
        if topic not in without:
            content = frozenset(
                (fact.part, fact.label.removeprefix(topic), fact.value) for fact in facts
            )
            found.setdefault(content, []).append(topic)
    return found


class TopicRenaming(msgspec.Struct, frozen=True):
    """A version of a project as it would be with the new names of what flows share."""

    topics: Mapping[str, str]

    def rename_project(self, project: ProjectFacts) -> ProjectFacts:
        return replace(
            project,
            facts=self.rename_facts(project.facts),
            flows={name: self.rename_flow(flow) for name, flow in project.flows.items()},
        )

    def rename_flow(self, flow: FlowFacts) -> FlowFacts:
        return replace(
            flow,
            facts=self.rename_facts(flow.facts),
            states={name: self.rename_state(state) for name, state in flow.states.items()},
        )

    def rename_state(self, state: StateFacts) -> StateFacts:
        drawn = state.uses & self.topics.keys()
        if not drawn:
            return state
        return replace(
            state,
            facts=self.rename_facts(state.facts, drawn),
            exits=tuple(self.rename_exit(way, drawn) for way in state.exits),
            uses=self.rename_topics(state.uses),
        )

    def rename_exit(self, way: ExitFact, drawn: Iterable[str]) -> ExitFact:
        return replace(way, key=self.rename_in_text(way.key, drawn))

    def rename_facts(self, facts: Mapping[str, Fact], named: Iterable[str] = ()) -> dict[str, Fact]:
        renamed = (self.rename_fact(fact, named) for fact in facts.values())
        return {fact.label: fact for fact in renamed}

    def rename_fact(self, fact: Fact, named: Iterable[str]) -> Fact:
        """`named` are the topics that a setting may name: those that its state draws on."""
        topic = self.topics.get(fact.effective_topic, "")
        if topic:
            label = topic + fact.label.removeprefix(fact.effective_topic)
            fact = replace(fact, label=label, topic=topic)
        value = self.rename_in_text(fact.value, fact.uses)
        if fact.part in ("setting", "option") and not fact.refers_to:
            names = {get_name(old): get_name(self.topics[old]) for old in named}
            value = names.get(value, value)
        return replace(
            fact,
            value=value,
            own=self.rename_in_text(fact.own, fact.uses),
            shown=fact.display_text if value != fact.value else fact.shown,
            uses=self.rename_topics(fact.uses),
        )

    def rename_topics(self, topics: frozenset[str]) -> frozenset[str]:
        return frozenset(self.topics.get(topic, topic) for topic in topics)

    def rename_in_text(self, text: str, drawn: Iterable[str]) -> str:
        """The text with the new names in its expressions, such as `hours.practice.open`."""
        for topic in drawn:
            kind, _, name = topic.partition(" ")
            if topic in self.topics and kind in EXPRESSION_NAMES:
                base = EXPRESSION_NAMES[kind]
                new = f"{base}.{get_name(self.topics[topic])}"
                text = re.sub(rf"\b{base}\.{name}\b", new, text)
        return text


def get_name(topic: str) -> str:
    return topic.partition(" ")[2]
