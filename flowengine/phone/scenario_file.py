"""The file that a call is saved in as a scenario."""

import os
from itertools import count
from pathlib import Path
from secrets import token_hex

from flowengine.sources.project_folder import SCENARIO_FOLDER


def choose_scenario_file(folder: Path, flow: str) -> Path:
    """A file for a scenario of this flow that is not there yet, nor a link that leads nowhere."""
    scenarios = folder / SCENARIO_FOLDER
    names = (f"{flow}-call{f'-{number}' if number else ''}.yaml" for number in count())
    return next(scenarios / name for name in names if not os.path.lexists(scenarios / name))


def create_scenario_file(folder: Path, flow: str, text: str) -> Path:
    """Write a scenario to a new file, whole or not at all. Raises OSError."""
    scenarios = folder / SCENARIO_FOLDER
    scenarios.mkdir(parents=True, exist_ok=True)
    draft = scenarios / f".{token_hex(8)}.tmp"
    try:
        with draft.open("x", encoding="utf-8") as opened:
            opened.write(text)
        file = reserve_scenario_file(folder, flow)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file


def reserve_scenario_file(folder: Path, flow: str) -> Path:
    """A new file, which nobody else who saves a call at the same time gets. Raises OSError."""
    while True:
        file = choose_scenario_file(folder, flow)
        try:
            file.touch(exist_ok=False)
        except FileExistsError:
            continue
        return file
