// The keypad: single keys count at once, digits of a longer input are gathered first.

export const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

export class KeyBuffer {
  // `send` presses keys, `show` displays what was gathered.
  constructor(send, show) {
    this.send = send;
    this.show = show;
    this.keys = "";
    this.most = 0;
  }

  // What the call waits for now.
  expect(most) {
    this.most = most;
    this.set("");
  }

  press(key) {
    if (this.most <= 1) {
      this.send(key);
      return;
    }
    this.set(this.keys + key);
    if (key === "#" || this.keys.length >= this.most) this.finish();
  }

  finish() {
    if (!this.keys) return;
    const keys = this.keys;
    this.set("");
    this.send(keys);
  }

  drop() {
    this.set(this.keys.slice(0, -1));
  }

  set(keys) {
    this.keys = keys;
    this.show(keys);
  }
}

// Where typing is meant for a field and not for the keypad.
export function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}
