//! A create whose connection is cut, at every byte of its request or of its answer, or whose bytes are repeated: the
//! ledger decides.
//!
//! What must hold, wherever it is:
//! - accepted only if it was executed, once, with our money, and never by an answer of which a byte is missing;
//! - an error that says "no money moved" only if nothing was executed;
//! - anything else is `outcome_unknown`, and executed once at most;
//! - no create is repeated before the payout was read;
//! - the same create with `resume` then is accepted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use komopay_sandbox::{Builder, Effect, Fault, Operation, Sandbox, When};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::conductor::Conductor;
use super::tls_sweep::Tls;
use super::verdict::{Executed, by_ledger, executed, of, request, result, resumed, show};
use super::witness::Witness;
use crate::canary;
use crate::cutter::{Act, Call, Cut, Cutter, End, Trace, Way};

/// How many creates are under way at a time.
const AT_ONCE: usize = 64;
/// So many stalls in each direction, since each costs the deadline of an attempt.
const STALLS: usize = 24;
/// So many violations are shown in full.
const SHOWN: usize = 20;

/// Which bytes are swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Those of the request.
    Requests,
    /// Those of the answer.
    Answers,
    /// Those of the request and of the answer, but the network repeats instead of cutting.
    Repeats,
    /// Around the boundaries of TLS records, and at drawn bytes, both ways, from the handshake on.
    Tls,
    /// Drawn bytes of TLS, both ways, but the network turns a bit over or repeats instead of cutting.
    Tampering,
}

impl Sweep {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Requests, Self::Answers, Self::Repeats, Self::Tls, Self::Tampering];

    /// What it is called in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "cut_requests",
            Self::Answers => "cut_answers",
            Self::Repeats => "repeated",
            Self::Tls => "cut_tls",
            Self::Tampering => "tampered_tls",
        }
    }

    /// What its cases are.
    #[must_use]
    pub fn cases(self) -> &'static str {
        match self {
            Self::Requests | Self::Answers | Self::Tls => "creates cut",
            Self::Repeats => "creates repeated by the network",
            Self::Tampering => "creates tampered with over TLS",
        }
    }
}

/// How a sweep ended.
#[derive(Debug, Default)]
pub struct Swept {
    /// The length of what is swept.
    pub bytes: usize,
    /// One in so many bytes was taken, or of what is drawn.
    pub stride: usize,
    /// How many creates were cut, or met something else.
    pub cases: usize,
    /// What the drawn bytes follow from, where some are drawn.
    pub seed: Option<u64>,
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
        let Self { bytes, stride, cases, endings, took, seed, .. } = self;
        write!(f, "{bytes} bytes, ")?;
        if *stride > 1 {
            write!(f, "one in {stride} of them, ")?;
        }
        write!(f, "{cases} cases in {:.1}s", took.as_secs_f64())?;
        if let Some(seed) = seed {
            write!(f, ", seed {seed}")?;
        }
        endings.iter().try_for_each(|(ending, count)| write!(f, ", {count} {ending}"))
    }
}

/// A client of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// It finds out in the call what came of the cut one.
    Patient,
    /// It cannot, since no read is allowed to it, and it soon gives up.
    Blind,
    /// Its attempts have a short deadline, which alone ends a stall.
    Hasty,
}

impl Client {
    pub(super) const ALL: [Self; 3] = [Self::Patient, Self::Blind, Self::Hasty];

    pub(super) fn name(self) -> &'static str {
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
pub(super) struct Case {
    pub id: String,
    pub cut: Cut,
    pub client: Client,
}

/// What the sweep is played on.
pub(super) struct Stage {
    sandbox: Sandbox,
    witness: Witness,
    cutter: Cutter,
    /// How many ids there were.
    ids: usize,
}

impl Stage {
    /// Starts it. What is repeated may be no request of the contract any more.
    async fn start(judges_requests: bool) -> Result<Self, String> {
        let (sandbox, witness) = start_sandbox(Sandbox::builder(), judges_requests).await?;
        let cutter = Cutter::start(sandbox.base_url()).await.map_err(|error| format!("no proxy: {error}"))?;
        Ok(Self { sandbox, witness, cutter, ids: 0 })
    }

