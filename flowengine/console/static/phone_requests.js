// Requests of the phone to the console.

export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export async function requestCall(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Flowengine-Console": "1" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new RequestError("The console does not answer. Is it still running?", 0);
  }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new RequestError(found.error ?? `The console answers ${response.status}.`, response.status);
  }
  return found;
}
