"""A configuration file to a world, its settings and its store; or to all that is wrong with it."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from flowengine.problems import Problem, in_order
from flowengine.source import check, read
from flowengine.switch.config.model import Application, Configuration, Number, Party
from flowengine.switch.config.names import problems, secret_of
from flowengine.switch.config.schema import schema
from flowengine.switch.settings import Settings
from flowengine.switch.world import Act, Behaviour, Rate, World
from flowengine.switch.world import Application as WorldApplication
from flowengine.switch.world import Number as WorldNumber

KEY, SECRET = "SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"
CALLBACK = "http://127.0.0.1:8080/sinch"
OWN_NUMBER = "+14045001000"
OWN_RATE = Rate("", 0.01)


@dataclass(frozen=True, slots=True)
class Configured:
    """What a switch is started with. `made_up` says that its credentials were made for this run."""

    world: World
    settings: Settings
    store: str = "memory"
    open_desk: bool = False
    made_up: bool = False


def configured(
    content: bytes, file: str, environment: Mapping[str, str]
) -> tuple[Configured | None, list[Problem]]:
    """What the file says; None with the problems where there are any errors."""
    document, found = read(content, file)
    if document is None:
        return None, found
    found = [*found, *check(document, schema())]
    if not any(problem.severity == "error" for problem in found):
        made = msgspec.convert(document.data, Configuration)
        found += problems(made, document, environment)
        if not any(problem.severity == "error" for problem in found):
            return build(made, environment), in_order(found)
    return None, in_order(found)


def default(environment: Mapping[str, str]) -> Configured:
    """Without a file: one application, with one number to call it on."""
    return build(Configuration(numbers=[Number(OWN_NUMBER)]), environment)


def build(made: Configuration, environment: Mapping[str, str]) -> Configured:
    applications = tuple(application(item, environment) for item in made.applications) or (
        own(environment),
    )
    first = applications[0].key
    world = World(
        applications=applications,
        numbers=tuple(
            WorldNumber(item.number, owner(item.application, first), item.capability)
            for item in made.numbers
        ),
        users={item.name: owner(item.application, first) for item in made.users},
        parties={name: behaviour(party) for name, party in made.parties.items()},
        rates=tuple(Rate(item.prefix, item.amount, item.currency) for item in made.rates)
        or (OWN_RATE,),
        region=made.region,
    )
    return Configured(
        world,
        made.settings,
        made.store,
        made.open_desk,
        made_up=not made.applications and not environment.get(KEY),
    )


def owner(named: str | None, first: str) -> str:
    return first if named is None else named


def application(made: Application, environment: Mapping[str, str]) -> WorldApplication:
    return WorldApplication(
        made.key, secret_of(made, environment), made.primary, made.fallback, made.credit
    )


def own(environment: Mapping[str, str]) -> WorldApplication:
    """The application of the environment, or one that is made up."""
    key, secret = environment.get(KEY), environment.get(SECRET)
    if key and secret:
        return WorldApplication(key, secret, CALLBACK)
    return WorldApplication(str(uuid4()), b64encode(secrets.token_bytes(16)).decode(), CALLBACK)


def behaviour(party: Party) -> Behaviour:
    acts = tuple(Act(act.do, act.value, act.after, act.until) for act in party.acts)
    return Behaviour(party.does, party.after, party.who, party.beep_after, acts, party.hangs_up_at)
