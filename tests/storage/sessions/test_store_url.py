"""The addresses of stores, with and without mistakes."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.storage.postgresql import build_connection_parameters
from flowengine.storage.sessions.store_url import find_address_fault, redact_password

PASSWORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://db/voice",
        "postgresql:///voice?host=/run/postgresql&user=a",
        "postgresql://voice@a:5432,b:5433/voice?target_session_attrs=read-write",
        "postgresql://voice:p%40ss%2Fw%25rd@[::1]:5432/voice",
        "postgres://voice@db/voice?application_name=a@b/c",
    ],
)
def test_address_that_libpq_reads_has_no_fault(address: str) -> None:
    assert find_address_fault(address) == ""
    build_connection_parameters(address)


@given(PASSWORDS)
def test_password_is_in_no_error_and_in_no_redacted_address(password: str) -> None:
    """Whatever an operator forgot to escape."""
    secret = f"zq{password}qz"
    address = f"postgresql://voice:{secret}@db.internal/voice"
    redacted = redact_password(address)
    assert "zq" not in redacted
    assert "qz" not in redacted
    message, host = find_host(address)
    assert host in {"", "db.internal"}
    assert "zq" not in message
    assert "qz" not in message


def find_host(address: str) -> tuple[str, str]:
    """The host that is connected to, or the error."""
    try:
        return "", build_connection_parameters(address)["host"]
    except psycopg.Error as error:
        return str(error), ""


def test_password_of_a_parameter_is_redacted() -> None:
    given_address = "postgresql://db/voice?sslmode=require&sslpassword=one&password=two"
    assert redact_password(given_address) == (
        "postgresql://db/voice?sslmode=require&sslpassword=…&password=…"
    )
    assert redact_password("host=db password='a b' user=c") == "host=db password=… user=c"
    assert redact_password("sqlite:/var/calls.db") == "sqlite:/var/calls.db"
