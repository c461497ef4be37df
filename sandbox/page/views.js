// How the page draws what it knows, one view at a time. Whatever came from outside is set as text, never as HTML.

import { EFFECTS } from "./effects.js";
import { grouped, lines, model, money, outcome, refusal, tokenOf, why } from "./model.js";

export const PAGE = 200;
export const shown = { payouts: PAGE, ledger: PAGE, callbacks: PAGE, requests: PAGE };

export const $ = (id) => document.getElementById(id);

export const TONES = { SUCCESS: "good", FAILED: "bad", REFUSED: "odd", PROCESSING: "busy" };
const toneOfStatus = (status) => (!status ? "bad" : status < 300 ? "good" : "odd");

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}

// Brings the children of a node to what the items say. A child stays the same node as long as its item says the same,
// so that focus, selection and what is folded out stay.
export function fill(parent, items, build, keyOf, sayOf = keyOf) {
  const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  // What was there when the page was opened is not new.
  const isNew = model.isRead && parent.children.length > 0;
  const nodes = items.map((item) => {
    const key = String(keyOf(item));
    const say = String(sayOf(item));
    const old = known.get(key);
    if (old?.dataset.say === say) return old;
    const node = build(item);
    Object.assign(node.dataset, { key, say });
    if (old) carry(old, node); else if (isNew) node.classList.add("new");
    return node;
  });
  const kept = new Set(nodes);
  const focused = nodes.find((node) => node.wanted);
  for (const node of [...parent.children]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
  focused?.wanted.focus({ preventScroll: true });
  if (focused) delete focused.wanted;
}

function carry(old, node) {
  const parts = (of) => [...of.querySelectorAll("a, button, details, summary")];
  const [before, after] = [parts(old), parts(node)];
  before.forEach((part, at) => {
    if (part.open && after[at]) after[at].open = true;
    if (part === document.activeElement) node.wanted = after[at];
  });
}

export const pill = (text, tone) => el("span", { class: "pill", ...(tone && { "data-is": tone }) }, text);
const time = (at) => el("time", { datetime: at, title: at }, at.slice(11, 23).replace("Z", ""));
const link = (id) => el("a", { href: `#/payouts/${encodeURIComponent(id)}`, class: "id" }, id);
function json(value) {
  if (value === null) return "(empty)";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function exchange({ method, target, headers, body, answer }) {
  const head = [`${method} ${target}`, ...headers.map((pair) => pair.join(": "))];
  const parts = [
    el("p", { class: "small" }, "Request"),
    el("pre", { tabindex: 0 }, [...head, "", json(body)].join("\n")),
  ];
  if (answer) {
    parts.push(el("p", { class: "small" }, "What went out"),
      el("pre", { tabindex: 0 }, answer.status ? `${answer.status}\n\n${json(answer.body)}` : "nothing"));
  }
  return el("div", {}, ...parts);
}

const answered = (answer) => (answer.status ? `${answer.status}` : "no answer, the connection was closed");

function drawLine({ event, times }) {
  const parts = [];
  let tone;
  const say = (...children) => parts.push(el("p", {}, time(event.at), " ", ...children));
  const fault = (answer) => (answer?.fault ? [" ", pill(`fault ${answer.fault}`, "odd")] : []);
  if (event.type === "request") {
    const at = event.isJoined ? event.answer : undefined;
    tone = at && toneOfStatus(at.status);
    say(`${event.method} ${event.target} came`, at ? `: ${answered(at)}` : "", times > 1 ? `, ${times} times` : "",
      ...fault(at));
    if (at && at.status >= 400) parts.push(el("p", { class: "small" }, refusal(at)));
    parts.push(el("details", {}, el("summary", {}, "Request and answer"), exchange(event)));
  } else if (event.type === "answer") {
    tone = toneOfStatus(event.status);
    say(`${event.of.method} ${event.of.target} `, event.status ? `was answered: ${event.status}` :
      "got no answer: the connection was closed", ...fault(event));
    if (event.fault) parts.push(el("p", { class: "small" }, EFFECTS[event.fault]?.told ?? ""));
  } else if (event.type === "payout") {
    tone = "busy";
    say("The payout was made: ", pill("PROCESSING", "busy"));
  } else if (event.type === "status") {
    tone = TONES[event.status];
    say("It became ", pill(event.status, tone), event.failure_reason ? ` with ${event.failure_reason}` : "",
      event.cause === "switch" ? ", by a switch" : event.status === "SUCCESS" ? "" : ", as its account number decides");
  } else if (event.type === "ledger") {
    const { kind, amount, currency } = event.entry;
    tone = { executed: "busy", booked: "good" }[kind];
    const words = {
      executed: "The ledger: executed, the money is held",
      booked: "The ledger: booked, the money has left",
      released: "The ledger: released, the money is available again",
    };
    say(`${words[kind]} (${grouped(amount)} ${currency})`);
  } else if (event.type === "callback") {
    const isGood = event.outcome.type === "answered" && event.outcome.status === 200;
    const isForged = event.status === null;
    tone = isForged ? "odd" : isGood ? "good" : "bad";
    say(isForged ? pill("forged", "odd") : "", isForged ? " A callback that no payout asked for" :
      `The callback about ${event.status}${event.attempt > 1 ? `, attempt ${event.attempt}` : ""}`,
      ` to ${event.url}: ${outcome(event.outcome)}`);
  }
  return el("li", tone ? { "data-is": tone } : {}, ...parts);
}

function cell(name, ...children) {
  return el("td", { "data-name": name, role: "cell" }, el("span", {}, ...children));
}

function number(name, text) {
  const made = cell(name, text);
  made.classList.add("number");
  return made;
}

const row = (...cells) => el("tr", { role: "row" }, ...cells);

function fillSome(name, items, ...how) {
  fill($(name), items.slice(0, shown[name]), ...how);
  $(`${name}-more`).hidden = items.length <= shown[name];
}

function matches(each, text) {
  const token = /^token:(\w+)$/.exec(text)?.[1];
  return token ? each.token === token : each.id.toLowerCase().startsWith(text.toLowerCase());
}

export const views = {
  payouts(id) {
    const { text, status } = Object.fromEntries(new FormData($("filter")));
    const all = [...model.lives.values()].sort((one, other) => other.last - one.last);
    const found = all.filter((each) => matches(each, text) && (!status || each.status === status));
    $("payouts-count").textContent = all.length ? `${found.length} of ${all.length}` : "";
    fillSome("payouts", found.length || all.length ? found : [{ id: "" }], (each) => {
      if (!each.id) {
        return el("li", { class: "empty" }, "No payout has been asked for yet. Point a client at ",
          el("code", {}, location.origin), ".");
      }
      const says = each.made ? money(each.made) : "no payout";
      const current = each.id === id ? "true" : undefined;
      return el("li", {}, el("a", { href: `#/payouts/${encodeURIComponent(each.id)}`, "aria-current": current },
        el("span", { class: "id" }, each.id), pill(each.status, TONES[each.status]),
        el("span", { class: "small" }, says, each.ended?.failure_reason ? `, ${each.ended.failure_reason}` : ""),
        el("span", { class: "small" }, each.forged ? "forged callback" : "")));
    }, (each) => each.id, (each) => [each.status, each.ended?.failure_reason, each.forged, each.id === id]);
    document.querySelector("[data-view=payouts]").classList.toggle("has-one", Boolean(id));
    $("payout").hidden = !id;
    if (id) drawPayout(model.lives.get(id) ?? { id, events: [], requests: [], status: "NOT MADE", forged: 0 });
  },

  batches() {
    const groups = new Map();
    for (const each of model.lives.values()) {
      if (!each.made) continue;
      const isDerived = /^KB-[a-z2-7]{26}$/.test(each.id);
      const begins = isDerived ? `token:${each.token}` : /^(.*[-_.])[^-_.]+$/.exec(each.id)?.[1];
      if (!begins) continue;
      const group = groups.get(begins) ?? { begins, isDerived, lives: [], sums: new Map(), counts: new Map() };
      groups.set(begins, group);
      group.lives.push(each);
      group.counts.set(each.status, (group.counts.get(each.status) ?? 0) + 1);
    }
    const batches = [...groups.values()].filter(({ isDerived, lives }) => isDerived || lives.length > 1);
    batches.sort((one, other) => other.lives.length - one.lives.length);
    fill($("batches"), batches.length ? batches : [{ begins: "" }], ({ begins, isDerived, lives, counts }) => {
      if (!begins) return el("li", { class: "empty" }, "There are none yet.");
      const name = isDerived ? `KB-… under ${begins.replace(":", " ")}` : `${begins}…`;
      const over = lives.length - (counts.get("PROCESSING") ?? 0);
      return el("li", {}, el("div", { class: "line" },
        el("div", { class: "row" },
          el("a", { href: `#/payouts?text=${encodeURIComponent(begins)}`, class: "id" }, name),
          el("span", {}, lives.length === 1 ? "1 payout" : `${lives.length} payouts`),
          ...[...counts].map(([status, times]) => pill(`${times} ${status}`, TONES[status]))),
        el("progress", { max: lives.length, value: over, "aria-label": `${over} of ${lives.length} have ended` })));
    }, (group) => group.begins, (group) => (group.counts ? [...group.counts] : ""));
  },

  ledger() {
    fillSome("ledger", model.ledger, (entry) => row(
      number("No.", `${entry.sequence}`), cell("Time (UTC)", time(entry.at)),
      cell("What", pill(entry.kind, { executed: "busy", booked: "good" }[entry.kind])),
      cell("Payout", link(entry.payout_id)), number("Amount", `${grouped(entry.amount)} ${entry.currency}`),
      cell("Payee", el("code", {}, entry.payee_hash.slice(0, 8)))), (entry) => entry.sequence);
  },

  balances() {
    fill($("balances"), Object.entries(model.balances ?? {}), ([currency, each]) => row(
      cell("Currency", currency), number("Balance", grouped(each.balance)),
      number("Available", grouped(each.available)), number("In processing", grouped(each.pending_payout))),
    ([currency]) => currency, ([, each]) => Object.values(each));
  },

  callbacks() {
    const waiting = model.waiting_callbacks;
    $("callbacks-waiting").textContent = waiting
      ? `${waiting} not yet delivered or given up. The clock, put forward, brings the repeats.`
      : "All are delivered or given up.";
    fillSome("callbacks", model.callbacks, (event) => row(
      cell("Time (UTC)", time(event.at)), cell("Payout", link(event.payout_id)),
      cell("About", event.status ? pill(event.status, TONES[event.status]) : pill("forged", "odd")),
      number("Attempt", `${event.attempt}`), cell("To", el("span", { class: "place" }, event.url)),
      cell("Outcome", outcome(event.outcome))),
    (event) => event.sequence);
  },

  requests() {
    const text = new FormData($("requests-filter")).get("text").toLowerCase();
    const found = [...model.requests.values()].reverse().filter((request) =>
      `${request.method} ${request.target} ${tokenOf(request) ?? ""}`.toLowerCase().includes(text));
    fillSome("requests", found, (request) => {
      const { answer } = request;
      return el("li", {}, el("details", {}, el("summary", {}, time(request.at), ` ${request.method} ${request.target} `,
        answer ? pill(answered(answer), toneOfStatus(answer.status)) : pill("no answer yet"),
        ...(answer?.fault ? [" ", pill(`fault ${answer.fault}`, "odd")] : [])), exchange(request)));
    }, (request) => request.sequence, (request) => request.answer?.sequence);
  },

  switches() {
    const which = (on) => {
      if (on === "always") return "every";
      if (on.nth === 1) return "the next";
      return on.nth ? `number ${on.nth}` : `one in ${Math.round(1 / on.rate)}`;
    };
    const named = ({ effect, when }) => [effect, "on", which(when.on), when.operation ?? "callback",
      when.payout_id && `of ${when.payout_id}`, when.status && `about ${when.status}`].filter(Boolean).join(" ");
    const faults = [...(model.faults ?? []), ...(model.callback_faults ?? [])].map(named);
    fill($("faults"), faults.length ? faults.map((text, at) => ({ text, at })) : [{ text: "None.", at: 0 }],
      ({ text }) => el("li", {}, text), ({ at }) => at, ({ text }) => text);
    $("merchant").textContent = model.merchant_active ? "Switch the merchant off" : "Switch the merchant on";
    const ahead = Math.round((model.skew ?? 0) / 1000);
    $("clock-told").textContent = ahead ? `The gateway's clock is ${ahead} s ahead of this machine's.`
      : "Processing, callbacks and tokens go by it.";
    const words = {
      fault: (event) => `injected: ${named(event)}`, callback_fault: (event) => `injected: ${named(event)}`,
      faults_cleared: () => "all faults cleared",
      clock: (event) => `the clock went ${event.advance_ms / 1000} s forward`,
      merchant: (event) => `the merchant was switched ${event.active ? "on" : "off"}`,
    };
    const told = (event) => [time(event.at), ` ${words[event.switch]?.(event) ?? event.switch}`];
    fill($("switched"), model.switches.length ? model.switches.slice(0, PAGE) : [{ sequence: 0 }],
      (event) => el("li", {}, ...(event.sequence ? told(event) : ["Nothing yet."])), (event) => event.sequence);
  },
};

function drawPayout(each) {
  $("payout-id").textContent = each.id;
  const facts = [pill(each.status, TONES[each.status])];
  if (each.made) {
    facts.push(money(each.made), each.made.method, `payee ${each.made.payee_hash.slice(0, 8)}`);
    if (each.token) facts.push(`token ${each.token}`);
  }
  fill($("payout-facts"), facts, (fact) => (fact instanceof Node ? fact : el("span", {}, fact)),
    (fact) => fact.textContent ?? fact);
  $("why").dataset.is = TONES[each.status] ?? "";
  fill($("why"), why(each), (text) => el("p", {}, text), (text) => text);
  $("actions").hidden = !each.made;
  const isTold = Boolean(each.made?.callback_to);
  for (const button of [$("tell"), $("forge")]) {
    button.disabled = !isTold;
    button.title = isTold ? "" : "It was created without a callbackUrl";
  }
  fill($("life"), lines(each), drawLine, ({ key }) => key,
    ({ event, times }) => [times, event.answer?.sequence, event.isJoined]);
}
