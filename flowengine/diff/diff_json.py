"""A difference for programs."""

import msgspec

from flowengine.diff.difference import ProjectDifference

DIFF_VERSION = 1


def to_json(difference: ProjectDifference) -> str:
    """The values of `difference.py` under their own names. Readers may rely on the shape as long as
    `version` is the same.
    """
    data = {
        "version": DIFF_VERSION,
        "differs": bool(difference),
        "project": difference.project,
        "flows": difference.flows,
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n"
