#!/usr/bin/env bash
# Babel 2.19.0 writes blanks that phonenumbers 9.0.43 refuses, and plurals that CLDR does not have.
#
# 1. phonenumbers takes the blanks U+00A0, U+3000 and even U+200B inside a number, but not U+202F, the
#    narrow blank that CLDR (and Babel) puts between digits in French. The number before the blank is
#    read alone, or not at all. A good engineer would guess: every blank, or none but the ordinary one.
# 2. Babel chooses the plural of a currency's name by the value, not by the digits that it writes:
#    one euro is `1.00 euro` in English. CLDR's rule for English (`i = 1 and v = 0`) makes a number
#    with decimals plural, `1.00 euros`, and ICU follows it.
#
# Output seen:
#   U+0020 +46701234567
#   U+00A0 +46701234567
#   U+200B +46701234567
#   U+3000 +46701234567
#   U+202F not a number
#   French groups digits by U+202F
#   1.00 euro; the plural by CLDR of Decimal('1.00') is other
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q babel==2.19.0 phonenumbers==9.0.43
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal

import phonenumbers
from babel import Locale
from babel.numbers import format_currency, format_decimal


def read(blank: str) -> str:
    try:
        number = phonenumbers.parse(f"070{blank}123{blank}45{blank}67", "SE")
    except phonenumbers.NumberParseException:
        return "not a number"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


for code in (0x20, 0xA0, 0x200B, 0x3000, 0x202F):
    print(f"U+{code:04X} {read(chr(code))}")
assert all(read(chr(code)) == "+46701234567" for code in (0x20, 0xA0, 0x200B, 0x3000))
assert read("\u202f") == "not a number"
assert "\u202f" in format_decimal(12500, locale="fr_FR")
print("French groups digits by U+202F")

said = format_currency(1, "EUR", locale="en", format_type="name")
form = Locale("en").plural_form(Decimal("1.00"))
print(f"{said}; the plural by CLDR of Decimal('1.00') is {form}")
assert said == "1.00 euro"
assert form == "other"
PY
