"""What axe-core finds on a page: contrast, labels, roles, order of headings."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

# of those that a program can judge: WCAG 2.2 level AA
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]


def list_violations(page: "Page") -> list[str]:
    """The rules that the page breaks, each with where."""
    return run_rules(page, RULES)


def list_faint_texts(page: "Page") -> list[str]:
    """Texts of too little contrast in the dark. Pages share their colours: one with all will do."""
    page.emulate_media(color_scheme="dark")
    return run_rules(page, COLOURS)


def run_rules(page: "Page", rules: list[str]) -> list[str]:
    pytest.importorskip("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": rules, "resultTypes": ["violations"]}
    return [
        f"{rule['id']}: {node['html']} ({node['failureSummary']})"
        for rule in Axe().run(page, options=options).response["violations"]
        for node in rule["nodes"]
    ]
