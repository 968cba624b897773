"""Every message an author may meet, as a golden file."""

from pathlib import Path

from flowengine.expr import ExprError, LookupTable, Scope, Type

GOLDEN = Path(__file__).parent / "golden" / "messages.txt"
SCOPE = Scope(
    {
        "vars.account": Type.TEXT,
        "vars.n": Type.INTEGER,
        "vars.d": Type.DECIMAL,
        "vars.gold": Type.BOOLEAN,
        "body": Type.ANY,
        "hours.support.open": Type.BOOLEAN,
    },
    {"dep": LookupTable({"phone": Type.TEXT}, {})},
)
EXPRESSIONS = """
vars.acct
hours.support.opn
  vars . acct
"€😀" + vars.acct
tables.dep.fone("x")
tables.dop.phone("x")
tables.dep.phone(3.5)
tables.dep.phone
vars
gold
bodi
gold || vars.gold
vars.account == golden
True
vars.n % 1.5
vars.n == 2.0
vars.account == 3
vars.n > "3"
"you have " + vars.n
vars.account[0]
vars.n[0]
vars.n.map(x, x)
list_words(vars.account)
body.a.slice(0, 1)
slice(body.a, 1)
[1, 2][2]
vars.account.foo
!vars.n
vars.n && vars.gold
vars.n ? 1 : "a"
vars.gold ? 1 : "a"
vars.account.length()
vars.account.luhn()
vars.account.replace("a")
vars.account contains "x"
contains(vars.account, "x")
luhn(3)
luhn("1", "2")
lunh("3")
luhn
trim(vars.n)
size(vars.n)
vars.n +
(vars.n
[1, 2
{"a":
vars.gold ? 1
vars.n = 3
vars.n === 3
vars.n <> 3
vars.n and vars.gold
not vars.gold
vars.n & 1
"abc
'it's'
r'\\\\'
"\\q"
99999999999999999999
vars.in
if vars.gold then
vars.n;
#
x y
1..2
f(1,)
1 / 0
vars.account.matches("(")
matches(vars.account, '[')
timestamp(vars.account)
[[1]].map(a, a.map(b, [b].map(c, c)))
""".strip().replace("\\\\", "\\")
TEMPLATES = """
Hello {{ vars.account }}.
Hello ${vars.acct}.
Hello ${vars.account
Hello ${vars.account + "}.
Hello ${}.
Hello ${  }.
"""


def test_cel_errors_read_as_their_golden_file(golden):
    found = "\n".join(
        [
            *(_said(text, SCOPE.compile_expression) for text in EXPRESSIONS.splitlines()),
            *(_said(text, SCOPE.compile_template) for text in TEMPLATES.split("\n") if text),
        ]
    )
    golden(GOLDEN, found)


def test_expression_of_unreasonable_length_is_refused():
    assert _said("1+" * 60 + "1", SCOPE.compile_expression).count("nested too deeply") == 1
    assert _said("(" * 2000, SCOPE.compile_expression).count("nested too deeply") == 1
    assert _said("1" * 3000, SCOPE.compile_expression).count("2000 is the limit") == 1


def test_types_that_are_needed():
    assert _said("vars.n", lambda text: SCOPE.compile_expression(text, Type.TEXT)).endswith(
        "FE302 this is an integer; a text is needed (write text(vars.n))\n"
    )
    assert _said("vars.n", lambda text: SCOPE.compile_expression(text, Type.BOOLEAN)).endswith(
        'a boolean is needed (compare it with something, such as == "yes")\n'
    )


def _said(text, compiled):
    try:
        compiled(text)
    except ExprError as error:
        return f"{text}\n{' ' * error.offset}^ {error.code} {error.message}{f' ({error.hint})' if error.hint else ''}\n"
    return f"{text}\ncompiles\n"
