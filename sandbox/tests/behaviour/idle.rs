//! When the sandbox is idle, and how it stops.

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{create, documented_create, get, host, ledger, request};
use crate::start::sandbox;

#[tokio::test]
async fn a_sandbox_is_idle_at_once() {
    let sandbox = sandbox().await;
    sandbox.idle().await;
    sandbox.idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_waits_for_creates_whose_client_left_at_once() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&[], None, 600);
    let body = documented_create().to_string();
    for round in 0..50 {
        // Blocking, so that the bytes are on their way before the server's tasks had any chance to look.
        let mut stream = std::net::TcpStream::connect(host(&sandbox)).unwrap();
        let bytes = request("POST", &format!("/payouts/A{round}"), Some(&token), &body);
        std::io::Write::write_all(&mut stream, bytes.as_bytes()).unwrap();
        drop(stream);
        sandbox.idle().await;
        assert_eq!(sandbox.ledger().len(), (round + 1) * 2);
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_alive_does_not_keep_the_sandbox_busy() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&[], None, 600);
    let mut stream = TcpStream::connect(host(&sandbox)).await.unwrap();
    let get = request("GET", "/payouts/A", Some(&token), "").replace("Connection: close\r\n", "");
    for _ in 0..2 {
        stream.write_all(get.as_bytes()).await.unwrap();
        let mut answer = [0; 17];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 410 Gone");
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            rest.push(stream.read_u8().await.unwrap());
        }
        sandbox.idle().await;
    }
    assert_eq!(sandbox.calls(Operation::GetPayout), 2);
}

#[tokio::test]
async fn stopping_closes_kept_connections_and_leaves_the_ledger_readable() {
    let sandbox = sandbox().await;
    create(&sandbox, "A", &documented_create()).await;
    let mut kept = TcpStream::connect(host(&sandbox)).await.unwrap();
    sandbox.idle().await;
    sandbox.stop().await;
    assert_eq!(kept.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn stopping_answers_calls_in_progress() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::Delay { ms: 50 }));
    let (reply, ()) = tokio::join!(get(&sandbox, "A"), async {
        while sandbox.calls(Operation::GetPayout) == 0 {
            tokio::task::yield_now().await;
        }
        sandbox.stop().await;
    });
    assert_eq!(reply.status(), 410);
}

#[tokio::test]
async fn dropping_ends_late_executions_and_connections() {
    let sandbox = sandbox().await;
    let address = host(&sandbox).to_owned();
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), Effect::ExecuteAfterClose { ms: 3_600_000 }));
    create(&sandbox, "A", &documented_create()).await;
    let mut kept = TcpStream::connect(&address).await.unwrap();
    drop(sandbox);
    assert_eq!(kept.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[test]
fn a_sandbox_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Sandbox>();
}

#[tokio::test]
async fn a_bad_balance_a_port_in_use_or_a_file_that_cannot_be_is_told_at_the_start() {
    let error = Sandbox::builder().balance("IDR", "much").start().await.err().unwrap();
    assert_eq!(error.to_string(), "the balance in IDR must be a decimal number of at least 0");
    let sandbox = sandbox().await;
    let port = host(&sandbox).rsplit_once(':').unwrap().1.parse().unwrap();
    let error = Sandbox::builder().port(port).start().await.err().unwrap();
    assert!(error.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{error}");
    let error = Sandbox::builder().record("no/such/folder/calls.jsonl").start().await.err().unwrap();
    assert!(error.to_string().starts_with("cannot write calls to no/such/folder/calls.jsonl: "), "{error}");
}
