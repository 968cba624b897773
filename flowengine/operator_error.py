"""The base of the errors whose text is written for operators."""


class OperatorError(Exception):
    """Something that an operator can mend; the message says what and how. It quotes nothing of a
    caller, so that logs may show it.
    """
