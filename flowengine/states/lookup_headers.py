"""Headers of lookups: which an author may name, and how their values travel."""

from collections.abc import Mapping
from typing import TypeVar

from flowengine.expr import Template
from flowengine.states.connect_actions import to_one_line
from flowengine.svaml.header_format import is_token

# They say how a message is framed, or what the connection does; the client sets them, and reads
# answers as they are.
_CLIENT_HEADERS = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
T = TypeVar("T")


def clean_header_value(text: str) -> str:
    """The value as it is sent: on one line, without blanks at its ends, in UTF-8."""
    return to_one_line(text).strip()


def merge_headers(first: Mapping[str, T], second: Mapping[str, T]) -> dict[str, T]:
    """Both sets of headers; where both have a name, in whatever case, the second one's value."""
    names = {name.lower() for name in second}
    return {
        **{name: value for name, value in first.items() if name.lower() not in names},
        **second,
    }


def find_header_fault(name: str, others: Mapping[str, object]) -> tuple[str, str] | None:
    """Why a header of this name cannot be sent beside the others, and what to do about it."""
    if not is_token(name):
        return (
            f'no header can be called "{name}"',
            "a name has letters, digits and hyphens, such as X-Line",
        )
    if name.lower() in _CLIENT_HEADERS:
        return f"the server sets {name} itself", "leave it out"
    # only the second of two is reported, as one of them may stay
    if any(other.lower() == name.lower() for other in list(others)[: list(others).index(name)]):
        return f"the header {name} stands here twice", "names are the same in any case; keep one"
    return None


def find_value_fault(template: Template) -> str:
    """Why the author's own text cannot be sent in a header, or "". Values that are put in are
    cleaned.
    """
    own = "".join(part for part in template.parts if isinstance(part, str)).strip()
    return "a header has one line" if to_one_line(own) != own else ""
