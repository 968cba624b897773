"""`flowengine lsp`."""

import click


@click.command()
def lsp() -> None:
    """Serve an editor: problems while you type, completion, names and what states send.

    Editors start it themselves and speak the Language Server Protocol with it over its standard
    input and output (see docs/editors.md).
    """
    try:
        from flowengine.lsp.server import serve_editor  # noqa: PLC0415  # needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise click.ClickException(
            "the language server is an extra of its own: pip install 'flowengine[lsp]'"
        ) from error
    serve_editor()
