"""The environment that a release is compiled with to be replayed, without the secrets of the server."""

import re
from collections.abc import Iterator, Mapping

SECRET_PLACEHOLDER = "SECRET-OF-THE-SERVER"  # noqa: S105  # nobody's


class PlaceholderEnvironment(Mapping[str, str]):
    """An environment in which everything is set: to a placeholder where it really is not."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        return self._environment.get(name) or SECRET_PLACEHOLDER

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def can_match(text: str, recorded: str) -> bool:
    """Whether a text with placeholders may have been the recorded one."""
    pattern = ".*".join(map(re.escape, text.split(SECRET_PLACEHOLDER)))
    return re.fullmatch(pattern, recorded, re.DOTALL) is not None
