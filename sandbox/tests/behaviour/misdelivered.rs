//! Answers that a front end delivers to the wrong request, as they stand on a kept connection.

use std::collections::BTreeMap;

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{End, Reply, create, documented_create, get, host, ledger, request};
use crate::contract::{body, path};
use crate::start::sandbox;

const EXECUTED: [&str; 2] = ["executed A", "booked A"];
const NOTHING: [&str; 0] = [];

/// A connection that is kept, and the answers on it, one by one.
struct Kept {
    stream: TcpStream,
    token: String,
}

impl Kept {
    async fn open(sandbox: &Sandbox) -> Self {
        let stream = TcpStream::connect(host(sandbox)).await.unwrap();
        Self { stream, token: sandbox.issue_token(&[], None, 600) }
    }

    /// A connection that has carried an exchange, and the answer of that: 410.
    async fn used(sandbox: &Sandbox) -> (Self, Reply) {
        let mut kept = Self::open(sandbox).await;
        let answer = kept.call("GET", "/payouts/NOBODY", "").await;
        assert_eq!(answer.status(), 410);
        (kept, answer)
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) {
        let bytes = request(method, path, Some(&self.token), body).replace("Connection: close\r\n", "");
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn create(&mut self, id: &str) {
        self.send("POST", &format!("/payouts/{id}"), &documented_create().to_string()).await;
    }

    /// The next answer, to its last byte and not further.
    async fn answer(&mut self) -> Reply {
        let mut reply = Reply { raw: Vec::new(), end: End::Closed };
        while !reply.raw.ends_with(b"\r\n\r\n") {
            reply.raw.push(self.stream.read_u8().await.unwrap());
        }
        let length: usize = reply.headers()["content-length"].parse().unwrap();
        let head = reply.raw.len();
        reply.raw.resize(head + length, 0);
        self.stream.read_exact(&mut reply.raw[head..]).await.unwrap();
        reply
    }

    async fn call(&mut self, method: &str, path: &str, body: &str) -> Reply {
        self.send(method, path, body).await;
        self.answer().await
    }
}

fn stray(status: u16, execute_after_ms: Option<u64>) -> Effect {
    Effect::StrayAnswer {
        status,
        headers: BTreeMap::new(),
        body: r#"{"description":"stray"}"#.to_owned(),
        execute_after_ms,
    }
}

fn break_next(sandbox: &Sandbox, operation: Operation, effect: Effect) {
    sandbox.inject(Fault::new(When::nth(operation, 1), effect));
}

#[tokio::test]
async fn a_stray_answer_comes_before_the_true_one_and_after_the_execution() {
    let sandbox = sandbox().await;
    let (mut kept, _) = Kept::used(&sandbox).await;
    break_next(&sandbox, Operation::CreatePayout, stray(400, None));
    kept.create("A").await;

    let answer = kept.answer().await;
    assert_eq!((answer.status(), answer.description().as_str()), (400, "stray"));
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(answer.headers()["date"].ends_with(" GMT"));
    assert_eq!(sandbox.ledger().len(), 2, "without waiting for anything");
    assert_eq!(get(&sandbox, "A").await.status(), 200);

    let answer = kept.answer().await;
    assert_eq!((answer.status(), &answer.json()["paymentMethodResponse"]["idPayout"]), (201, &"A".into()));
    assert_eq!(ledger(&sandbox).await, EXECUTED);
}

#[tokio::test]
async fn a_client_always_sees_that_there_is_more_than_it_asked_for() {
    for n in 0..20 {
        let sandbox = sandbox().await;
        let (mut kept, _) = Kept::used(&sandbox).await;
        break_next(&sandbox, Operation::CreatePayout, stray(400, None));
        kept.create("A").await;
        let mut piece = [0; 16 * 1024];
        let read = kept.stream.read(&mut piece).await.unwrap();
        let statuses = String::from_utf8_lossy(&piece[..read]).matches("HTTP/1.1 ").count();
        assert_eq!(statuses, 2, "{n}: both answers come in one piece");
    }
}

#[tokio::test]
async fn a_stray_answer_goes_out_as_it_was_ordered() {
    let sandbox = sandbox().await;
    let (mut kept, _) = Kept::used(&sandbox).await;
    let headers = [("Retry-After", "7"), ("Content-Type", "text/plain"), ("no header", "x")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let effect = Effect::StrayAnswer { status: 429, headers, body: "slow".to_owned(), execute_after_ms: None };
    break_next(&sandbox, Operation::GetPayout, effect);
    let answer = kept.call("GET", "/payouts/A", "").await;
    assert_eq!((answer.status(), answer.body().as_str()), (429, "slow"));
    assert_eq!((&*answer.headers()["retry-after"], &*answer.headers()["content-type"]), ("7", "text/plain"));
    assert_eq!(kept.answer().await.status(), 410);
}

#[tokio::test]
async fn a_doubled_answer_is_the_previous_one_byte_by_byte() {
    let sandbox = sandbox().await;
    let (mut kept, first) = Kept::used(&sandbox).await;
    let doubled = Effect::PreviousAnswer { execute_after_ms: None };
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), doubled));
    kept.create("A").await;
    assert_eq!(kept.answer().await.raw, first.raw);
    let made = kept.answer().await;
    assert_eq!(made.status(), 201);

    // Not the doubled one once more: the one that was the create's own.
    kept.create("B").await;
    assert_eq!(kept.answer().await.raw, made.raw);
    assert_eq!(kept.answer().await.status(), 201);
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A", "executed B", "booked B"]);
}

