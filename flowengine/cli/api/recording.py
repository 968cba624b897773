"""`flowengine api recording`."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from flowengine.cli.api.result_format import format_recordings
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    add_region_option,
    run_request,
)
from flowengine.cli.since_option import SinceType
from flowengine.problems import format_count
from flowengine.sinch.client import CallingApi


@click.group()
def recording() -> None:
    """List, download and delete recordings.

    These are the recordings that the platform keeps itself.
    """


@recording.command("list")
@click.option("--since", type=SinceType(), default="7d", show_default=True, help="Made since then.")
@click.option("--until", type=SinceType(), help="Made until then.  [default: now]")
@click.option("--page", default=1, show_default=True, type=click.IntRange(1))
@click.option("--page-size", default=100, show_default=True, type=click.IntRange(1, 1000))
@add_region_option
@add_access_options
def list_recordings(
    since: float, until: float | None, page: int, page_size: int, access: PlatformAccess
) -> None:
    """List the recordings of a time, a page at once.

    Times are 30m, 1h or 7d ago, or a date (UTC).
    """
    begin, end = to_moment(since), to_moment(time.time() if until is None else until)
    run_request(
        access,
        lambda api: api.recordings.list_page(begin, end, page, page_size),
        format_recordings,
    )


def to_moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@recording.command()
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@add_region_option
@add_access_options
def download(key: str, file: Path, access: PlatformAccess) -> None:
    """Download the recording to FILE."""

    async def save(api: CallingApi) -> dict[str, int | str]:
        return save_audio(file, await api.recordings.download(key))

    run_request(
        access, save, lambda saved: f"{format_count(int(saved['bytes']), 'byte')} in {file}"
    )


def save_audio(file: Path, audio: bytes) -> dict[str, int | str]:
    try:
        file.write_bytes(audio)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    return {"file": str(file), "bytes": len(audio)}


@recording.command()
@click.argument("key")
@add_region_option
@add_access_options
def delete(key: str, access: PlatformAccess) -> None:
    """Delete the recording, for good."""
    run_request(access, lambda api: api.recordings.delete(key), lambda _: "deleted")
