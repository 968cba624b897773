#!/usr/bin/env bash
# phonenumbers 9.0.43 (Python), google-libphonenumber 3.2.47 and libphonenumber-js 1.13.16 (JavaScript).
#
# The documentation of parse() says that a number may be given "in RFC3966 format", and the libraries read ;ext=,
# ;isub= and ;phone-context=. That RFC lets other parameters follow, and says that a reader may ignore each that does
# not begin with "m-". One would expect the number, whatever follows it, and the same each time.
#
# 1. Google's library and its port to Python refuse the whole URI: tel:+12025331234;verstat=TN-Validation-Passed, as
#    networks with STIR/SHAKEN name the caller (3GPP TS 24.229), ;npdi;rn=… of RFC 4694 for ported numbers, ;cpc=….
#    With ;isub= before it, the same parameter passes. libphonenumber-js ignores letters, and refuses digits.
# 2. All three put the digits of phone-context in front of the number. RFC 3966 says (5.1.5) that this need not give a
#    number: its own example, 863-1234 in the context of +1-914-555, becomes +19145558631234. Extension 1234 within
#    +1202533 becomes +12025331234, a valid number, and perhaps somebody else's telephone.
# 3. libphonenumber-js reads a URI with a context each second time only: it keeps the place of the last match, so that
#    the answer depends on what was read before.
#
# Callers whose number the network has verified are "no phone number", and a call to an extension leaves the house.
# Cut a URI at the first ";" where it begins with "+", and read no local number without knowing its dialling plan.
#
# Seen on 2026-11-29 (phonenumbers, libphonenumber-js; "valid" is what the library says of the number):
#   tel:+12025331234;ext=12                                   +12025331234 valid    +12025331234 valid
#   tel:+12025331234;verstat=TN-Validation-Passed             error                 +12025331234 valid
#   tel:+12025331234;isub=12;verstat=TN-Validation-Passed     +12025331234 valid    +12025331234 valid
#   tel:+12025331234;npdi                                     error                 +12025331234 valid
#   tel:+12025331234;npdi;rn=+12025440000                     error                 error
#   tel:+12025331234;cpc=ordinary                             error                 +12025331234 valid
#   tel:+12025331234;oli=62                                   error                 error
#   tel:863-1234;phone-context=+1-914-555                     +19145558631234       +19145558631234
#   tel:1234;phone-context=+1202533                           +12025331234 valid    +12025331234 valid
#   tel:1234;phone-context=+1202533 (again)                   +12025331234 valid    error
#   google-libphonenumber reads them all as phonenumbers does: True
#
# Exits with 1 when that has changed. Needs npm and Node 18 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-tel-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'google-libphonenumber@3.2.47' 'libphonenumber-js@1.13.16'
python3 -m venv venv
venv/bin/pip install -q 'phonenumbers==9.0.43' 2> /dev/null

cat > uris.txt <<'URIS'
tel:+12025331234;ext=12
tel:+12025331234;verstat=TN-Validation-Passed
tel:+12025331234;isub=12;verstat=TN-Validation-Passed
tel:+12025331234;npdi
tel:+12025331234;npdi;rn=+12025440000
tel:+12025331234;cpc=ordinary
tel:+12025331234;oli=62
URIS

cat > contexts.txt <<'URIS'
tel:863-1234;phone-context=+1-914-555
tel:1234;phone-context=+1202533
URIS

cat > again.txt <<'URIS'
tel:1234;phone-context=+1202533
tel:1234;phone-context=+1202533
URIS

cat > read.js <<'JAVASCRIPT'
const { readFileSync } = require("fs");
const { PhoneNumberFormat, PhoneNumberUtil } = require("google-libphonenumber");
const { parsePhoneNumberWithError } = require("libphonenumber-js/max");

const google = PhoneNumberUtil.getInstance();
const readers = {
  google(uri) {
    const number = google.parse(uri);
    return [google.format(number, PhoneNumberFormat.E164), google.isValidNumber(number)];
  },
  js(uri) {
    const number = parsePhoneNumberWithError(uri);
    return [number.number, number.isValid()];
  },
};
const [reader, file] = process.argv.slice(2);
for (const uri of readFileSync(file, "utf8").trim().split("\n")) {
  try {
    const [number, valid] = readers[reader](uri);
    console.log(valid ? `${number} valid` : number);
  } catch {
    console.log("error");
  }
}
JAVASCRIPT

cat > read.py <<'PYTHON'
import sys

import phonenumbers

with open(sys.argv[1], encoding="utf-8") as lines:
    for uri in lines.read().split():
        try:
            number = phonenumbers.parse(uri)
        except phonenumbers.NumberParseException:
            print("error")
        else:
            shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            print(f"{shown} valid" if phonenumbers.is_valid_number(number) else shown)
PYTHON

read_js() { node read.js js "$1"; }
read_each_alone() { while read -r uri; do echo "$uri" > one.txt; read_js one.txt; done < "$1"; }

{ cat uris.txt contexts.txt; echo "$(tail -n 1 again.txt) (again)"; } > names
{ cat uris.txt contexts.txt; tail -n 1 again.txt; } > all.txt
venv/bin/python read.py all.txt > python.txt
node read.js google all.txt > google.txt
{ read_js uris.txt; read_each_alone contexts.txt; read_js again.txt | tail -n 1; } > js.txt
{
  paste -d'|' names python.txt js.txt | awk -F'|' '{ printf "%-57s %-21s %s\n", $1, $2, $3 }'
  if cmp -s python.txt google.txt; then same=True; else same=False; fi
  echo "google-libphonenumber reads them all as phonenumbers does: $same"
} | tee seen
diff - seen <<'EXPECTED'
tel:+12025331234;ext=12                                   +12025331234 valid    +12025331234 valid
tel:+12025331234;verstat=TN-Validation-Passed             error                 +12025331234 valid
tel:+12025331234;isub=12;verstat=TN-Validation-Passed     +12025331234 valid    +12025331234 valid
tel:+12025331234;npdi                                     error                 +12025331234 valid
tel:+12025331234;npdi;rn=+12025440000                     error                 error
tel:+12025331234;cpc=ordinary                             error                 +12025331234 valid
tel:+12025331234;oli=62                                   error                 error
tel:863-1234;phone-context=+1-914-555                     +19145558631234       +19145558631234
tel:1234;phone-context=+1202533                           +12025331234 valid    +12025331234 valid
tel:1234;phone-context=+1202533 (again)                   +12025331234 valid    error
google-libphonenumber reads them all as phonenumbers does: True
EXPECTED
