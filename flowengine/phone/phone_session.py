"""One call at the phone in a terminal, from its first ring to its summary."""

from collections.abc import Callable
from dataclasses import dataclass

from flowengine.phone.call_prompt import format_prompt, list_exits
from flowengine.phone.line_sources import LineSource
from flowengine.phone.phone_call import PhoneCall, StepRefusedError
from flowengine.phone.phone_steps import HELP, parse_party_step, parse_step
from flowengine.phone.screen import Screen
from flowengine.scenarios.call_setup import CallSetup
from flowengine.switch.api_error import ApiError


@dataclass
class PhoneSession:
    """Does what the lines say."""

    call: PhoneCall
    screen: Screen
    lines: LineSource
    failed: bool = False
    """Something could not be done that was to be done"""

    def run(self, opening: CallSetup, left: Callable[[], bool]) -> bool:
        """Run the whole call. `left` tells that the person wants no more. False when no call came
        about.
        """
        talk = self.call.talk
        try:
            self.call.start(opening)
        except ApiError as error:
            self.call.narrator.add_line("platform", f"refuses the call: {error}", bad=True)
            return False
        while not talk.is_over:
            line = None if left() else self.lines.read_line(format_prompt(talk))
            if line is None:
                break
            self.run_line(line)
        over = talk.is_over
        self.call.finish()
        if over and not self.lines.is_interactive:
            self.check_unused_line()
        return True

    def run_line(self, line: str) -> None:
        """Do what a line says."""
        if line.casefold() in ("help", "?"):
            exits = [f" {lead}" for lead in list_exits(self.call.talk)]
            self.screen.print_aside([*HELP.splitlines(), *exits])
            return
        names = [party.name for party in self.call.talk.parties.list_named()]
        step = parse_party_step(line, names) or parse_step(line)
        if step is None:
            self.report_refusal(f"this is nothing that a phone does: {line}; try help")
            return
        try:
            self.call.take_step(step)
        except StepRefusedError as error:
            self.report_refusal(str(error))

    def report_refusal(self, why: str) -> None:
        """Something cannot be done: a person tries something else, but lines that were written have
        gone wrong.
        """
        self.failed |= not self.lines.is_interactive
        self.call.narrator.add_line("-", why, bad=True)

    def check_unused_line(self) -> None:
        """Lines that were to come after the end."""
        line = self.lines.read_line("")
        if line and parse_step(line) != "hangs up":
            self.report_refusal(f"the call was over before: {line}")

    def has_succeeded(self) -> bool:
        """Whether nothing was amiss: neither at the phone, nor in the call."""
        return self.call.has_succeeded() and not self.failed
