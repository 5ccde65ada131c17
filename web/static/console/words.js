/* What the API's codes mean, in words. An unknown code is shown as it is, so that nothing is hidden. */

export const REASONS = {
  asked_for_human: "Asked for a person",
  no_knowledge: "Not covered by the documents",
  low_confidence: "Not sure enough to answer",
  frustrated: "Customer is upset",
  sensitive: "Sensitive subject",
  repeated: "Asked the same again",
  mode_draft: "Set to go to a person",
  quota: "This month’s answers are used up",
  error: "The assistant failed",
};
export const STATUSES = { open: "Open", pending: "Waiting for customer", resolved: "Resolved" };
// What the list of tickets can be narrowed to, and how the API is asked for it.
export const VIEWS = {
  mine: ["Mine", { assignee: "me" }],
  unassigned: ["Nobody’s", { assignee: "nobody" }],
  ...Object.fromEntries(Object.entries(STATUSES).map(([status, text]) => [status, [text, { status }]])),
  pending: ["Waiting", { status: "pending" }],
};
export const PRIORITIES = { low: "Low", normal: "Normal", high: "High", urgent: "Urgent" };
export const MOODS = { negative: "Negative", neutral: "Neutral", positive: "Positive" };
export const AUTONOMY = { "": "What the organization’s settings say", auto: "Answer when sure", draft: "Only draft, a person sends", off: "Nothing, only sort" };
export const HANDLERS = { bot: "Assistant answers", person: "With a person" };
export const DRAFTS = {
  pending: "Not sent",
  sent: "Sent",
  rejected: "Rejected",
  stale: "Out of date: the customer has written since",
};
export const AUTOMATIC = "Automatic mail: answered by nobody";
export const OUTCOMES = {
  answered: "Answered by the assistant",
  escalated: "Handed to a person",
  silent: "Not answered by the assistant",
};

export const word = (words, code) => words[code] ?? String(code).replaceAll("_", " ");

export const percent = (share) => `${Math.round(share * 100)}%`;

export const language = (code) => {
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code);
  } catch {
    return code;
  }
};