    /// An id that was never used. All are of one length, so that an offset means the same in each.
    pub(super) fn id(&mut self) -> String {
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

/// A sandbox that processes at once, and what it sees.
pub(super) async fn start_sandbox(builder: Builder, judges_requests: bool) -> Result<(Sandbox, Witness), String> {
    let witness = Witness::new(judges_requests);
    let builder = builder.merchant(canary::MERCHANT, canary::SECRET).processing_time(Duration::ZERO).observer({
        let witness = witness.clone();
        move |exchange| witness.see(exchange)
    });
    let sandbox = builder.start().await.map_err(|error| format!("no sandbox: {error}"))?;
    Ok((sandbox, witness))
}

impl Conductor {
    /// Cuts a create at every `stride`-th byte, and at the last one; of drawn bytes, plays one in `stride`. The seed
    /// says which: sweeps of so many seeds in turn meet each byte once.
    pub async fn sweep(&mut self, sweep: Sweep, stride: usize) -> Swept {
        let start = Instant::now();
        let mut swept = Swept { stride, ..Swept::default() };
        let ended = match sweep {
            Sweep::Requests => self.sweep_bytes(Way::Request, stride, &mut swept).await,
            Sweep::Answers => self.sweep_bytes(Way::Answer, stride, &mut swept).await,
            Sweep::Repeats => self.sweep_repeats(stride, &mut swept).await,
            Sweep::Tls => self.sweep_tls(Tls::Cut, stride, &mut swept).await,
            Sweep::Tampering => self.sweep_tls(Tls::TamperedWith, stride, &mut swept).await,
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
        let (mut stage, request, answer) = self.open_stage(true).await?;
        swept.bytes = if way == Way::Request { request } else { answer };
        for client in Client::ALL {
            let (ends, stride): (&[End], _) = match client {
                Client::Patient | Client::Blind => (&[End::Close, End::Reset], stride),
                Client::Hasty => (&[End::Stall], stride.max(swept.bytes.div_ceil(STALLS))),
            };
            let offsets = (first_offset(self.seed, stride)..swept.bytes).step_by(stride).chain([swept.bytes]);
            let cuts = offsets.flat_map(|at| ends.iter().map(move |end| Cut { way, at, act: Act::End(*end) }));
            let cases: Vec<Case> = cuts.map(|cut| Case { id: stage.id(), cut, client }).collect();
            self.cut_all(&stage, &cases, swept).await?;
        }
        self.close_stage(stage, swept).await
    }

    /// A stage with all clients, and the lengths of a create's request and answer.
    pub(super) async fn open_stage(&mut self, judges_requests: bool) -> Result<(Stage, usize, usize), String> {
        let mut stage = Stage::start(judges_requests).await?;
        for client in Client::ALL {
            let settings = client.settings(&stage.cutter.base_url(), &stage.sandbox);
            self.open(client.name(), &settings).await?;
        }
        let (request, answer) = self.lengths(&mut stage).await?;
        Ok((stage, request, answer))
    }

    pub(super) async fn close_stage(&mut self, stage: Stage, swept: &mut Swept) -> Result<(), String> {
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
    pub(super) async fn cut_all(&mut self, stage: &Stage, cases: &[Case], swept: &mut Swept) -> Result<(), String> {
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
            let may_be_taken = case.cut.act == Act::Retry;
            let judged = judge(case, swept.bytes, answer, &stage.cutter.trace(&case.id))
                .and_then(|()| by_ledger(&case.id, answer, of(&first, &case.id), may_be_taken))
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

/// Where a sweep of every `stride`-th byte begins. The first seed begins at the first byte.
fn first_offset(seed: u64, stride: usize) -> usize {
    // A remainder of a stride fits.
    seed.checked_sub(1).and_then(|at| usize::try_from(at % stride as u64).ok()).unwrap_or_default()
}

/// What was on the wire of a create whose request or answer has so many bytes.
fn judge(case: &Case, bytes: usize, answer: &Value, trace: &Trace) -> Result<(), String> {
    let is_cut = trace.was_cut && matches!(case.cut.act, Act::End(_));
    let is_mangled = is_cut && case.cut.way == Way::Answer && case.cut.at < bytes;
    // What a garbled request is answered is believed, such as a 401, after which the create may come at once.
    let may_follow = case.cut.way == Way::Request && case.cut.act == Act::Repeat;
    let problem = if !may_follow && trace.calls.windows(2).any(|pair| pair == [Call::Create, Call::Create]) {
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

#[cfg(test)]
mod tests {
    use super::first_offset;

    #[test]
    fn sweeps_of_so_many_seeds_in_turn_meet_each_byte_once() {
        let mut met: Vec<usize> = (1..=5).flat_map(|seed| (first_offset(seed, 5)..739).step_by(5)).collect();
        met.sort_unstable();
        assert!(met.into_iter().eq(0..739));
        assert_eq!([first_offset(0, 5), first_offset(1, 5), first_offset(6, 5), first_offset(9, 1)], [0; 4]);
    }
}
