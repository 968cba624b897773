"""Signs and names of expressions that authors bring from other languages."""

from typing import Final

FOREIGN_SYNTAX: Final = {
    "and": "write && for and",
    "or": "write || for or",
    "not": "write ! for not",
    "is": "write == to compare",
    "=": "write == to compare",
    "&": "write && for and",
    "|": "write || for or",
    "<>": "write != for is not",
    "=<": "write <=",
    "=>": "write >=; map and filter take a name first: body.orders.map(o, o.name)",
    "between": 'write in_range(vars.n, 1, 5); of times now.time >= "09:00" && now.time < "17:00"',
    "===": "write == to compare",
    "!==": "write != for is not",
    "True": "write true",
    "False": "write false",
    "None": "write null",
    "yes": "write true",
    "no": "write false",
    "if": "write condition ? one : other",
    **dict.fromkeys(
        "\u201c\u201d\u201e\u2018\u2019\xab\xbb", 'write straight quotes around a text: "gold"'
    ),
    ";": "an expression is one value; leave the ; out",
    "$": "write the expression without ${ }",
}
FOREIGN_FUNCTIONS: Final = {
    **dict.fromkeys(("between", "is_between", "inrange", "range"), "in_range"),
    **dict.fromkeys(("uppercase", "to_upper", "toupper", "ucase"), "upper"),
    **dict.fromkeys(("lowercase", "to_lower", "tolower", "lcase"), "lower"),
    **dict.fromkeys(("say_digits", "spell_out", "spellout"), "spell"),
    **dict.fromkeys(("currency", "say_money", "price"), "money"),
    **dict.fromkeys(("left", "prefix"), "first"),
    **dict.fromkeys(("right", "suffix"), "last"),
    **dict.fromkeys(("int", "to_int", "toint", "number", "to_number", "parse_int"), "integer"),
    **dict.fromkeys(("str", "to_string", "tostring", "to_text"), "text"),
}
FOREIGN_METHODS: Final = {
    **dict.fromkeys(("equals", "eq", "equalsignorecase"), "write == to compare"),
    **dict.fromkeys(("isempty", "is_empty", "empty", "blank"), 'write == "" to compare'),
    **dict.fromkeys(("includes", "has", "include"), "write .contains(…)"),
    **dict.fromkeys(("length", "len", "count"), "write size(…)"),
}
FOREIGN_NAMES: Final = {
    **dict.fromkeys(("call.error", "call.failure_reason", "call.reason"), "call.failure"),
    **dict.fromkeys(("call.state", "call.error_state"), "call.failed_state"),
    **dict.fromkeys(("call.caller", "call.number", "call.ani", "call.callerid"), "call.from"),
    **dict.fromkeys(("call.dnis", "call.dialled", "call.dialed", "call.called"), "call.to"),
    **dict.fromkeys(("call.language", "call.lang"), "call.locale"),
    **dict.fromkeys(("event.key", "event.keys", "event.speech", "event.text"), "event.digits"),
    **dict.fromkeys(("event.status", "event.outcome"), "event.result"),
    **dict.fromkeys(("now.day", "now.dow"), "now.weekday"),
    **dict.fromkeys(("now.hour", "now.clock"), "now.time"),
}
