//! A create whose connection is cut, at every byte of its request or of its answer: the ledger decides.
//!
//! What must hold, wherever the cut is:
//! - accepted only if it was executed, once, with our money, and never by an answer of which a byte is missing;
//! - an error that says "no money moved" only if nothing was executed;
//! - anything else is `outcome_unknown`, and executed once at most;
//! - no create is repeated before the payout was read;
//! - the same create with `resume` then is accepted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use komopay_sandbox::{Effect, Fault, LedgerEntry, LedgerKind, Operation, Sandbox, When};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::conductor::Conductor;
use super::witness::Witness;
use crate::canary;
use crate::cutter::{Call, Cut, Cutter, End, Trace, Way};

/// How many creates are under way at a time.
const AT_ONCE: usize = 64;
/// So many stalls in each direction, since each costs the deadline of an attempt.
const STALLS: usize = 24;
/// So many violations are shown in full.
const SHOWN: usize = 20;
const MONEY: (&str, &str) = ("10000", "IDR");

/// Which bytes are swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Those of the request.
    Requests,
    /// Those of the answer.
    Answers,
}

impl Sweep {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Answers];

    /// What it is called in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "cut_requests",
            Self::Answers => "cut_answers",
        }
    }
}

/// How a sweep ended.
#[derive(Debug, Default)]
pub struct Swept {
    /// The length of the swept message.
    pub bytes: usize,
    /// How many creates were cut.
    pub cases: usize,
    /// How they ended: the first call, and the resumed one if there had to be one.
    pub endings: BTreeMap<String, usize>,
    /// What was not as it must be; if nothing, it is green.
    pub found: Vec<String>,
    /// For how long it went.
    pub took: Duration,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, cases, endings, took, .. } = self;
        write!(f, "{bytes} bytes, {cases} cuts in {:.1}s", took.as_secs_f64())?;
        endings.iter().try_for_each(|(ending, count)| write!(f, ", {count} {ending}"))
    }
}

/// A client of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// It finds out in the call what came of the cut one.
    Patient,
    /// It cannot, since no read is allowed to it, and it soon gives up.
    Blind,
    /// Its attempts have a short deadline, which alone ends a stall.
    Hasty,
}

impl Client {
    const ALL: [Self; 3] = [Self::Patient, Self::Blind, Self::Hasty];

    fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Blind => "blind",
            Self::Hasty => "hasty",
        }
    }

    fn settings(self, base_url: &str, sandbox: &Sandbox) -> Value {
        // Behind a cut nothing is executed late, so that the window may be short. Behind a deadline something may be.
        let (total, attempt, settle) = match self {
            Self::Patient => (40_000, 20_000, 100),
            Self::Blind => (240, 120, 100),
            Self::Hasty => (40_000, 400, 1200),
        };
        json!({
            "base_url": base_url, "merchant_code": sandbox.merchant_code(), "secret": sandbox.secret(),
            "total_timeout": total, "attempt_timeout": attempt, "connect_timeout": attempt, "settle_window": settle,
            "backoff_base": 20, "backoff_cap": 50,
            // One token for all, so that their requests are the same in every byte but the id.
            "token_scope": "everything",
        })
    }
}

/// A create that is cut.
struct Case {
    id: String,
    cut: Cut,
    client: Client,
}

/// What the sweep is played on.
struct Stage {
    sandbox: Sandbox,
    witness: Witness,
    cutter: Cutter,
    /// How many ids there were.
    ids: usize,
}

impl Stage {
    async fn start() -> Result<Self, String> {
        let witness = Witness::new(true);
        let sandbox =
            Sandbox::builder().merchant(canary::MERCHANT, canary::SECRET).processing_time(Duration::ZERO).observer({
                let witness = witness.clone();
                move |exchange| witness.see(exchange)
            });
        let sandbox = sandbox.start().await.map_err(|error| format!("no sandbox: {error}"))?;
        let cutter = Cutter::start(sandbox.base_url()).await.map_err(|error| format!("no proxy: {error}"))?;
        Ok(Self { sandbox, witness, cutter, ids: 0 })
    }

    /// An id that was never used. All are of one length, so that an offset means the same in each.
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("CUT-{:06}", self.ids)
    }

    async fn idle(&self, patience: Duration) -> Result<(), String> {
        let idle = async {
            self.cutter.idle().await;
            self.sandbox.idle().await;
        };
        timeout(patience, idle).await.map_err(|_| format!("the platform is still busy after {patience:?}"))
    }

    /// The executions, by payout, once nothing is pending any more.
    async fn executed(&self, patience: Duration) -> Result<BTreeMap<String, Vec<LedgerEntry>>, String> {
        self.idle(patience).await?;
        let mut executed = BTreeMap::<_, Vec<_>>::new();
        for entry in self.sandbox.ledger() {
            if entry.kind == LedgerKind::Executed {
                executed.entry(entry.payout_id.clone()).or_default().push(entry);
            }
        }
        Ok(executed)
    }
}

