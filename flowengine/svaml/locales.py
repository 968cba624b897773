"""What the platform speaks: a locale, a locale with a gender, or the name of a voice, all without
regard to case.
"""

from __future__ import annotations

DEFAULT_LOCALE = "en-US"

_SPEECH_LOCALE_TEXT = (
    "arb az-AZ bg-BG ca-ES cmn-CN cs-CZ cy-GB da-DK de-AT de-DE el-GR en-AU en-GB en-GB-WLS en-IN "
    "en-NZ en-US en-ZA es-ES es-MX es-US "
    "et-EE fi-FI fil-PH fr-CA fr-FR hi-IN hr-HR hu-HU id-ID is-IS it-IT ja-JP ka-GE ko-KR lt-LT "
    "lv-LV ms-MY mt-MT my-MM nb-NO nl-NL "
    "pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI sv-SE th-TH tr-TR uk-UA uz-UZ vi-VN zh-HK"
)
LOCALES: tuple[str, ...] = tuple(_SPEECH_LOCALE_TEXT.split())
"""From the official Node SDK and the page "Voice locales"; the platform adds to them, so an unknown one is worth a warning, no more"""

_TRANSCRIPTION_LOCALE_TEXT = (
    "af-ZA ar-AE ar-SA zh-CN zh-TW da-DK nl-NL en-AU en-GB en-IN en-IE en-NZ en-AB en-ZA en-US "
    "en-WL fr-FR fr-CA fa-IR gd_GB de-DE de-CH he-IL hi-IN id-ID ga-IE it-IT ja-JP ko-KR ms-MY "
    "pt-PT pt-BR ru-RU es-ES es-US sv-SE ta-IN te-IN th-TH tr-TR vi-VN"
)
TRANSCRIPTION_LOCALES: tuple[str, ...] = tuple(_TRANSCRIPTION_LOCALE_TEXT.split())
"""In which the platform writes speech down (Node SDK 1.4.0), spelt as there; other ones than it speaks"""

GENDERS = ("female", "male")
_LOCALE_SPELLING = {locale.lower(): locale for locale in LOCALES}


def is_known_locale(locale: str) -> bool:
    return locale.partition("/")[0].lower() in _LOCALE_SPELLING


def normalise_locale(locale: str) -> str:
    """The usual spelling of a known locale (`sv-se` becomes `sv-SE`); anything else as it is"""
    return _LOCALE_SPELLING.get(locale.lower(), locale)


def format_voice(locale: str, name: str = "") -> str:
    """What goes into a `locale` property: `en-US`, `en-US/female`, or the voice alone (`Joanna`),
    since a voice implies its locale
    """
    if name.lower() in GENDERS:
        return f"{normalise_locale(locale)}/{name.lower()}"
    return name or normalise_locale(locale)
