//! The gateway's ledger: what it really did with money, whatever it told the client.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::gateway::Gateway;

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) kind: String,
    pub(crate) payout_id: String,
    at: String,
    amount: String,
    currency: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, payout_id, at, amount, currency } = self;
        // The time of day of an RFC 3339 text, to the millisecond.
        let time = at.split_once('T').map_or(at.as_str(), |(_, time)| time).trim_end_matches('Z');
        write!(f, "{time:.12} UTC   {kind:<8}   {payout_id}   {amount} {currency}")
    }
}

/// Asks the gateway's control API.
pub(crate) fn read(gateway: &Gateway) -> Outcome<Vec<Line>> {
    let answer = get(gateway.base_url(), "/_sandbox/ledger", gateway.control_token())?;
    parse(&answer).ok_or_else(|| Failure::new(format!("the gateway's ledger cannot be understood: {answer}")))
}

/// Exactly one payment: one line when the gateway took it, one when the money had left, nothing else.
pub(crate) fn check_paid_once(lines: &[Line], payout_id: &str) -> Outcome {
    let kinds: Vec<&str> = lines.iter().filter(|line| line.payout_id == payout_id).map(|line| &*line.kind).collect();
    if kinds == ["executed", "booked"] && lines.len() == 2 {
        return Ok(());
    }
    Err(Failure::new(format!("the ledger should show {payout_id} executed once and booked once: {lines:?}")))
}

/// So many payouts, each exactly one payment.
pub(crate) fn check_each_paid_once(lines: &[Line], payouts: usize) -> Outcome {
    let ids: BTreeSet<&str> = lines.iter().map(|line| &*line.payout_id).collect();
    if ids.len() != payouts {
        return Err(Failure::new(format!("the ledger should show {payouts} payouts: {lines:?}")));
    }
    ids.into_iter().try_for_each(|id| {
        let own: Vec<Line> = lines.iter().filter(|line| line.payout_id == id).cloned().collect();
        check_paid_once(&own, id)
    })
}

/// Puts the gateway's clock forward.
pub(crate) fn advance(gateway: &Gateway, time: Duration) -> Outcome {
    let body = format!("{{\"advance_ms\": {}}}", time.as_millis());
    ask("POST", gateway.base_url(), "/_sandbox/clock", gateway.control_token(), &body).map(drop)
}

fn get(base_url: &str, path: &str, token: &str) -> Outcome<String> {
    ask("GET", base_url, path, token, "")
}

fn ask(method: &str, base_url: &str, path: &str, token: &str, body: &str) -> Outcome<String> {
    let failed = |error| Failure::while_doing(format!("cannot ask {base_url}{path}"))(error);
    let host = base_url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(failed)?;
    // HTTP/1.0: the answer comes in one piece, and the connection is closed after it.
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") || head.contains(" 204 ") => Ok(body.to_owned()),
        _ => Err(Failure::new(format!("{base_url}{path} answered {answer}"))),
    }
}

fn parse(json: &str) -> Option<Vec<Line>> {
    let lines: Value = serde_json::from_str(json).ok()?;
    let text = |line: &Value, name: &str| Some(line.get(name)?.as_str()?.to_owned());
    lines
        .as_array()?
        .iter()
        .map(|line| {
            Some(Line {
                kind: text(line, "kind")?,
                payout_id: text(line, "payout_id")?,
                at: text(line, "at")?,
                amount: text(line, "amount")?,
                currency: text(line, "currency")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(kinds: &[&str]) -> Vec<Line> {
        let lines: Vec<String> = kinds
            .iter()
            .map(|kind| {
                format!(
                    r#"{{"sequence":1,"at":"2026-11-23T04:47:00.123456789Z","kind":"{kind}","payout_id":"TST-223344",
                    "amount":"10000","currency":"IDR","payee_hash":"00ff"}}"#
                )
            })
            .collect();
        parse(&format!("[{}]", lines.join(","))).unwrap()
    }

    #[test]
    fn a_line_reads_as_a_sentence() {
        let lines = ledger(&["booked"]);
        assert_eq!(lines[0].to_string(), "04:47:00.123 UTC   booked     TST-223344   10000 IDR");
    }

    #[test]
    fn only_one_executed_and_one_booked_line_is_one_payment() {
        assert_eq!(check_paid_once(&ledger(&["executed", "booked"]), "TST-223344"), Ok(()));
        for wrong in [&["executed"][..], &["executed", "released"], &["executed", "executed", "booked"], &[]] {
            assert!(check_paid_once(&ledger(wrong), "TST-223344").is_err(), "{wrong:?}");
        }
        assert!(check_paid_once(&ledger(&["executed", "booked"]), "TST-1").is_err());
    }

    #[test]
    fn each_of_several_payouts_is_one_payment() {
        let mut lines = ledger(&["executed", "booked", "executed", "booked"]);
        assert!(check_each_paid_once(&lines, 1).is_err());
        lines.iter_mut().skip(2).for_each(|line| line.payout_id = "TST-2".to_owned());
        assert_eq!(check_each_paid_once(&lines, 2), Ok(()));
        assert!(check_each_paid_once(&lines, 3).is_err());
        lines.pop();
        assert!(check_each_paid_once(&lines, 2).is_err());
    }
}
