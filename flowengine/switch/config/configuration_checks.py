"""What is wrong with a well-formed configuration: names that lead nowhere, things that are there
twice, acts that cannot be done.
"""

import re
from collections.abc import Iterator, Mapping

from flowengine.problems import Problem, quote_value, suggest_name
from flowengine.sinch.signing import decode_secret
from flowengine.source import Document, KeyPath
from flowengine.switch.config.configuration_model import (
    Configuration,
    ConfiguredAct,
    ConfiguredApplication,
)

MIN_SWITCH_SECRET_BYTES = 4  # real ones have 16; a placeholder such as "…" decodes to nothing
PRESSABLE_KEYS = re.compile(r"[0-9*#w]+")
ANSWERING_BEHAVIOURS = frozenset({"answer", "by hand"})


def find_problems(
    made: Configuration, document: Document, environment: Mapping[str, str]
) -> Iterator[Problem]:
    """Everything that a schema cannot see."""
    yield from find_duplicates(
        document, "applications", [item.key for item in made.applications], "key"
    )
    yield from find_duplicates(
        document, "numbers", [item.number for item in made.numbers], "number"
    )
    yield from find_duplicates(document, "users", [item.name for item in made.users], "name")
    yield from find_unknown_applications(made, document)
    for index, application in enumerate(made.applications):
        yield from check_secret(application, document, index, environment)
    for name, party in made.parties.items():
        if party.acts and party.does not in ANSWERING_BEHAVIOURS:
            at = document.find_key_span(("parties", name, "acts"))
            yield Problem(
                "FE604",
                at,
                f"{name} never answers, so it does nothing",
                "let it answer, or leave out acts:",
            )
        yield from check_pattern(party.hangs_up_at, document, ("parties", name, "hangs_up_at"))
        for index, act in enumerate(party.acts):
            yield from check_act(act, document, ("parties", name, "acts", index))


def find_duplicates(document: Document, part: str, names: list[str], key: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(
                "FE602",
                document.find_span((part, index, key)),
                f"{quote_value(name)} is in {part} already",
                "leave one of them out",
            )


def find_unknown_applications(made: Configuration, document: Document) -> Iterator[Problem]:
    known = [item.key for item in made.applications]
    named = [("numbers", index, number.application) for index, number in enumerate(made.numbers)]
    named += [("users", index, user.application) for index, user in enumerate(made.users)]
    for part, index, key in named:
        if key and key not in known:
            cure = suggest_name(key, known) or "list it under applications: with its key"
            yield Problem(
                "FE601",
                document.find_span((part, index, "application")),
                f"there is no application {quote_value(key)}",
                cure,
            )


def check_secret(
    made: ConfiguredApplication, document: Document, index: int, environment: Mapping[str, str]
) -> Iterator[Problem]:
    path: KeyPath = ("applications", index)
    if bool(made.secret) == bool(made.secret_from):
        yield Problem(
            "FE603",
            document.find_span((*path, "key")),
            "it needs one secret",
            "write secret: or secret_from: beside the key",
        )
    elif made.secret_from and made.secret_from not in environment:
        at = document.find_span((*path, "secret_from"))
        yield Problem(
            "FE603",
            at,
            f"the environment has no {made.secret_from}",
            "set it to the application's secret",
        )
    elif len(decode_secret(get_secret(made, environment))) < MIN_SWITCH_SECRET_BYTES:
        at = document.find_span((*path, "secret" if made.secret else "secret_from"))
        yield Problem(
            "FE603",
            at,
            "this is no secret in base64",
            "copy it whole from the dashboard, or make one: openssl rand -base64 16",
        )


def get_secret(made: ConfiguredApplication, environment: Mapping[str, str]) -> str:
    return made.secret or environment.get(made.secret_from, "")


def check_act(act: ConfiguredAct, document: Document, path: KeyPath) -> Iterator[Problem]:
    if act.do == "press" and not PRESSABLE_KEYS.fullmatch(act.value):
        at = document.find_span((*path, "value"))
        yield Problem(
            "FE604",
            at,
            f"{quote_value(act.value)} cannot be pressed",
            "write 0 to 9, * and #, in quotes",
        )
    if act.do == "say" and not act.value:
        yield Problem(
            "FE604", document.find_span(path), "it says nothing", "write value: with its words"
        )
    if act.do in ("wait", "hang up") and act.value:
        yield Problem(
            "FE604",
            document.find_span((*path, "value")),
            f"{quote_value(act.do)} takes no value",
            "leave it out",
        )
    yield from check_pattern(act.until, document, (*path, "until"))


def check_pattern(expression: str, document: Document, path: KeyPath) -> Iterator[Problem]:
    try:
        re.compile(expression)
    except re.error as error:
        yield Problem(
            "FE604",
            document.find_span(path),
            f"no regular expression: {error}",
            r"put \ before what stands for itself",
        )
