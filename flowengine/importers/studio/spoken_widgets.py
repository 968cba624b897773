"""Widgets that speak and ask."""

import re
from typing import Any, Final

from flowengine.importers.flow_parts import INPUT_LENGTH
from flowengine.importers.polly_voices import find_locale
from flowengine.importers.studio.liquid_text import has_liquid
from flowengine.importers.studio.studio_flow import StudioWidget
from flowengine.importers.studio.widget_import import (
    ADDRESS_LENGTH,
    GATHER_TYPE,
    StudioFlowImport,
    WidgetImport,
)
from flowengine.importers.templates import (
    LANGUAGE,
    MARKUP,
    PART_LENGTH,
    SPOKEN_LENGTH,
    is_fit_markup,
    split_spoken_text,
)

_USUAL_LOCALE: Final = "en-US"
_SEXES: Final = {"man": "male", "woman": "female", "alice": "female"}
_LANGUAGES: Final = {
    "en": "en-US", "es": "es-ES", "fr": "fr-FR", "de": "de-DE", "it": "it-IT", "pt": "pt-BR",
    "ja": "ja-JP", "nl": "nl-NL", "pl": "pl-PL", "sv": "sv-SE", "ko": "ko-KR",
}  # fmt: skip
_ELEMENT: Final = re.compile(
    r"</?(?:speak|break|prosody|say-as|emphasis|p|s|sub|phoneme|lang|w|amazon:[a-z-]+)\b[^<>]*>"
)
_SPEAKING_TYPES: Final = ("say-play", GATHER_TYPE)
_MAX_REPEATS: Final = 10
_SPEECH_LENGTH: Final = 64


def choose_voice(flow: StudioFlowImport) -> None:
    """The locale and the voice of most widgets are those of the flow."""
    speaking = [
        each
        for each in flow.source.widgets.values()
        if each.type in _SPEAKING_TYPES and each.properties.get("say")
    ]
    if not speaking:
        return
    locales = [read_locale(each) for each in speaking]
    flow.locale = max(locales, key=locales.count)
    flow.has_languages = len(set(locales)) > 1
    if flow.locale != _USUAL_LOCALE or flow.has_languages:
        flow.draft.head["locale"] = flow.locale
    voices = [
        voice
        for each, locale in zip(speaking, locales, strict=True)
        if locale == flow.locale and (voice := read_voice(each))
    ]
    if voices and not flow.has_languages:
        flow.voice = max(voices, key=voices.count)
        flow.draft.head["voice"] = flow.voice


def read_voice(widget: StudioWidget) -> str:
    """The name of a voice of the platform; nothing where it is none."""
    voice = widget.properties.get("voice")
    if not isinstance(voice, str):
        return ""
    if voice in _SEXES:
        return _SEXES[voice]
    name = voice.removeprefix("Polly.").split("-")[0]
    return name if voice.startswith("Polly.") and find_locale(name) else ""


def read_locale(widget: StudioWidget) -> str:
    """The language of a widget, or that of its voice."""
    language = widget.properties.get("language")
    text = language.strip() if isinstance(language, str) else ""
    if text in _LANGUAGES:
        return _LANGUAGES[text]
    if LANGUAGE.fullmatch(text):
        return f"{text[:2].lower()}-{text[3:].upper()}"
    voice = read_voice(widget)
    return (find_locale(voice) if voice not in _SEXES.values() else "") or _USUAL_LOCALE


