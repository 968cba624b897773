"""How wide a text is in a picture, by the shapes of its characters: no font is at hand where a
picture is laid out.
"""

import string
import unicodedata

# By character: parts of the font size, as wide as in a wide font, so that boxes are never too small.
USUAL_WIDTH, CAPITAL_WIDTH, IDEOGRAPH_WIDTH = 0.62, 0.69, 1.1
ASCII_WIDTHS = {
    **dict.fromkeys(string.ascii_uppercase, CAPITAL_WIDTH),
    **dict.fromkeys("ijlI.,;:'|!`", 0.31),
    **dict.fromkeys('frt()[]/\\- "*', 0.4),
    **dict.fromkeys("mwMW@%&+=<>~", 0.9),
}
BOLD_FACTOR = 1.1
STRETCH_FACTOR = 1.25  # a word that is a little too long is better whole
ELLIPSIS = "…"


def measure_text(text: str, size: float, *, bold: bool = False) -> float:
    width = sum(map(measure_character, text)) * size
    return width * BOLD_FACTOR if bold else width


def measure_character(character: str) -> float:
    if character.isascii():
        return ASCII_WIDTHS.get(character, USUAL_WIDTH)
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    is_wide = unicodedata.east_asian_width(character) in ("W", "F")
    return IDEOGRAPH_WIDTH if is_wide else CAPITAL_WIDTH


def wrap_text(text: str, size: float, width: float, most_lines: int) -> tuple[str, ...]:
    """The text in lines of this width; an ellipsis stands for what does not fit."""
    lines: list[str] = []
    line = ""
    for word in split_long_words(text, size, width):
        longer = f"{line} {word}" if line else word
        if line and measure_text(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    if line:
        lines.append(line)
    if len(lines) > most_lines:
        lines[most_lines - 1 :] = [f"{lines[most_lines - 1]} {ELLIPSIS}"]
    if len(lines) > 1 and lines[-1] == ELLIPSIS:
        lines[-2:] = [f"{lines[-2]} {ELLIPSIS}"]
    return tuple(lines)


def split_long_words(text: str, size: float, width: float) -> list[str]:
    """The words of the text; one that is wider than a line in pieces."""
    words: list[str] = []
    for word in text.split():
        if measure_text(word, size) <= width * STRETCH_FACTOR:
            words.append(word)
            continue
        piece, room = "", width
        for character in word:
            room -= measure_character(character) * size
            if room < 0 and piece:
                words.append(piece)
                piece, room = "", width - measure_character(character) * size
            piece += character
        words.append(piece)
    return words
