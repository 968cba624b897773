"""An entry of the catalogue of problem codes."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    code: str
    title: str
    severity: Severity
    explanation: str
    wrong: str
    right: str
