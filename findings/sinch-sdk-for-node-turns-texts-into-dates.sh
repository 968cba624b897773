#!/usr/bin/env bash
# The Sinch SDK for Node: @sinch/sdk-client 1.5.0 with @sinch/sdk-core, @sinch/sms and @sinch/voice 1.4.0, Node 20.
#
# The types of the SDK say that the text of an SMS (body) and the data of a call (custom) are strings, and the API
# sends strings. One would expect the text as it was sent. The SDK walks through each answer of the API, whatever
# the field, and makes a Date of each string that JavaScript can read as one and that begins with an ISO date:
#
#   - "2026-12-24" becomes Invalid Date: the SDK takes the "-24" at its end for a zone and appends ":00". The text is
#     nowhere in the object any more.
#   - "2026-12-24 09:30" becomes half past nine in UTC, whatever zone the writer lives in.
#   - "2026-12-24 00:30" stays a string on a machine in Stockholm, where that is still the 23rd in UTC, and becomes a
#     Date on one in UTC. "2026-12-24 tack" and "24.12.2026" stay strings everywhere.
#
# A customer who answers "On which day?" by SMS sends what body.trim() fails on, and a flow that keeps a date in
# `custom` cannot get it back by a request for the call. Events that the platform posts to a server are not read by
# this code. Read the JSON of the API yourself where a field holds free text, or put a word before a date.
#
# Seen on 2026-11-29 (what the API answers, and what the SDK gives for the SMS and the call on a machine in Stockholm):
#   "2026-12-24"            Invalid Date              Invalid Date
#   "2026-12-24 09:30"      2026-12-24T09:30:00.000Z  2026-12-24T09:30:00.000Z
#   "2026-12-24T09:30"      2026-12-24T09:30:00.000Z  2026-12-24T09:30:00.000Z
#   "2026-12-24 00:30"      a string, as sent         a string, as sent
#   "2026-12-24 tack"       a string, as sent         a string, as sent
#   "24.12.2026"            a string, as sent         a string, as sent
#   "2026-12"               a string, as sent         a string, as sent
#
# Exits with 1 when that has changed. Needs npm and Node 18 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-sinch-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts \
  '@sinch/sdk-core@1.4.0' '@sinch/sdk-client@1.5.0' '@sinch/sms@1.4.0' '@sinch/voice@1.4.0'

cat > read.cjs <<'JAVASCRIPT'
const { createServer } = require("node:http");
const { SinchClient } = require("@sinch/sdk-core");

const DAY = "2026-12-24";
const TEXTS = [DAY, `${DAY} 09:30`, `${DAY}T09:30`, `${DAY} 00:30`, `${DAY} tack`, "24.12.2026", "2026-12"];
const NUMBERS = { from: "12015550100", to: "12015550101" };
let text;

function show(value) {
  if (value === text) return "a string, as sent";
  return Number.isNaN(value.getTime()) ? String(value) : value.toISOString();
}

const server = createServer((request, response) => {
  const isMessage = request.url.includes("/inbounds/");
  const answer = isMessage ? { id: "1", type: "mo_text", body: text } : { callId: "1", custom: text };
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ ...NUMBERS, ...answer }));
});
server.listen(0, "127.0.0.1", async () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  const client = new SinchClient({
    servicePlanId: "plan",
    apiToken: "token",
    smsRegion: "eu",
    smsHostname: address,
    applicationKey: "00000000-0000-0000-0000-000000000000",
    applicationSecret: Buffer.from("secret").toString("base64"),
    voiceHostname: address,
  });
  for (text of TEXTS) {
    const message = await client.sms.inbounds.get({ inbound_id: "1" });
    const call = await client.voice.calls.get({ callId: "1" });
    console.log(JSON.stringify(text).padEnd(23), show(message.body).padEnd(25), show(call.custom));
  }
  server.close();
});
JAVASCRIPT

TZ=Europe/Stockholm node read.cjs | tee seen
diff - seen <<'EXPECTED'
"2026-12-24"            Invalid Date              Invalid Date
"2026-12-24 09:30"      2026-12-24T09:30:00.000Z  2026-12-24T09:30:00.000Z
"2026-12-24T09:30"      2026-12-24T09:30:00.000Z  2026-12-24T09:30:00.000Z
"2026-12-24 00:30"      a string, as sent         a string, as sent
"2026-12-24 tack"       a string, as sent         a string, as sent
"24.12.2026"            a string, as sent         a string, as sent
"2026-12"               a string, as sent         a string, as sent
EXPECTED
