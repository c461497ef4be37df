// What can go wrong, in the words of the control API: what happens, and the fields with their first values.

export const EFFECTS = {
  execute_then_close: { told: "The call is executed, and the connection closes without an answer: a lost answer." },
  close_after_reading: { told: "Nothing is executed, and the connection closes without an answer: a lost request." },
  close_before_reading: { told: "Nothing is executed; the connection is reset before the request was read." },
  delay: {
    told: "The true answer comes late. It executes after the wait, also if the client has left.",
    fields: { ms: 3000 },
  },
  hold: { told: "It executes and is answered when the faults are cleared." },
  execute_after_close: { told: "The connection closes, and a create is executed so long after.", fields: { ms: 1000 } },
  execute_then_status: { told: "It executes, and a proxy answers with this status and HTML.", fields: { status: 502 } },
  status: { told: "Nothing is executed; the answer is this status.", fields: { status: 503 } },
  cut_answer: {
    told: "It executes; so many bytes of the answer go out, then the connection closes.",
    fields: { at_byte: 60 },
  },
  garbage: { told: "The answer is bytes that are no JSON.", fields: { status: 201, execute: true } },
  answer: { told: "The answer is exactly this.", fields: { status: 200, body: "{}", execute: false } },
  captive_portal: { told: "Nothing is executed; the login page of a Wi-Fi answers." },
  redirect: { told: "Nothing is executed; the answer leads to the path of the call itself.", fields: { status: 307 } },
  not_found: { told: "Nothing is executed; 404." },
  rate_limited: { told: "Nothing is executed; 429.", fields: { retry_after_secs: 2 } },
  unauthorized: { told: "Nothing is executed; 401, and the token stays valid." },
  forbidden: { told: "Nothing is executed; 403." },
  bad_request: { told: "Nothing is executed; 400." },
  gone_for_get: {
    told: "It executes, and GETs do not find the payout until so long after: 410.",
    fields: { ms: 2000 },
  },
  rejected: { told: "Nothing is executed; 406 with this code.", fields: { code: "IP_DENIED", uses_id_up: false } },
  echo_account: { told: "Nothing is executed; the answer repeats account number and token.", fields: { status: 400 } },
  stray_answer: {
    told: "On a connection that carried another call before, this comes first, and the true answer behind it.",
    fields: { status: 400, body: "{}" },
  },
  previous_answer: { told: "On a connection that carried another call before, its previous answer comes once more." },
};

export const CALLBACK_EFFECTS = {
  lose: { told: "Nothing is sent; then the repeat." },
  lose_answer: { told: "It is sent, and whatever the answer is, repeated." },
  duplicate: { told: "It is sent so many times more, all at once.", fields: { copies: 1 } },
  delay: {
    told: "It comes late by the gateway's clock; callbacks of later changes overtake it.",
    fields: { ms: 5000 },
  },
  after_next: { told: "The callback of the payout's next change comes first, then this one." },
};
