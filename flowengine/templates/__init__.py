"""Projects to begin with: each folder beside this file is one, as `flowengine new` writes it. The
recipes in docs/recipes/ show the same files.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parent
SAMPLE_PROJECT: Final = "project: acme"
PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


def list_templates() -> Mapping[str, str]:
    """What each template does, by its name: the first line of its `project.yaml`.

    >>> list_templates()["menu"]
    'A menu with two choices: words, and a person on the phone.'
    """
    return {
        file.parent.name: file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        for file in sorted(TEMPLATES.glob("*/project.yaml"))
    }


def read_template(name: str, project: str) -> Mapping[str, str]:
    """The files of a template by their names in the project, which gets the name `project` where
    that is a plain word.

    >>> files = read_template("menu", "my-shop")
    >>> list(files)
    ['project.yaml', 'scenarios/shop.yaml', 'shop.yaml']
    >>> files["project.yaml"].splitlines()[1]
    'project: my-shop'
    """
    folder = TEMPLATES / name
    files = {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*.yaml"))
    }
    if PLAIN_NAME.fullmatch(project):
        named = files["project.yaml"].replace(SAMPLE_PROJECT, f"project: {project}", 1)
        files["project.yaml"] = named
    return files
