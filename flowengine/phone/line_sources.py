"""Sources of the lines that drive the phone: a person who types, or a file."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

COMPLETIONS = (
    "answer",
    "busy",
    "callee ",
    "decline",
    "hang up",
    "help",
    "machine",
    "no answer",
    "person",
    "say ",
    "unpark ",
    "unsure",
    "wait ",
)


class LineSource(Protocol):
    """One line after the other; None at the end."""

    is_interactive: bool
    """By a person, who sees prompts and can be asked again"""

    def read_line(self, prompt: str) -> str | None: ...


class TypedLines:
    """Somebody at a terminal."""

    is_interactive = True

    def __init__(self) -> None:
        self._ask = enable_editing()

    def read_line(self, prompt: str) -> str | None:
        """Ask; Ctrl-D and Ctrl-C are as good as hanging up."""
        try:
            return self._ask(f"{prompt} > ")
        except (EOFError, KeyboardInterrupt):
            print()
            return None


class ScriptedLines:
    """Lines of a file, a pipe or an option."""

    is_interactive = False

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def read_line(self, prompt: str) -> str | None:  # noqa: ARG002  # nobody sees it
        """The next line."""
        line = next(self._lines, None)
        return None if line is None else line.strip()


def read_piped_lines() -> Iterator[str]:
    """The lines of the standard input, each when it is there; comments begin with // there, as # is
    a key.
    """
    return (line for line in sys.stdin if not line.lstrip().startswith("//"))


def split_keys(keys: str) -> list[str]:
    """The parts of --keys. Commas between quotes, brackets and braces do not count.

    >>> split_keys('1, say "bill, please", 200 {"a": [1, 2]}')
    ['1', 'say bill, please', '200 {"a": [1, 2]}']
    """
    parts, depth, quoted = [""], 0, False
    for sign in keys:
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign in "{[") - (sign in "}]")
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [unquote(part.strip()) for part in parts]


def unquote(part: str) -> str:
    """A part that quotes kept together, without them; inside JSON they belong to it."""
    return part.replace('"', "") if part.startswith(('"', "say ", "callee say ")) else part


def enable_editing() -> Callable[[str], str]:
    """`input`, with a history and completion by Tab where the machine has them."""
    try:
        import readline  # noqa: PLC0415  # only where somebody types
    except ImportError:
        return input
    readline.set_completer_delims("")
    readline.set_completer(complete_word)
    readline.parse_and_bind(
        "bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete"
    )
    return input


def complete_word(text: str, number: int) -> str | None:
    found = [word for word in COMPLETIONS if word.startswith(text.casefold())]
    return found[number] if number < len(found) else None
