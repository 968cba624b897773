"""Call headers of a connection, checked as they are compiled."""

from collections.abc import Mapping

from flowengine.expr import Template
from flowengine.limits import MAX_HEADERS_BYTES
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.svaml.header_format import (
    count_header_bytes,
    find_header_name_fault,
    find_header_value_fault,
    find_repeated_header,
)


def compile_headers(
    builder: StateBuilder, path: KeyPath, authored: Mapping[str, str]
) -> dict[str, Template | None]:
    """The values by name. Reports headers that no leg can be given."""
    found = {name: builder.compile_template((*path, name), text) for name, text in authored.items()}
    fixed = {name: get_fixed_text(template) for name, template in found.items()}
    for name, text in fixed.items():
        if fault := find_header_name_fault(name) or find_header_value_fault(text):
            builder.add_problem("FE224", (*path, name), fault, "write for example X-Tier: gold")
    if again := find_repeated_header(authored):
        builder.add_problem(
            "FE224", (*path, again), f"another header is called {again} too", "keep one of them"
        )
    fixed_bytes = count_header_bytes((name, fixed[name]) for name in found if found[name])
    if fixed_bytes > MAX_HEADERS_BYTES:
        message = f"call headers of {fixed_bytes} bytes; the platform takes {MAX_HEADERS_BYTES}"
        builder.add_problem("FE224", path, message, "shorten them, or send fewer")
    return found


def get_fixed_text(template: Template | None) -> str:
    """The part of a value that is the same in every call."""
    return "".join(part for part in template.parts if isinstance(part, str)) if template else ""
