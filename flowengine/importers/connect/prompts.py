"""What callers hear: texts, speech markup and recordings."""

import re
from typing import Any, Final

from flowengine.importers.connect.action_import import ActionImport
from flowengine.importers.connect.references import parse_reference
from flowengine.importers.source_json import get_mapping, get_text
from flowengine.importers.templates import (
    MARKUP,
    PART_LENGTH,
    SPOKEN_LENGTH,
    is_fit_markup,
    split_spoken_text,
    to_recording_name,
)

_DEPLOYMENT_ATTRIBUTE: Final = re.compile(r' [A-Za-z:-]+="<<[^<>"]*>>"')


def build_prompt(action: ActionImport, data: dict[str, Any]) -> Any:
    """The prompt that these parameters describe; None where they say nothing."""
    if ssml := get_text(data, "SSML").strip():
        return build_markup(action, ssml)
    if text := get_text(data, "Text").strip():
        return build_markup(action, text) if text.startswith("<speak") else build_text(action, text)
    if prompt := get_text(data, "PromptId").strip():
        return build_recording(action, prompt)
    if uri := get_text(get_mapping(data, "Media"), "Uri").strip():
        return build_recording(action, uri)
    return None


def build_text(action: ActionImport, text: str) -> Any:
    """Words, in parts where they are longer than one part may be."""
    return split_spoken_text(action.write_template(" ".join(text.split()), SPOKEN_LENGTH))


def build_markup(action: ActionImport, text: str) -> Any:
    """Speech markup; words where the text is none, as where a reference stands for all of it."""
    line = " ".join(text.split())
    if not line.startswith("<speak"):
        if parse_reference(line):
            action.add_remark("the value is spoken as text: markup in it would be read out")
        return build_text(action, MARKUP.sub(" ", line))
    line, count = _DEPLOYMENT_ATTRIBUTE.subn("", line)
    if count:
        action.add_remark("attributes that a deployment fills in are left out")
    if not is_fit_markup(line):
        action.note_change("the platform takes no such markup: its words are said without it")
        return build_text(action, MARKUP.sub(" ", line)) or None
    if len(line) > PART_LENGTH:
        action.note_change("the markup is too long for one part: its words are said without it")
        return build_text(action, MARKUP.sub(" ", line)) or None
    return {"ssml": action.write_template(line, SPOKEN_LENGTH)}


def build_recording(action: ActionImport, source: str) -> dict[str, str]:
    """A recording, by the file name under which the author uploads it."""
    if parse_reference(source):
        action.note_change("a recording chosen by a value needs a web address or a file name there")
        return {"audio": action.write_template(source, SPOKEN_LENGTH)}
    if source.startswith("https://"):
        return {"audio": action.write_template(source, SPOKEN_LENGTH)}
    label = action.action.labels.get("PromptId") or source.rsplit("/", 1)[-1]
    name = to_recording_name(label)
    action.add_remark(f"upload the recording as {name}")
    action.flow.project.draft.report.add_recording(name)
    return {"audio": name}


def build_question_prompt(action: ActionImport, data: dict[str, Any]) -> Any:
    """The prompt of a question, which needs one."""
    prompt = build_prompt(action, data)
    return {"pause": "1s"} if prompt is None else prompt
