#!/usr/bin/env bash
# systemd 252.39 (Debian 12), OnCalendar= of timers, seen by `systemd-analyze calendar`.
#
# In the night in which summer time ends, the clock shows one hour twice, and a calendar timer does not elapse in
# the second one, however often it is due: "*:0/15", each quarter of an hour, is silent for 75 minutes, "hourly"
# for two hours. One would expect the second 02:15 as well as the first. (A daily timer at 02:30 elapses once that
# night, as one would expect.) In spring that daily timer does not elapse at all in the night without 02:30, while
# cron runs such a job right after the change. man systemd.time mentions neither; issue 8647 of systemd, which is
# about the first, is open.
#
# Work by the clock (a backup, a check of a line, a report each quarter of an hour) has a hole once a year on each
# machine whose zone has summer time, and an alert on its absence fires at night. "UTC" at the end of the
# expression, or OnUnitActiveSec=, has no hole.
#
# Seen on 2026-11-29 (times in UTC; central Europe, where summer time ends on 25 October 2026 at 01:00 UTC and
# begins on 29 March 2026 at 01:00 UTC):
#   *:0/15      00:15 00:30 00:45 02:00 02:15 02:30
#   *:0/15 UTC  00:15 00:30 00:45 01:00 01:15 01:30
#   hourly      00:00 02:00 03:00
#   02:30       2026-10-25 00:30 2026-10-26 01:30
#   02:30       2026-03-28 01:30 2026-03-30 00:30
#
# Exits with 1 when that has changed. Needs apt-get and dpkg of Debian 12.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-timers-XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 \
  libacl1 libapparmor1 libaudit1 libblkid1 libcap2 libcap-ng0 libcrypt1 libgcrypt20 libgpg-error0 libip4tc2 \
  libkmod2 liblz4-1 liblzma5 libmount1 libpam0g libpcre2-8-0 libseccomp2 libselinux1 libssl3 libzstd1 \
  > /dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)

# The times in UTC at which an expression elapses next, in central Europe: the expression, the moment from which
# on, how many, and which parts of them to print (2 is the date, 3 the time).
list_times() {
  TZ='CET-1CEST,M3.5.0,M10.5.0/3' LC_ALL=C LD_LIBRARY_PATH="$libraries" \
    root/usr/bin/systemd-analyze calendar --base-time="$2 UTC" --iterations="$3" "$1" \
    | sed -nE "s/.*(elapse|in UTC|#[0-9]+)[):]+ [A-Z][a-z]{2} ([-0-9]+) ([0-9:]{5}):00 UTC$/$4/p" | paste -sd' '
}

{
  echo "*:0/15      $(list_times '*:0/15' '2026-10-25 00:00' 6 '\3')"
  echo "*:0/15 UTC  $(list_times '*:0/15 UTC' '2026-10-25 00:00' 6 '\3')"
  echo "hourly      $(list_times 'hourly' '2026-10-24 23:30' 3 '\3')"
  echo "02:30       $(list_times '02:30' '2026-10-24 12:00' 2 '\2 \3')"
  echo "02:30       $(list_times '02:30' '2026-03-27 12:00' 2 '\2 \3')"
} | tee seen
diff - seen <<'EXPECTED'
*:0/15      00:15 00:30 00:45 02:00 02:15 02:30
*:0/15 UTC  00:15 00:30 00:45 01:00 01:15 01:30
hourly      00:00 02:00 03:00
02:30       2026-10-25 00:30 2026-10-26 01:30
02:30       2026-03-28 01:30 2026-03-30 00:30
EXPECTED
