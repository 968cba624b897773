#!/usr/bin/env bash
# mutagen 1.48.1, beside tinytag 2.3.2 and soundfile 0.14.0 (libsndfile), CPython 3.11.
#
# Telephone exchanges keep voicemails as WAV files in GSM 06.10 ("wav49" in Asterisk), and some recorders in ADPCM,
# which take a tenth to a fourth of the room. The header of such a file says how many bytes make a second
# (nAvgBytesPerSec), and its "fact" chunk says how many samples there are; each reader of the format can tell the
# length from either. One would expect that mutagen, which reads the header, gives the length in seconds as it does for
# other formats, or raises an error for a codec that it does not know.
#
# mutagen divides the bytes by the size of a block and takes each block for one sample, though a block of these codecs
# holds 128 to 505. Ten seconds become three hundredths of one, and the bit rate of GSM is 0. PCM and both laws of
# G.711 are right, and so is a test that uses them.
#
# Lists of voicemails show 0:00, reports of talk time are short by a factor of hundreds, and a rule that deletes
# recordings of less than a second deletes all of them. Read the "fact" chunk, or take the length from soundfile.
#
# Seen on 2026-11-29 (files of 10 s at 8000 Hz that libsndfile wrote: seconds by the header, "fact", each library):
#   PCM_16     header 10.00  fact -      tinytag 10.00  soundfile 10.00  mutagen 10.000 at 128000 bit/s
#   ULAW       header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 10.000 at 64000 bit/s
#   ALAW       header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 10.000 at 64000 bit/s
#   GSM610     header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 0.031 at 0 bit/s
#   IMA_ADPCM  header 10.04  fact 10.04  tinytag 10.04  soundfile 10.04  mutagen 0.020 at 32000 bit/s
#   MS_ADPCM   header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 0.020 at 32000 bit/s
#   G721_32    header 10.01  fact 10.00  tinytag 10.00  soundfile 10.01  mutagen 0.078 at 32000 bit/s
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-voicemail-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'mutagen==1.48.1' 'tinytag==2.3.2' 'soundfile==0.14.0' 'numpy==2.4.6' 2> /dev/null

cat > finding.py <<'PYTHON'
import struct

import mutagen
import numpy
import soundfile
from tinytag import TinyTag

RATE, SECONDS = 8000, 10
CODECS = ("PCM_16", "ULAW", "ALAW", "GSM610", "IMA_ADPCM", "MS_ADPCM", "G721_32")


def read_chunks(path: str) -> dict[bytes, bytes]:
    with open(path, "rb") as file:
        content = file.read()
    chunks, place = {}, 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        chunks[name] = content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return chunks


tone = 0.3 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(RATE * SECONDS) / RATE)
for codec in CODECS:
    path = f"{codec}.wav"
    soundfile.write(path, tone, RATE, subtype=codec, format="WAV")
    chunks = read_chunks(path)
    bytes_of_second = struct.unpack_from("<I", chunks[b"fmt "], 8)[0]
    by_header = f"{len(chunks[b'data']) / bytes_of_second:.2f}"
    fact = chunks.get(b"fact")
    by_fact = f"{struct.unpack('<I', fact)[0] / RATE:.2f}" if fact else "-"
    info = mutagen.File(path).info
    print(
        f"{codec:10} header {by_header:5}  fact {by_fact:5}  tinytag {TinyTag.get(path).duration:.2f}"
        f"  soundfile {soundfile.info(path).duration:.2f}  mutagen {info.length:.3f} at {info.bitrate} bit/s"
    )
PYTHON

venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
PCM_16     header 10.00  fact -      tinytag 10.00  soundfile 10.00  mutagen 10.000 at 128000 bit/s
ULAW       header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 10.000 at 64000 bit/s
ALAW       header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 10.000 at 64000 bit/s
GSM610     header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 0.031 at 0 bit/s
IMA_ADPCM  header 10.04  fact 10.04  tinytag 10.04  soundfile 10.04  mutagen 0.020 at 32000 bit/s
MS_ADPCM   header 10.00  fact 10.00  tinytag 10.00  soundfile 10.00  mutagen 0.020 at 32000 bit/s
G721_32    header 10.01  fact 10.00  tinytag 10.00  soundfile 10.01  mutagen 0.078 at 32000 bit/s
EXPECTED
