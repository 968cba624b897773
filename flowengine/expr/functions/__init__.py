"""The helper functions of the language. Each is pure, quick, and documented with an example that a
test evaluates.
"""

from flowengine.expr.functions import dates, numbers, texts
from flowengine.expr.functions.registry import Function, Overload, collected

FUNCTIONS = collected(texts, numbers, dates)

__all__ = ["FUNCTIONS", "Function", "Overload"]
