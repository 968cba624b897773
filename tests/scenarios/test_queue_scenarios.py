"""Scenarios of queues: where callers stand, what they hear, and who takes them."""

from pathlib import Path

from click.testing import CliRunner

from flowengine.cli import main
from flowengine.templates import read_template
from tests.scenarios.hunt_group_project import ANNA, run_all, write_project

GROUP = """
members: ["+14045009001"]
wrap_up: 20s
most_waiting: 2
pause: 15s
"""
FLOW = """
flow: line
locale: en-US
start: begin
states:
  begin: {choose: [{when: 'call.from == "+14045009001"', next: sign}, {next: support}]}
  sign: {agent: {group: support, sign: out, unknown: bye}, next: bye}
  bye: {say: Goodbye., hangup: }
  support:
    queue:
      of: support
      accept: A call for support. Press 1 to take it.
      wait: {say: "You are number ${queue.position}.", every: 30s, music: music1}
      keys: {2: call_back}
      limit: 2m
      nobody: closed
      full: full
      too_long: too_long
      after: survey
  call_back: {say: We call you back., hangup: }
  closed: {say: Nobody is there., hangup: }
  full: {say: Too many wait., hangup: }
  too_long: {say: It takes too long., hangup: }
  survey: {say: How was it?, hangup: }
"""
SCENARIOS = {
    "a member takes the call and the caller goes on afterwards": """
    parties: {anna: {does: accepts}}
    when:
      - {hears: You are number 1.}
      - {connected to: anna}
      - {anna: hears a call for support}
      - {anna: hangs up}
      - {hears: How was it?}
    then: {ended by: flow}""",
    "a caller behind another is told when they move up": """
    parties: {bo: {is: "+46700000002", does: calls first}}
    when:
      - {hears: You are number 2.}
      - {anna: is rung}
      - {anna: accepts}
      - {waits: 28s}
      - {hears only: You are number 1.}
      - {bo: hangs up}
      - {waits: 20s}
      - {anna: is rung}
      - {anna: accepts}
      - {connected to: anna}""",
    "a key in the room leads out": """
    parties: {anna: {does: rings out}}
    when:
      - {hears: You are number 1.}
      - {waits: 10s}
      - {press: 2}
      - {hears only: We call you back.}
    then: {state: call_back}""",
    "a key in an announcement leads out": """
    parties: {anna: {does: rings out}}
    when:
      - {waits: 31s}
      - {press: 2}
      - {hears: We call you back.}
    then: {state: call_back, ended by: flow}""",
    "the longest wait ends": """
    parties: {anna: {does: declines}}
    when:
      - {waits: 2m}
      - {waits: 5s}
    then: {hears: It takes too long.}""",
    "two others fill the queue": """
    parties:
      anna: {does: busy}
      bo: {is: "+46700000002", does: calls first}
      cy: {is: "+46700000003", does: calls first}
    then: {hears: Too many wait.}""",
    "the member is rung again after a pause": """
    when:
      - {anna: is rung}
      - {anna: declines}
      - {waits: 14s}
      - {anna: is free}
      - {waits: 1s}
      - {anna: is rung}""",
    "a member may sign out, and then nobody is there": """
    parties: {anna: {is: "+14045009001", does: calls first}}
    then: {hears: Nobody is there.}""",
    "the caller hangs up and the phone rings no more": """
    when:
      - {anna: is rung}
      - hangs up
      - {anna: is free}""",
}


PARTIES = f"""\
parties:
  anna: {{is: "{ANNA}"}}
"""


def write_queue(folder: Path) -> Path:
    (folder / "groups").mkdir()
    (folder / "groups" / "support.yaml").write_text(GROUP)
    return write_project(folder, SCENARIOS, FLOW, PARTIES)


def test_scenarios_of_a_queue_pass(tmp_path: Path) -> None:
    results = run_all(write_queue(tmp_path))
    assert {result.name: result.failures for result in results if result.failures} == {}


def test_caller_who_is_called_back_in_turn_has_hung_up_before(tmp_path: Path) -> None:
    for name, text in read_template("queue-with-call-back", "acme").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    results = run_all(tmp_path)
    [result] = [one for one in results if "does not want to wait" in one.name]
    assert result.failures == ()
    told = [f"{line.who} {line.what}" for line in result.transcript]
    assert told.index("caller is gone") < told.index("platform rings ann")


def test_generated_scenarios_take_each_exit_of_a_queue(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    for name, text in read_template("support-queue", "acme").items():
        if not name.startswith("scenarios/"):
            (flows / name).parent.mkdir(parents=True, exist_ok=True)
            (flows / name).write_text(text.replace("limit: 20m", "limit: 1m"))
    arguments = ["test", str(flows), "--generate", "--fail-under", "100", "-j", "1"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
