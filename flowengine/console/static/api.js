// Requests to the console. Changes carry the header that no form of another site can send.

export class ConsoleError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function getJson(path) {
  return request(path, { headers: { Accept: "application/json" } });
}

export function postJson(path, body = {}) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Flowengine-Console": "1" },
    body: JSON.stringify(body),
  });
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ConsoleError("The console does not answer. Is it still running?", 0);
  }
  if (response.status === 401) location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new ConsoleError(found.error ?? `The console answers ${response.status}.`, response.status);
  return found;
}
