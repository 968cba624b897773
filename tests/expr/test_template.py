"""Templates: finding `${…}`, carets, and values that must not break out."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flowengine.expr import EscapeMode, EvalError, ExprError, Scope, Type, find_whole_expression

SCOPE = Scope(
    {
        "vars.name": Type.TEXT,
        "vars.n": Type.INTEGER,
        "vars.d": Type.DECIMAL,
        "vars.vip": Type.BOOLEAN,
        "body": Type.ANY,
    }
)
VALUES = {
    "vars.name": "Jane",
    "vars.n": 3,
    "vars.d": 2.0,
    "vars.vip": True,
    "body": {"a": "x", "list": [1]},
}
TEXTS = st.text(max_size=40).map(lambda text: text.encode(errors="ignore").decode())


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("Hello ${vars.name}.", "Hello Jane."),
        ("${vars.n}|${vars.d}|${vars.vip}|${body.a}", "3|2|true|x"),
        ('${"}"}${vars.name + "{"}', "}Jane{"),
        ("${{'a': '}'}['a']}", "}"),
        ("${r'\\d'}${'''it's }'''}", "\\dit's }"),
        ("$${vars.name} costs $5 and $$", "${vars.name} costs $5 and $$"),
        ("$${${vars.n}}", "${3}"),
        ("{ single } $ {x}", "{ single } $ {x}"),
    ],
)
def test_template_renders_its_values(text, rendered):
    assert SCOPE.compile_template(text).render(VALUES) == rendered


def test_template_may_have_many_pieces():
    assert SCOPE.compile_template("${vars.n + 1}," * 60).render(VALUES) == "4," * 60


def test_names_pieces_and_constants():
    made = SCOPE.compile_template("Hi ${vars.name}, ${vars.n + 1}")
    assert (made.names, made.constant, [piece.start for piece in made.interpolations]) == (
        {"vars.name", "vars.n"},
        None,
        [5, 19],
    )
    assert SCOPE.compile_template("a $${b}").constant == "a ${b}"
    assert SCOPE.compile_template("{a} {vars} $${vars.name}").constant == "{a} {vars} ${vars.name}"
    assert SCOPE.compile_template("").constant == ""
    assert SCOPE.compile_template("").render({}) == ""


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("é😀 ${vars.nam}", "FE301", 5),
        ("${vars.name} ${vars.n + 'x'}", "FE302", 22),
        ("a {{x}}", "FE306", 2),
        ("a {vars.name}", "FE306", 2),
        ("${vars.name} { hours.desk.open }", "FE306", 13),
        ("a ${x", "FE307", 2),
        ("a ${'x}", "FE307", 4),
        ("a ${}", "FE304", 2),
    ],
)
def test_mistakes_are_found_where_they_are(text, code, offset):
    with pytest.raises(ExprError) as caught:
        SCOPE.compile_template(text)
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_list_in_a_text_is_an_eval_error():
    with pytest.raises(EvalError, match="a list cannot be put into a text"):
        SCOPE.compile_template("${body.list}").render(VALUES)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("${vars.n + 1}", "vars.n + 1"),
        ("${a}${b}", None),
        ("${a} ", None),
        ("a", None),
        ("${'}'}", "'}'"),
        ("${a", None),
        ("${}", None),
        ("$${a}", None),
    ],
)
def test_whole_expressions(text, inside):
    assert find_whole_expression(text) == inside


HOSTILE = st.text(st.sampled_from("[];#tsml<>&\"'/\\\n\x00\x85\u2028 a€"), max_size=30) | TEXTS


@given(HOSTILE)
def test_speech_cannot_break_out(value):
    said = SCOPE.compile_template("#tts[${vars.name}]", EscapeMode.SPEECH).render(
        {"vars.name": value}
    )
    assert not re.search(r"[\[\];\x00-\x1f\x7f-\x9f\u2028\u2029]", said[5:-1])


@given(HOSTILE)
def test_ssml_cannot_break_out(value):
    said = SCOPE.compile_template("<s>${vars.name + ''}</s>", EscapeMode.SSML).render(
        {"vars.name": value.replace("\0", "")}
    )
    assert not re.search(r"[\[\];&<>\"'\x00-\x1f\x7f-\x9f\u2028\u2029]", said[3:-4])


@given(HOSTILE)
def test_url_piece_reads_back(value):
    assume(value not in {"", ".", ".."})
    made = SCOPE.compile_template("/a/${vars.name}?n=${vars.n}", EscapeMode.URL).render(
        {"vars.name": value, "vars.n": -3}
    )
    inside = made.removeprefix("/a/").removesuffix("?n=-3")
    assert unquote(inside, errors="strict") == value
    assert not set(inside) & set("/?#&=:@ ")


@pytest.mark.parametrize("value", [".", ".."])
def test_url_piece_cannot_climb(value):
    with pytest.raises(EvalError):
        SCOPE.compile_template("/a/${vars.name}/b", EscapeMode.URL).render({"vars.name": value})


def test_speech_stays_readable():
    assert (
        SCOPE.compile_template("${vars.name}", EscapeMode.SSML).render({"vars.name": "AT&T's <b>"})
        == "AT and T\u2019s  b "
    )
    assert (
        SCOPE.compile_template("${vars.name}; [x]", EscapeMode.SPEECH).render({"vars.name": "a;b]"})
        == "a,b); [x]"
    )


def mistake(text):
    try:
        SCOPE.compile_template(text)
    except ExprError as error:
        return error
    return None


@given(st.text(st.sampled_from("${} \"'{x.vars.name\\\n"), max_size=20) | TEXTS)
def test_template_of_any_text_renders_or_says_where_it_is_wrong(text):
    error = mistake(text)
    if error:
        assert 0 <= error.offset <= len(text)
    else:
        made = SCOPE.compile_template(text)
        assert (made.constant is None) == bool(made.interpolations)
        assert made.interpolations or made.constant == text.replace("$${", "${")


@given(TEXTS)
def test_quoted_text_inside_an_interpolation_is_taken_whole(text):
    text = re.sub(r"[\x00-\x1f\x7f]", "", text)
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert SCOPE.compile_template(f'<${{"{quoted}"}}>').render({}) == f"<{text}>"
