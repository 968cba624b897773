"""Collects findings while an answer is read, in order."""

from flowengine.switch.switch_events import Finding


class Notes:
    """Collects findings; `where` is the JSON path, `cure` what to write instead."""

    __slots__ = ("illegal", "tolerated")

    def __init__(self) -> None:
        self.illegal: list[Finding] = []
        self.tolerated: list[Finding] = []

    def __bool__(self) -> bool:
        return bool(self.illegal or self.tolerated)

    def refuse(self, where: str, message: str, cure: str) -> None:
        self.illegal.append(Finding(where, message, cure))

    def tolerate(self, where: str, message: str, cure: str) -> None:
        self.tolerated.append(Finding(where, message, cure))


class UnreadableAnswerError(Exception):
    """A value of which nothing can be made; why is in the notes"""
