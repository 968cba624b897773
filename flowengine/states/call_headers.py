"""Call headers of a connection, checked as they are compiled."""

from collections.abc import Mapping

from flowengine.expr import Template
from flowengine.limits import MAX_HEADERS_BYTES
from flowengine.source import Path
from flowengine.states.builder import Builder
from flowengine.svaml.headers import (
    header_name_fault,
    header_value_fault,
    headers_bytes,
    repeated_header,
)


def compile_headers(
    builder: Builder, path: Path, authored: Mapping[str, str]
) -> dict[str, Template | None]:
    """The values by name; what no leg could be given is told."""
    found = {name: builder.template((*path, name), text) for name, text in authored.items()}
    for name, template in found.items():
        fixed = (
            "".join(part for part in template.parts if isinstance(part, str)) if template else ""
        )
        if fault := header_name_fault(name) or header_value_fault(fixed):
            builder.problem("FE224", (*path, name), fault, "write for example X-Tier: gold")
    if again := repeated_header(authored):
        builder.problem(
            "FE224", (*path, again), f"another header is called {again} too", "keep one of them"
        )
    fixed_bytes = headers_bytes(
        (name, "".join(part for part in template.parts if isinstance(part, str)))
        for name, template in found.items()
        if template
    )
    if fixed_bytes > MAX_HEADERS_BYTES:
        message = f"call headers of {fixed_bytes} bytes; the platform takes {MAX_HEADERS_BYTES}"
        builder.problem("FE224", path, message, "shorten them, or send fewer")
    return found