impl Conductor {
    /// Cuts a create at every `stride`-th byte, and at the last one.
    pub async fn sweep(&mut self, sweep: Sweep, stride: usize) -> Swept {
        let start = Instant::now();
        let mut swept = Swept::default();
        if let Err(problem) = self.sweep_all(sweep, stride, &mut swept).await {
            // Whatever it still does, it does not do it to what is played next.
            self.runner = None;
            swept.found.push(problem);
        }
        swept.found.extend(self.judge_aside());
        let more = swept.found.len().saturating_sub(SHOWN);
        swept.found.truncate(SHOWN);
        if more > 0 {
            swept.found.push(format!("and {more} more"));
        }
        swept.found = swept.found.iter().map(|found| canary::hide(found)).collect();
        swept.took = start.elapsed();
        swept
    }

    async fn sweep_all(&mut self, sweep: Sweep, stride: usize, swept: &mut Swept) -> Result<(), String> {
        let mut stage = Stage::start().await?;
        for client in Client::ALL {
            let settings = client.settings(&stage.cutter.base_url(), &stage.sandbox);
            self.expect_null(&json!({"do": "open", "client": client.name(), "settings": settings})).await?;
        }
        let (request, answer) = self.lengths(&mut stage).await?;
        let way = match sweep {
            Sweep::Requests => Way::Request,
            Sweep::Answers => Way::Answer,
        };
        swept.bytes = if way == Way::Request { request } else { answer };
        for client in Client::ALL {
            let (ends, stride): (&[End], _) = match client {
                Client::Patient | Client::Blind => (&[End::Close, End::Reset], stride),
                Client::Hasty => (&[End::Stall], stride.max(swept.bytes.div_ceil(STALLS))),
            };
            let offsets = (0..swept.bytes).step_by(stride).chain([swept.bytes]);
            let cuts = offsets.flat_map(|at| ends.iter().map(move |end| Cut { way, at, end: *end }));
            let cases: Vec<Case> = cuts.map(|cut| Case { id: stage.id(), cut, client }).collect();
            self.cut_all(&stage, &cases, swept).await?;
        }
        for client in Client::ALL {
            self.expect_null(&json!({"do": "close", "client": client.name()})).await?;
        }
        swept.found.extend(stage.witness.violations());
        stage.sandbox.stop().await;
        // A sweep that never sees an ending cannot tell whether that ending is right.
        for ending in ["accepted", "recovered", "outcome_unknown"] {
            if !swept.endings.keys().any(|seen| seen.starts_with(ending)) {
                swept.found.push(format!("no create ended as {ending}"));
            }
        }
        Ok(())
    }

    /// The lengths of a create's request and answer, which are the same in each.
    async fn lengths(&mut self, stage: &mut Stage) -> Result<(usize, usize), String> {
        let mut seen = Vec::new();
        for client in Client::ALL {
            let id = stage.id();
            let answers = self.create_all(&[(id.as_str(), client)], false).await?;
            stage.idle(self.patience).await?;
            let Trace { lengths, calls, .. } = stage.cutter.trace(&id);
            if calls != [Call::Create] || answers.iter().any(|answer| answer["ok"]["payout_id"] != id.as_str()) {
                return Err(format!("a create that is not cut: {}, after {calls:?}", show(&answers)));
            }
            seen.push(lengths.ok_or("a create that is not cut did not pass whole")?);
        }
        if seen.iter().any(|lengths| *lengths != seen[0]) {
            return Err(format!("the lengths of requests and answers differ, so an offset means nothing: {seen:?}"));
        }
        Ok(seen[0])
    }

