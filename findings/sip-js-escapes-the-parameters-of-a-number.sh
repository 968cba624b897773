#!/usr/bin/env bash
# sip.js 0.21.2 and jssip 3.13.8 (telephones in web pages), beside sipmessage 0.7.1 (Python).
#
# In a SIP address the part before the "@" may have parameters of a telephone number, behind ";". RFC 3261 has two such
# addresses among its examples (19.1.3 and 19.1.6), and its grammar allows each of & = + $ , ; ? / there as it is. It
# also says that an escaped reserved character is another one (19.1.4). One would expect that an address that a library
# has read is written as it was.
#
# Both libraries for JavaScript unescape the part when they read it, and escape & = $ , ; when they write it: the
# number with its parameter becomes one long name, sip:+358-555-1234567%3Bpostd%3Dpp22@…, and this goes into the
# INVITE. Nothing is raised, and the property "user" shows what was meant.
#
# A call to an extension (;phone-context=, ;ext=), to a number with digits to send after the answer (;postd=, or
# commas), or back to a caller whom the network has verified (;verstat=) is for a user whom nobody has. The right
# digits in the log hide it. Take off what follows the ";" where the number alone will do.
#
# Seen on 2026-11-29 (an address, and what each library writes after it has read it):
#   sip:+358-555-1234567;postd=pp22@example.com;user=phone
#     sip.js      sip:+358-555-1234567%3Bpostd%3Dpp22@example.com;user=phone
#     jssip       sip:+358-555-1234567%3Bpostd%3Dpp22@example.com;user=phone
#     sipmessage  as given
#   sip:alice;day=tuesday@example.com
#     sip.js      sip:alice%3Bday%3Dtuesday@example.com
#     jssip       sip:alice%3Bday%3Dtuesday@example.com
#     sipmessage  as given
#   sip:7042;phone-context=+46812345@example.com;user=phone
#     sip.js      sip:7042%3Bphone-context%3D+46812345@example.com;user=phone
#     jssip       sip:7042%3Bphone-context%3D+46812345@example.com;user=phone
#     sipmessage  as given
#   sip:1234,,56@example.com
#     sip.js      sip:1234%2C%2C56@example.com
#     jssip       sip:1234%2C%2C56@example.com
#     sipmessage  as given
#   sip:+46701234567@example.com;user=phone
#     sip.js      as given
#     jssip       as given
#     sipmessage  as given
#
# Exits with 1 when that has changed. Needs npm and Node 20 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-sip-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'sip.js@0.21.2' 'jssip@3.13.8'
python3 -m venv venv
venv/bin/pip install -q 'sipmessage==0.7.1' 2> /dev/null

cat > addresses.txt <<'ADDRESSES'
sip:+358-555-1234567;postd=pp22@example.com;user=phone
sip:alice;day=tuesday@example.com
sip:7042;phone-context=+46812345@example.com;user=phone
sip:1234,,56@example.com
sip:+46701234567@example.com;user=phone
ADDRESSES

cat > write.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import JsSIP from "jssip";
import { UserAgent } from "sip.js";

const readers = { "sip.js": UserAgent.makeURI, jssip: (address) => JsSIP.URI.parse(address) };
const read = readers[process.argv[2]];
for (const address of readFileSync("addresses.txt", "utf8").trim().split("\n")) {
  console.log(read(address).toString());
}
JAVASCRIPT

cat > write.py <<'PYTHON'
from sipmessage import URI

with open("addresses.txt", encoding="utf-8") as lines:
    for address in lines.read().split():
        print(URI.parse(address))
PYTHON

node write.mjs sip.js > sip.js.txt
node write.mjs jssip > jssip.txt
venv/bin/python write.py > sipmessage.txt
paste addresses.txt sip.js.txt jssip.txt sipmessage.txt | while IFS=$'\t' read -r address first second third; do
  echo "$address"
  for pair in "sip.js=$first" "jssip=$second" "sipmessage=$third"; do
    written=${pair#*=}
    if [ "$written" = "$address" ]; then written='as given'; fi
    printf '  %-11s %s\n' "${pair%%=*}" "$written"
  done
done | tee seen
diff - seen <<'EXPECTED'
sip:+358-555-1234567;postd=pp22@example.com;user=phone
  sip.js      sip:+358-555-1234567%3Bpostd%3Dpp22@example.com;user=phone
  jssip       sip:+358-555-1234567%3Bpostd%3Dpp22@example.com;user=phone
  sipmessage  as given
sip:alice;day=tuesday@example.com
  sip.js      sip:alice%3Bday%3Dtuesday@example.com
  jssip       sip:alice%3Bday%3Dtuesday@example.com
  sipmessage  as given
sip:7042;phone-context=+46812345@example.com;user=phone
  sip.js      sip:7042%3Bphone-context%3D+46812345@example.com;user=phone
  jssip       sip:7042%3Bphone-context%3D+46812345@example.com;user=phone
  sipmessage  as given
sip:1234,,56@example.com
  sip.js      sip:1234%2C%2C56@example.com
  jssip       sip:1234%2C%2C56@example.com
  sipmessage  as given
sip:+46701234567@example.com;user=phone
  sip.js      as given
  jssip       as given
  sipmessage  as given
EXPECTED