def add_locale(widget: WidgetImport, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the locale of a widget, where the flow speaks several languages."""
    if widget.flow.has_languages and widget.read_text("say"):
        return {"locale": read_locale(widget.widget)} | body
    return body


def build_prompt(widget: WidgetImport) -> Any:
    """What a widget says or plays; None for nothing."""
    voice = check_voice(widget)
    if play := widget.read_text("play").strip():
        return build_recording(widget, play)
    say = widget.read_text("say").strip()
    if not say:
        return None
    if has_markup(say):
        return build_markup(widget, say)
    words = split_spoken_text(widget.write_spoken(say))
    if not voice or isinstance(words, list):
        return words
    return {"text": words, "voice": voice}


def check_voice(widget: WidgetImport) -> str:
    """A voice other than that of the flow, for this prompt alone."""
    named, voice = widget.read_text("voice"), read_voice(widget.widget)
    if not widget.read_text("say"):
        return ""
    if named not in ("", "default") and not voice:
        widget.add_remark(f'the voice "{named[:40]}" is not known: the voice of the flow speaks')
        return ""
    if not voice or voice == widget.flow.voice:
        return ""
    if widget.widget.type == GATHER_TYPE:
        widget.add_remark(f"the voice of the flow speaks, not {voice}")
        return ""
    return voice


def has_markup(text: str) -> bool:
    """Whether a text has elements of speech markup."""
    return bool(_ELEMENT.search(text))


def build_markup(widget: WidgetImport, text: str) -> Any:
    """Speech markup; its words where the platform takes no such markup."""
    line = " ".join(text.split())
    whole = line if line.startswith("<speak") else f"<speak>{line}</speak>"
    if not is_fit_markup(whole) or len(whole) > PART_LENGTH:
        widget.note_change("the platform takes no such markup: its words are said without it")
        return split_spoken_text(widget.write_spoken(MARKUP.sub(" ", line))) or None
    return {"ssml": widget.write_template(whole, SPOKEN_LENGTH)}


def build_recording(widget: WidgetImport, address: str) -> dict[str, str]:
    """A recording by its address."""
    is_address = address.startswith(("https://", "http://")) and not set(address) & set(";[] ")
    if is_address or has_liquid(address):
        return {"audio": widget.write_template(address, ADDRESS_LENGTH)}
    widget.note_change("the address of the recording is none that the platform plays: fill it in")
    return {"audio": "https://fill-in.example.invalid/recording.mp3"}


def import_say(widget: WidgetImport) -> None:
    """say-play: words or a recording, as often as it says; or keys that are sent."""
    prompt = build_prompt(widget)
    body: dict[str, Any] = {}
    if prompt is not None:
        body["say"] = repeat_prompt(widget, prompt)
    if keys := widget.read_text("digits"):
        if set(keys) <= set("0123456789#w"):
            body["dtmf"] = keys
        else:
            widget.note_change("only the keys 0-9 and # can be sent: none are")
    body["next"] = widget.get_target("audioComplete")
    widget.add_state(add_locale(widget, body))


def repeat_prompt(widget: WidgetImport, prompt: Any) -> Any:
    loops = widget.read_number(1, 0, 1_000, "loop")
    if loops == 0 or loops > _MAX_REPEATS:
        widget.note_change(f"it is said {_MAX_REPEATS} times")
        loops = _MAX_REPEATS
    parts = prompt if isinstance(prompt, list) else [prompt]
    return prompt if loops == 1 else parts * loops


def import_gather(widget: WidgetImport) -> None:
    """gather-input-on-call: a collect of keys, of words, or of both."""
    flow, source = widget.flow, widget.widget
    hears = source.has_transition("speech")
    count = widget.read_number(0, 0, 60, "number_of_digits", "num_digits", "numDigits")
    length = _SPEECH_LENGTH if hears else max(count, INPUT_LENGTH)
    variable = flow.get_input_variable(source.name, length)
    finish = widget.read_text("finish_on_key")
    if finish not in ("", "#") and widget.read_text("stop_gather") != "false":
        widget.note_change(f'the input ends with # instead of "{finish[:10]}"')
    prompt = build_prompt(widget)
    seconds = widget.read_number(5, 1, 30, "timeout")
    body: dict[str, Any] = {
        "prompt": {"pause": "1s"} if prompt is None else prompt,
        "into": variable,
        "attempts": 1,
        "timeout": f"{seconds}s",
        "otherwise": widget.get_target("timeout"),
    }
    if hears:
        body["voice"] = True
        if count:
            widget.note_change("callers who press keys wait for the end of their input, or press #")
    else:
        body["digits"] = count if count == 1 else f"1-{count or INPUT_LENGTH}"
    loops = widget.read_number(1, 0, 1_000, "loop")
    if loops == 0 or loops > _MAX_REPEATS:
        widget.note_change(f"it is asked {_MAX_REPEATS} times")
    if loops != 1:
        body["repeats"] = min(loops or _MAX_REPEATS, _MAX_REPEATS) - 1
    if source.get_next("timeout") == source.name:
        widget.add_remark("whoever says nothing is asked for ever")
    widget.add_state(add_locale(widget, {"collect": body, "next": get_answer_target(widget)}))


def get_answer_target(widget: WidgetImport) -> str:
    """Where the call goes after keys, and after words."""
    keys, speech = widget.get_target("keypress"), widget.get_target("speech")
    if not widget.widget.has_transition("speech") or keys == speech:
        return keys
    ways = [{"when": 'event.input == "voice"', "next": speech}, {"next": keys}]
    return widget.add_state({"choose": ways}, "answer")
