// Takes what somebody says by the speech recognition of the browser, where it has one; typing stays.

const REASONS = {
  "not-allowed": "The browser does not let this page listen: type what you say.",
  "audio-capture": "No microphone is there: type what you say.",
  "no-speech": "Nothing was heard.",
};

// Show `button` and have it listen; `take` gets the words, `report` an error.
export function offerListening(button, getLocale, take, report) {
  const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;
  if (!Recognition) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const listening = new Recognition();
    listening.lang = getLocale();
    listening.onresult = (event) => take(event.results[0][0].transcript);
    listening.onerror = ({ error }) => report(new Error(REASONS[error] ?? `The browser cannot listen (${error}): type what you say.`));
    listening.onend = () => (button.disabled = false);
    button.disabled = true;
    listening.start();
  });
}
