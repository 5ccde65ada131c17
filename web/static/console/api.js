/* Calls to Deskhand's own API. The session is a cookie that scripts cannot read; the browser sends it along. */

export class SignedOut extends Error {}

// The server answered, and said no; the message is meant to be read.
export class Refused extends Error {}

export const call = async (method, path, body) => {
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    cache: "no-store",
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  if (answer.status === 204) return null;
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const detail = content.error?.detail || `The server answered ${answer.status}.`;
  throw answer.status === 401 ? new SignedOut(detail) : new Refused(detail);
};

export const read = (path, query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value != null && value !== "");
  return call("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path);
};
