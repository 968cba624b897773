"""Errors that the platform's APIs reply."""


class ApiError(Exception):
    """A request that is refused, with the platform's own number for it; its first three digits are
    the HTTP status.

    >>> ApiError(40400, "Call not found").status
    404
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.code // 100
