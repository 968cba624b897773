"""A configuration becomes a world: with a file, and without one."""

from pathlib import Path

from flowengine.switch.config import build_default, parse_configuration
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import (
    Act,
    Behaviour,
    Number,
    Rate,
    SwitchApplication,
    SwitchSetup,
)

WHOLE = (Path(__file__).parent / "configs" / "whole.yaml").read_bytes()
SECRET = "BeIukql3pTKJ8RGL5zo0DA=="


def test_configuration_file_sets_everything():
    made, problems = parse_configuration(WHOLE, "switch.yaml", {"ACME_SECRET": SECRET})
    assert problems == []
    assert made
    acts = (
        Act("press", "1#", until="asked"),
        Act("say", "Hello", 2, "beep$"),
        Act("hang up", after=1),
    )
    assert made.setup == SwitchSetup(
        applications=(
            SwitchApplication(
                "acme-support",
                SECRET,
                "http://127.0.0.1:8080/sinch",
                "http://127.0.0.1:8090/sinch",
                10,
            ),
            SwitchApplication("acme-sales", SECRET),
        ),
        numbers=(
            Number("+14045001000", "acme-support"),
            Number("+14045002000", "acme-sales", "sms"),
            Number("+14045003000"),
        ),
        users={"anna": "acme-support", "bert": "acme-sales"},
        parties={
            "+4670": Behaviour("busy", 1),
            "anna": Behaviour(who="machine", beep_after=2, acts=acts, hangs_up_at="bye|9"),
        },
        rates=(Rate("+46", 0.5, "SEK"),),
        region="use1",
    )
    assert made.settings == SwitchSettings(callback_timeout=2, strict=True)
    assert (made.store, made.open_desk, made.has_made_up_credentials) == (
        "sqlite:switch.db",
        True,
        False,
    )
    assert made.lost_callouts == {2, 5}


def test_without_a_file_the_credentials_of_the_environment_count():
    made = build_default({"SINCH_APPLICATION_KEY": "key", "SINCH_APPLICATION_SECRET": SECRET})
    assert made.setup.applications == (
        SwitchApplication("key", SECRET, "http://127.0.0.1:8080/sinch"),
    )
    assert [number.application for number in made.setup.numbers] == ["key"]
    assert not made.has_made_up_credentials


def test_without_credentials_a_pair_is_made_for_this_run():
    made, other = build_default({}), build_default({})
    assert made.has_made_up_credentials
    assert len(made.setup.applications[0].secret) == 24
    assert made.setup.applications != other.setup.applications
