"""Alert rules and the dashboard: their metrics exist, Prometheus takes them, each alert has its page."""

import json
import re
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from flowengine.server.metrics import Metrics
from tests.docs.docs_examples import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


@cache
def list_series() -> set[str]:
    return {
        family.name + suffix
        for family in Metrics().registry.collect()
        for suffix in SUFFIXES[family.type]
    }


def find_unknown_series(expression: str) -> set[str]:
    return set(re.findall(r"flowengine_[a-z_]+", expression)) - list_series()


def list_rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    return group["rules"]  # type: ignore[no-any-return]


def test_alerts_ask_for_metrics_that_there_are_and_have_a_section() -> None:
    page = (ROOT / "docs/operations/alerts.md").read_text()
    for rule in list_rules():
        name = rule["alert"]
        assert not find_unknown_series(rule["expr"]), name
        assert f"\n## {name}\n" in page
        assert rule["annotations"]["runbook"] == f"docs/operations/alerts.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(re.findall(r"^## Flowengine", page, re.MULTILINE)) == len(list_rules())


def test_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads((ROOT / "deploy/grafana/flowengine.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        assert not find_unknown_series(expression), expression
    shown = set(re.findall(r"flowengine_[a-z_]+", " ".join(expressions)))
    assert {
        f"flowengine_{name}" for name in ("call_ends_total", "fetch_circuit", "overdue_seconds")
    } < shown


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yaml"),
        ("test", "rules", "alerts_test.yaml"),
        ("check", "config", "--syntax-only", "prometheus.yaml"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_prometheus_takes_the_files(words: tuple[str, ...]) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    done = subprocess.run(
        [program, *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
