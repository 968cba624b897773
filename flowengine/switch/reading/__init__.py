"""Answers of a backend, read as the platform reads them: leniently, within its limits, and with a
word to whoever wrote them.
"""

from flowengine.switch.reading.read import cookie_findings, read
from flowengine.switch.reading.reading import Context, Reading

__all__ = ["Context", "Reading", "cookie_findings", "read"]
