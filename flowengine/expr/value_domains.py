"""The values that a name can hold, and the mistakes that follow: a comparison with a word that
never comes, and a part of an expression that fails whatever the name holds.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final

import msgspec

from flowengine.expr.expression_tree import ExpressionNode
from flowengine.expr.text_forms import ORDER_OPERATORS, ComparableForm
from flowengine.expr.types import ExprError
from flowengine.problems import find_nearest, join_with_or, quote_value

_MAX_SAMPLES: Final = 2000  # combinations that are tried for one part: two milliseconds
_MAX_WORD_COMBINATIONS: Final = 200  # of words that a part is made of
_MAX_WORDS_SHOWN: Final = 12
_SEARCH_METHODS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
_SAFE_FUNCTIONS: Final = frozenset(
    ("_+_", "_-_", "_*_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "_?_:_",
     "!_", "-_", "@in", "size", "string", "text", *_SEARCH_METHODS)
)  # fmt: skip
_RISKY_SYNTAX: Final = re.compile(r"[/%\[]|\b(?:int|double|timestamp|duration|matches)\s*\(")
_FAILURE_HINTS: Final[Mapping[str, str]] = {
    "timestamp": "a point in time has a date, a time and a zone; compare dates as texts, or count "
    "with days_between(…)",
    "duration": 'a duration is a text such as "90s"',
    "int": "only a text of digits is a number",
    "double": "only a text of digits is a number",
    "_/_": "nothing can be divided by zero",
    "_%_": "nothing can be divided by zero",
    "_[_]": "a list begins at 0 and ends before its size",
}


class Domain(msgspec.Struct, frozen=True):
    """`samples` are values of each form that a name can have, none where it can hold too much; with
    `words` it holds one of these, or nothing; with a `form` a text of this form, or nothing.
    """

    samples: tuple[Any, ...]
    words: tuple[str, ...] = ()
    form: ComparableForm | None = None


Domains = Mapping[str, Domain]
ResultLister = Callable[[str, Iterable[Mapping[str, Any]]], list[Any]]
"""Evaluates a text with several sets of values: the results, without those of failures"""
FailureProbe = Callable[[str, Mapping[str, Any]], str | None]
"""Evaluates a text with values: the message of the failure, or None where it has a value"""


def needs_tree(text: str, names: frozenset[str], domains: Domains) -> bool:
    """Whether an expression could hold such a mistake: most cannot, and building a tree takes time."""
    known = names & domains.keys()
    return (
        any(domains[name].words or domains[name].form for name in known)
        or (bool(known) and "(" in text)
        or _RISKY_SYNTAX.search(text) is not None
    )


def check_domains(
    tree: ExpressionNode, domains: Domains, attempt: FailureProbe, list_results: ResultLister
) -> None:
    """Raises ExprError for the first mistake of this kind."""
    for node in tree.walk():
        for part, word, offset in _find_comparisons(node):
            if not word:
                continue
            form = domains[part.text].form if part.text in domains else None
            if form and not form.can_compare(node.function, word):
                hint = form.suggest(word)
                raise ExprError(f"{part.text} is never {quote_value(word)}", offset, hint, "FE315")
            words = _list_words(part, domains, list_results)
            if words and not _is_possible(node, word, words, list_results):
                raise _make_never_error(part.text, word, offset, words)
        if node.function == "_[_]" and type(place := node.arguments[1].value) is int and place < 0:
            cure = f"the last item is {node.arguments[0].text}[size({node.arguments[0].text}) - 1]"
            offset = node.arguments[1].offset
            raise ExprError("a list begins at 0", offset, cure, "FE310", len(str(place)))
    extra = _find_nearby_integers(tree)
    for node in tree.walk():
        if node.kind == "call" and node.function not in _SAFE_FUNCTIONS:
            _check_always_fails(node, domains, extra, attempt)


def check_choices(
    tree: ExpressionNode,
    name: str,
    choices: Sequence[str],
    domains: Domains,
    list_results: ResultLister,
) -> None:
    """Raises ExprError where an expression says of itself that a value of it is none of the choices
    of the variable that it is for: a constant, or a part whose words are all others.
    """
    for result in _find_results(tree):
        if isinstance(result.value, str):
            words: tuple[str, ...] = (result.value,) if result.value else ()
        else:
            words = _list_words(result, domains, list_results)
        if words and not set(words) & set(choices):
            raise _make_never_error(name, words[0], result.offset, tuple(choices))


def find_literal_results(tree: ExpressionNode) -> Iterator[tuple[str, int]]:
    """The texts, with their places, that stand in an expression and are its value or a part of it."""
    for result in _find_results(tree):
        if result.function == "_+_":
            for part in result.arguments:
                yield from find_literal_results(part)
        elif isinstance(result.value, str):
            yield result.value, result.offset


def _find_results(node: ExpressionNode) -> Iterator[ExpressionNode]:
    """The parts that the value of an expression can be, as far as it chooses between them."""
    if node.function == "_?_:_":
        for branch in node.arguments[1:]:
            yield from _find_results(branch)
    else:
        yield node


def _list_words(
    node: ExpressionNode, domains: Domains, list_results: ResultLister
) -> tuple[str, ...]:
    """The texts that a part can be besides the empty one: the words of a name, or what functions
    make of such words. Nothing where it can be anything.
    """
    if node.kind == "name":
        return domains[node.text].words if node.text in domains else ()
    names = sorted(node.find_names()) if node.kind == "call" and node.text else []
    if not names or not all(name in domains and domains[name].words for name in names):
        return ()
    each = [domains[name].samples for name in names]
    if prod(map(len, each)) > _MAX_WORD_COMBINATIONS:
        return ()
    results = list_results(
        node.text, (dict(zip(names, values, strict=True)) for values in product(*each))
    )
    return tuple(dict.fromkeys(one for one in results if isinstance(one, str) and one))


def _find_comparisons(node: ExpressionNode) -> Iterator[tuple[ExpressionNode, str, int]]:
    """The part, the constant and its place, of each comparison of the two in this node itself."""
    if len(node.arguments) != 2:
        return
    left, right = node.arguments
    if node.function in ("_==_", "_!=_", *ORDER_OPERATORS):
        sides = [(left, right), (right, left)]
    elif node.function == "@in" and right.kind == "list":
        sides = [(left, item) for item in right.arguments]
        if len(right.arguments) == 1:
            sides.append((right.arguments[0], left))
    else:
        is_search = node.function in _SEARCH_METHODS or node.function == "matches"
        sides = [(left, right)] if is_search else []
    for part, constant in sides:
        if part.kind in ("name", "call") and isinstance(constant.value, str):
            yield part, constant.value, constant.offset


def _is_possible(
    node: ExpressionNode,
    word: str,
    words: tuple[str, ...],
    list_results: ResultLister,
) -> bool:
    if node.function in ORDER_OPERATORS:  # words have no order that an author could mean
        return True
    if node.function == "matches":
        tried = json.dumps(word, ensure_ascii=False)
        texts = [json.dumps(one, ensure_ascii=False) for one in words]
        results = [list_results(f"{text}.matches({tried})", [{}]) for text in texts]
        return any(result != [False] for result in results)
    search = _SEARCH_METHODS.get(node.function)
    return any(search(one, word) for one in words) if search else word in words


def _make_never_error(name: str, word: str, offset: int, words: tuple[str, ...]) -> ExprError:
    return ExprError(
        f"{name} is never {quote_value(word)}", offset, suggest_words(word, words), "FE315"
    )


def suggest_words(word: str, words: Sequence[str]) -> str:
    """The cure for a word that never comes: the nearest that does, and all that do."""
    folded = {one.casefold(): one for one in words}
    meant = (
        folded.get(re.sub("[ _]", "", word.casefold()))
        or next((one for one in words if word.isdigit() and one.endswith(f" {word}")), "")
        or find_nearest(word, words)
    )
    hint = f"write {quote_value(meant)}; " if meant else ""
    shown = [quote_value(one) for one in words[:_MAX_WORDS_SHOWN]]
    rest = " and others of the reference" if len(words) > _MAX_WORDS_SHOWN else ""
    return f"{hint}it can be {join_with_or(shown)}{rest}"


def _find_nearby_integers(tree: ExpressionNode) -> tuple[int, ...]:
    """Integers at and beside those of the expression: what depends on them shows with these."""
    found = {
        number + beside
        for node in tree.walk()
        if type(number := node.value) is int and abs(number) < 2**62
        for beside in (-1, 0, 1)
    }
    return tuple(sorted(found | {-number for number in found}))


def _check_always_fails(
    node: ExpressionNode, domains: Domains, extra: tuple[int, ...], attempt: FailureProbe
) -> None:
    names = sorted(node.find_names())
    # a name that can hold anything may make it succeed
    if not node.text or any(name not in domains or not domains[name].samples for name in names):
        return
    each = [_list_samples(domains[name], extra) for name in names]
    # each sample is one evaluation by CEL
    if prod(map(len, each)) > _MAX_SAMPLES:
        return  # too many to try them all, and only all of them prove something
    fault = ""
    for values in product(*each):
        failed = attempt(node.text, dict(zip(names, values, strict=True)))
        if failed is None:
            return
        fault = fault or failed
    always = f"fails whatever {' and '.join(names)} is" if names else "always fails"
    cure = _FAILURE_HINTS.get(node.function, "")
    raise ExprError(f"this {always}: {fault}", node.offset, cure, "FE310")


def _list_samples(domain: Domain, extra: tuple[int, ...]) -> tuple[Any, ...]:
    whole = any(type(sample) is int for sample in domain.samples)
    return (*domain.samples, *extra) if whole else domain.samples
