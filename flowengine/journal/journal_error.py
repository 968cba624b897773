"""The error of a journal."""

from flowengine.operator_error import OperatorError


class JournalError(OperatorError):
    """The journal cannot be opened or read; the message says why."""
