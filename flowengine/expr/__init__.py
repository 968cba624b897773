"""Expressions and templates of flows: typed names, helper functions, tables, opening hours."""

from flowengine.expr.calendar import Calendar
from flowengine.expr.calendar_text import CalendarError, parse_calendar
from flowengine.expr.cldr import prepare_locale
from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions import FUNCTIONS, Function
from flowengine.expr.functions.remarks import collect_remarks
from flowengine.expr.holes import whole_expression
from flowengine.expr.scope import Scope
from flowengine.expr.template import Mode, Piece, Template
from flowengine.expr.types import EvalError, ExprError, Expression, Table, Type
from flowengine.expr.zones import ZONE_DATA, load_zone, zone_names

__all__ = [
    "FUNCTIONS",
    "ZONE_DATA",
    "Calendar",
    "CalendarError",
    "EvalError",
    "ExprError",
    "Expression",
    "Function",
    "Mode",
    "Piece",
    "Scope",
    "Table",
    "Template",
    "Type",
    "collect_remarks",
    "load_zone",
    "parse_calendar",
    "prepare_locale",
    "to_ascii_digits",
    "whole_expression",
    "zone_names",
]
