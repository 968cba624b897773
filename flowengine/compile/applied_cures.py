"""Files of a project with the cures of their problems applied, as far as these are edits."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.compile.program import CompileResult
from flowengine.compile.project_compiler import ProjectCompiler
from flowengine.problems import Problem
from flowengine.problems.word_cure import WordCure, find_word_cure
from flowengine.source.source_text import SourceText

MAX_CURE_ROUNDS = 9


class AppliedCure(NamedTuple):
    """A word that was replaced: the problem, with its place in the file as it was then."""

    problem: Problem
    old: str
    new: str


class CuredFiles(msgspec.Struct, frozen=True):
    """The files that have changed, what was changed in them, and what the project is like now."""

    changed: Mapping[str, bytes]
    cures: tuple[AppliedCure, ...]
    compiled: CompileResult


def apply_cures(files: Mapping[str, bytes], environment: Mapping[str, str]) -> CuredFiles:
    """Apply the cures that are edits, until there are none: a mended word may bring other mistakes
    to light. A round that leaves one of its problems is taken back.
    """
    compiler = ProjectCompiler()
    compiled = compiler.compile(files, environment)
    current, applied = dict(files), list[AppliedCure]()
    for _ in range(MAX_CURE_ROUNDS):
        edited, cures = edit_files(current, compiled)
        if not cures:
            break
        better = compiler.compile(edited, environment)
        if {describe_problem(one.problem) for one in cures} & set(
            map(describe_problem, better.problems)
        ):
            break
        current, compiled = edited, better
        applied += cures
    changed = {name: content for name, content in current.items() if content != files[name]}
    return CuredFiles(changed, tuple(applied), compiled)


def edit_files(
    files: Mapping[str, bytes], compiled: CompileResult
) -> tuple[dict[str, bytes], list[AppliedCure]]:
    """The files with the cures of these problems, and these cures."""
    edited, applied = dict(files), list[AppliedCure]()
    for name in dict.fromkeys(problem.span.file for problem in compiled.problems):
        if name not in files:
            continue
        mark = b"\xef\xbb\xbf" if files[name].startswith(b"\xef\xbb\xbf") else b""
        text = files[name].removeprefix(mark).decode(errors="surrogateescape")
        source = SourceText(name, text)
        own = [problem for problem in compiled.problems if problem.span.file == name]
        cures = list_cures(source, own)
        for cure in reversed(list(cures)):
            text = text[: cure.start] + cure.text + text[cure.end :]
        edited[name] = mark + text.encode(errors="surrogateescape")
        applied += [
            AppliedCure(problem, source.text[cure.start : cure.end], cure.text)
            for cure, problem in cures.items()
        ]
    return edited, applied


def list_cures(source: SourceText, problems: list[Problem]) -> dict[WordCure, Problem]:
    """The cures of one file from its beginning to its end, without any that overlaps another."""
    found: dict[WordCure, Problem] = {}
    everywhere = [
        replace(problem, span=span)
        for problem in problems
        for span in (problem.span, *problem.elsewhere)
    ]
    for problem in everywhere:
        span = problem.span
        if span.line:
            start = source.get_offset(span.line, span.column)
            end = source.get_offset(span.end_line, span.end_column)
            if cure := find_word_cure(problem.hint, source.text, start, end):
                found.setdefault(cure, problem)
    kept: list[WordCure] = []
    for cure in sorted(found):
        if not kept or cure.start >= kept[-1].end:
            kept.append(cure)
    return {cure: found[cure] for cure in kept}


def describe_problem(problem: Problem) -> tuple[str, str, str]:
    """What a problem is, wherever it stands in its file."""
    return problem.span.file, problem.code, problem.message
