#!/usr/bin/env bash
# smpplib 2.2.4 (Python) and node-pdu 2.1.1 (Node 20), which write short messages for gateways and modems; what they
# send is read by gsm0338 1.1.0.
#
# The alphabet of SMS (3GPP TS 23.038) has the section sign at 5F, and has no backtick. One would expect that a
# library sends the one as it is, with up to 160 characters in a message, and the other in UCS-2, with up to 70. Both
# libraries have a table of the alphabet, and the two tables share a mistake: the backtick stands in the place of the
# section sign. Nothing is raised:
#
#   - A backtick is sent as a section sign. Many people type it for an apostrophe, and "don`t" arrives as "don§t".
#   - A section sign is no character of the alphabet for smpplib, which sends the whole message in UCS-2: 160
#     characters cost three messages. node-pdu sends a blank instead.
#
# Terms and notices name paragraphs ("§ 5"), so the text after a call costs three times as much, or names none. Replace
# the backtick by an apostrophe, and the sign by a word, before a text goes to one of them.
#
# Seen on 2026-11-29 (what a telephone shows; how many messages smpplib makes of the text with dots up to 160):
#   as per § 5  smpplib UCS-2       node-pdu as per   5  160 characters by smpplib: 3
#   don`t call  smpplib don§t call  node-pdu don§t call  160 characters by smpplib: 1
#   plain text  smpplib plain text  node-pdu plain text  160 characters by smpplib: 1
#
# Exits with 1 when that has changed. Needs npm and Node 18 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-sms-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'node-pdu@2.1.1'
python3 -m venv venv
venv/bin/pip install -q 'smpplib==2.2.4' 'gsm0338==1.1.0' 2> /dev/null

cat > texts.txt <<'TEXTS'
as per § 5
don`t call
plain text
TEXTS

cat > send.py <<'PYTHON'
from smpplib.consts import SMPP_ENCODING_DEFAULT
from smpplib.gsm import make_parts

with open("texts.txt", encoding="utf-8") as texts:
    for text in texts.read().splitlines():
        parts, coding, _ = make_parts(text)
        septets = parts[0].hex() if coding == SMPP_ENCODING_DEFAULT else "UCS-2"
        count = len(make_parts(text.ljust(160, "."))[0])
        print(f"{text}|{septets}|{count}")
PYTHON

cat > send.cjs <<'JAVASCRIPT'
const { readFileSync } = require("node:fs");
const { Submit } = require("node-pdu");

// The septets of a message of ten characters, which takes nine octets at the end of the message.
function unpack(octets) {
  const bits = [...octets].map((octet) => octet.toString(2).padStart(8, "0"));
  const joined = bits.reverse().join("");
  const septets = [];
  for (let end = joined.length; septets.length < 10; end -= 7) septets.push(parseInt(joined.slice(end - 7, end), 2));
  return Buffer.from(septets).toString("hex");
}

for (const text of readFileSync("texts.txt", "utf8").trim().split("\n")) {
  const parts = new Submit("+12015550100", text).getPartStrings();
  console.log(unpack(Buffer.from(parts[0].slice(-18), "hex")));
}
JAVASCRIPT

cat > read.py <<'PYTHON'
import gsm0338

codec = gsm0338.Codec()


def read(septets: str) -> str:
    return "UCS-2" if septets == "UCS-2" else codec.decode(bytes.fromhex(septets))[0]


with open("smpplib.txt", encoding="utf-8") as smpplib, open("node.txt", encoding="utf-8") as node:
    for line, septets in zip(smpplib, node):
        text, sent, count = line.strip().split("|")
        in_javascript = read(septets.strip())
        print(f"{text}  smpplib {read(sent):11} node-pdu {in_javascript:11} 160 characters by smpplib: {count}")
PYTHON

venv/bin/python send.py > smpplib.txt
node send.cjs > node.txt
venv/bin/python read.py | tee seen
diff - seen <<'EXPECTED'
as per § 5  smpplib UCS-2       node-pdu as per   5  160 characters by smpplib: 3
don`t call  smpplib don§t call  node-pdu don§t call  160 characters by smpplib: 1
plain text  smpplib plain text  node-pdu plain text  160 characters by smpplib: 1
EXPECTED
