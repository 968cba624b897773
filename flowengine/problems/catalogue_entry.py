"""An entry of the catalogue of problem codes."""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class CatalogueEntry(msgspec.Struct, frozen=True):
    code: str
    title: str
    severity: Severity
    explanation: str
    wrong: str
    right: str
