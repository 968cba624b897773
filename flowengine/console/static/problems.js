// The list changes as files are saved.

import { find, refreshElement, refreshQuietly } from "./dom.js";
import { listen } from "./events.js";

listen("project", ({ number }) => {
  if (Number(find("#problems").dataset.number) !== number) refreshQuietly(() => refreshElement("#problems"));
});
