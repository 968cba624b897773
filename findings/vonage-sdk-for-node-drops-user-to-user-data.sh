#!/usr/bin/env bash
# The Vonage SDK for Node, @vonage/voice 1.21.0 (of @vonage/server-sdk 3.27.0), Node 20; beside it the SDK for Python,
# vonage-voice 1.5.1.
#
# A call to a SIP telephone can carry data for the other side in the header User-to-User (RFC 7433). The type of a SIP
# endpoint in the SDK has two spellings for it, standardHeaders.userToUser and standardHeaders["User-to-User"]; its
# comment calls the second the one that the API expects. One would expect that both arrive, or that one is refused.
# createOutboundCall puts each of them through at one place only, without a word:
#
#   - where the call goes to a SIP endpoint (`to`), "User-to-User" is dropped, and userToUser is sent;
#   - where the NCCO connects to one (`ncco`), userToUser is sent under that name, which the API does not have, and
#     "User-to-User" is sent right.
#
# transferCallWithNCCO turns both into the right one. So the same endpoint object works or not by where it stands, and
# the agent's screen stays empty. In the same call contentType of a WebSocket stays contentType at both places, where
# the API has "content-type", as the SDK for Python writes: who asks for 8000 samples a second does not say so.
#
# TypeScript accepts all of it. Look at the request that is sent (apiHost can be a server of your own), or write
# "User-to-User" and "content-type" yourself and send the request without the SDK.
#
# Seen on 2026-11-29 (what is sent for the endpoint):
#   to, userToUser              standard_headers {"User-to-User":"4a61;encoding=hex"}
#   to, User-to-User            standard_headers {}
#   ncco, userToUser            standardHeaders {"userToUser":"4a61;encoding=hex"}
#   ncco, User-to-User          standardHeaders {"User-to-User":"4a61;encoding=hex"}
#   transfer, userToUser        standardHeaders {"User-to-User":"4a61;encoding=hex"}
#   transfer, User-to-User      standardHeaders {"User-to-User":"4a61;encoding=hex"}
#   to, WebSocket               contentType audio/l16;rate=8000
#   ncco, WebSocket             contentType audio/l16;rate=8000
#   Python, WebSocket           content-type audio/l16;rate=8000
#
# Exits with 1 when that has changed. Needs npm, Node 18 or later and openssl.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-vonage-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts '@vonage/server-sdk@3.27.0' '@vonage/voice@1.21.0'
python3 -m venv venv
venv/bin/pip install -q 'vonage-voice==1.5.1' 2> /dev/null
openssl genrsa -out key.pem 2048 2> /dev/null

cat > send.cjs <<'JAVASCRIPT'
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { Vonage } = require("@vonage/server-sdk");

const DATA = "4a61;encoding=hex";
const ENDPOINTS = {
  userToUser: { type: "sip", uri: "sip:7042@example.com", standardHeaders: { userToUser: DATA } },
  "User-to-User": { type: "sip", uri: "sip:7042@example.com", standardHeaders: { "User-to-User": DATA } },
  WebSocket: { type: "websocket", uri: "wss://example.com/audio", contentType: "audio/l16;rate=8000" },
};
const FROM = "12015550100";
const FIELDS = ["standard_headers", "standardHeaders", "contentType", "content-type"];
let sent;

function showEndpoint(name, endpoint) {
  for (const field of FIELDS.filter((each) => each in endpoint)) {
    const value = typeof endpoint[field] === "string" ? endpoint[field] : JSON.stringify(endpoint[field]);
    console.log(name.padEnd(27), field, value);
  }
}

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    sent = JSON.parse(body);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ uuid: "1", conversation_uuid: "2" }));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const apiHost = `http://127.0.0.1:${server.address().port}`;
  const credentials = { applicationId: "00000000-0000-0000-0000-000000000000", privateKey: readFileSync("key.pem") };
  const { voice } = new Vonage(credentials, { voiceHost: apiHost, apiHost });
  const call = (to, ncco) => voice.createOutboundCall({ to: [to], from: { type: "phone", number: FROM }, ncco });
  const connect = (endpoint) => [{ action: "connect", from: FROM, endpoint: [endpoint] }];
  const shown = [];
  for (const [name, endpoint] of Object.entries(ENDPOINTS)) {
    await call(endpoint, [{ action: "talk", text: "Hello" }]);
    shown.push([`to, ${name}`, sent.to[0]]);
    await call({ type: "phone", number: "12015550101" }, connect(endpoint));
    shown.push([`ncco, ${name}`, sent.ncco[0].endpoint[0]]);
    if (name !== "WebSocket") {
      await voice.transferCallWithNCCO("1", connect(endpoint));
      shown.push([`transfer, ${name}`, sent.destination.ncco[0].endpoint[0]]);
    }
  }
  shown.sort(([one], [other]) => order(one) - order(other)).forEach((each) => showEndpoint(...each));
  server.close();
});

function order(name) {
  const places = ["to", "ncco", "transfer"];
  return (name.endsWith("WebSocket") ? 10 : 0) + places.indexOf(name.split(",")[0]);
}
JAVASCRIPT

cat > send.py <<'PYTHON'
from vonage_voice.models.connect_endpoints import WebsocketEndpoint

endpoint = WebsocketEndpoint(uri="wss://example.com/audio", contentType="audio/l16;rate=8000")
written = endpoint.model_dump(by_alias=True, exclude_none=True)
print(f"{'Python, WebSocket':27} content-type {written['content-type']}")
PYTHON

{ node send.cjs; venv/bin/python send.py; } | tee seen
diff - seen <<'EXPECTED'
to, userToUser              standard_headers {"User-to-User":"4a61;encoding=hex"}
to, User-to-User            standard_headers {}
ncco, userToUser            standardHeaders {"userToUser":"4a61;encoding=hex"}
ncco, User-to-User          standardHeaders {"User-to-User":"4a61;encoding=hex"}
transfer, userToUser        standardHeaders {"User-to-User":"4a61;encoding=hex"}
transfer, User-to-User      standardHeaders {"User-to-User":"4a61;encoding=hex"}
to, WebSocket               contentType audio/l16;rate=8000
ncco, WebSocket             contentType audio/l16;rate=8000
Python, WebSocket           content-type audio/l16;rate=8000
EXPECTED
