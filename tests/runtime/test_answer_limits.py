"""A menu sent under two names is heard once."""

import pytest
from msgspec.structs import replace

from flowengine.runtime.answer_limits import fit_to_limits
from flowengine.svaml import Menu, RunMenu, encode_fragment, find_violations, format_tts

MENU = Menu("main", main_prompt=format_tts("a" * 560))
NAMESAKE = replace(MENU, id="line.welcome")


@pytest.mark.parametrize(
    ("menus", "faults"),
    [
        ((MENU, NAMESAKE), 0),
        ((MENU, NAMESAKE, Menu("line.welcome.1", main_prompt=format_tts("b" * 560))), 1),
        ((MENU, replace(NAMESAKE, main_prompt=format_tts("b" * 560))), 1),
    ],
    ids=["the same words", "and an inner menu", "other words"],
)
def test_menu_limits_count_only_what_may_be_heard(menus, faults):
    assert (
        len(find_violations("pie", [], RunMenu(menus, main_menu="line.welcome", locale="en-US")))
        == faults
    )


def test_shortened_question_keeps_its_name():
    long = replace(MENU, main_prompt=";".join([format_tts("many words " * 50)] * 2))
    action = RunMenu(
        (long, replace(long, id="line.welcome")), main_menu="line.welcome", locale="en-US"
    )
    (said, mended) = fit_to_limits("pie", (), encode_fragment(action))
    assert said == ()
    assert (mended.main_menu, [menu.id for menu in mended.menus]) == (
        "line.welcome",
        ["main", "line.welcome"],
    )
    assert mended.menus[0].main_prompt == mended.menus[1].main_prompt != ""
