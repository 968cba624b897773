"""Conferences with several callers in scenarios, and what other flows change there."""

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner

from flowengine.cli import main

FILES = {
    "project.yaml": """
project: acme
routes:
  - {to: "+14045550101", flow: board}
  - {to: "+14045550102", flow: desk}
""",
    "board.yaml": """
flow: board
start: room
states:
  room:
    say: Welcome.
    connect: {conference: board, moderator: false, wait: music1, until: moderator leaves, music: music2}
""",
    "desk.yaml": """
flow: desk
start: ask
states:
  ask:
    menu:
      prompt: What now?
      options: {1: quiet, 2: loud, 3: aside, 4: out, 5: close, 6: lead}
      otherwise: bye
  quiet: {conference: {name: board, do: mute}, next: ask}
  loud: {conference: {name: board, do: unmute, who: all}, next: ask}
  aside: {conference: {name: board, do: hold, who: "+14045009001"}, next: ask}
  out: {conference: {name: board, do: remove, who: "${call.from}"}, next: ask}
  close: {conference: {name: board, do: end}, next: bye}
  lead: {connect: {conference: board, moderator: true}}
  bye: {hangup: }
""",
    "scenarios/board.yaml": """
flow: board
parties:
  anna: {is: "+14045009001"}
  desk: {is: "+14045009002", to: "+14045550102"}
  host: {is: "+14045009003", to: "+14045550102"}
scenarios:
  a desk changes members:
    when:
      - hears: Welcome.
      - on hold
      - anna: calls
      - anna: is on hold
      - host: calls
      - host: presses 6
      - anna: is heard
      - connected to: host
      - desk: calls
      - desk: presses 1
      - muted
      - anna: is muted
      - host: is heard
      - desk: presses 2
      - heard
      - desk: presses 3
      - anna: is on hold
      - heard
      - host: hangs up
      - ended
      - anna: is free
      - desk: presses 4
      - desk: hears What now?
  a desk ends the conference for the moderator, too:
    when:
      - host: calls
      - host: presses 6
      - desk: calls
      - desk: presses 5
      - ended
      - host: is free
      - desk: is free
""",
}


def write_files(folder: Path, files: Mapping[str, str] = FILES) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def test_flow_changes_the_members_of_a_conference(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["test", write_files(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "2 passed" in done.output


PARKING_FILES = {
    "project.yaml": """
project: acme
routes:
  - {to: "+14045550103", flow: hold}
  - {to: "+14045550104", flow: take}
""",
    "hold.yaml": """
flow: hold
start: wait
states:
  wait: {park: {code: "7", in_use: bye}}
  bye: {hangup: }
""",
    "take.yaml": """
flow: take
start: take
states:
  take: {pick_up: {code: "7", nobody: bye}}
  bye: {hangup: }
""",
    "scenarios/hold.yaml": """
flow: hold
parties: {anna: {is: "+14045009001", to: "+14045550104"}}
scenarios:
  somebody picks up:
    when: [parked, {anna: calls}, {connected to: anna}]
  nobody has picked up:
    when: [parked, {connected to: anna}]
""",
    "scenarios/take.yaml": """
flow: take
parties: {pat: {is: "+14045009002", to: "+14045550103", does: calls first}}
scenarios:
  pat is picked up: {when: [{connected to: pat}, {pat: hangs up}, ended]}
  pat has hung up: {when: [{connected to: pat}, {pat: hangs up}, {connected to: pat}]}
""",
}


def test_caller_is_connected_to_the_party_who_has_picked_up_or_was(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["test", write_files(tmp_path, PARKING_FILES)])
    failed = [line for line in done.output.splitlines() if line.startswith("FAILED")]
    assert failed == ["FAILED hold: nobody has picked up", "FAILED take: pat has hung up"]
    assert done.output.count("the call was not connected to this") == 2
