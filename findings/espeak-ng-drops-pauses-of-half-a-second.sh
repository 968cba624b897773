#!/usr/bin/env bash
# eSpeak NG 1.52.0 (the library of espeakng-loader 0.2.4), Linux x86-64; 1.51 of Debian 12 does the same.
#
# SSML takes the time of a <break> from CSS2, where it is a number, with decimals or without, and "s" or "ms". The
# documentation of eSpeak NG lists the attribute. One would expect that "0.5s" is as long as "500ms". It is no pause at
# all, and so are 1.5s and 2.5s: a <break> without a time is longer. Whole seconds and milliseconds are right, also
# with decimals of milliseconds. A number with a plus is no pause, either.
#
# The pauses between the options of a menu, which give a caller the time to press a key, are gone in whatever speaks
# with eSpeak NG: tests of prompts, screen readers, voices on small devices. Write pauses in milliseconds.
#
# Seen on 2026-11-29 (how much longer "one <break time=…/> two" is than "one two", in tenths of a second):
#   500ms     0.5
#   0.5s      0.0
#   1s        1.0
#   1500ms    1.5
#   1.5s      0.0
#   2.5s      0.0
#   3s        3.0
#   250.5ms   0.3
#   +500ms    0.0
#   no time   0.2
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-pauses-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'espeakng-loader==0.2.4' 2> /dev/null

cat > finding.py <<'PYTHON'
import ctypes

import espeakng_loader

SYNCHRONOUS, DO_NOT_EXIT, UTF_8, SSML = 2, 0x8000, 1, 0x10
TIMES = ("500ms", "0.5s", "1s", "1500ms", "1.5s", "2.5s", "3s", "250.5ms", "+500ms")

espeak = ctypes.CDLL(espeakng_loader.get_library_path())
rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DO_NOT_EXIT)
samples = 0


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
def count_samples(_wave: int, count: int, _events: int) -> int:
    global samples
    samples += count
    return 0


def measure_seconds(text: str) -> float:
    global samples
    samples = 0
    spoken = f"<speak>{text}</speak>".encode()
    espeak.espeak_Synth(spoken, len(spoken) + 1, 0, 0, 0, UTF_8 | SSML, None, None)
    espeak.espeak_Synchronize()
    return samples / rate


espeak.espeak_SetSynthCallback(count_samples)
espeak.espeak_SetVoiceByName(b"en")
without = measure_seconds("one two")
for time in TIMES:
    with_pause = measure_seconds(f"one <break time='{time}'/> two")
    print(f"{time:9} {with_pause - without:.1f}")
print(f"no time   {measure_seconds('one <break/> two') - without:.1f}")
PYTHON
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
500ms     0.5
0.5s      0.0
1s        1.0
1500ms    1.5
1.5s      0.0
2.5s      0.0
3s        3.0
250.5ms   0.3
+500ms    0.0
no time   0.2
EXPECTED
