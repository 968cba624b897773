"""Which variables of the environment a result depends on, and whether they are there."""

from collections.abc import Iterator, Mapping

STAND_IN = "a value"


class RecordedVariables(Mapping[str, str]):
    """An environment that notes which variables were asked for, each with its stand-in."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.asked: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        self.asked[name] = replace_value(self._environment, name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        raise TypeError("which other variables there are cannot be noted")

    def __len__(self) -> int:
        raise TypeError("how many variables there are cannot be noted")


class VariablePresence(RecordedVariables):
    """An environment that tells of each variable only whether it is there, and whether it is empty:
    no value gets into what is checked, or into the cache.
    """

    def __getitem__(self, name: str) -> str:
        found = self.asked[name] = replace_value(self._environment, name)
        if found is None:
            raise KeyError(name)
        return found


def replace_value(environment: Mapping[str, str], name: str) -> str | None:
    """None for a variable that is not there, "" for an empty one, else the same for each value."""
    value = environment.get(name)
    return STAND_IN if value else value
