// The picture of a change: a press on a state goes to what is said of it below.
import { FlowPicture } from "./picture.js";

const frame = document.getElementById("picture");
if (frame) {
  const picture = new FlowPicture(frame);
  document.getElementById("zoom-in").addEventListener("click", () => picture.zoom(1.25));
  document.getElementById("zoom-out").addEventListener("click", () => picture.zoom(0.8));
  document.getElementById("zoom-fit").addEventListener("click", () => picture.fit());
  frame.addEventListener("state-chosen", (event) => {
    document.getElementById(`change-${event.detail.state}`)?.scrollIntoView({ block: "center" });
  });
}
for (const choice of document.querySelectorAll("#compare select")) {
  choice.addEventListener("change", () => choice.form.submit());
}
