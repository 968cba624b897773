// Speaks prompts with the browser's voices, and makes the sounds of a telephone.

const PAUSE_LIMIT = 1.5; // seconds: longer silence and music are shown, not waited for
const SETTLING = 1.5; // seconds beyond the length of a sound: some engines never report the end
const KEPT = "flowengine-phone-muted";
const TONES = {
  1: [697, 1209], 2: [697, 1336], 3: [697, 1477],
  4: [770, 1209], 5: [770, 1336], 6: [770, 1477],
  7: [852, 1209], 8: [852, 1336], 9: [852, 1477],
  "*": [941, 1209], 0: [941, 1336], "#": [941, 1477],
};
const RINGBACK = [425, 425];

export class Speaker {
  constructor() {
    this.muted = localStorage.getItem(KEPT) === "1";
    this.settle = null;
    this.locale = document.documentElement.lang || "en"; // of what was said last
    this.audio = null;
    // Browsers load voices late: asking for them once makes them come.
    globalThis.speechSynthesis?.getVoices();
  }

  setMuted(muted) {
    this.muted = muted;
    localStorage.setItem(KEPT, muted ? "1" : "0");
    if (muted) this.stop();
  }

  // The voices that may speak this locale: those of its country first.
  findVoice(locale) {
    const voices = globalThis.speechSynthesis?.getVoices() ?? [];
    const wanted = locale.toLowerCase().replace("_", "-");
    const named = voices.map((voice) => [voice.lang.toLowerCase().replace("_", "-"), voice]);
    const exact = named.find(([name]) => name === wanted);
    const language = wanted.split("-")[0];
    return (exact ?? named.find(([name]) => name.split("-")[0] === language))?.[1] ?? null;
  }

  // Speak a sound; the promise settles when it is over, however the engine says so.
  say(sound) {
    this.stop();
    if (sound.locale) this.locale = sound.locale;
    if (this.muted) return Promise.resolve();
    if (sound.kind !== "speech") return this.wait(Math.min(sound.seconds, PAUSE_LIMIT));
    const voice = this.findVoice(sound.locale || document.documentElement.lang || "en");
    if (!voice) return Promise.resolve();
    return new Promise((resolve) => {
      const words = new SpeechSynthesisUtterance(sound.text);
      const timer = setTimeout(() => this.stop(), (sound.seconds * 1.5 + SETTLING) * 1000);
      this.settle = () => {
        clearTimeout(timer);
        this.settle = null;
        resolve();
      };
      const settle = this.settle;
      words.voice = voice;
      words.lang = voice.lang;
      words.addEventListener("end", settle);
      words.addEventListener("error", settle);
      speechSynthesis.speak(words);
    });
  }

  wait(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.stop(), seconds * 1000);
      this.settle = () => {
        clearTimeout(timer);
        this.settle = null;
        resolve();
      };
    });
  }

  // Fall silent: whoever waits for the end goes on.
  stop() {
    this.settle?.();
    globalThis.speechSynthesis?.cancel();
  }

  playKey(key) {
    if (TONES[key]) this.playTone(TONES[key], 0.12);
  }

  playRing() {
    this.playTone(RINGBACK, 0.6);
    return this.muted ? Promise.resolve() : this.wait(0.7);
  }

  playTone(frequencies, seconds) {
    if (this.muted || !globalThis.AudioContext) return;
    this.audio ??= new AudioContext();
    const gain = this.audio.createGain();
    const begin = this.audio.currentTime;
    gain.gain.setValueAtTime(0.05, begin);
    gain.gain.linearRampToValueAtTime(0, begin + seconds);
    gain.connect(this.audio.destination);
    for (const frequency of frequencies) {
      const tone = this.audio.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      tone.start(begin);
      tone.stop(begin + seconds);
    }
  }
}
