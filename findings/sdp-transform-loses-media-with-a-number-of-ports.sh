#!/usr/bin/env bash
# sdp-transform 3.0.0 (Node 20) and its port to Python, sdp-transform 1.1.0; beside them sdp 3.2.2 (the parser of the
# WebRTC adapter).
#
# The description of a call (SDP) may give a number of ports after the port: m=audio 49170/2 RTP/AVP 0 (RFC 4566 and
# RFC 8866, section 5.14, have it in their examples and their grammar). Some telephone exchanges and loudspeakers on
# a network send it with /2. One would expect that a parser of SDP reads the port, and that a line that it does not
# understand is an error, or is kept: sdp-transform keeps attributes that it does not know.
#
# sdp-transform reads nothing of that line. The medium is there, with its attributes and without type, port, protocol
# and codecs, and write() makes "m=undefined NaN undefined" of it. Nothing is raised. The port to Python raises a
# TypeError on writing.
#
# A server that changes an address in an offer and passes it on sends one that the other side must refuse. Browsers and
# most telephones do not write the number, so tests do not show it. Take the "/2" off the line before parsing, and look
# for media without a type afterwards.
#
# Also, a line with one codec gives that as a number, and one with several a string, so payloads.split(" ") fails where
# a telephone offers one codec only.
#
# Seen on 2026-11-29 (for each line: type, port and payloads as read, and the line as written again):
#   m=audio 49170 RTP/AVP 0 101
#     sdp                       audio 49170 "0 101"
#     sdp-transform             audio 49170 "0 101"; m=audio 49170 RTP/AVP 0 101
#     sdp-transform for Python  audio 49170 "0 101"; m=audio 49170 RTP/AVP 0 101
#   m=audio 49170/2 RTP/AVP 0 101
#     sdp                       audio 49170 "0 101"
#     sdp-transform             undefined undefined ""; m=undefined NaN undefined
#     sdp-transform for Python  None None ""; TypeError
#   m=video 49170/2 RTP/AVP 31
#     sdp                       video 49170 "31"
#     sdp-transform             undefined undefined ""; m=undefined NaN undefined
#     sdp-transform for Python  None None ""; TypeError
#   m=audio 49170 RTP/AVP 0
#     sdp                       audio 49170 "0"
#     sdp-transform             audio 49170 0; m=audio 49170 RTP/AVP 0
#     sdp-transform for Python  audio 49170 0; m=audio 49170 RTP/AVP 0
#
# Exits with 1 when that has changed. Needs npm and Node 18 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-sdp-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'sdp-transform@3.0.0' 'sdp@3.2.2'
python3 -m venv venv
venv/bin/pip install -q 'sdp-transform==1.1.0' 2> /dev/null

cat > lines.txt <<'LINES'
m=audio 49170 RTP/AVP 0 101
m=audio 49170/2 RTP/AVP 0 101
m=video 49170/2 RTP/AVP 31
m=audio 49170 RTP/AVP 0
LINES

cat > read.cjs <<'JAVASCRIPT'
const { readFileSync } = require("node:fs");
const { parseMLine } = require("sdp");
const { parse, write } = require("sdp-transform");

const SESSION = "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n";
for (const line of readFileSync("lines.txt", "utf8").trim().split("\n")) {
  const { kind, port, fmt } = parseMLine(line);
  const session = parse(`${SESSION}${line}\r\na=sendrecv\r\n`);
  const medium = session.media[0];
  const written = write(session).split("\r\n").find((each) => each.startsWith("m=")).trim();
  console.log(line);
  console.log(`  sdp                       ${kind} ${port} ${JSON.stringify(fmt)}`);
  const read = `${medium.type} ${medium.port} ${JSON.stringify(medium.payloads)}`;
  console.log(`  sdp-transform             ${read}; ${written}`);
}
JAVASCRIPT

cat > read.py <<'PYTHON'
import json

from sdp_transform import parse, write

SESSION = "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
with open("lines.txt", encoding="utf-8") as lines:
    for line in lines.read().splitlines():
        session = parse(f"{SESSION}{line}\r\na=sendrecv\r\n")
        medium = session["media"][0]
        try:
            written = next(each for each in write(session).splitlines() if each.startswith("m="))
        except TypeError:
            written = "TypeError"
        read = f"{medium.get('type')} {medium.get('port')} {json.dumps(medium.get('payloads'))}"
        print(f"  sdp-transform for Python  {read}; {written}")
PYTHON

node read.cjs > node.txt
venv/bin/python read.py > python.txt
paste -d'\n' <(sed -n '1~3p' node.txt) <(sed -n '2~3p' node.txt) <(sed -n '3~3p' node.txt) python.txt | tee seen
diff - seen <<'EXPECTED'
m=audio 49170 RTP/AVP 0 101
  sdp                       audio 49170 "0 101"
  sdp-transform             audio 49170 "0 101"; m=audio 49170 RTP/AVP 0 101
  sdp-transform for Python  audio 49170 "0 101"; m=audio 49170 RTP/AVP 0 101
m=audio 49170/2 RTP/AVP 0 101
  sdp                       audio 49170 "0 101"
  sdp-transform             undefined undefined ""; m=undefined NaN undefined
  sdp-transform for Python  None None ""; TypeError
m=video 49170/2 RTP/AVP 31
  sdp                       video 49170 "31"
  sdp-transform             undefined undefined ""; m=undefined NaN undefined
  sdp-transform for Python  None None ""; TypeError
m=audio 49170 RTP/AVP 0
  sdp                       audio 49170 "0"
  sdp-transform             audio 49170 0; m=audio 49170 RTP/AVP 0
  sdp-transform for Python  audio 49170 0; m=audio 49170 RTP/AVP 0
EXPECTED
