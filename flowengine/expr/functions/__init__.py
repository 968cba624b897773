"""The helper functions of the language. Each is pure, quick, and documented with an example that a
test evaluates.
"""

from flowengine.expr.functions import dates, lists, numbers, texts
from flowengine.expr.functions.function_registry import Function, Overload, collect_functions

FUNCTIONS = collect_functions(texts, numbers, dates, lists)

__all__ = ["FUNCTIONS", "Function", "Overload"]
