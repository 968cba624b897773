"""A configuration file to a world, its settings and its store; or to all that is wrong with it."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from uuid import uuid4

import msgspec

from flowengine.problems import Problem, sort_problems
from flowengine.source import read_document
from flowengine.source.schema_validation import validate_document
from flowengine.switch.config.configuration_checks import find_problems, get_secret
from flowengine.switch.config.configuration_model import (
    Configuration,
    ConfiguredApplication,
    ConfiguredNumber,
    Party,
)
from flowengine.switch.config.configuration_schema import load_schema
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Act, Behaviour, Rate, SwitchSetup
from flowengine.switch.switch_setup import Number as WorldNumber
from flowengine.switch.switch_setup import SwitchApplication as WorldApplication

KEY_VARIABLE, SECRET_VARIABLE = "SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"
DEFAULT_CALLBACK_URL = "http://127.0.0.1:8080/sinch"
DEFAULT_NUMBER = "+14045001000"
DEFAULT_RATE = Rate("", 0.01)


class SwitchConfig(msgspec.Struct, frozen=True):
    """What a switch is started with. `has_made_up_credentials` says that its credentials were made for this run."""

    setup: SwitchSetup
    settings: SwitchSettings
    store: str = "memory"
    open_desk: bool = False
    has_made_up_credentials: bool = False
    lost_callouts: frozenset[int] = frozenset()


def parse_configuration(
    content: bytes, file: str, environment: Mapping[str, str]
) -> tuple[SwitchConfig | None, list[Problem]]:
    """What the file says; None with the problems where there are any errors."""
    document, found = read_document(content, file)
    if document is None:
        return None, found
    found = [*found, *validate_document(document, load_schema())]
    if not any(problem.severity == "error" for problem in found):
        made = msgspec.convert(document.data, Configuration)
        found += find_problems(made, document, environment)
        if not any(problem.severity == "error" for problem in found):
            return build_config(made, environment), sort_problems(found)
    return None, sort_problems(found)


def build_default(environment: Mapping[str, str]) -> SwitchConfig:
    """Without a file: one application, with one number to call it on."""
    return build_config(Configuration(numbers=[ConfiguredNumber(DEFAULT_NUMBER)]), environment)


def build_config(made: Configuration, environment: Mapping[str, str]) -> SwitchConfig:
    applications = tuple(build_application(item, environment) for item in made.applications) or (
        build_default_application(environment),
    )
    first = applications[0].key
    world = SwitchSetup(
        applications=applications,
        numbers=tuple(
            WorldNumber(item.number, choose_application(item.application, first), item.capability)
            for item in made.numbers
        ),
        users={item.name: choose_application(item.application, first) for item in made.users},
        parties={name: build_behaviour(party) for name, party in made.parties.items()},
        rates=tuple(Rate(item.prefix, item.amount, item.currency) for item in made.rates)
        or (DEFAULT_RATE,),
        region=made.region,
    )
    return SwitchConfig(
        world,
        made.settings,
        made.store,
        made.open_desk,
        has_made_up_credentials=not made.applications and not environment.get(KEY_VARIABLE),
        lost_callouts=frozenset(made.lost_callouts),
    )


def choose_application(named: str | None, first: str) -> str:
    # "" means that a number or user belongs to nobody
    return first if named is None else named


def build_application(
    made: ConfiguredApplication, environment: Mapping[str, str]
) -> WorldApplication:
    return WorldApplication(
        made.key, get_secret(made, environment), made.primary, made.fallback, made.credit
    )


def build_default_application(environment: Mapping[str, str]) -> WorldApplication:
    """The application of the environment, or one that is made up."""
    key, secret = environment.get(KEY_VARIABLE), environment.get(SECRET_VARIABLE)
    if key and secret:
        return WorldApplication(key, secret, DEFAULT_CALLBACK_URL)
    return WorldApplication(
        str(uuid4()), b64encode(secrets.token_bytes(16)).decode(), DEFAULT_CALLBACK_URL
    )


def build_behaviour(party: Party) -> Behaviour:
    acts = tuple(Act(act.do, act.value, act.after, act.until) for act in party.acts)
    return Behaviour(party.does, party.after, party.who, party.beep_after, acts, party.hangs_up_at)
