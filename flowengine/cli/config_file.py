"""The file of `flowengine serve`, flowengine.toml: values by the names of options, mistakes by their
line.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from flowengine.cli.serve_options import OPTIONS_BY_KEY, ServeOption
from flowengine.problems.message_format import abbreviate, quote_value, suggest_name
from flowengine.server.secret_variables import ADMIN_TOKEN

SECRET_WORDS = ("token", "secret", "password", "key")


class ConfigFile(msgspec.Struct, frozen=True):
    """What the file says: values by option, and where each stands, as `file:line`."""

    values: Mapping[str, Any] = msgspec.field(default_factory=dict)
    places: Mapping[str, str] = msgspec.field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_config_file(path: Path) -> ConfigFile:
    """Read the file. What is wrong is in its problems, and no such value in its values."""
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        return ConfigFile(problems=(f"{path} cannot be read: {error.strerror or error}",))
    except UnicodeDecodeError:
        return ConfigFile(problems=(f"{path} is no text in UTF-8",))
    except tomllib.TOMLDecodeError as error:
        return ConfigFile(problems=(format_syntax_error(path, str(error)),))
    places = {key: f"{path}:{find_line(text, key)}" for key in found}
    faults = {key: find_fault(key, value) for key, value in found.items()}
    return ConfigFile(
        {key: value for key, value in found.items() if not faults[key]},
        places,
        tuple(f"{places[key]}: {fault}" for key, fault in faults.items() if fault),
    )


def find_line(text: str, key: str) -> int:
    """The number of the line that a key of the file stands on."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)


def format_syntax_error(path: Path, message: str) -> str:
    """A syntax error with its place in front.

    >>> format_syntax_error(Path("a.toml"), "Invalid value (at line 2, column 8)")
    'a.toml:2:8: Invalid value'
    """
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message)
    return f"{path}:{found[2]}:{found[3]}: {found[1]}" if found else f"{path}: {message}"


def find_fault(key: str, value: Any) -> str:
    """What is wrong with a value of the file; "" for nothing."""
    option = OPTIONS_BY_KEY.get(key)
    if option is None:
        return describe_unknown_key(key)
    if isinstance(option, ServeOption) and option.is_flag:
        return (
            ""
            if isinstance(value, bool)
            else f"{key} is {format_value(value)}: write true or false"
        )
    is_number = isinstance(option.type, click.IntRange | click.FloatRange)
    if isinstance(value, bool) or not isinstance(value, int | float if is_number else str):
        return f"{key} is {format_value(value)}: write {'a number' if is_number else 'a text'}"
    try:
        converted = option.type.convert(value, option, None)
        if option.callback is not None:
            option.callback(click.Context(click.Command("serve")), option, converted)
    except click.BadParameter as error:
        return f"{key}: {error.message}"
    return ""


def format_value(value: Any) -> str:
    """A value as the file has it, where it is not long."""
    return abbreviate(json.dumps(value, ensure_ascii=False, default=str), 40)


def describe_unknown_key(key: str) -> str:
    if any(word in key.lower() for word in SECRET_WORDS):
        return (
            f"unknown key {quote_value(key)}: no secret stands in this file. Set a variable or its "
            f"file, such as {ADMIN_TOKEN} or {ADMIN_TOKEN}_FILE"
        )
    hint = suggest_name(key, OPTIONS_BY_KEY)
    return f"unknown key {quote_value(key)}" + (f": {hint}" if hint else "")
