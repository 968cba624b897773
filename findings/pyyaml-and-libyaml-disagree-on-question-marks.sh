#!/usr/bin/env bash
# PyYAML 6.0.3 reads `{get: /orders?page=1}` with libyaml, and refuses it without.
#
# CSafeLoader (libyaml) takes a question mark inside a plain text in `{…}` and `[…]`, as YAML 1.2 says;
# SafeLoader, the scanner in Python, ends the text there and raises a ParserError. Outside of brackets both
# take it. CSafeLoader is there only where the wheel or the system brings libyaml, so the same file, such as
# one with an address that has a query, is fine on one machine and an error on another. A good engineer
# would guess that the two loaders differ in speed alone. Colons (`x:y`, `http://x`) are read alike.
#
# Output seen:
#   get: /orders?page=1    SafeLoader {'get': '/orders?page=1'}  CSafeLoader {'get': '/orders?page=1'}
#   {get: /orders?page=1}  SafeLoader ParserError                CSafeLoader {'get': '/orders?page=1'}
#   [really?]              SafeLoader ParserError                CSafeLoader ['really?']
#   {url: http://x:1/y}    SafeLoader {'url': 'http://x:1/y'}    CSafeLoader {'url': 'http://x:1/y'}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyyaml==6.0.3
"$folder/venv/bin/python" - <<'PY'
import yaml


def read(text: str, loader: type) -> str:
    try:
        return repr(yaml.load(text, loader))
    except yaml.YAMLError as error:
        return type(error).__name__


seen = {}
for text in ("get: /orders?page=1", "{get: /orders?page=1}", "[really?]", "{url: http://x:1/y}"):
    seen[text] = read(text, yaml.SafeLoader), read(text, yaml.CSafeLoader)
    print(f"{text:22} SafeLoader {seen[text][0]:25} CSafeLoader {seen[text][1]}")
assert len(set(seen["get: /orders?page=1"])) == 1
assert len(set(seen["{url: http://x:1/y}"])) == 1
assert seen["{get: /orders?page=1}"] == ("ParserError", "{'get': '/orders?page=1'}")
assert seen["[really?]"] == ("ParserError", "['really?']")
PY
