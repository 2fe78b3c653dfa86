// Calls the REST API with the session of the page. Every failure is one of two kinds: the server said no (ApiError), or
// nothing came back (NetworkError), because people need different words for them.

export class ApiError extends Error {
  constructor(status, body) {
    super(body.message || `The server answered ${status}.`);
    this.status = status;
    this.code = body.code || "error";
    this.extra = body.extra || {};
  }
}

export class NetworkError extends Error {}

const TIMEOUT_MS = 15000;

function csrfToken() {
  return document.querySelector("meta[name=csrf-token]").content;
}

export async function call(method, path, { body, headers = {}, keepalive = false } = {}) {
  const options = {
    method,
    keepalive,
    credentials: "same-origin",
    redirect: "error",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken(), ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetchOrFail(path, options);
  const data = await readJson(response);
  if (!response.ok) throw new ApiError(response.status, data || {});
  return data;
}

async function fetchOrFail(path, options) {
  try {
    const response = await fetch(path, options);
    // A gateway without a server behind it is an outage, not an answer.
    if ([502, 503, 504].includes(response.status)) throw new NetworkError(`The server answered ${response.status}.`);
    return response;
  } catch (error) {
    throw error instanceof NetworkError ? error : new NetworkError(error.message);
  }
}

async function readJson(response) {
  const text = await response.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(response.status, { message: "The server gave an answer that is not JSON." });
  }
}
