#!/usr/bin/env bash
# The English normalizer of Whisper (openai-whisper 20250625), with jiwer 4.0.0, CPython 3.11.
#
# Before a recogniser of speech is measured, what was said and what was heard are brought to one spelling. Much used for
# that, also for other recognisers, is the EnglishTextNormalizer of Whisper. It promises to make 101 of "one oh one", so
# one would expect that a number in words and the same in digits become the same, and that two different numbers stay
# different. For numbers of telephones neither holds:
#
#   - Zeros at the beginning of digits are dropped, those at the beginning of words are kept. A recogniser that loses
#     the first digit of each number has no error, and one that writes each number right has nothing right.
#   - What stands in parentheses is dropped, as the code says, and so is the area code in (020) 7946 0958.
#   - The O of a clock and of a name is a zero: five o'clock becomes "50 clock", "seven, O'Neill" becomes "70 neill".
#
# Who chooses a recogniser for dictated numbers by these figures may choose the one that loses digits. Compare numbers
# as digits: take what is no digit out of both sides, and count the calls in which all are equal.
#
# Seen on 2026-11-29 (with numbers that are set aside for examples):
#   zero seven seven zero zero nine zero zero one two three -> 07700900123
#   07700900123 -> 7700900123
#   (020) 7946 0958 -> 7946 958
#   at five o'clock -> at 50 clock
#   at twelve o'clock -> at 120 clock
#   extension seven, O'Neill -> extension 70 neill
#   said 07700900123, heard 7700900123: 0% wrong
#   said zero seven seven zero zero nine zero zero one two three, heard 07700900123: 100% wrong
#   said (020) 7946 0958, heard 7946 958: 0% wrong
#   said (020) 7946 0958, heard 02079460958: 100% wrong
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-normalizer-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'jiwer==4.0.0' 'more-itertools==11.2.1' 'regex==2026.11.19' 2> /dev/null
# The source alone: the normalizer needs none of the libraries for neural networks that Whisper brings.
venv/bin/pip download -q --no-deps --no-binary openai-whisper 'openai-whisper==20250625' 2> /dev/null
tar xzf openai_whisper-20250625.tar.gz

cat > finding.py <<'PYTHON'
import jiwer
from normalizers import EnglishTextNormalizer

IN_WORDS = "zero seven seven zero zero nine zero zero one two three"
TEXTS = (
    IN_WORDS,
    "07700900123",
    "(020) 7946 0958",
    "at five o'clock",
    "at twelve o'clock",
    "extension seven, O'Neill",
)
CALLS = (
    ("07700900123", "7700900123"),
    (IN_WORDS, "07700900123"),
    ("(020) 7946 0958", "7946 958"),
    ("(020) 7946 0958", "02079460958"),
)
normalize = EnglishTextNormalizer()

for text in TEXTS:
    print(f"{text} -> {normalize(text)}")
for said, heard in CALLS:
    print(f"said {said}, heard {heard}: {jiwer.wer(normalize(said), normalize(heard)):.0%} wrong")
PYTHON

PYTHONPATH=openai_whisper-20250625/whisper venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
zero seven seven zero zero nine zero zero one two three -> 07700900123
07700900123 -> 7700900123
(020) 7946 0958 -> 7946 958
at five o'clock -> at 50 clock
at twelve o'clock -> at 120 clock
extension seven, O'Neill -> extension 70 neill
said 07700900123, heard 7700900123: 0% wrong
said zero seven seven zero zero nine zero zero one two three, heard 07700900123: 100% wrong
said (020) 7946 0958, heard 7946 958: 0% wrong
said (020) 7946 0958, heard 02079460958: 100% wrong
EXPECTED
