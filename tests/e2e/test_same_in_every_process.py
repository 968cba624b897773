"""Nothing that people read or gates decide by depends on the hash seed of a process."""

import os
import subprocess
import sys
from pathlib import Path

from flowengine.states import LookupRequest, LookupResult
from tests.compiled_release import compile_release
from tests.journal.journal_line import record, ring

FLOWS = Path(__file__).parents[2] / "flows"
LINE = """\
flow: line
start: look
vars: {region: {type: text, max: 20}, all: {type: text, max: 90}}
states:
  look:
    fetch:
      service: crm
      get: /regions
      into: {region: "body.regions.map(k, k)[0]", all: "body.regions.map(k, k).join(' ')"}
      failed: bye
    next: told
  told: {say: "${vars.region} of ${vars.all}", hangup: }
  bye: {hangup: }
"""
PROJECT = """\
project: acme
services: {crm: {url: "https://crm.example.com"}}
routes: [{to: "+12015550100", flow: line}]
"""
SCENARIO = """\
flow: line
scenarios:
  the first region of the alphabet is said:
    given:
      lookups:
        - {service: crm, get: /regions, answer: {regions: {west: 1, east: 2, north: 3, south: 4}}}
    when:
      - hears: east of east north south west
"""
# Each region of the map has another way out, and the secret one shows up nowhere.
BRANCHES = """\
flow: line
start: look
vars: {region: {type: text, max: 20}, all: {type: text, max: 90, secret: true}}
states:
  look:
    fetch:
      service: crm
      get: /regions
      into: {region: "body.regions.map(k, k)[1]", all: "body.regions.map(k, k).join(' ')"}
      failed: bye
    next: choose
  choose:
    choose:
      - {when: 'vars.region == "b"', next: told}
      - {when: 'vars.region == "d"', next: bye}
      - {next: other}
  told: {say: "${vars.region} of ${vars.all}", next: bye}
  other: {say: "Another region, ${vars.region}.", hangup: }
  bye: {hangup: }
"""
COMMANDS = """
import sys
from click.testing import CliRunner
from flowengine.cli import main
for command in sys.argv[1].split(";"):
    ran = CliRunner().invoke(main, command.split())
    print(command, ran.exit_code, ran.output)
"""


def output(commands: str, seed: str) -> str:
    """What the commands print in a process of their own, without how long they took."""
    ran = subprocess.run(
        [sys.executable, "-c", COMMANDS, commands],
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "FLOWENGINE_COOKIE_KEYS": "the secret",  # of the journal
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    lines = [line.partition(" failed (")[0] for line in ran.stdout.splitlines()]
    return "\n".join(lines)


def test_commands_over_the_sample_flows_print_the_same_for_each_hash_seed() -> None:
    commands = ";".join(
        [f"check {FLOWS}", f"explain {FLOWS}", f"diagram {FLOWS} order-status", f"test {FLOWS}"]
    )
    first, second = (output(commands, seed) for seed in ("1", "77"))
    assert first == second
    assert "passed" in first


def test_scenario_over_the_keys_of_a_map_passes_in_every_process(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    (flows / "scenarios").mkdir(parents=True)
    (flows / "line.yaml").write_text(LINE)
    (flows / "project.yaml").write_text(PROJECT)
    (flows / "scenarios" / "line.yaml").write_text(SCENARIO)
    found = {output(f"test {flows};explain {flows}", seed) for seed in ("1", "2", "3", "4")}
    assert len(found) == 1
    assert "1 passed" in found.pop()


def test_replay_prints_the_same_in_every_process(tmp_path: Path) -> None:
    """The answers of lookups have maps; what goes differently falls into several groups."""
    flows, journal = tmp_path / "flows", tmp_path / "journal.db"
    flows.mkdir()
    (flows / "line.yaml").write_text(LINE)
    (flows / "project.yaml").write_text(PROJECT)
    release = compile_release({file.name: file.read_bytes() for file in flows.iterdir()})
    answers = iter(["abc", "dcb", "xyz", "bd", "zyxwvut", "a"])

    async def crm(_request: LookupRequest, _left: float) -> LookupResult:
        return LookupResult(200, {"regions": {key: ord(key) for key in next(answers)}})

    record(journal, release, [ring(f"call-{number}") for number in range(6)], fetch=crm)
    (flows / "line.yaml").write_text(BRANCHES)
    command = f"replay {journal} --on {flows}"
    found = {output(f"{command};{command} --json", seed) for seed in ("1", "77")}
    assert len(found) == 1
    assert "6 calls replayed" in (text := found.pop())
    assert text.count("another") == 6  # three groups, as text and as JSON
