//! The sweeps over TLS: a create's first connection is cut around each boundary of its records and at drawn bytes, from
//! the handshake on; or it is tampered with, which TLS detects.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use serde_json::{Value, json};

use super::conductor::{Conductor, shared_folder};
use super::sweep::{Swept, start_sandbox};
use super::verdict::{by_ledger, executed, of, resumed};
use crate::canary;
use crate::cutter::{End, Way};
use crate::tunnel::{Act, Mark, Tunnel};

/// The client that no tunnel stands before.
const DIRECT: &str = "direct";

/// So many bytes are drawn in each direction.
const DRAWN: usize = 200;

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// It ends.
    Cut,
    /// A bit is turned over, or a part of a record comes twice.
    TamperedWith,
}

/// The lengths of the records of a create that passed whole, by direction.
type Records = [(Way, Vec<usize>); 2];

/// A create that is cut. It has a client of its own, so that its connection is the tunnel's first.
struct Case {
    id: String,
    mark: Mark,
    tunnel: Tunnel,
    /// No read is allowed to it, and it soon gives up.
    is_blind: bool,
}

/// How many sweeps there were: they may run side by side, and each has a certificate of its own.
static SWEEPS: AtomicUsize = AtomicUsize::new(0);

/// The sandbox's certificate in a file, which goes with this.
struct Certificate(PathBuf);

impl Drop for Certificate {
    fn drop(&mut self) {
        // A file that stays behind harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Conductor {
    pub(super) async fn sweep_tls(&mut self, what: Tls, stride: usize, swept: &mut Swept) -> Result<(), String> {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(|e| e.to_string())?;
        let (text, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let number = SWEEPS.fetch_add(1, Ordering::Relaxed);
        let path = shared_folder().join(format!("komopay-cuts-{}-{number}.pem", std::process::id()));
        std::fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        let certificate = Certificate(path);
        let (sandbox, witness) = start_sandbox(Sandbox::builder().tls(&text, &key), true).await?;
        let target: Option<SocketAddr> = sandbox.base_url().strip_prefix("https://").and_then(|it| it.parse().ok());
        let target = target.ok_or("a sandbox without an address")?;
        // Without a token call, the create is the first one on the first connection.
        let token = sandbox.issue_token(&[], None, 600);
        let settings = |base_url: &str, is_blind: bool| {
            // A length that was tampered with makes a side wait for what never comes.
            let patience = if what == Tls::Cut { 20_000 } else { 2_000 };
            let (total, attempt) = if is_blind { (1000, 500) } else { (40_000, patience) };
            // What has reached the platform may be executed after the client has learned of the cut.
            json!({
                "base_url": base_url, "token": token, "ca_file": certificate.0, "total_timeout": total,
                "attempt_timeout": attempt, "connect_timeout": attempt, "settle_window": 1200, "backoff_base": 50,
                "backoff_cap": 200,
            })
        };
        self.open(DIRECT, &settings(sandbox.base_url(), false)).await?;

        let whole = Tunnel::start(target, None).await.map_err(|error| error.to_string())?;
        self.open("TLS-000000", &settings(&whole.base_url(), false)).await?;
        let answers = self.create_all(&[("TLS-000000", "TLS-000000")], false).await?;
        if answers.iter().any(|answer| answer["ok"]["recovered"] != false) {
            return Err(format!("a create that is not cut: {answers:?}"));
        }
        let lengths: Records = [Way::Request, Way::Answer].map(|way| (way, whole.records(way)));
        swept.bytes = lengths.iter().flat_map(|(_, lengths)| lengths).sum();

        let mut draw = fastrand::Rng::with_seed(self.seed);
        swept.seed = Some(self.seed);
        let mut marks = Vec::new();
        if what == Tls::Cut {
            let all = boundaries(&lengths).into_iter().step_by(stride.min(8));
            marks.extend(all.flat_map(|mark| [(mark, false), (mark, true)]));
        }
        if what == Tls::TamperedWith {
            marks.extend(answer_head(&lengths).map(|mark| (mark, false)));
        }
        // As many of each kind, since they come in turn.
        marks.extend(
            drawn(&lengths, what, DRAWN / stride, &mut draw).into_iter().zip([false, true].into_iter().cycle()),
        );
        let mut cases = Vec::new();
        for (at, (mark, is_blind)) in marks.into_iter().enumerate() {
            let tunnel = Tunnel::start(target, Some(mark)).await.map_err(|error| error.to_string())?;
            let id = format!("TLS-{:06}", 1 + at);
            self.open(&id, &settings(&tunnel.base_url(), is_blind)).await?;
            if is_blind {
                let reads = When::always(Operation::GetPayout).for_payout(&id);
                sandbox.inject(Fault::new(reads, Effect::Forbidden));
            }
            cases.push(Case { id, mark, tunnel, is_blind });
        }
        let creates: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.id.as_str())).collect();
        let answers = self.create_all(&creates, false).await?;
        let first = executed(&sandbox, self.patience).await?;
        sandbox.clear_faults();
        let then = self.resume_open(&creates, &answers, DIRECT).await?;
        let at_last = executed(&sandbox, self.patience).await?;

        let wire = witness.wire();
        for (case, answer) in cases.iter().zip(&answers) {
            let judged = judge(case, &lengths, answer, &wire)
                .and_then(|()| by_ledger(&case.id, answer, of(&first, &case.id), false))
                .and_then(|ending| resumed(&case.id, ending, then.get(&case.id), of(&at_last, &case.id)));
            let client = if case.is_blind { "blind" } else { "patient" };
            swept.add(judged.map_err(|problem| {
                let [request, answer] = [Way::Request, Way::Answer].map(|way| case.tunnel.records(way));
                format!(
                    "{:?} of the {client} client, after records of {request:?} and {answer:?}: {problem}",
                    case.mark
                )
            }));
        }
        for client in cases.iter().map(|case| case.id.as_str()).chain([DIRECT, "TLS-000000"]) {
            self.expect_null(&json!({"do": "close", "client": client})).await?;
        }
        swept.found.extend(witness.violations());
        sandbox.stop().await;
        Ok(())
    }
}

