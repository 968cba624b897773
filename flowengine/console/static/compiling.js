// Comes again with the page that was asked for once the flows are compiled.

import { listen } from "./events.js";

listen("project", () => location.reload());
setInterval(() => location.reload(), 10000); // where events do not get through