    /// Plays these cases, and then resumes each that was not accepted.
    async fn cut_all(&mut self, stage: &Stage, cases: &[Case], swept: &mut Swept) -> Result<(), String> {
        for Case { id, cut, client } in cases {
            stage.cutter.cut(id, *cut);
            if *client == Client::Blind {
                let reads = When::always(Operation::GetPayout).for_payout(id);
                stage.sandbox.inject(Fault::new(reads, Effect::Forbidden));
            }
        }
        let creates: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.client)).collect();
        let answers = self.create_all(&creates, false).await?;
        let executed = stage.executed(self.patience).await?;
        stage.sandbox.clear_faults();
        let open: Vec<_> = cases.iter().zip(&answers).filter(|(_, answer)| answer.get("ok").is_none()).collect();
        let creates: Vec<_> = open.iter().map(|(case, _)| (case.id.as_str(), Client::Patient)).collect();
        let resumed: BTreeMap<&str, Value> =
            creates.iter().map(|(id, _)| *id).zip(self.create_all(&creates, true).await?).collect();
        let executed_then = stage.executed(self.patience).await?;

        swept.cases += cases.len();
        for (case, answer) in cases.iter().zip(&answers) {
            let of = |ledger: &BTreeMap<String, Vec<_>>| ledger.get(&case.id).cloned().unwrap_or_default();
            let trace = stage.cutter.trace(&case.id);
            let judged = judge(case, swept.bytes, answer, &of(&executed), &trace).and_then(|ending| {
                let Some(resumed) = resumed.get(case.id.as_str()) else { return Ok(ending) };
                let then = accepted(&case.id, resumed, &of(&executed_then))
                    .map_err(|problem| format!("{ending}, then with resume: {problem}"))?;
                Ok(format!("{ending} then {then}"))
            });
            match judged {
                Ok(ending) => *swept.endings.entry(ending).or_default() += 1,
                Err(problem) => swept.found.push(format!("{:?} of the {:?} client: {problem}", case.cut, case.client)),
            }
        }
        Ok(())
    }

    /// Makes these creates, some at a time, and gives their answers.
    async fn create_all(&mut self, creates: &[(&str, Client)], resume: bool) -> Result<Vec<Value>, String> {
        let mut answers = Vec::new();
        let call = |id: &str| if resume { format!("{id} again") } else { id.to_owned() };
        for turn in 0..creates.len() + AT_ONCE {
            if let Some((id, client)) = creates.get(turn) {
                let arguments = json!({"payout_id": id, "request": request(), "resume": resume});
                let (call, client) = (call(id), client.name());
                let operation = "create_payout";
                let start = json!({"do": "start", "call": call, "client": client, "operation": operation, "arguments": arguments});
                self.expect_null(&start).await?;
            }
            if let Some((id, _)) = turn.checked_sub(AT_ONCE).and_then(|turn| creates.get(turn)) {
                answers.push(self.tell(&json!({"do": "finish", "call": call(id)})).await?);
            }
        }
        Ok(answers)
    }

    async fn expect_null(&mut self, told: &Value) -> Result<(), String> {
        let answer = self.tell(told).await?;
        if answer == json!({"ok": null}) { Ok(()) } else { Err(format!("{}: {answer}", told["do"])) }
    }
}

fn request() -> Value {
    json!({
        "money": {"amount": MONEY.0, "currency": MONEY.1},
        "method": {
            "type": "bank_transfer", "operator_code": "BNK_000", "email_address": "customer@test.com",
            "account": {"name": "Test account", "number": canary::ACCOUNT},
        },
        "callback_url": "https://callback.example.com",
    })
}

/// How a create ended whose request or answer of so many bytes was cut, if it ended as it may.
fn judge(case: &Case, bytes: usize, answer: &Value, executed: &[LedgerEntry], trace: &Trace) -> Result<String, String> {
    let problem = |problem: &str| Err(format!("{problem}: {}, with {} in the ledger", result(answer), show(executed)));
    if canary::is_in(&answer.to_string()) {
        return problem("the answer shows a canary");
    }
    // The deadline of a client that has little time may come before the cut.
    if case.client == Client::Patient && !trace.was_cut {
        return problem("nothing was cut");
    }
    if trace.calls.windows(2).any(|pair| pair == [Call::Create, Call::Create]) {
        return problem("the create was repeated before the payout was read");
    }
    let is_mangled = trace.was_cut && case.cut.way == Way::Answer && case.cut.at < bytes;
    if is_mangled && answer["ok"]["recovered"] == false {
        return problem("half an answer was believed");
    }
    if answer.get("ok").is_some() {
        return accepted(&case.id, answer, executed);
    }
    let error = &answer["error"];
    match (error["kind"].as_str(), error["money_may_have_moved"].as_bool()) {
        (Some("outcome_unknown"), Some(true)) if executed.len() <= 1 => Ok("outcome_unknown".to_owned()),
        (Some(kind), Some(false)) if executed.is_empty() => Ok(kind.to_owned()),
        (Some(_), Some(false)) => problem("it was executed, and is said not to be"),
        _ => problem("a create may not end so"),
    }
}

/// How a create was accepted, if it was, and was executed once.
fn accepted(id: &str, answer: &Value, executed: &[LedgerEntry]) -> Result<String, String> {
    let ok = &answer["ok"];
    let is_ours = |entry: &LedgerEntry| (&*entry.amount.to_string(), &*entry.currency) == MONEY;
    let is_right = ok["payout_id"] == id && ok["money"] == request()["money"];
    match (ok["recovered"].as_bool(), executed) {
        (Some(recovered), [entry]) if is_right && is_ours(entry) => {
            Ok(if recovered { "recovered" } else { "accepted" }.to_owned())
        }
        _ => Err(format!("not accepted and executed once: {}, with {} in the ledger", result(answer), show(executed))),
    }
}

/// What matters of an answer.
fn result(answer: &Value) -> String {
    let members = |of: &str, names: &[&str]| {
        let members: Vec<_> = names.iter().map(|name| format!("{name} {}", answer[of][*name])).collect();
        members.join(", ")
    };
    if answer.get("ok").is_some() {
        return members("ok", &["payout_id", "money", "recovered"]);
    }
    match answer.get("error") {
        Some(_) => members("error", &["kind", "money_may_have_moved", "message"]),
        None => answer.to_string(),
    }
}

fn show(list: &[impl fmt::Display]) -> String {
    let lines: Vec<_> = list.iter().map(ToString::to_string).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join(" and ") }
}
