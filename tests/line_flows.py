"""Flows that several tests of lines use."""

BACK_FLOW = """
flow: back
on: {answered: greet}
states:
  greet: {menu: {prompt: It is your turn., options: {1: support}, otherwise: bye}}
  support: {queue: {of: support, accept: {prompt: Press 1., timeout: 30s}, limit: 5m, nobody: bye}}
  bye: {say: Nobody., hangup: }
"""
"""For people who are called back from the queue `support`"""

HOLD_FLOW = """
flow: hold
start: wait
states:
  wait: {park: {code: "17", hold: Wait., in_use: sorry}}
  sorry: {say: In use., hangup: }
"""

TAKE_FLOW = """
flow: take
start: take
states:
  take: {pick_up: {code: "17", nobody: nobody}}
  nobody: {say: Nobody waits., hangup: }
"""
