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

use komopay_sandbox::{Builder, Effect, Fault, LedgerEntry, LedgerKind, Operation, Sandbox, When};
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
    /// Around the boundaries of TLS records, both ways, from the handshake on.
    Tls,
}

impl Sweep {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Answers, Self::Tls];

    /// What it is called in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "cut_requests",
            Self::Answers => "cut_answers",
            Self::Tls => "cut_tls",
        }
    }
}

/// How a sweep ended.
#[derive(Debug, Default)]
pub struct Swept {
    /// The length of what is swept.
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

impl Swept {
    /// Counts a case that ended so, or notes what was wrong with it.
    pub(super) fn add(&mut self, judged: Result<String, String>) {
        self.cases += 1;
        match judged {
            Ok(ending) => *self.endings.entry(ending).or_default() += 1,
            Err(problem) => self.found.push(problem),
        }
    }
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
        let (sandbox, witness) = start_sandbox(Sandbox::builder()).await?;
        let cutter = Cutter::start(sandbox.base_url()).await.map_err(|error| format!("no proxy: {error}"))?;
        Ok(Self { sandbox, witness, cutter, ids: 0 })
    }

    /// An id that was never used. All are of one length, so that an offset means the same in each.
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("CUT-{:06}", self.ids)
    }

    async fn executed(&self, patience: Duration) -> Result<Executed, String> {
        self.idle(patience).await?;
        executed(&self.sandbox, patience).await
    }

    /// Waits until the traces are complete.
    async fn idle(&self, patience: Duration) -> Result<(), String> {
        let idle = timeout(patience, self.cutter.idle()).await;
        idle.map_err(|_| format!("calls are still passing after {patience:?}"))
    }
}

/// The executions, by payout.
pub(super) type Executed = BTreeMap<String, Vec<LedgerEntry>>;

/// The executions of one payout.
pub(super) fn of<'a>(executed: &'a Executed, id: &str) -> &'a [LedgerEntry] {
    executed.get(id).map(Vec::as_slice).unwrap_or_default()
}

/// The executions, once nothing is pending any more.
pub(super) async fn executed(sandbox: &Sandbox, patience: Duration) -> Result<Executed, String> {
    let idle = timeout(patience, sandbox.idle()).await;
    idle.map_err(|_| format!("the platform is still busy after {patience:?}"))?;
    let mut executed = Executed::new();
    for entry in sandbox.ledger() {
        if entry.kind == LedgerKind::Executed {
            executed.entry(entry.payout_id.clone()).or_default().push(entry);
        }
    }
    Ok(executed)
}

/// A sandbox that processes at once, and what it sees.
pub(super) async fn start_sandbox(builder: Builder) -> Result<(Sandbox, Witness), String> {
    let witness = Witness::new(true);
    let builder = builder.merchant(canary::MERCHANT, canary::SECRET).processing_time(Duration::ZERO).observer({
        let witness = witness.clone();
        move |exchange| witness.see(exchange)
    });
    let sandbox = builder.start().await.map_err(|error| format!("no sandbox: {error}"))?;
    Ok((sandbox, witness))
}

