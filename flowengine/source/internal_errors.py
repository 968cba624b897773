"""A mistake of flowengine's own, told as a problem of the file that it was working on.

An exception while flows are read or compiled must neither end a command in a traceback nor keep a
server from starting. The message names where it happened, never what the exception says: that may
hold a secret.
"""

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MemberDescriptorType, TracebackType
from typing import Final

from flowengine.problems import Problem, Span
from flowengine.source.document import Document

log = logging.getLogger(__name__)
INTERNAL_CODE: Final = "FE509"
TRACEBACK_VARIABLE: Final = "FLOWENGINE_TRACEBACK"
_SHOWN_FRAMES: Final = 3
_PACKAGE: Final = Path(__file__).parents[1]
_INTERNAL_HINT: Final = (
    "report it to the developers of flowengine with this line and, if you can, the file; until "
    f"then take back what was changed last ({TRACEBACK_VARIABLE}=1 writes the whole traceback, "
    "values included)"
)


def to_internal_problem(span: Span, error: Exception) -> Problem:
    """The problem that stands for an exception. The place is that of the document that was being
    worked on; `span` is where none was.
    """
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        log.error("an internal error, at %s", span, exc_info=error)
    found = _find_document(error.__traceback__)
    place = found.find_key_span(()) if found is not None and found.file != span.file else span
    message = (
        f"flowengine {_get_version()} failed here by a mistake of its own: "
        f"{type(error).__name__} in {_format_frames(error)}"
    )
    return Problem(INTERNAL_CODE, place, message, _INTERNAL_HINT)


@contextmanager
def report_internal_errors(
    problems: list[Problem], find_span: Callable[[], Span]
) -> Iterator[None]:
    """Add a problem instead of raising an exception. Its place is looked for only then: a reload
    comes here for each flow, and hardly any fails.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever it is
        problems.append(to_internal_problem(find_span(), error))


def _find_document(trace: TracebackType | None) -> Document | None:
    """The document in the innermost frame that has one: rules over all flows take one at a time."""
    found = None
    while trace is not None:
        for value in trace.tb_frame.f_locals.values():
            found = _get_document(value) or found
        trace = trace.tb_next
    return found


def _get_document(value: object) -> Document | None:
    """The document, or that of a record; a property could fail or do something."""
    if isinstance(value, Document):
        return value
    if not isinstance(getattr(type(value), "document", None), MemberDescriptorType):
        return None
    document = getattr(value, "document", None)
    return document if isinstance(document, Document) else None


def _format_frames(error: Exception) -> str:
    """The innermost lines of flowengine's own."""
    own = [
        (Path(frame.filename), frame)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    shown = [
        f"{path.relative_to(_PACKAGE.parent).as_posix()}:{frame.lineno} ({frame.name})"
        for path, frame in reversed(own[-_SHOWN_FRAMES:])
    ]
    return ", called from ".join(shown) or "a part of flowengine"


def _get_version() -> str:
    # reading the metadata of packages takes long to import, and hardly any command needs it
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("flowengine")
    except PackageNotFoundError:
        return "(version unknown)"
