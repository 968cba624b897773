"""Voices of Amazon Polly, which the platform knows by the same names, by language."""

from typing import Final

_VOICES: Final = {
    "en-US": "Joanna Kendra Kimberly Salli Ivy Danielle Ruth Joey Justin Kevin Matthew Gregory Stephen",
    "en-GB": "Amy Emma Brian Arthur",
    "en-AU": "Nicole Olivia Russell",
    "en-IN": "Aditi Raveena Kajal",
    "en-NZ": "Aria",
    "en-ZA": "Ayanda",
    "en-IE": "Niamh",
    "es-ES": "Conchita Lucia Enrique Sergio",
    "es-MX": "Mia Andres",
    "es-US": "Lupe Penelope Miguel Pedro",
    "fr-FR": "Celine Lea Mathieu Remi",
    "fr-CA": "Chantal Gabrielle Liam",
    "de-DE": "Marlene Vicki Hans Daniel",
    "it-IT": "Carla Bianca Giorgio Adriano",
    "ja-JP": "Mizuki Kazuha Tomoko Takumi",
    "ko-KR": "Seoyeon",
    "nl-NL": "Lotte Laura Ruben",
    "pl-PL": "Ewa Maja Ola Jacek Jan",
    "pt-BR": "Camila Vitoria Ricardo Thiago",
    "pt-PT": "Ines Cristiano",
    "sv-SE": "Astrid Elin",
    "nb-NO": "Liv Ida",
    "da-DK": "Naja Sofie Mads",
    "fi-FI": "Suvi",
    "tr-TR": "Filiz Burcu",
    "ru-RU": "Tatyana Maxim",
    "ro-RO": "Carmen",
}
_LOCALES: Final = {name: locale for locale, names in _VOICES.items() for name in names.split()}


def find_locale(voice: str) -> str:
    """The locale of a voice; nothing for one that is not known."""
    return _LOCALES.get(voice, "")
