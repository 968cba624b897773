"""One-word tasks for developers: `.venv/bin/nox -s lint`, `.venv/bin/nox -l` lists them.

The tasks run in the environment that nox itself is installed in, which the README's test command
makes, so they start at once.
"""

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "test-fast"]
PYTHON = sys.executable
FLOWENGINE = str(Path(PYTHON).with_name("flowengine"))
DOCKERFILE = "deploy/docker/Dockerfile"


@nox.session
def setup(session: nox.Session) -> None:
    """Install flowengine, editable, with what its tests need, and the hook for commits."""
    session.run(PYTHON, "-m", "pip", "install", "-q", "-e", ".[test]")
    session.run(PYTHON, "-m", "pre_commit", "install")


@nox.session
def test(session: nox.Session) -> None:
    """Run all tests, or those named after `--`."""
    session.run(PYTHON, "-m", "pytest", *(session.posargs or ["-n", "4"]))


@nox.session(name="test-fast")
def test_fast(session: nox.Session) -> None:
    """Run the tests of language, compiler and engine, which start no server."""
    names = ("compile", "expr", "model", "runtime/test_engine.py", "sinch", "source", "states")
    session.run(PYTHON, "-m", "pytest", "-n", "4", *(f"tests/{name}" for name in names))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, types and the sample flows."""
    session.run(PYTHON, "-m", "ruff", "check", ".")
    session.run(PYTHON, "-m", "ruff", "format", "--check", ".")
    session.run(PYTHON, "-m", "mypy")
    templates = sorted(
        str(each.parent) for each in Path("flowengine").glob("templates/*/project.yaml")
    )
    session.run(FLOWENGINE, "fmt", "--check", "flows", *templates)
    session.run(FLOWENGINE, "check", "flows")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages and schemas anew."""
    session.run(PYTHON, "docs/build.py")
    session.run(FLOWENGINE, "schema", "schemas")


@nox.session
def golden(session: nox.Session) -> None:
    """Write the golden files anew, for all tests or for those named after `--`; read the diff."""
    environment = {**os.environ, "UPDATE_GOLDEN": "1"}
    session.run(PYTHON, "-m", "pytest", *(session.posargs or ["-n", "4"]), env=environment)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure callbacks, the journal, reloads and the switch, and count the code."""
    for name in ("callback", "journal", "reload", "switch", "house"):
        session.run(PYTHON, f"benchmarks/{name}.py")


@nox.session(venv_backend="venv")
def deploy(session: nox.Session) -> None:
    """Lint the Dockerfile, and validate the Kubernetes manifests against the schemas. Needs npm and
    kubectl.
    """
    session.run("npx", "--yes", "dockerfile-utils", "lint", DOCKERFILE, external=True)
    session.install("-q", "kubernetes-validate")  # 100 MB of schemas, so not among those of tests
    for overlay in ("callbacks-per-second", "ingress"):
        manifests = Path(session.create_tmp()) / f"{overlay}.yaml"
        command = ("kubectl", "kustomize", f"deploy/kubernetes/{overlay}", "-o", str(manifests))
        session.run(*command, external=True)
        session.run("kubernetes-validate", "--strict", str(manifests))


@nox.session(venv_backend="venv")
def sbom(session: nox.Session) -> None:
    """Write dist/flowengine.cdx.json: the packages of a deployment, as CycloneDX."""
    session.install("-q", "cyclonedx-bom>=7,<8")
    Path("dist").mkdir(exist_ok=True)
    made = (
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
        "-o",
        "dist/flowengine.cdx.json",
    )
    session.run("cyclonedx-py", "requirements", "locks/serve.txt", *made)


@nox.session(venv_backend="venv")
def audit(session: nox.Session) -> None:
    """Ask for known vulnerabilities of the packages of a deployment. Needs pypi.org."""
    session.install("-q", "pip-audit>=2.10,<3")
    session.run("pip-audit", "--require-hashes", "--disable-pip", "-r", "locks/serve.txt")
