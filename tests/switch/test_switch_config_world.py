"""A configuration becomes a world: with a file, and without one."""

from pathlib import Path

from flowengine.switch.config import configured, default
from flowengine.switch.settings import Settings
from flowengine.switch.world import Act, Application, Behaviour, Number, Rate, World

WHOLE = (Path(__file__).parent / "configs" / "whole.yaml").read_bytes()
SECRET = "BeIukql3pTKJ8RGL5zo0DA=="


def test_a_file_says_everything():
    made, problems = configured(WHOLE, "switch.yaml", {"ACME_SECRET": SECRET})
    assert problems == []
    assert made
    acts = (
        Act("press", "1#", until="asked"),
        Act("say", "Hello", 2, "beep$"),
        Act("hang up", after=1),
    )
    assert made.world == World(
        applications=(
            Application(
                "acme-support",
                SECRET,
                "http://127.0.0.1:8080/sinch",
                "http://127.0.0.1:8090/sinch",
                10,
            ),
            Application("acme-sales", SECRET),
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
    assert made.settings == Settings(callback_timeout=2, strict=True)
    assert (made.store, made.open_desk, made.made_up) == ("sqlite:switch.db", True, False)


def test_without_a_file_the_credentials_of_the_environment_count():
    made = default({"SINCH_APPLICATION_KEY": "key", "SINCH_APPLICATION_SECRET": SECRET})
    assert made.world.applications == (Application("key", SECRET, "http://127.0.0.1:8080/sinch"),)
    assert [number.application for number in made.world.numbers] == ["key"]
    assert not made.made_up


def test_without_credentials_a_pair_is_made_for_this_run():
    made, other = default({}), default({})
    assert made.made_up
    assert len(made.world.applications[0].secret) == 24
    assert made.world.applications != other.world.applications
