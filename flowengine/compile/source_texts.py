"""The texts of the files of a project, each decoded when a message shows a line of it."""

from collections.abc import Iterator, Mapping


class SourceTexts(Mapping[str, str]):
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> str:
        return self._files[name].decode(errors="replace")

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
