#!/usr/bin/env bash
# eSpeak NG 1.52.0 (the library of espeakng-loader 0.2.4), Linux x86-64; 1.51 of Debian 12 does the same.
#
# A telephone number has no points in it, but eSpeak NG speaks some: it groups the digits by thousands first, and
# then reads the groups digit by digit together with the points between them. In Swedish the plain text
# 0701234567 is "noll punkt sju noll ett punkt två tre fyra punkt fem sex sju". Spanish, Norwegian, Dutch,
# Portuguese, Polish, Romanian and Ukrainian have them, too; English, German, French and Italian do not. One
# would expect ten digits in each language.
#
# SSML makes it worse. With <say-as interpret-as="telephone"> the points stay, and with "characters", which ought
# to spell what is there, English, German and French get them as well: "zero comma seven zero one comma two three
# four comma five six seven". Up to four digits are right, so a test with a short number shows nothing.
#
# Prompts are tried with eSpeak NG on Linux, and screen readers speak with it. A blank after each digit of a
# number or a code is right in all of these languages, and other voices read it well, too.
#
# Seen on 2026-11-29 (how often the word for the separator is spoken):
#              plain    telephone   characters  four digits  with blanks
#   en             0            0            3            0            0
#   de             0            0            3            0            0
#   fr             0            0            3            0            0
#   sv             3            3            3            0            0
#   es             3            3            3            0            0
#   nl             3            3            3            0            0
#   pl             3            3            3            0            0
#   en, characters: z,i@roU_|k'0m@_! s,Ev@n_|z,i@roU_|w,0n_!k'0m@_! t,u:_|Tr,i:_|f,o@_!k'0m@_! f,aIv_|s,Iks_|s'Ev@n_!
#   sv, plain: n'Olp'8Nt sx'u-n'Ol_!'Etp'8Nt tv'o:tR'e:_!f'y:Rap'8Nt f'Ems'Eks_!sx'u-
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-espeak-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'espeakng-loader==0.2.4' 2> /dev/null

cat > finding.py <<'PYTHON'
import ctypes
import re
import sys
from pathlib import Path

import espeakng_loader

SYNCHRONOUS, DO_NOT_EXIT, UTF_8, SSML = 2, 0x8000, 1, 0x10
NUMBER = "0701234567"
TEXTS = {
    "plain": (NUMBER, UTF_8),
    "telephone": (f'<speak><say-as interpret-as="telephone">{NUMBER}</say-as></speak>', UTF_8 | SSML),
    "characters": (f'<speak><say-as interpret-as="characters">{NUMBER}</say-as></speak>', UTF_8 | SSML),
    "four digits": ('<speak><say-as interpret-as="characters">1234</say-as></speak>', UTF_8 | SSML),
    "with blanks": (" ".join(NUMBER), UTF_8),
}
# the phonemes of the word for the separator, without stress
SEPARATORS = {
    "en": "k0m@",
    "de": "pUNkt",
    "fr": "pwE~",
    "sv": "p8Nk?t",
    "es": "punto",
    "nl": "p8nt?",
    "pl": "kROpka",
}
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

libc, espeak = ctypes.CDLL(None), ctypes.CDLL(espeakng_loader.get_library_path())
libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
espeak.espeak_SetPhonemeTrace.argtypes = [ctypes.c_int, ctypes.c_void_p]
discard_sound = CALLBACK(lambda *_: 0)
espeak.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DO_NOT_EXIT)
espeak.espeak_SetSynthCallback(discard_sound)


def speak(voice: str, text: str, flags: int) -> str:
    """The phonemes that this voice speaks."""
    if espeak.espeak_SetVoiceByName(voice.encode()):
        raise LookupError(voice)
    trace = libc.fopen(b"phonemes", b"w")
    espeak.espeak_SetPhonemeTrace(1, trace)
    spoken = text.encode()
    espeak.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, flags, None, None)
    espeak.espeak_SetPhonemeTrace(0, None)
    libc.fclose(trace)
    return Path("phonemes").read_text(encoding="utf-8")


found = {}
print("   " + "".join(f"  {name:>11}" for name in TEXTS))
for voice, separator in SEPARATORS.items():
    spoken = [re.sub(r"[\s'_|!,:]", "", speak(voice, *each)) for each in TEXTS.values()]
    found[voice] = [len(re.findall(separator, each)) for each in spoken]
    print(f"{voice} " + "".join(f"  {count:>11}" for count in found[voice]))
print("en, characters:", " ".join(speak("en", *TEXTS["characters"]).split()))
print("sv, plain:", " ".join(speak("sv", *TEXTS["plain"]).split()))
in_characters = dict.fromkeys(("en", "de", "fr"), [0, 0, 3, 0, 0])
sys.exit(found != in_characters | dict.fromkeys(("sv", "es", "nl", "pl"), [3, 3, 3, 0, 0]))
PYTHON
venv/bin/python finding.py
