//! The sweep over TLS: a create's first connection is cut around each boundary of its records, from the handshake on.

use std::net::SocketAddr;
use std::path::PathBuf;

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use serde_json::{Value, json};

use super::conductor::{Conductor, shared_folder};
use super::sweep::{Swept, by_ledger, executed, of, resumed, start_sandbox};
use crate::canary;
use crate::cutter::{End, Way};
use crate::tunnel::{Mark, Tunnel};

/// The client that no tunnel stands before.
const DIRECT: &str = "direct";

/// A create that is cut. It has a client of its own, so that its connection is the tunnel's first.
struct Case {
    id: String,
    mark: Mark,
    tunnel: Tunnel,
    /// No read is allowed to it, and it soon gives up.
    is_blind: bool,
}

/// The sandbox's certificate in a file, which goes with this.
struct Certificate(PathBuf);

impl Drop for Certificate {
    fn drop(&mut self) {
        // A file that stays behind harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Conductor {
    pub(super) async fn sweep_tls(&mut self, stride: usize, swept: &mut Swept) -> Result<(), String> {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(|e| e.to_string())?;
        let (text, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let path = shared_folder().join(format!("komopay-cuts-{}.pem", std::process::id()));
        std::fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        let certificate = Certificate(path);
        let (sandbox, witness) = start_sandbox(Sandbox::builder().tls(&text, &key)).await?;
        let target: Option<SocketAddr> = sandbox.base_url().strip_prefix("https://").and_then(|it| it.parse().ok());
        let target = target.ok_or("a sandbox without an address")?;
        // Without a token call, the create is the first one on the first connection.
        let token = sandbox.issue_token(&[], None, 600);
        let settings = |base_url: &str, is_blind: bool| {
            let (total, attempt) = if is_blind { (1000, 500) } else { (40_000, 20_000) };
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
        let lengths = [Way::Request, Way::Answer].map(|way| (way, whole.records(way)));
        swept.bytes = lengths.iter().flat_map(|(_, lengths)| lengths).sum();

        let mut cases = Vec::new();
        for (at, mark) in marks(&lengths).into_iter().enumerate().filter(|(at, _)| at % stride.min(8) == 0) {
            for is_blind in [false, true] {
                let tunnel = Tunnel::start(target, Some(mark)).await.map_err(|error| error.to_string())?;
                let id = format!("TLS-{:06}", 1 + 2 * at + usize::from(is_blind));
                self.open(&id, &settings(&tunnel.base_url(), is_blind)).await?;
                if is_blind {
                    let reads = When::always(Operation::GetPayout).for_payout(&id);
                    sandbox.inject(Fault::new(reads, Effect::Forbidden));
                }
                cases.push(Case { id, mark, tunnel, is_blind });
            }
        }
        let creates: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.id.as_str())).collect();
        let answers = self.create_all(&creates, false).await?;
        let first = executed(&sandbox, self.patience).await?;
        sandbox.clear_faults();
        let then = self.resume_open(&creates, &answers, DIRECT).await?;
        let at_last = executed(&sandbox, self.patience).await?;

        let wire = witness.wire();
        let last = lengths.iter().filter(|(way, _)| *way == Way::Answer).map(|(_, lengths)| lengths.len() - 1).sum();
        for (case, answer) in cases.iter().zip(&answers) {
            let judged = judge(case, last, answer, &wire)
                .and_then(|()| by_ledger(&case.id, answer, of(&first, &case.id)))
                .and_then(|ending| resumed(&case.id, ending, then.get(&case.id), of(&at_last, &case.id)));
            let client = if case.is_blind { "blind" } else { "patient" };
            swept.add(judged.map_err(|problem| format!("{:?} of the {client} client: {problem}", case.mark)));
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
fn marks(lengths: &[(Way, Vec<usize>)]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (way, lengths) in lengths {
        let inside = |length: usize| [0, 1, 5, length / 2, length - 1];
        let places = lengths.iter().enumerate().flat_map(|(at, length)| inside(*length).map(|bytes| (at, bytes)));
        for (records, bytes) in places.chain([(lengths.len(), 0)]) {
            marks.extend([End::Close, End::Reset].map(|end| Mark { way: *way, records, bytes, end }));
        }
    }
    marks
}

/// What was on the wire, as far as it can be seen; the answer ends in the last record.
fn judge(case: &Case, last: usize, answer: &Value, wire: &[String]) -> Result<(), String> {
    let target = format!(" /payouts/{}", case.id);
    let calls: Vec<&str> = wire.iter().filter_map(|call| call.strip_suffix(&target)).collect();
    let was_cut = case.tunnel.was_cut();
    // Before its first byte, what was cut may have been the connection of a create that was yet to be sent.
    let is_mangled = was_cut && case.mark.way == Way::Answer && case.mark.records == last && case.mark.bytes > 0;
    if canary::is_in(&answer.to_string()) {
        Err("the answer shows a canary".to_owned())
    } else if !was_cut && !case.is_blind {
        Err("nothing was cut".to_owned())
    } else if calls.windows(2).any(|pair| pair == ["POST", "POST"]) {
        Err("the create was repeated before the payout was read".to_owned())
    } else if is_mangled && answer["ok"]["recovered"] == false {
        Err("half an answer was believed".to_owned())
    } else {
        Ok(())
    }
}
