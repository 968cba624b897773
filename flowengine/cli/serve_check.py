"""`flowengine serve --check`: what is in force and whence, and what is wrong. Serves nothing, and
writes nothing.
"""

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from flowengine.cache.variable_presence import RecordedVariables
from flowengine.cli.config_file import ConfigFile
from flowengine.cli.serve_options import (
    CONFIG_OPTION,
    OPTION_VARIABLE_PREFIX,
    SERVE_OPTIONS,
    ServeOption,
)
from flowengine.cli.serve_settings import build_settings
from flowengine.compile import Release, compile_project
from flowengine.compile.loaded_project import to_loaded_project
from flowengine.environment import FILE_SUFFIX, VARIABLES
from flowengine.journal.journal_location import NO_JOURNAL_DRIVER
from flowengine.problems.message_format import suggest_name
from flowengine.server.followed_flows import create_flow_source
from flowengine.server.secret_variables import SECRET_VARIABLES
from flowengine.server.server_settings import SETTINGS_VARIABLE, ServerSettings, SettingsError
from flowengine.server.startup import check_callback_path, check_secrets
from flowengine.server.telemetry.load_telemetry import INSTALL_CURE, is_installed
from flowengine.server.telemetry.telemetry_settings import (
    TELEMETRY_PREFIX,
    read_telemetry_settings,
)
from flowengine.server.tokens import ADMIN_OPEN
from flowengine.source.internal_errors import TRACEBACK_VARIABLE
from flowengine.sources.git import GitError
from flowengine.storage.sessions.store_url import (
    FILE_SCHEME,
    NO_DRIVER,
    redact_password,
)

Row = tuple[str, str, str]
NOT_SET = "not set"
OTHER_VARIABLES = (ADMIN_OPEN, TRACEBACK_VARIABLE)


def check_configuration(ctx: click.Context, options: dict[str, Any]) -> int:
    """Print what is in force and what is wrong; the exit status."""
    file: ConfigFile = ctx.obj or ConfigFile()
    problems = list(file.problems)
    warnings: list[str] = []
    variables = RecordedVariables(VARIABLES)
    rows = [describe_option(ctx, file, option, options) for option in SERVE_OPTIONS]
    names = list(SECRET_VARIABLES)
    try:
        settings = build_settings(ctx, options)
        if not settings.journal:
            rows = [describe_journal(settings) if row[0] == "journal" else row for row in rows]
        release = compile_flows(settings, variables, problems, warnings)
        names += [name for name in variables.asked if name not in names]
        problems += check_settings(settings, release)
    except click.UsageError as error:
        problems.append(error.format_message())
    problems += find_unknown_variables(names)
    rows += [describe_secret(name) for name in names]
    rows += describe_telemetry(problems)
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, value, source in rows:
        click.echo(f"{name:{widths[0]}}  {value:{widths[1]}}  {source}".rstrip())
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    for problem in dict.fromkeys(problems):
        click.echo(f"error: {problem}", err=True)
    if not problems:
        click.echo("no errors" if warnings else "nothing is wrong", err=True)
    return 1 if problems else 0


def describe_option(
    ctx: click.Context, file: ConfigFile, option: Any, options: dict[str, Any]
) -> Row:
    """An option with its value and where that was said."""
    value = options[option.name]
    text = redact_password(str(value)) if value is not None else NOT_SET
    match ctx.get_parameter_source(option.name):
        case ParameterSource.COMMANDLINE:
            source = option.opts[0] if isinstance(option, ServeOption) else "argument"
        case ParameterSource.ENVIRONMENT:
            source = describe_variable(option.envvar)
        case ParameterSource.DEFAULT_MAP:
            source = file.places[option.key]
        case _:
            source = "default" if value is not None else ""
    return option.key, text, source


def describe_journal(settings: ServerSettings) -> Row:
    """Where the call journal is, also if nothing says so."""
    where = settings.journal_location
    text = redact_password(where) if isinstance(where, str) else f"{FILE_SCHEME}{where}"
    return "journal", text, "with the store"


def find_missing_driver(settings: ServerSettings) -> Iterator[str]:
    """The driver of PostgreSQL, where it is needed and not installed."""
    if not (settings.is_shared or isinstance(settings.journal_location, str)):
        return
    if find_spec("psycopg") is None:
        yield NO_DRIVER if settings.is_shared else NO_JOURNAL_DRIVER


def describe_secret(name: str) -> Row:
    """A variable with a secret, without its value."""
    return name, "set" if VARIABLES.get(name) else NOT_SET, describe_variable(name)


def describe_telemetry(problems: list[str]) -> Iterator[Row]:
    """What is exported by OpenTelemetry; what is wrong is added to the problems."""
    settings = read_telemetry_settings(os.environ)
    problems += settings.faults
    if settings.is_on:
        names = sorted(name for name in os.environ if name.startswith(TELEMETRY_PREFIX))
        yield "OpenTelemetry", ", ".join(settings.list_signals()), ", ".join(names)
        problems += [] if is_installed() else [INSTALL_CURE]


def describe_variable(name: str) -> str:
    """Which variable has the value, and its file."""
    source = VARIABLES.find_source(name)
    return f"{source} ({os.environ[source]})" if source.endswith(FILE_SUFFIX) else source


def find_unknown_variables(secrets: Iterable[str]) -> Iterator[str]:
    """Variables that look as if they were of this server."""
    known = {
        *(str(option.envvar) for option in (*SERVE_OPTIONS, CONFIG_OPTION)),
        *secrets,
        *OTHER_VARIABLES,
        SETTINGS_VARIABLE,
    }
    for name in sorted(os.environ):
        if name.startswith(OPTION_VARIABLE_PREFIX) and name.removesuffix(FILE_SUFFIX) not in known:
            hint = suggest_name(name, known)
            yield f"unknown variable {name}" + (f": {hint}" if hint else "")


def compile_flows(
    settings: ServerSettings,
    variables: RecordedVariables,
    problems: list[str],
    warnings: list[str],
) -> Release | None:
    """The compiled flows, None where they have errors. What is wrong is added to the problems, and what
    the server warns of at its start to the warnings.
    """
    try:
        source = create_flow_source(settings)
        snapshot = source.read()
        source.close()
    except (GitError, OSError) as error:
        problems.append(f"the flows cannot be read: {error}")
        return None
    files = snapshot.files if snapshot else {}
    compiled = compile_project(files, variables)
    report = to_loaded_project(Path(settings.git or settings.flows), files, compiled).report
    if report.errors:
        problems.append(f"the flows have errors:\n{report.format_problems(report.errors)}")
    warned = [problem for problem in report.problems if problem.severity != "error"]
    if warned:
        warnings.append(f"the flows have warnings:\n{report.format_problems(warned)}")
    return compiled.release


def check_settings(settings: ServerSettings, release: Release | None) -> Iterator[str]:
    """What a server would refuse at its start."""
    yield from find_missing_driver(settings)
    try:
        check_callback_path(settings.callback_path)
        if release is not None:
            check_secrets(settings, release)
    except SettingsError as error:
        yield str(error)
