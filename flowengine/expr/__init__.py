"""Expressions and templates of flows: typed names, helper functions, tables, opening hours."""

from flowengine.expr.calendar import Calendar
from flowengine.expr.calendar_parser import CalendarError, parse_calendar
from flowengine.expr.cldr import preload_locale
from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions import FUNCTIONS, Function
from flowengine.expr.functions.trace_remarks import collect_remarks
from flowengine.expr.interpolation import find_whole_expression
from flowengine.expr.scope import Scope
from flowengine.expr.template import CompiledInterpolation, EscapeMode, Template
from flowengine.expr.types import EvalError, ExprError, Expression, LookupTable, Type
from flowengine.expr.zones import ZONE_DATA, list_zone_names, load_zone, suggest_zone

__all__ = [
    "FUNCTIONS",
    "ZONE_DATA",
    "Calendar",
    "CalendarError",
    "CompiledInterpolation",
    "EscapeMode",
    "EvalError",
    "ExprError",
    "Expression",
    "Function",
    "LookupTable",
    "Scope",
    "Template",
    "Type",
    "collect_remarks",
    "find_whole_expression",
    "list_zone_names",
    "load_zone",
    "parse_calendar",
    "preload_locale",
    "suggest_zone",
    "to_ascii_digits",
]
