#!/usr/bin/env bash
# multimon-ng 1.2.0 (Debian 12), the usual tool for the digits in a recorded call; beside it spandsp 0.0.6, the
# library that telephone exchanges in software use.
#
# ITU-T Q.23 lets a telephone send each of the two tones of a key up to 1.8 % off. Each network in the table of Q.24
# takes at least 1.5 %, and a high tone at least 5 dB below the low one (AT&T: 8 dB), as long lines make it. One would
# expect that a decoder of these tones hears such a key once, or that beyond its limit it hears nothing.
#
# multimon-ng hears keys twice from 0.9 % on, first A to D, at 1.2 % nearly each of them, though each tone lasts
# 100 ms and is followed by 100 ms of silence. Above that it hears fewer, at 1.5 % none. With the high tone 5 dB
# below the low one it hears one key of sixteen. It prints no sign of doubt. spandsp hears each key once in the same
# tones.
#
# A test that plays a call and reads "1233" for a caller's 123 blames the wrong side. Trust it for tones that were
# made by a program; read those of telephones with spandsp, or take the digits from the signalling (RFC 4733).
#
# Seen on 2026-11-29 (the keys 1234567890*#ABCD; what multimon-ng hears, what spandsp hears):
#   exact           1234567890*#ABCD         1234567890*#ABCD
#   +0.5 %          1234567890*#ABCD         1234567890*#ABCD
#   +1.0 %          12334567890*#AABBCCDD    1234567890*#ABCD
#   +1.2 %          12233455667889900**A     1234567890*#ABCD
#   -1.2 %          12233455667889900***#AA  1234567890*#ABCD
#   +1.4 %          1144                     1234567890*#ABCD
#   high tone -4 dB 1234567890*#ABCD         1234567890*#ABCD
#   high tone -5 dB 8                        1234567890*#ABCD
#
# Exits with 1 when that has changed. Needs apt-get and dpkg of Debian 12.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-dtmf-XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q multimon-ng=1.2.0+dfsg-1 libspandsp2=0.0.6+dfsg-2+b1 \
  libx11-6 libx11-xcb1 libxcb1 libxau6 libxdmcp6 libpulse0 libdbus-1-3 libsndfile1 libsystemd0 libasyncns0 libbsd0 \
  libmd0 libflac12 libvorbis0a libvorbisenc2 libopus0 libogg0 libmpg123-0 libmp3lame0 libcap2 libgcrypt20 \
  libgpg-error0 liblzma5 libzstd1 liblz4-1 libtiff6 libwebp7 liblerc4 libjbig0 libjpeg62-turbo libdeflate0 \
  > /dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)

cat > finding.py <<'PYTHON'
import ctypes
import math
import struct
import subprocess

KEYS = "1234567890*#ABCD"
LOW = dict(zip("123A456B789C*0#D", (tone for tone in (697, 770, 852, 941) for _ in range(4))))
HIGH = dict(zip("123A456B789C*0#D", (1209, 1336, 1477, 1633) * 4))
CASES = {
    "exact": (0, 0),
    "+0.5 %": (0.5, 0),
    "+1.0 %": (1.0, 0),
    "+1.2 %": (1.2, 0),
    "-1.2 %": (-1.2, 0),
    "+1.4 %": (1.4, 0),
    "high tone -4 dB": (0, -4),
    "high tone -5 dB": (0, -5),
}


def write_tones(rate: int, percent: float, decibels: float) -> bytes:
    """All keys as 16 bits a sample: 100 ms of two tones each, and 100 ms of silence."""
    samples = [0] * (rate // 5)
    high_level = 9800 * 10 ** (decibels / 20)
    for key in KEYS:
        low, high = (2 * math.pi * tone * (1 + percent / 100) / rate for tone in (LOW[key], HIGH[key]))
        samples += [
            round(9800 * math.sin(low * at) + high_level * math.sin(high * at)) for at in range(rate // 10)
        ]
        samples += [0] * (rate // 10)
    samples += [0] * (rate // 5)
    return struct.pack(f"={len(samples)}h", *samples)


def read_with_multimon(percent: float, decibels: float) -> str:
    command = ["root/usr/bin/multimon-ng", "-q", "-a", "DTMF", "-t", "raw", "-"]
    tones = write_tones(22050, percent, decibels)
    heard = subprocess.run(command, input=tones, capture_output=True, check=True).stdout.decode()
    return "".join(line.split(":")[1].strip() for line in heard.splitlines() if "DTMF:" in line)


def read_with_spandsp(percent: float, decibels: float) -> str:
    library = ctypes.CDLL("libspandsp.so.2")
    library.dtmf_rx_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(library.dtmf_rx_init(None, None, None))
    tones = write_tones(8000, percent, decibels)
    library.dtmf_rx(state, tones, len(tones) // 2)
    heard = ctypes.create_string_buffer(100)
    library.dtmf_rx_get(state, heard, 99)
    return heard.value.decode()


for name, case in CASES.items():
    print(f"{name:15} {read_with_multimon(*case):24} {read_with_spandsp(*case)}")
PYTHON
LD_LIBRARY_PATH="$libraries" python3 finding.py | tee seen
diff - seen <<'EXPECTED'
exact           1234567890*#ABCD         1234567890*#ABCD
+0.5 %          1234567890*#ABCD         1234567890*#ABCD
+1.0 %          12334567890*#AABBCCDD    1234567890*#ABCD
+1.2 %          12233455667889900**A     1234567890*#ABCD
-1.2 %          12233455667889900***#AA  1234567890*#ABCD
+1.4 %          1144                     1234567890*#ABCD
high tone -4 dB 1234567890*#ABCD         1234567890*#ABCD
high tone -5 dB 8                        1234567890*#ABCD
EXPECTED
