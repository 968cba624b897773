"""Menus at work: runMenu and menuResult of the platform notes, sections 1.2, 2.5 and 7."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.svaml import Menu, MenuOption, RunMenu
from flowengine.switch.clock import VirtualClock
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.menu_player import MenuOutcome, MenuPlayer
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

SETTINGS = SwitchSettings(characters_per_second=10)
KEYS = (
    MenuOption("1", "return(sales)"),
    MenuOption("2", "menu(code)"),
    MenuOption("3", "return (with (brackets))"),
    MenuOption("#", "return(done)"),
)
CODE = Menu(
    "code",
    "#tts[Code, please........]",
    "#tts[Again:....]",
    repeats=1,
    max_digits=4,
    timeout_mills=3000,
)
MAIN = Menu("main", "#tts[Press 1 or 2........]", "#tts[Sorry?....]", repeats=2, options=KEYS)
"""Prompts of two seconds, repeated in one; five seconds to answer"""
ANNOUNCED = (Sound("speech", "hold on", 9.0),)
MENUS = RunMenu((MAIN, CODE))
SPOKEN = RunMenu((MAIN, CODE), enable_voice=True, locale="en-US")
DEAF = RunMenu((MAIN, CODE), barge=False)
SLOW = RunMenu(
    (Menu("main", "", timeout_mills=4000, max_timeout_mills=7000, repeats=0, max_digits=4),),
    enable_voice=True,
    locale="en-US",
)


class Bench:
    """A menu on a line, and a script of what is pressed ("12"), said ("say …") and done ("hang up")
    at which second.
    """

    def __init__(self, action, settings=SETTINGS):
        self.clock = VirtualClock()
        self.heard, self.asked, self.outcomes, self.counted = [], [], [], []
        self.line = AudioLine(
            self.clock,
            settings,
            lambda sound: self.heard.append((self.clock.seconds, sound.text.rstrip("."))),
        )
        self.menu = MenuPlayer(
            self.line,
            action,
            settings,
            self.finish,
            lambda *what: self.asked.append((self.clock.seconds, *what)),
        )

    def finish(self, outcome):
        self.outcomes.append((self.clock.seconds, outcome))

    def do(self, what):
        if what == "hang up":
            self.menu.handle_hangup()
        elif self.line.speak(what[4:]) if what.startswith("say ") else self.line.press(what):
            self.counted.append((self.clock.seconds, what))

    def run(self, script=()):
        self.menu.start()
        for at, what in script:
            self.clock.call_later(at - self.clock.seconds, lambda what=what: self.do(what))
        self.clock.run()
        return self


@pytest.mark.parametrize(
    ("action", "script", "at", "outcome"),
    [
        pytest.param(
            MENUS,
            [(3, "1")],
            3,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="return gives its value",
        ),
        pytest.param(
            MENUS,
            [(3, "3")],
            3,
            MenuOutcome("main", "return", "with (brackets)", "dtmf"),
            id="return with a space is tolerated",
        ),
        pytest.param(
            MENUS,
            [(3, "#")],
            3,
            MenuOutcome("main", "return", "done", "dtmf"),
            id="# is an option like others",
        ),
        pytest.param(
            MENUS,
            [(1, "1")],
            1,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="barge-in is the default",
        ),
        pytest.param(
            DEAF,
            [(1, "1"), (4, "#")],
            4,
            MenuOutcome("main", "return", "done", "dtmf"),
            id="without barge keys are lost meanwhile",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "1234")],
            4,
            MenuOutcome("code", "sequence", "1234", "dtmf"),
            id="maxDigits ends collection",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "12#")],
            4,
            MenuOutcome("code", "sequence", "12", "dtmf"),
            id="# ends collection",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "#")],
            4,
            MenuOutcome("code", "sequence", "", "dtmf"),
            id="# may end an empty collection",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "1"), (6, "2")],
            9,
            MenuOutcome("code", "sequence", "12", "dtmf"),
            id="silence ends collection",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "1*")],
            7,
            MenuOutcome("code", "sequence", "1*", "dtmf"),
            id="the star is collected",
        ),
        pytest.param(
            MENUS,
            [],
            2 + 5 + 1 + 5 + 1 + 5,
            MenuOutcome("main", "timeout"),
            id="silence after all repeats is a timeout",
        ),
        pytest.param(
            MENUS,
            [(3, "9"), (4, "9"), (5, "9")],
            5,
            MenuOutcome("main", "invalidinput", "", "dtmf"),
            id="wrong keys are invalidinput",
        ),
        pytest.param(
            MENUS,
            [(3, "9"), (4, "9")],
            10,
            MenuOutcome("main", "timeout"),
            id="the last attempt decides",
        ),
        pytest.param(
            MENUS,
            [(3, "2"), (4, "hang up")],
            4,
            MenuOutcome("code", "hangup"),
            id="hang-up in a menu",
        ),
        pytest.param(
            MENUS,
            [(3, "1"), (3, "hang up")],
            3,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="hang-up after its end",
        ),
        pytest.param(
            SPOKEN,
            [(3, "say the bill")],
            8,
            MenuOutcome("main", "return", "the bill", "voice"),
            id="words are complete after silence",
        ),
        pytest.param(
            SPOKEN,
            [(3, "say the"), (7, "say bill")],
            12,
            MenuOutcome("main", "return", "the bill", "voice"),
            id="words add up",
        ),
        pytest.param(
            SPOKEN,
            [(1, "say sales")],
            6,
            MenuOutcome("main", "return", "sales", "voice"),
            id="words barge in, too",
        ),
        pytest.param(
            SPOKEN,
            [(3, "say er"), (4, "1")],
            4,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="a key beats words",
        ),
        pytest.param(
            SPOKEN,
            [(3, "2"), (4, "say four two")],
            7,
            MenuOutcome("code", "sequence", "four two", "voice"),
            id="words for digits",
        ),
        pytest.param(
            MENUS,
            [(3, "say sales"), (4, "1")],
            4,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="enableVoice is off by default",
        ),
        pytest.param(
            SLOW,
            [(3, "say a"), (5, "say b"), (6, "say c")],
            7,
            MenuOutcome("main", "sequence", "a b c", "voice"),
            id="maxTimeoutMills for words",
        ),
        pytest.param(
            SLOW,
            [(3, "1"), (6, "2"), (8, "3")],
            12,
            MenuOutcome("main", "sequence", "123", "dtmf"),
            id="maxTimeoutMills is for voice only",
        ),
        pytest.param(
            SLOW,
            [(3, "1"), (4, "say a")],
            7,
            MenuOutcome("main", "sequence", "1", "dtmf"),
            id="words after digits are not heard",
        ),
        pytest.param(
            RunMenu((CODE,)),
            [],
            0,
            MenuOutcome("main", "error"),
            id="error if there is no menu to begin with",
        ),
        pytest.param(
            RunMenu((Menu("main", options=(MenuOption("1", "menu(gone)"),)),)),
            [(1, "1")],
            1,
            MenuOutcome("main", "error"),
            id="jump to nowhere",
        ),
        pytest.param(
            RunMenu((MAIN, CODE), main_menu="code"),
            [(1, "1#")],
            1,
            MenuOutcome("code", "sequence", "1", "dtmf"),
            id="mainMenu",
        ),
        pytest.param(
            RunMenu((MAIN,), main_menu="x"),
            [(1, "1")],
            1,
            MenuOutcome("main", "return", "sales", "dtmf"),
            id="main in its place",
        ),
    ],
)
def test_menu_result(action, script, at, outcome):
    assert Bench(action).run(script).outcomes == [(at, outcome)]


def test_repeats_is_how_often_the_repeat_prompt_plays():
    assert Bench(MENUS).run().heard == [(0, "Press 1 or 2"), (7, "Sorry?"), (13, "Sorry?")]


def test_repeats_default_is_a_setting_and_absent_repeat_prompt_is_the_main_prompt():
    bench = Bench(
        RunMenu((Menu("main", "#tts[Yes?]", options=KEYS),)), SwitchSettings(repeats=1)
    ).run()
    assert [text for _, text in bench.heard] == ["Yes?", "Yes?"]


def test_timeout_mills_counts_from_the_end_of_the_prompt_and_is_five_seconds():
    bench = Bench(RunMenu((Menu("main", "#tts[..........]", options=KEYS, repeats=0),))).run()
    assert bench.outcomes == [(1 + 5, MenuOutcome("main", "timeout"))]


def test_max_timeout_mills_is_twenty_seconds():
    said = [(at, "say on") for at in range(1, 30)]
    bench = Bench(RunMenu((Menu("main", options=KEYS),), enable_voice=True, locale="en-US")).run(
        said
    )
    assert bench.outcomes[0][0] == 20


def test_menu_jumps_give_no_pie_and_start_with_the_prompt_and_repeats_of_the_other_menu():
    bench = Bench(MENUS).run([(7.5, "2")])
    assert bench.heard == [
        (0, "Press 1 or 2"),
        (7, "Sorry?"),
        (7.5, "Code, please"),
        (7.5 + 2 + 3, "Again:"),
    ]
    assert bench.outcomes == [(16.5, MenuOutcome("code", "timeout"))]


@pytest.mark.parametrize(
    ("action", "moments"), [(MENUS, [0, 7, 13]), (DEAF, [2, 8, 14])], ids=["barge", "no barge"]
)
def test_input_counts_from_the_beginning_of_a_prompt_with_barge_else_from_its_end(action, moments):
    assert Bench(action).run().asked == [(at, "main", "123#", 0, False) for at in moments]


def test_question_event_has_the_digits_and_whether_words_count():
    assert Bench(SPOKEN).run([(3, "2"), (6, "1234")]).asked[-1] == (3, "code", "", 4, True)


def test_key_pressed_as_soon_as_the_prompt_is_heard_ends_the_menu():
    bench = Bench(MENUS)
    bench.line.on_sound = lambda sound: (
        bench.line.press("1") if sound.text.startswith("Press") else None
    )
    bench.run()
    assert bench.outcomes == [(0, MenuOutcome("main", "return", "sales", "dtmf"))]
    assert bench.asked == []


@pytest.mark.parametrize(
    ("script", "counted"),
    [
        ([(1, "9"), (3, "9"), (5, "1")], [(3, "9"), (5, "1")]),
        ([(1, "1")], [(1, "1")]),
        ([(3, "2"), (4, "9#")], [(3, "2"), (4, "9#")]),
    ],
    ids=["lost in the prompt", "right keys interrupt", "digits interrupt"],
)
def test_wrong_key_may_be_set_not_to_interrupt_the_prompt(script, counted):
    assert (
        Bench(MENUS, SwitchSettings(characters_per_second=10, wrong_key_interrupts=False))
        .run(script)
        .counted
        == counted
    )


def test_max_timeout_mills_begins_anew_with_each_repeat():
    menu = Menu("main", repeats=1, options=KEYS, timeout_mills=4000, max_timeout_mills=7000)
    bench = Bench(RunMenu((menu,), enable_voice=True, locale="en-US")).run(
        [(5, "say a"), (8, "say b")]
    )
    assert bench.outcomes == [(4 + 7, MenuOutcome("main", "return", "a b", "voice"))]


@pytest.mark.parametrize(
    ("voice", "end"), [(True, 7 + 7), (False, 9 + 9)], ids=["voice", "keys only"]
)
def test_max_timeout_mills_shorter_than_timeout_mills_ends_each_attempt_at_words(voice, end):
    menu = Menu("main", repeats=1, options=KEYS, timeout_mills=9000, max_timeout_mills=7000)
    bench = Bench(RunMenu((menu,), enable_voice=voice, locale="en-US")).run()
    assert bench.outcomes == [(end, MenuOutcome("main", "timeout"))]


@pytest.mark.parametrize(("allowed", "value"), [(True, "yes"), (False, "1")])
def test_options_beside_max_digits_are_a_setting(allowed, value):
    menu = Menu("main", max_digits=1, options=(MenuOption("1", "return(yes)"),))
    bench = Bench(RunMenu((menu,)), SwitchSettings(options_with_digits=allowed)).run([(1, "1")])
    assert bench.outcomes[0][1].value == value


def test_words_and_keys_that_count_are_told_so():
    script = [(3, "say sales"), (4, "2"), (5, "1"), (6, "say two")]
    assert Bench(SPOKEN).run(script).counted == script[:3]


def test_keys_after_the_result_are_lost():
    bench = Bench(MENUS).run([(1, "1"), (2, "2")])
    assert bench.counted == [(1, "1")]


def test_stopped_menu_has_no_result():
    bench = Bench(MENUS)
    bench.clock.call_later(3, bench.menu.stop)
    bench.run([(4, "1"), (5, "hang up")])
    assert bench.outcomes == []
    assert not bench.line.playing


def test_finished_menu_leaves_the_line_to_others():
    bench = Bench(MENUS).run([(1, "1")])
    bench.line.play(ANNOUNCED, lambda: None)
    bench.menu.stop()
    bench.menu.handle_hangup()
    assert bench.line.playing


def announce(bench):
    bench.menu.pause()
    bench.line.play(ANNOUNCED, bench.menu.resume)


@pytest.mark.parametrize("action", [MENUS, DEAF, SPOKEN], ids=["barge", "no barge", "voice"])
@pytest.mark.parametrize(
    ("moment", "then"),
    [(1, (1 + 9, "Press 1 or 2")), (4, (4 + 9 + 5, "Sorry?"))],
    ids=["in the prompt", "after it"],
)
def test_words_of_manage_call_in_a_menu_are_heard_and_the_wait_begins_anew(action, moment, then):
    bench = Bench(action)
    bench.clock.call_later(moment, lambda: announce(bench))
    bench.run([(moment + 1, "1")])
    assert bench.heard[1:3] == [(moment, "hold on"), then]
    assert len(bench.outcomes) == 1


def test_digits_before_and_after_what_manage_call_says_are_one_value():
    bench = Bench(MENUS)
    bench.clock.call_later(5, lambda: announce(bench))
    bench.run([(3, "2"), (4, "12"), (6, "9"), (17, "3#")])
    assert bench.outcomes == [(17, MenuOutcome("code", "sequence", "123", "dtmf"))]


INPUTS = st.sampled_from(
    ["1", "2", "3", "#", "*", "9", "12", "1234#", "say yes", "say no", "hang up"]
)
SCRIPTS = st.lists(
    st.tuples(st.integers(0, 400).map(lambda tenths: tenths / 10), INPUTS), max_size=8
)


@given(action=st.sampled_from([MENUS, SPOKEN, DEAF, SLOW]), script=SCRIPTS)
def test_menu_finishes_exactly_once_and_never_earlier_than_it_may(action, script):
    bench = Bench(action).run(sorted(script))
    [(at, outcome)] = bench.outcomes
    assert bench.line.listener is None
    assert not bench.line.playing
    menu = next(menu for menu in action.menus if menu.id == outcome.menu_id)
    last = max([moment for moment, _ in bench.counted if moment < at], default=0.0)
    moments = {moment for moment, _ in script}
    if outcome.type == "timeout" or (
        outcome.input_method == "voice"
        and at - last < menu.max_timeout_mills / 1000
        and action is not SLOW
    ):
        assert at - last >= menu.timeout_mills / 1000 - 1e-6
    elif outcome.type in {"hangup", "return", "invalidinput"} and outcome.input_method != "voice":
        assert at in moments
    if outcome.type == "hangup":
        assert (at, "hang up") in script
    if outcome.type == "sequence" and outcome.input_method == "dtmf":
        assert len(outcome.value) <= (menu.max_digits or 0)
