#!/usr/bin/env bash
# webrtcvad-wheels 2.0.14.post1 (the detector of voice activity in WebRTC), CPython 3.11, Linux x86-64.
#
# The detector has four modes; its documentation calls mode 3 the most aggressive about filtering out what is no
# speech. It learns the noise of a call while it listens. One would expect that in mode 3 a steady tone is no voice, at
# the latest after some seconds.
#
# The keys that a caller presses and the ringing that a caller hears count as speech in each frame, loud or quiet, and
# so does most of the silence between two keys. At about the level of a network's tones (-13 dB of full scale) the dial
# tone does, too, for a minute and longer; 12 dB below it does not, so that a recording made quiet shows nothing.
#
# A voice assistant that callers may interrupt is interrupted by their keys, and waits for the end of an utterance for
# as long as a tone lasts. A dialler that takes the first speech for an answer takes ringing for it. Take keys and the
# answer from the signalling, or look for the two frequencies of a tone first.
#
# Seen on 2026-11-29 (per cent of frames of 20 ms at 8 kHz that are speech in mode 3; at -13 dB, at -25 dB):
#   silence                          0    0
#   key 1, 697 and 1209 Hz         100  100
#   key 5, 770 and 1336 Hz         100  100
#   keys, 100 ms each               90   80
#   ringing, 440 and 480 Hz        100  100
#   fax, 2100 Hz                   100   99
#   dial tone, 425 Hz              100    3
#   dial tone, a minute            100    0
#   beep, 1400 Hz                   10    3
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-vad-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'webrtcvad-wheels==2.0.14.post1' 2> /dev/null

cat > finding.py <<'PYTHON'
import math
import struct

import webrtcvad

RATE, FRAME = 8000, 160
LEVELS = (-13, -25)  # decibels of full scale
SOUNDS = {  # seconds of sound, of silence after it, how often, and the frequencies
    "silence": (3, 0, 1, ()),
    "key 1, 697 and 1209 Hz": (3, 0, 1, (697, 1209)),
    "key 5, 770 and 1336 Hz": (3, 0, 1, (770, 1336)),
    "keys, 100 ms each": (0.1, 0.1, 15, (770, 1336)),
    "ringing, 440 and 480 Hz": (3, 0, 1, (440, 480)),
    "fax, 2100 Hz": (3, 0, 1, (2100,)),
    "dial tone, 425 Hz": (3, 0, 1, (425,)),
    "dial tone, a minute": (60, 0, 1, (425,)),
    "beep, 1400 Hz": (3, 0, 1, (1400,)),
}


def make_sound(seconds: float, pause: float, times: int, frequencies: tuple[int, ...], decibels: int) -> list[int]:
    """Samples whose power is so many decibels below that of a sine of full scale."""
    peak = 32767 * 10 ** (decibels / 20) / math.sqrt(max(1, len(frequencies)))
    sound = [
        round(sum(peak * math.sin(2 * math.pi * frequency * at / RATE) for frequency in frequencies))
        for at in range(round(seconds * RATE))
    ]
    return (sound + [0] * round(pause * RATE)) * times


def count_speech(samples: list[int]) -> int:
    detector = webrtcvad.Vad(3)
    sound = struct.pack(f"={len(samples)}h", *samples)
    frames = [sound[at : at + 2 * FRAME] for at in range(0, len(sound), 2 * FRAME)]
    return round(100 * sum(detector.is_speech(frame, RATE) for frame in frames) / len(frames))


for name, sound in SOUNDS.items():
    loud, quiet = (count_speech(make_sound(*sound, level)) for level in LEVELS)
    print(f"{name:28} {loud:5} {quiet:4}")
PYTHON
venv/bin/python -W ignore finding.py | tee seen
diff - seen <<'EXPECTED'
silence                          0    0
key 1, 697 and 1209 Hz         100  100
key 5, 770 and 1336 Hz         100  100
keys, 100 ms each               90   80
ringing, 440 and 480 Hz        100  100
fax, 2100 Hz                   100   99
dial tone, 425 Hz              100    3
dial tone, a minute            100    0
beep, 1400 Hz                   10    3
EXPECTED
