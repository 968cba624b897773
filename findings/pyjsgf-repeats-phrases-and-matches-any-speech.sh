#!/usr/bin/env bash
# pyjsgf 1.9.0, beside pocketsphinx 5.1.1, CPython 3.11.
#
# A grammar in JSGF says what a caller may say. By section 4.7 of the format a star or a plus belongs to the word,
# group or rule right before it: "press one*" is "press" and any number of "one". pyjsgf, which writes, reads and
# matches such grammars, says the same in a comment of its parser. One would expect that it finds the speech that a
# recogniser with the same grammar accepts.
#
# 1. pyjsgf repeats all plain words before the sign: "press one*" is (press one)*, and "nine nine+" is (nine nine)+.
#    Behind a group, a rule or an optional part it is right.
# 2. A rule of which nothing need be said matches any speech: "[please]" and "(one | two)*" match "operator", and so
#    does "press one*", since it can be nothing by the first fault. That the speech is not used up is not noticed.
#
# A menu that looks for the rule that a caller's words match takes the first rule with optional parts alone, whatever
# was said. Put words that are repeated in parentheses, and give each rule a part that has to be spoken.
#
# Seen on 2026-11-29 (whether each takes the speech):
#   rule                      speech                 pocketsphinx  pyjsgf
#   press one*                press                  yes           yes
#   press one*                press one one          yes           yes
#   press one*                press one press one    no            yes
#   press one*                operator               no            yes
#   (call | dial) nine nine+  call nine nine nine    yes           no
#   (call | dial) nine nine+  dial nine nine         yes           yes
#   press (one)*              press                  yes           yes
#   press (one)*              press one one          yes           yes
#   press (one)*              operator               no            no
#   [please]                  please                 yes           yes
#   [please]                  operator               no            yes
#   [please]                  please operator        no            yes
#   (one | two)*              one two                yes           yes
#   (one | two)*              operator               no            yes
#   [please] help             help                   yes           yes
#   [please] help             please help            yes           yes
#   [please] help             operator               no            no
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-jsgf-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'pyjsgf==1.9.0' 'pocketsphinx==5.1.1' 2> /dev/null

cat > finding.py <<'PYTHON'
from jsgf import parse_grammar_string
from pocketsphinx import Jsgf, LogMath

GRAMMARS = {
    "press one*": ("press", "press one one", "press one press one", "operator"),
    "(call | dial) nine nine+": ("call nine nine nine", "dial nine nine"),
    "press (one)*": ("press", "press one one", "operator"),
    "[please]": ("please", "operator", "please operator"),
    "(one | two)*": ("one two", "operator"),
    "[please] help": ("help", "please help", "operator"),
}
print(f"{'rule':25} {'speech':22} pocketsphinx  pyjsgf")
for rule, texts in GRAMMARS.items():
    grammar = f"#JSGF V1.0;\ngrammar menu;\npublic <top> = {rule};\n"
    with open("menu.gram", "w", encoding="utf-8") as file:
        file.write(grammar)
    jsgf = Jsgf("menu.gram")
    automaton = jsgf.build_fsg(jsgf.get_rule("menu.top"), LogMath(), 1.0)
    rules = parse_grammar_string(grammar)
    for text in texts:
        matched = bool(rules.find_matching_rules(text))
        shown = ("yes" if each else "no" for each in (automaton.accept(text), matched))
        print(f"{rule:25} {text:22} {next(shown):13} {next(shown)}")
PYTHON

venv/bin/python finding.py 2> /dev/null | tee seen
diff - seen <<'EXPECTED'
rule                      speech                 pocketsphinx  pyjsgf
press one*                press                  yes           yes
press one*                press one one          yes           yes
press one*                press one press one    no            yes
press one*                operator               no            yes
(call | dial) nine nine+  call nine nine nine    yes           no
(call | dial) nine nine+  dial nine nine         yes           yes
press (one)*              press                  yes           yes
press (one)*              press one one          yes           yes
press (one)*              operator               no            no
[please]                  please                 yes           yes
[please]                  operator               no            yes
[please]                  please operator        no            yes
(one | two)*              one two                yes           yes
(one | two)*              operator               no            yes
[please] help             help                   yes           yes
[please] help             please help            yes           yes
[please] help             operator               no            no
EXPECTED
