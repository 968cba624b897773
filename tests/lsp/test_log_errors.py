"""Mistakes of the language server's own: in its log, and not in the editor."""

import logging
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from flowengine.lsp.server import build_server, log_errors


def fail(_: Any) -> None:
    raise LookupError("Kaboom.")


async def fail_later(_: Any) -> None:
    raise LookupError("Kaboom.")


def refuse(_: Any) -> None:
    raise JsonRpcException("there is a state greet already")


async def test_handler_that_fails_answers_with_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert log_errors(fail)(None) is None
    assert await log_errors(fail_later)(None) is None
    assert [record.message for record in caplog.records] == ["fail failed", "fail_later failed"]


def test_refusal_reaches_the_editor() -> None:
    with pytest.raises(JsonRpcException, match="already"):
        log_errors(refuse)(None)


def test_error_of_the_protocol_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        build_server().report_server_error(ValueError("Kaboom."), JsonRpcException)
    assert [record.message for record in caplog.records] == ["JsonRpcException: Kaboom."]
