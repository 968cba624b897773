"""Limits on an answer as a whole, as in the platform's older SDK."""

from collections.abc import Sequence

from flowengine import limits
from flowengine.svaml import Action, AnyInstruction, Park, PlayFiles, RunMenu, Say, SetCookie
from flowengine.svaml.prompt_notation import extract_spoken_text
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.instruction_rules import check_cookies
from flowengine.switch.reading.prompt_rules import split_parts


def check_totals(
    instructions: Sequence[tuple[str, AnyInstruction]], action: Action | None, notes: Notes
) -> None:
    texts = [item.text for _, item in instructions if isinstance(item, Say)]
    parts = [
        part for _, item in instructions if isinstance(item, PlayFiles) for part in item.ids
    ] + _list_prompt_parts(action)
    # only the older SDK has these limits, so they are tolerated (platform notes, 1.3)
    if len(texts) + len(parts) > limits.MAX_PROMPT_PARTS:
        cure = f"keep them to {limits.MAX_PROMPT_PARTS}, as the platform's older SDK demands"
        notes.tolerate("", f"{len(texts) + len(parts)} parts of prompts in one answer", cure)
    spoken = sum(map(len, texts)) + sum(len(extract_spoken_text(part)) for part in parts)
    if spoken > limits.MAX_TTS_TOTAL:
        cure = f"keep them to {limits.MAX_TTS_TOTAL}, as the platform's older SDK demands"
        notes.tolerate("", f"{spoken} spoken characters in one answer", cure)
    check_cookies(
        {item.key: item.value for _, item in instructions if isinstance(item, SetCookie)}, notes
    )


def _list_prompt_parts(action: Action | None) -> list[str]:
    if isinstance(action, RunMenu):
        prompts = {
            prompt for menu in action.menus for prompt in (menu.main_prompt, menu.repeat_prompt)
        }
    else:
        prompts = {action.intro_prompt, action.hold_prompt} if isinstance(action, Park) else set()
    return [part for prompt in prompts for part in split_parts(prompt)]
