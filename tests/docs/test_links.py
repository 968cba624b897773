"""Relative links and anchors of the top-level pages and of docs/ resolve."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.docs_examples import ROOT

DOCS, CODE = ROOT / "docs", ROOT / "flowengine"
# The parts of generated pages have links that are right where the page stands.
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(file for file in DOCS.rglob("*.md") if DOCS / "parts" not in file.parents),
    ]
)
DOORS = {"ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "GLOSSARY.md", "LICENSE"}
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:[\w.]+/)+[\w.]*)`")
WEB = ("https://", "http://")


def read_prose(file: Path) -> str:
    """A page without its examples."""
    return FENCE.sub("", file.read_text(encoding="utf-8"))


def list_relative_links(file: Path) -> list[str]:
    return [link for link in LINK.findall(read_prose(file)) if not link.startswith(WEB)]


def list_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found: Counter[str] = Counter()
    anchors = set()
    for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_of_a_page_resolve(page: Path) -> None:
    for link in list_relative_links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"nothing is at {link}"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in list_anchors(read_prose(target)), f"no heading for {link}"


def test_readme_links_to_every_page_for_contributors() -> None:
    assert set(list_relative_links(ROOT / "README.md")) >= DOORS


def test_anchors_of_equal_headings_are_numbered() -> None:
    assert list_anchors("# A `b`, c\n## Same\n## Same\n") == {"a-b-c", "same", "same-1"}


def test_paths_named_in_contributing_exist() -> None:
    named = set(PATH.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert "flowengine/limits.py" in named
    lost = [name for name in named if not any((at / name).exists() for at in (ROOT, CODE))]
    assert lost == []
