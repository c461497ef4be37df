// The gateway's page. It asks `GET events`, which waits until something has happened, hands that to the model, and
// draws the view that is looked at.

import { CALLBACK_EFFECTS, EFFECTS } from "./effects.js";
import { forget, hour, model, outcome, take } from "./model.js";
import { $, PAGE, TONES, el, fill, pill, shown, views } from "./views.js";

const API = "/_sandbox/";
const KEY = "komopay-sandbox-token";
// How long after an answer the next one is asked for: a storm of events is taken in handfuls.
const BREATH_MS = 150;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- Where one is --------------------------------------------------------------------------------------------------

let drawing = false;

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const { view, id } = route();
    views[view](id);
    const faults = (model.faults?.length ?? 0) + (model.callback_faults?.length ?? 0);
    $("warnings").textContent = [faults ? `${faults} ${faults === 1 ? "fault waits" : "faults wait"}` : "",
      model.merchant_active === false ? "the merchant is switched off" : ""].filter(Boolean).join(", ");
  });
}

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/");
  return { view: Object.hasOwn(views, view) ? view : "payouts", id: id && decodeURIComponent(id), query };
}

function go() {
  const { view, id, query } = route();
  for (const section of document.querySelectorAll("[data-view]")) section.hidden = section.dataset.view !== view;
  for (const each of document.querySelectorAll("nav a")) {
    if (each.hash === `#/${view}`) each.setAttribute("aria-current", "page"); else each.removeAttribute("aria-current");
  }
  if (query !== undefined) {
    $("filter").elements.text.value = new URLSearchParams(query).get("text") ?? "";
    $("filter").elements.status.value = "";
  }
  document.title = `${id ?? view} - KomoPay stand-in gateway`;
  draw();
  return { view, id };
}

addEventListener("hashchange", () => {
  const { view, id } = go();
  // Whoever followed a link goes on reading there.
  requestAnimationFrame(() => $(id ? "payout-id" : `${view}-title`).focus());
});

// ---- Asking the gateway --------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, told) {
    super(told);
    this.status = status;
  }
}

let token = "";

async function ask(method, path, body) {
  const answer = await fetch(API + path, {
    method, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
    headers: { Authorization: `Bearer ${token}` }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const told = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refused(answer.status, told?.description ?? `status ${answer.status}`);
  return told;
}

let silence;

function say(text) {
  $("said").textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { $("said").textContent = ""; }, 6000);
}

function connection(is, text) {
  if ($("connection").dataset.is === is) return;
  $("connection").dataset.is = is;
  $("connection").textContent = text;
}

const visible = () => new Promise((resolve) => {
  const look = () => {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", look);
    resolve();
  };
  document.addEventListener("visibilitychange", look);
  look();
});

// What a person who looks elsewhere on the page should hear of.
function tell(events) {
  const last = events.filter((event) => event.type === "status" || (event.type === "callback" && !event.status)).at(-1);
  if (last?.type === "status") {
    say(`${last.payout_id} is ${[last.status, last.failure_reason].filter(Boolean).join(": ")}`);
  }
  if (last?.type === "callback") say(`A callback about ${last.payout_id} was forged: ${outcome(last.outcome)}`);
}

async function follow() {
  let pause = 500;
  for (;;) {
    if (document.hidden) {
      connection("off", "resting, as nobody looks");
      await visible();
    }
    try {
      const told = await ask("GET", `events?since=${model.last}`);
      if (model.run !== told.run) {
        const knew = model.last;
        forget();
        Object.assign(model, { run: told.run, last: 0, isRead: false });
        if (knew) continue;
      }
      const { events, last, ...stand } = told;
      Object.assign(model, stand, { skew: Date.parse(told.now) - Date.now() });
      events.forEach(take);
      model.last = events.at(-1)?.sequence ?? last;
      if (model.isRead) tell(events);
      connection("live", "live");
      pause = 500;
      draw();
      await sleep(BREATH_MS);
      model.isRead ||= model.last >= last;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        return lock("The gateway does not know this token. Has it been started anew?");
      }
      connection("lost", error instanceof Refused ? error.message : "the gateway does not answer; asking again");
      await sleep(pause);
      pause = Math.min(2 * pause, 10_000);
    }
  }
}