impl Conductor {
    /// Cuts a create at every `stride`-th byte, and at the last one.
    pub async fn sweep(&mut self, sweep: Sweep, stride: usize) -> Swept {
        let start = Instant::now();
        let mut swept = Swept::default();
        let ended = match sweep {
            Sweep::Requests => self.sweep_bytes(Way::Request, stride, &mut swept).await,
            Sweep::Answers => self.sweep_bytes(Way::Answer, stride, &mut swept).await,
            Sweep::Tls => self.sweep_tls(stride, &mut swept).await,
        };
        // A sweep that never sees an ending cannot tell whether that ending is right.
        for ending in ["accepted", "recovered", "outcome_unknown"] {
            if ended.is_ok() && !swept.endings.keys().any(|seen| seen.starts_with(ending)) {
                swept.found.push(format!("no create ended as {ending}"));
            }
        }
        if let Err(problem) = ended {
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

    async fn sweep_bytes(&mut self, way: Way, stride: usize, swept: &mut Swept) -> Result<(), String> {
        let mut stage = Stage::start().await?;
        for client in Client::ALL {
            let settings = client.settings(&stage.cutter.base_url(), &stage.sandbox);
            self.open(client.name(), &settings).await?;
        }
        let (request, answer) = self.lengths(&mut stage).await?;
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
        Ok(())
    }

    /// The lengths of a create's request and answer, which are the same in each.
    async fn lengths(&mut self, stage: &mut Stage) -> Result<(usize, usize), String> {
        let mut seen = Vec::new();
        for client in Client::ALL {
            let id = stage.id();
            let answers = self.create_all(&[(id.as_str(), client.name())], false).await?;
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
        let creates: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.client.name())).collect();
        let answers = self.create_all(&creates, false).await?;
        let first = stage.executed(self.patience).await?;
        stage.sandbox.clear_faults();
        stage.cutter.clear();
        let then = self.resume_open(&creates, &answers, Client::Patient.name()).await?;
        let at_last = stage.executed(self.patience).await?;

        for (case, answer) in cases.iter().zip(&answers) {
            let judged = judge(case, swept.bytes, answer, &stage.cutter.trace(&case.id))
                .and_then(|()| by_ledger(&case.id, answer, of(&first, &case.id)))
                .and_then(|ending| resumed(&case.id, ending, then.get(&case.id), of(&at_last, &case.id)));
            swept.add(judged.map_err(|problem| format!("{:?} of the {:?} client: {problem}", case.cut, case.client)));
        }
        Ok(())
    }

    /// Resumes each of these creates that was not accepted, by another client, and gives the answers.
    pub(super) async fn resume_open(
        &mut self,
        creates: &[(&str, &str)],
        answers: &[Value],
        client: &str,
    ) -> Result<BTreeMap<String, Value>, String> {
        let open = creates.iter().zip(answers).filter(|(_, answer)| answer.get("ok").is_none());
        let again: Vec<_> = open.map(|((id, _), _)| (*id, client)).collect();
        let answers = self.create_all(&again, true).await?;
        Ok(again.iter().map(|(id, _)| (*id).to_owned()).zip(answers).collect())
    }

    /// Makes these creates, some at a time, and gives their answers.
    pub(super) async fn create_all(&mut self, creates: &[(&str, &str)], resume: bool) -> Result<Vec<Value>, String> {
        let mut answers = Vec::new();
        let call = |id: &str| if resume { format!("{id} again") } else { id.to_owned() };
        for turn in 0..creates.len() + AT_ONCE {
            if let Some((id, client)) = creates.get(turn) {
                let arguments = json!({"payout_id": id, "request": request(), "resume": resume});
                let start = json!({
                    "do": "start", "call": call(id), "client": client, "operation": "create_payout",
                    "arguments": arguments,
                });
                self.expect_null(&start).await?;
            }
            if let Some((id, _)) = turn.checked_sub(AT_ONCE).and_then(|turn| creates.get(turn)) {
                answers.push(self.tell(&json!({"do": "finish", "call": call(id)})).await?);
            }
        }
        Ok(answers)
    }

    pub(super) async fn open(&mut self, client: &str, settings: &Value) -> Result<(), String> {
        self.expect_null(&json!({"do": "open", "client": client, "settings": settings})).await
    }

    pub(super) async fn expect_null(&mut self, told: &Value) -> Result<(), String> {
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

/// What was on the wire of a create whose request or answer has so many bytes.
fn judge(case: &Case, bytes: usize, answer: &Value, trace: &Trace) -> Result<(), String> {
    let is_mangled = trace.was_cut && case.cut.way == Way::Answer && case.cut.at < bytes;
    let problem = if trace.calls.windows(2).any(|pair| pair == [Call::Create, Call::Create]) {
        "the create was repeated before the payout was read"
    } else if is_mangled && answer["ok"]["recovered"] == false {
        "half an answer was believed"
    } else if case.client == Client::Patient && !trace.was_cut {
        // The deadline of a client that has little time may come before the cut.
        "nothing was cut"
    } else {
        return Ok(());
    };
    Err(format!("{problem}: {}", result(answer)))
}

/// How a create ended, if the ledger allows it.
pub(super) fn by_ledger(id: &str, answer: &Value, executed: &[LedgerEntry]) -> Result<String, String> {
    let problem = |problem: &str| Err(format!("{problem}: {}, with {} in the ledger", result(answer), show(executed)));
    if canary::is_in(&answer.to_string()) {
        return problem("the answer shows a canary");
    }
    if answer.get("ok").is_some() {
        return accepted(id, answer, executed);
    }
    let error = &answer["error"];
    match (error["kind"].as_str(), error["money_may_have_moved"].as_bool()) {
        (Some("outcome_unknown"), Some(true)) if executed.len() <= 1 => Ok("outcome_unknown".to_owned()),
        (Some(kind), Some(false)) if executed.is_empty() => Ok(kind.to_owned()),
        (Some(_), Some(false)) => problem("it was executed, and is said not to be"),
        _ => problem("a create may not end so"),
    }
}

/// How a create ended in the end, if it had to be resumed and was accepted then.
pub(super) fn resumed(
    id: &str,
    ending: String,
    answer: Option<&Value>,
    executed: &[LedgerEntry],
) -> Result<String, String> {
    let Some(answer) = answer else { return Ok(ending) };
    match accepted(id, answer, executed) {
        Ok(then) => Ok(format!("{ending} then {then}")),
        Err(problem) => Err(format!("{ending}, then with resume: {problem}")),
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
