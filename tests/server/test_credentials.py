"""The credentials that a server finds in its environment and its releases."""

from flowengine.compile import Release, compile_project
from flowengine.server.credentials import find_secret

FLOW = b"{flow: a, start: b, states: {b: {hangup: }}}"
SECRET, OTHER = "c2VjcmV0IG9mIG9uZQ==", "YW5vdGhlciBzZWNyZXQ="


def make_release(files: dict[str, bytes], environment: dict[str, str]) -> Release:
    release = compile_project({"a.yaml": FLOW, **files}, environment).release
    assert release
    return release


def test_secret_is_that_of_the_environment_or_of_a_release() -> None:
    environment = {
        "SINCH_APPLICATION_KEY": "own",
        "SINCH_APPLICATION_SECRET": SECRET,
        "OTHER": OTHER,
    }
    plain = make_release({}, environment)
    named = make_release(
        {"project.yaml": b"{project: p, applications: [{key: other, secret: OTHER}]}"}, environment
    )
    assert find_secret([plain, named], environment, "own") == SECRET
    assert find_secret([plain, named], environment, "other") == OTHER
    assert find_secret([plain], environment, "other") == ""


def test_secret_of_half_a_credential_is_none() -> None:
    release = make_release({}, {})
    assert find_secret([release], {"SINCH_APPLICATION_KEY": "own"}, "own") == ""