function lock(text) {
  token = "";
  sessionStorage.removeItem(KEY);
  document.body.classList.add("is-locked");
  for (const section of document.querySelectorAll("[data-view]")) section.hidden = true;
  $("locked").hidden = false;
  $("locked-why").textContent = text;
  connection("off", "not connected");
  $("unlock").elements.token.focus();
}

async function open(given) {
  token = given;
  forget();
  Object.assign(model, { last: 0, run: undefined });
  try {
    const numbers = await ask("GET", "account-numbers");
    const reasons = [...new Set(numbers.map((each) => each.failure_reason).filter(Boolean))].sort();
    const select = $("change").elements.failure_reason;
    select.replaceChildren(el("option", { value: "" }, "none"), ...reasons.map((reason) => el("option", {}, reason)));
    select.value = "SYSTEM";
    const calls = Object.keys(await ask("GET", "calls"));
    $("fault").elements.operation.replaceChildren(...calls.map((name) => el("option", {}, name)));
    $("fault").elements.operation.value = "create_payout";
  } catch (error) {
    return lock(error instanceof Refused ? error.message : "The gateway does not answer.");
  }
  sessionStorage.setItem(KEY, given);
  document.body.classList.remove("is-locked");
  $("locked").hidden = true;
  go();
  return follow();
}

// ---- Switches ------------------------------------------------------------------------------------------------------

// Does something, and says what became of it.
async function attempt(what, done) {
  try {
    const told = await what();
    say(typeof done === "function" ? done(told) : done);
  } catch (error) {
    say(error instanceof Refused ? `Refused: ${error.message}` : "The gateway does not answer.");
  }
}

function onSubmit(id, what) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    what(Object.fromEntries(new FormData($(id))), $(id));
  });
}

const payoutPath = (what) => `payouts/${encodeURIComponent(route().id)}/${what}`;

onSubmit("unlock", ({ token: given }) => open(given.trim()));
onSubmit("change", ({ status, failure_reason: reason }) => attempt(
  () => ask("POST", payoutPath("status"), { status, failure_reason: status === "SUCCESS" || !reason ? null : reason }),
  ({ status: is }) => `It is ${is} now.`));
onSubmit("forge-any", ({ payout_id, url_of }) => forgeCallback(payout_id.trim(), url_of.trim()));
onSubmit("clock", ({ number: times, unit }) => attempt(
  () => ask("POST", "clock", { advance_ms: times * unit }), ({ now }) => `The gateway's clock shows ${hour(now)}.`));
onSubmit("derive", async ({ batch, keys }) => {
  if (!crypto.subtle) return say("Browsers derive ids only at localhost, at 127.0.0.1, or over https.");
  const found = [];
  for (const key of keys.split("\n").map((line) => line.trim()).filter(Boolean)) {
    found.push({ key, id: await derived(batch.trim(), key) });
  }
  fill($("derived"), found, ({ key, id }) => {
    const status = model.lives.get(id)?.status ?? "NEVER CAME";
    return el("li", {}, el("a", { href: `#/payouts/${id}` }, el("span", { class: "id" }, key),
      pill(status, TONES[status]), el("span", { class: "small" }, id)));
  }, ({ id }) => id, ({ id }) => model.lives.get(id)?.last);
});

const forgeCallback = (payout_id, url_of) => attempt(
  () => ask("POST", "deliveries/forge", { payout_id, url_of }), (line) => `Forged: ${outcome(line.outcome)}.`);