#[tokio::test]
async fn nothing_strays_on_a_new_connection_and_the_fault_waits() {
    for effect in [stray(400, None), Effect::PreviousAnswer { execute_after_ms: None }] {
        let sandbox = sandbox().await;
        // The second on connections that were kept: the one on a new connection does not count.
        sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 2), effect));
        assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 201);
        let (mut kept, _) = Kept::used(&sandbox).await;
        kept.create("B").await;
        assert_eq!(kept.answer().await.status(), 201);
        kept.create("C").await;
        assert!(!kept.answer().await.body().contains("\"C\""));
        assert!(kept.answer().await.body().contains("\"C\""));
        kept.create("D").await;
        assert_eq!(kept.answer().await.status(), 201, "it is used up");
    }
}

#[tokio::test]
async fn a_call_may_execute_long_after_the_stray_answer() {
    for effect in [stray(400, Some(3_600_000)), Effect::PreviousAnswer { execute_after_ms: Some(3_600_000) }] {
        let sandbox = sandbox().await;
        let (mut kept, _) = Kept::used(&sandbox).await;
        break_next(&sandbox, Operation::CreatePayout, effect);
        kept.create("A").await;
        assert!([400, 410].contains(&kept.answer().await.status()));
        assert_eq!(sandbox.ledger(), []);
        assert_eq!(get(&sandbox, "A").await.status(), 410);
    }
}

#[tokio::test]
async fn a_late_call_executes_even_if_the_client_has_left() {
    let sandbox = sandbox().await;
    let (mut kept, _) = Kept::used(&sandbox).await;
    break_next(&sandbox, Operation::CreatePayout, stray(400, Some(20)));
    kept.create("A").await;
    assert_eq!(kept.answer().await.status(), 400);
    drop(kept);
    assert_eq!(ledger(&sandbox).await, EXECUTED);
}

#[tokio::test]
async fn answers_stray_to_every_operation() {
    for operation in Operation::ALL {
        let sandbox = sandbox().await;
        let (mut kept, _) = Kept::used(&sandbox).await;
        create(&sandbox, "A", &documented_create()).await;
        break_next(&sandbox, operation, stray(503, None));
        let answer = kept.call(operation.method().as_str(), &path(operation), &body(operation)).await;
        assert_eq!(answer.status(), 503, "{operation}");
        let own = kept.answer().await.status();
        assert_eq!(own, if operation == Operation::CreatePayout { 409 } else { 200 }, "{operation}");
    }
}

#[tokio::test]
async fn what_fails_its_checks_executes_nothing_behind_a_stray_answer_either() {
    let sandbox = crate::start::start_for_wrong_requests(Sandbox::builder()).await;
    let (mut kept, _) = Kept::used(&sandbox).await;
    break_next(&sandbox, Operation::CreatePayout, stray(400, None));
    assert_eq!(kept.call("POST", "/payouts/A", "{}").await.description(), "stray");
    assert_eq!(kept.answer().await.status(), 400);
    assert_eq!(ledger(&sandbox).await, NOTHING);
}
