// What the page knows: the payouts with their lives, put together from the gateway's events, and in words what became
// of each.

import { EFFECTS } from "./effects.js";

export const model = {};

// As many as the gateway keeps; then the oldest go.
const KEPT = 20_000;

export function forget() {
  Object.assign(model, { lives: new Map(), requests: new Map(), ledger: [], callbacks: [], switches: [] });
}

function life(id) {
  if (!model.lives.has(id)) {
    model.lives.set(id, { id, events: [], requests: [], forged: 0, executed: 0, status: "NOT MADE", last: 0 });
  }
  return model.lives.get(id);
}

// The ids that a request for a token names: it belongs to their lives, too.
function idsOfToken(request) {
  const operations = request.target === "/auth-tokens" ? request.body?.operations : null;
  const idOf = (text) => /^[A-Z]+ \/payouts\/([\w-]+)$/.exec(text)?.[1];
  const ids = (Array.isArray(operations) ? operations : []).map(idOf);
  return [...new Set(ids.filter(Boolean))];
}

export function tokenOf({ headers }) {
  const [, value] = headers.find(([name]) => name === "authorization") ?? [];
  return value?.match(/token (\w+)/)?.[1];
}

export function take(event) {
  const about = event.payout_id && life(event.payout_id);
  const enter = (each) => { each.events.push(event); each.last = event.sequence; };
  if (event.type === "reset") return forget();
  if (event.type === "switch") return model.switches.unshift(event);
  if (event.type === "request") {
    model.requests.set(event.sequence, event);
    if (model.requests.size > KEPT) model.requests.delete(model.requests.keys().next().value);
    event.lives = event.payout_id ? [about] : idsOfToken(event).map(life);
    for (const each of event.lives) { enter(each); each.requests.push(event); }
    if (about && event.method === "POST") about.token = tokenOf(event);
    return;
  }
  if (event.type === "answer") {
    const request = model.requests.get(event.request);
    if (!request) return;
    request.answer = event;
    event.of = request;
    // What was answered at once is one line with its request.
    for (const each of request.lives) {
      request.isJoined = each.events.at(-1) === request;
      if (request.isJoined) each.last = event.sequence; else enter(each);
    }
    return;
  }
  if (!about) return;
  if (event.type === "payout") Object.assign(about, { made: event, status: "PROCESSING" });
  if (event.type === "status") Object.assign(about, { status: event.status, ended: event });
  if (event.type === "ledger") {
    model.ledger.unshift(event.entry);
    about.executed += event.entry.kind === "executed";
  }
  if (event.type === "callback") {
    model.callbacks.unshift(event);
    about.forged += event.status === null;
  }
  enter(about);
  for (const list of [model.ledger, model.callbacks]) list.length = Math.min(list.length, KEPT);
}

export const money = (made) => `${grouped(made.amount)} ${made.currency}`;
export const grouped = (text) => text.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, "\u00a0"));
export const hour = (at) => at.slice(11, 19);

export function refusal(answer) {
  const body = answer.body;
  const named = (each) => [each.code, each.attrCode].filter(Boolean).join(" at ");
  if (Array.isArray(body)) return body.map(named).join(", ");
  return typeof body === "object" && body ? body.description ?? "" : body ?? "";
}

export function why({ made, ended, status, requests, events, forged, executed }) {
  const creates = requests.filter((request) => request.method === "POST" && request.payout_id);
  const told = [];
  if (!made) {
    const { answer } = creates.at(-1) ?? {};
    if (!creates.length) told.push(requests.length ? "No payout has this id: it was only asked about."
      : "No payout has this id.");
    else if (!answer) told.push("No payout was made so far: the request has no answer yet.");
    else if (answer.fault) told.push(`No payout was made: the fault ${answer.fault} decided its request.`,
      EFFECTS[answer.fault]?.told ?? "");
    else told.push(`No payout was made: it was refused with ${answer.status}: ${refusal(answer)}.`);
  } else if (!ended) {
    told.push(made.stays ? "It stays PROCESSING for ever: its account number is one of those that decide the end."
      : `It is in processing. It ends ${model.processing_ms / 1000} s after its create, by the gateway's clock.`);
  } else if (status === "SUCCESS") {
    told.push(`It was paid: ${money(made)} have left the balance.`);
  } else {
    const reason = ended.failure_reason ?? "no reason given";
    const by = ended.cause === "switch" ? `a switch gave it this status at ${hour(ended.at)}.`
      : "its account number is one of those that decide the end.";
    told.push(`${status} with ${reason}: ${by}`, "Its money is available again.");
  }
  if (ended?.correction) told.push("That is a correction: it had another final status before.");
  if (executed > 1) told.push(`It was executed ${executed} times.`);
  if (made) {
    for (const { answer } of creates) {
      if (answer?.fault) told.push(`Its create met the fault ${answer.fault}. ${EFFECTS[answer.fault]?.told ?? ""}`);
    }
  }
  const last = events.filter((event) => event.type === "callback" && event.status !== null).at(-1);
  if (last && !(last.outcome.type === "answered" && last.outcome.status === 200)) {
    told.push(`Its last callback did not arrive: ${outcome(last.outcome)}.`);
  }
  if (forged) {
    const were = forged === 1 ? "A callback about it was" : `${forged} callbacks about it were`;
    told.push(`${were} forged: the ledger has nothing that belongs to it, and the status is what it was.`);
  }
  return told.filter(Boolean);
}

export function outcome({ type, status, reason }) {
  const words = { answered: `answered with ${status}`, answer_lost: `answered with ${status}, and the answer was lost`,
    failed: `failed: ${reason}`, lost: "lost by a fault", withheld: `withheld: ${reason}` };
  return words[type] ?? type;
}

// The lines of a life. Reads that say the same again and again are one.
export function lines({ events }) {
  const told = [];
  for (const event of events) {
    const line = { event, key: event.sequence, times: 1, fold: undefined };
    if (event.isJoined && event.method === "GET") {
      line.fold = `${event.answer.status} ${event.answer.body?.process?.status} ${event.answer.fault}`;
      if (told.at(-1)?.fold === line.fold) { told.at(-1).times += 1; continue; }
    }
    told.push(line);
  }
  return told;
}
