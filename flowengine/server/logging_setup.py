"""Logs errors and warnings on standard error, without the words of callers.

An answer has a cookie and words of callers, and errors may quote it: the end of a coroutine holds
the answer as its value, a decoder quotes its input, the event loop shows the arguments of a failed
callback. So a record has the places and the type of an exception. Its text is logged only where it
comes from the operating system, from a database, or from this server's own errors for operators.
"""

import logging
import re
import sqlite3
import sys
import threading
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from typing import Any

from flowengine.operator_error import OperatorError

log = logging.getLogger(__name__)
QUOTABLE_ERRORS = (OSError, sqlite3.Error, OperatorError)
MAX_CHAIN = 8  # depth of the chain of causes
# The lines of the web server are about itself. A release id has twelve hexadecimal digits, which
# may all be decimal.
PHONE_NUMBER_PATTERN = re.compile(
    r"(\b(?:release|process|worker|port) \[?\w+|\b\d+(?= (?:bytes|seconds)\b))"
    r"|\+\d(?:[ ()-]{0,2}\d){5,}"
    r"|(?<![\w.-])\d{7,}(?![\w-])"
)
# the event loop's text before the objects that it shows
PLAIN_WORDS_PATTERN = re.compile(r"[\w .,'!-]*")


class RedactingFormatter(logging.Formatter):
    """One line for each record, and one for each place of an exception; phone numbers are masked."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: ")

    def format(self, record: logging.LogRecord) -> str:
        text = f"{self.formatMessage(self._prepare_record(record))}{self.format_message(record)}"
        found = record.exc_info
        if found and found[1] is not None:
            text = "\n".join((text, *describe_exception(found[1])))
        return text

    def format_message(self, record: logging.LogRecord) -> str:
        """The message alone."""
        # a database quotes the values of a row in the further lines
        return mask_numbers(record.getMessage().partition("\n")[0])

    def _prepare_record(self, record: logging.LogRecord) -> logging.LogRecord:
        record.asctime = self.formatTime(record, self.datefmt)
        return record


class RedactingHandler(logging.StreamHandler[Any]):
    """Writes to standard error. A record that cannot be formatted shows none of its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        try:
            self.stream.write(f"a report of {record.name}:{record.lineno} cannot be written\n")
        except Exception:  # noqa: BLE001  # nobody reads standard error any more
            return


def mask_numbers(text: str) -> str:
    """Mask what may be a phone number or long digits that a caller keyed.

    >>> mask_numbers("release 421337421337 is live on port 8080: signed 86400 seconds ago")
    'release 421337421337 is live on port 8080: signed 86400 seconds ago'
    >>> mask_numbers("+46 70-812 34 56 keyed 12345674")
    '**** keyed ****'
    """
    return PHONE_NUMBER_PATTERN.sub(lambda found: found[1] or "****", text)


def describe_exception(error: BaseException) -> Iterator[str]:
    """The places and types of an exception, causes first."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain and len(chain) < MAX_CHAIN:
        chain.append(following)
        following = following.__cause__ or (
            None if following.__suppress_context__ else following.__context__
        )
    for one in reversed(chain):
        for frame in traceback.extract_tb(one.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        yield name_exception(one)
        if isinstance(one, BaseExceptionGroup):
            for member in one.exceptions[:MAX_CHAIN]:
                yield from describe_exception(member)


def name_exception(error: BaseException) -> str:
    """The type of an exception, with its text where that cannot quote a caller."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    if isinstance(error, QUOTABLE_ERRORS):
        return f"{name}: {mask_numbers(str(error).partition(chr(10))[0])}"
    return name


def configure_logging() -> None:
    """Log all modules to standard error. The records of the HTTP client are left out, as they show
    addresses with values in them, those of the file watcher, which has one for each write to a
    store in the folder of the flows, and warnings of the driver of PostgreSQL, which show an object
    where this server says what has failed.
    """
    handler = RedactingHandler()
    handler.setFormatter(RedactingFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("httpx", "httpcore", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def install_exception_hooks() -> None:
    """Log uncaught exceptions in the same way: Python would print their text."""
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _trace: log.critical("the process ends", exc_info=error)
    threading.excepthook = lambda found: log.error("a thread has ended", exc_info=found.exc_value)
    sys.unraisablehook = lambda found: log.error(
        "an exception could not be raised", exc_info=found.exc_value
    )


def log_loop_error(_loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """The exception handler of an event loop. asyncio's own would show objects, and so answers."""
    error = context.get("exception")
    if isinstance(error, ConnectionError):
        return  # the peer has closed its connection, as it may
    words = PLAIN_WORDS_PATTERN.match(str(context.get("message", "")))
    log.error("%s", (words and words[0].strip()) or "an error", exc_info=error)