$("forge").addEventListener("click", () => forgeCallback(route().id, route().id));
$("tell").addEventListener("click", () => attempt(
  () => ask("POST", payoutPath("callback")), "Its callback is on its way."));
$("clear").addEventListener("click", () => attempt(() => ask("DELETE", "faults"), "No fault waits any more."));
$("merchant").addEventListener("click", () => attempt(
  () => ask("POST", "merchant", { active: !model.merchant_active }),
  ({ active }) => `The merchant is switched ${active ? "on" : "off"}.`));
$("reset").addEventListener("click", () => $("sure").showModal());
$("sure-no").addEventListener("click", () => $("sure").close());
$("sure-yes").addEventListener("click", () => {
  $("sure").close();
  attempt(() => ask("POST", "reset"), "All is as at the start.");
});

// The payout id of a row of a batch: the rule is in komopay-batches, `derived_payout_id`.
async function derived(batch, key) {
  const encoder = new TextEncoder();
  const bytes = [batch, key].flatMap((text) => {
    const part = encoder.encode(text);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(part.length));
    return [...length, ...part];
  });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letter = (at) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(bits.slice(5 * at, 5 * at + 5), 2)];
  const letters = Array.from({ length: 26 }, (_, at) => letter(at));
  return `KB-${letters.join("")}`;
}

// The fields that an effect asks for, and what is made of them.
function faultForm(id, effects, path, when) {
  const form = $(id);
  const details = form.querySelector("[data-details]");
  const select = form.elements.effect;
  select.append(...Object.keys(effects).map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
  const choose = () => {
    const { told, fields } = effects[select.value];
    form.querySelector("[data-told]").textContent = told;
    details.replaceChildren(...Object.entries(fields ?? {}).map(([name, value]) => {
      const kind = { boolean: "checkbox", number: "number" }[typeof value] ?? "text";
      const input = el("input", { type: kind, name: `field ${name}`, autocomplete: "off" });
      const label = name.replaceAll("_", " ");
      if (kind === "checkbox") {
        input.checked = value;
        return el("label", { class: "check" }, input, label);
      }
      input.value = value;
      return el("label", {}, label, input);
    }));
  };
  select.addEventListener("change", choose);
  choose();
  onSubmit(id, ({ effect, on, payout_id, ...rest }) => {
    const fields = Object.entries(effects[effect].fields ?? {}).map(([name, like]) => {
      const input = form.elements[`field ${name}`];
      const values = { boolean: input.checked, number: Number(input.value), string: input.value };
      return [name, values[typeof like]];
    });
    const which = { nth: { nth: 1 }, always: "always", rate: { rate: 0.25 } }[on];
    const only = payout_id.trim() ? { payout_id: payout_id.trim() } : {};
    const fault = {
      when: { ...when(rest), ...only, on: which }, effect: { type: effect, ...Object.fromEntries(fields) },
    };
    attempt(() => ask("POST", path, fault),
      ({ active }) => `Injected. ${active} ${active === 1 ? "waits" : "wait"} now.`);
  });
}

faultForm("fault", EFFECTS, "faults", ({ operation }) => ({ operation }));
faultForm("callback-fault", CALLBACK_EFFECTS, "deliveries/faults", ({ status }) => (status ? { status } : {}));

for (const name of Object.keys(shown)) {
  $(`${name}-more`).addEventListener("click", () => { shown[name] += PAGE; draw(); });
}
for (const id of ["filter", "requests-filter"]) {
  $(id).addEventListener("input", draw);
  $(id).addEventListener("submit", (event) => event.preventDefault());
}
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});

// ---- The beginning -------------------------------------------------------------------------------------------------

const brought = /^#token=(.+)$/.exec(location.hash)?.[1];
// Out of the address bar and the history of the browser, before anything else.
if (brought) history.replaceState(null, "", location.pathname);
const first = brought ? decodeURIComponent(brought) : sessionStorage.getItem(KEY);
if (first) open(first); else lock("");
