"""FE418 to FE499: prompts that would not be heard as they are written."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final = (
    CatalogueEntry(
        "FE418",
        "an attribute of markup that cannot be sent as it is",
        Severity.ERROR,
        "The platform separates prompts by ; and ends each with ], and has no way to write these "
        "characters, or &amp;, inside one. In words they are exchanged for others that sound the "
        "same; an address would be another one. Play an address that has & in it by a prompt of "
        "its own.",
        """\
flow: line
start: play
states:
  play: {say: {ssml: "<speak>Hi <audio src='https://example.com/a.mp3?x=1&amp;y=2'/></speak>"}, hangup: }
""",
        """\
flow: line
start: play
states:
  play: {say: [Hi, {audio: "https://example.com/a.mp3?x=1&y=2"}], hangup: }
""",
    ),
    CatalogueEntry(
        "FE419",
        "a prompt without words",
        Severity.WARNING,
        "There is nothing in this prompt to be heard. It is left out of what the platform gets, so "
        "a caller who is asked nothing else hears silence.",
        """\
flow: line
start: welcome
states:
  welcome: {say: " ", hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Goodbye., hangup: }
""",
    ),
    CatalogueEntry(
        "FE420",
        "a bare * or # in words to be spoken",
        Severity.WARNING,
        "Some voices say star or hash, some are silent, and then the caller hears: to end, press. "
        "Write the word that people know the key by in the language of the prompt.",
        """\
flow: line
start: welcome
states:
  welcome: {say: "To hear this again, press *.", hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: "To hear this again, press star.", hangup: }
""",
    ),
)
