"""What an answer may come to as a whole, as the platform's older SDK has it."""

from collections.abc import Sequence

from flowengine import limits
from flowengine.svaml import Action, AnyInstruction, Park, PlayFiles, RunMenu, Say, SetCookie
from flowengine.svaml.prompt import spoken_text
from flowengine.switch.reading.instructions import check_cookies
from flowengine.switch.reading.notes import Notes
from flowengine.switch.reading.prompts import parts_of


def check_sums(
    said: Sequence[tuple[str, AnyInstruction]], action: Action | None, notes: Notes
) -> None:
    texts = [item.text for _, item in said if isinstance(item, Say)]
    parts = [
        part for _, item in said if isinstance(item, PlayFiles) for part in item.ids
    ] + _prompted(action)
    if len(texts) + len(parts) > limits.MAX_PROMPT_PARTS:
        cure = f"keep them to {limits.MAX_PROMPT_PARTS}, as the platform's older SDK demands"
        notes.tolerate("", f"{len(texts) + len(parts)} parts of prompts in one answer", cure)
    spoken = sum(map(len, texts)) + sum(len(spoken_text(part)) for part in parts)
    if spoken > limits.MAX_TTS_TOTAL:
        cure = f"keep them to {limits.MAX_TTS_TOTAL}, as the platform's older SDK demands"
        notes.tolerate("", f"{spoken} spoken characters in one answer", cure)
    check_cookies({item.key: item.value for _, item in said if isinstance(item, SetCookie)}, notes)


def _prompted(action: Action | None) -> list[str]:
    if isinstance(action, RunMenu):
        prompts = {
            prompt for menu in action.menus for prompt in (menu.main_prompt, menu.repeat_prompt)
        }
    else:
        prompts = {action.intro_prompt, action.hold_prompt} if isinstance(action, Park) else set()
    return [part for prompt in prompts for part in parts_of(prompt)]
