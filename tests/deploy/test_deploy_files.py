"""The files of deploy/ agree with the server: options, paths, times; and tools take them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowengine.cli.config_file import read_config_file
from flowengine.cli.serve_options import CONFIG_OPTION, SERVE_OPTIONS
from flowengine.compile import compile_project
from flowengine.limits import WORKER_GRACE_SECONDS
from flowengine.server.secret_variables import SECRET_VARIABLES
from flowengine.server.startup import OWN_PATHS
from flowengine.sources.folder_source import FolderSource
from flowengine.sources.project_folder import read_folder
from tests.docs.docs_examples import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("callbacks-per-second", "ingress")  # each with the base


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def list_files() -> Iterator[Path]:
    return (path for path in DEPLOY.rglob("*") if path.is_file())


def test_variables_of_deploy_files_are_options_of_the_server() -> None:
    known = {str(option.envvar) for option in (*SERVE_OPTIONS, CONFIG_OPTION)} | {*SECRET_VARIABLES}
    for path in list_files():
        for name in re.findall(r"(?:FLOWENGINE|SINCH)_[A-Z_]+[A-Z]", path.read_text()):
            assert name.removesuffix("_FILE") in known, f"{path}: {name}"


def test_option_files_of_deploy_have_no_mistake() -> None:
    found = list(DEPLOY.rglob("flowengine.toml"))
    assert found
    for path in found:
        assert read_config_file(path).problems == ()


def test_servers_of_compose_are_closed_and_have_no_secret_in_the_file() -> None:
    compose = read_yaml(DEPLOY / "docker/compose.yaml")
    for name in ("one", "two"):
        server = compose["services"][name]
        assert server["read_only"] is True
        assert server["cap_drop"] == ["ALL"]
        assert {*server["secrets"]} <= {*compose["secrets"]}
        variables = server["environment"]
        assert {key for key in variables if "SECRET" in key or "TOKEN" in key} == {
            "SINCH_APPLICATION_SECRET_FILE",
            "FLOWENGINE_STATUS_TOKEN_FILE",
        }
        named = {
            path.removeprefix("/run/secrets/")
            for key, path in variables.items()
            if key.endswith("_FILE")
        }
        assert named <= {*server["secrets"]}
        assert int(server["stop_grace_period"].removesuffix("s")) > 10 + WORKER_GRACE_SECONDS


def test_deployment_of_kubernetes_agrees_with_the_server() -> None:
    spec = read_yaml(KUBERNETES / "base/deployment.yaml")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    values = read_config_file(KUBERNETES / "base/flowengine.toml").values
    assert container["ports"][0]["containerPort"] == values["port"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in OWN_PATHS
    assert spec["terminationGracePeriodSeconds"] > values["drain"] + WORKER_GRACE_SECONDS
    assert spec["enableServiceLinks"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert not [mount for mount in container["volumeMounts"] if "subPath" in mount]
    compiled = compile_project(read_folder(KUBERNETES / "base/flows"))
    assert compiled.release, compiled.problems


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_the_manifests(overlay: str) -> None:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        [program, "kustomize", KUBERNETES / overlay],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kinds = {found["kind"]: found for found in yaml.safe_load_all(done.stdout)}
    labels = {"app.kubernetes.io/name": "flowengine"}
    assert kinds["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (metric,) = kinds["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["type"] == ("Pods" if overlay == "callbacks-per-second" else "Resource")


def write_config_map(folder: Path, number: int, text: str) -> None:
    """Write a volume of a ConfigMap as the kubelet does: files are links through ..data, which is
    renamed over the old one.
    """
    content = folder / f"..2026_{number}"
    content.mkdir()
    (content / "line.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(content.name)
    (folder / "..data_tmp").rename(folder / "..data")
    if not (folder / "line.yaml").is_symlink():
        (folder / "line.yaml").symlink_to("..data/line.yaml")
    if number > 1:
        shutil.rmtree(folder / f"..2026_{number - 1}")


async def test_folder_of_a_config_map_is_followed_through_its_swaps(tmp_path: Path) -> None:
    """Twice: after the first swap the folder that was watched is deleted."""
    write_config_map(tmp_path, 1, "one")
    source = FolderSource(tmp_path)
    try:
        number = 1
        async for _ in source.watch_changes():
            found = source.read()
            if found is None:
                continue
            assert found.files == {"line.yaml": (b"one", b"two", b"three")[number - 1]}
            number += 1
            if number > 3:
                break
            write_config_map(tmp_path, number, ("two", "three")[number - 2])
    finally:
        source.close()