/// At each boundary of a record, behind its first byte, behind its head, in its middle, and before its last byte.
fn boundaries(records: &Records) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (way, lengths) in records {
        let inside = |length: usize| [0, 1, 5, length / 2, length - 1];
        let places = lengths.iter().enumerate().flat_map(|(at, length)| inside(*length).map(|bytes| (at, bytes)));
        for (records, bytes) in places.chain([(lengths.len(), 0)]) {
            let mark = |end| Mark { way: *way, records, bytes, act: Act::End(end) };
            marks.extend([End::Close, End::Reset].map(mark));
        }
    }
    marks
}

/// Each byte of the head of the record with the answer.
fn answer_head([_, (way, lengths)]: &Records) -> impl Iterator<Item = Mark> {
    let mark = |bytes| Mark { way: *way, records: lengths.len().saturating_sub(1), bytes, act: Act::Flip };
    (0..5).map(mark)
}

/// At so many bytes of the stream in each direction, drawn.
fn drawn(records: &Records, what: Tls, count: usize, draw: &mut fastrand::Rng) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (way, lengths) in records {
        for _ in 0..count {
            let (records, mut bytes) = place(lengths, draw.usize(0..lengths.iter().sum()));
            let act = match (what, draw.bool()) {
                (Tls::Cut, true) => Act::End(End::Close),
                (Tls::Cut, false) => Act::End(End::Reset),
                (Tls::TamperedWith, true) => Act::Flip,
                // Of no byte of a record, nothing would be repeated.
                (Tls::TamperedWith, false) => Act::Repeat,
            };
            bytes += usize::from(act == Act::Repeat);
            marks.push(Mark { way: *way, records, bytes, act });
        }
    }
    marks
}

/// The place of a byte of the stream: how many whole records come before it, and how many bytes of its own.
fn place(lengths: &[usize], at: usize) -> (usize, usize) {
    let mut rest = at;
    let before = lengths.iter().take_while(|length| {
        let is_before = rest >= **length;
        rest -= if is_before { **length } else { 0 };
        is_before
    });
    (before.count(), rest)
}

/// What was on the wire, as far as it can be seen; the answer ends in the last record.
fn judge(case: &Case, records: &Records, answer: &Value, wire: &[String]) -> Result<(), String> {
    let target = format!(" /payouts/{}", case.id);
    let calls: Vec<&str> = wire.iter().filter_map(|call| call.strip_suffix(&target)).collect();
    let was_cut = case.tunnel.was_cut();
    // On a machine that stands still, a client may give the first connection up before anything happens to it.
    let was_sent = has_passed(case, records, Way::Request);
    let was_answered = has_passed(case, records, Way::Answer);
    if canary::is_in(&answer.to_string()) {
        Err("the answer shows a canary".to_owned())
    } else if !was_cut && was_answered {
        Err("nothing was cut".to_owned())
    } else if calls.windows(2).any(|pair| pair == ["POST", "POST"]) {
        Err("the create was repeated before the payout was read".to_owned())
    } else if was_cut && was_sent && spoils_answer(&case.mark, records) && answer["ok"]["recovered"] == false {
        Err("half an answer was believed".to_owned())
    } else {
        Ok(())
    }
}

/// Whether the last record of a create, which is its request or its answer, came over the first connection.
fn has_passed(case: &Case, records: &Records, way: Way) -> bool {
    let Some((_, whole)) = records.iter().find(|(other, _)| *other == way) else { return false };
    let passed = case.tunnel.records(way);
    // Who gives a connection up says so in a record, too, which is shorter.
    whole.len().checked_sub(1).is_some_and(|last| passed.get(last) >= whole.get(last))
}

/// Whether what happens here leaves no answer to a create that was sent before it happened.
fn spoils_answer(mark: &Mark, records: &Records) -> bool {
    let Some((_, lengths)) = records.iter().find(|(way, _)| *way == Way::Answer && mark.way == Way::Answer) else {
        return false;
    };
    let is_last = mark.records + 1 == lengths.len();
    is_last
        && match mark.act {
            // Before its first byte, what was cut may have been the connection of a create that was yet to be sent.
            Act::End(_) => mark.bytes > 0,
            // A record begins with a type and a version that TLS 1.3 gives a meaning no more, and rustls does not read.
            Act::Flip => mark.bytes > 2,
            // A record that came whole is as good as ever, if what follows it is not.
            Act::Repeat => lengths.last().is_some_and(|length| mark.bytes < *length),
        }
}
