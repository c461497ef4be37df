//! Callbacks: what is sent where, when it is repeated, and what stands in the delivery log.

use std::time::Duration;

use komopay_sandbox::{Builder, Delivery, DeliveryOutcome, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::client::{bank_transfer, create, get};
use crate::receiver::{NEVER, Receiver};
use crate::start::{start, start_for_wrong_requests};

/// How long a test waits for what should be there at once: less than an attempt may take by default.
pub const LIMIT: Duration = Duration::from_secs(9);

/// What the contract says.
pub const INTERVAL: Duration = Duration::from_secs(120);

/// A create with this callback URL.
pub fn with_callback(url: &str) -> Value {
    let mut body = bank_transfer("11223344");
    body["callbackUrl"] = url.into();
    body
}

/// Pays to a receiver, and waits until nothing is due.
pub async fn pay(sandbox: &Sandbox, id: &str, receiver: &Receiver) {
    assert_eq!(create(sandbox, id, &with_callback(&receiver.url())).await.status(), 201);
    idle(sandbox).await;
}

/// Waits until nothing is due.
pub async fn idle(sandbox: &Sandbox) {
    tokio::time::timeout(LIMIT, sandbox.idle()).await.expect("something stays due");
}

/// How many tasks there are: the sandbox's, the receiver's and those of their connections.
pub fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until so few tasks are left.
pub async fn alive_at_most(tasks: usize) {
    let ended = async {
        while alive() > tasks {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, ended).await.expect("tasks are left");
}

/// The delivery log as `id status attempt outcome` lines.
pub fn log(sandbox: &Sandbox) -> Vec<String> {
    let line = |Delivery { payout_id, status, attempt, outcome, .. }: Delivery| {
        format!("{payout_id} {} {attempt} {outcome}", status.unwrap_or("forged"))
    };
    sandbox.deliveries().into_iter().map(line).collect()
}

/// Takes a connection, and reads a callback to its end.
async fn read_callback(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut callback = Vec::new();
    while !callback.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut callback).await.unwrap(), 0, "it is whole");
    }
    stream
}

/// Pays to this URL, waits until all is delivered or given up, and returns the only line of the log.
async fn only_delivery(builder: Builder, url: &str) -> Delivery {
    let sandbox = start(builder).await;
    create(&sandbox, "A", &with_callback(url)).await;
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    let [delivery] = sandbox.deliveries().try_into().unwrap();
    delivery
}

#[tokio::test]
async fn the_end_of_a_payout_is_told_as_the_contract_says() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder()).await;
    pay(&sandbox, "TST-1", &receiver).await;
    let [callback] = receiver.received().try_into().unwrap();
    assert_eq!((callback.method.as_str(), callback.target.as_str()), ("POST", "/hook/A?v=1&mac=c2lnbmVk"));
    assert_eq!(callback.version, axum::http::Version::HTTP_11);
    assert_eq!(callback.headers["content-type"], "application/json");
    assert!(!callback.headers.contains_key("authorization") && !callback.headers.contains_key("x-api-version"));
    assert_eq!(callback.body, r#"{"idEntity":"TST-1"}"#);

    let [delivery] = sandbox.deliveries().try_into().unwrap();
    assert_eq!((delivery.sequence, delivery.payout_id.as_str(), delivery.status), (1, "TST-1", Some("SUCCESS")));
    assert_eq!((delivery.attempt, delivery.url), (1, receiver.url()));
    assert_eq!(delivery.outcome, DeliveryOutcome::Answered { status: 200 });
    assert!(delivery.at >= sandbox.ledger()[0].at);
}

#[tokio::test]
async fn a_creation_is_told_if_asked_for_and_callbacks_keep_the_order_of_the_changes() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().callback_on_create(true)).await;
    let mut expected = Vec::new();
    for id in ["A", "B", "C", "D", "E", "F", "G", "H"] {
        pay(&sandbox, id, &receiver).await;
        expected.extend([format!("{id} PROCESSING 1 200"), format!("{id} SUCCESS 1 200")]);
    }
    assert_eq!(log(&sandbox), expected);
}

#[tokio::test]
async fn processing_ends_when_the_clock_is_put_forward_and_is_told_then() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().processing_time(Duration::from_secs(3600))).await;
    create(&sandbox, "A", &with_callback(&receiver.url())).await;
    assert_eq!(
        (get(&sandbox, "A").await.json()["process"]["status"].as_str(), receiver.count()),
        (Some("PROCESSING"), 0)
    );
    sandbox.advance(Duration::from_secs(3600));
    idle(&sandbox).await;
    assert_eq!(log(&sandbox), ["A SUCCESS 1 200"]);
    let ledger = sandbox.ledger();
    assert!(ledger[1].at.duration_since(ledger[0].at) >= jiff::SignedDuration::from_hours(1));
}

#[tokio::test]
async fn a_payout_without_a_callback_url_has_no_callback() {
    let sandbox = start(Sandbox::builder().callback_on_create(true)).await;
    let mut body = bank_transfer("11223344");
    body.as_object_mut().unwrap().remove("callbackUrl");
    create(&sandbox, "A", &body).await;
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(sandbox.deliveries(), []);
}

#[tokio::test]
async fn a_callback_is_repeated_until_200_and_nothing_else_will_do() {
    let receiver = Receiver::start([500, 204, 302, 200]).await;
    let sandbox = start(Sandbox::builder().callback_interval(Duration::from_millis(1))).await;
    pay(&sandbox, "A", &receiver).await;
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(log(&sandbox), ["A SUCCESS 1 500", "A SUCCESS 2 204", "A SUCCESS 3 302", "A SUCCESS 4 200"]);
    assert!(receiver.received().iter().all(|callback| callback.payout_id() == "A"));
    assert!(
        receiver.received().iter().all(|callback| callback.target.starts_with("/hook/")),
        "no redirect is followed"
    );
}

#[tokio::test]
async fn it_is_given_up_after_four_repeats_two_minutes_apart() {
    let receiver = Receiver::start([503; 9]).await;
    let sandbox = start(Sandbox::builder()).await;
    pay(&sandbox, "A", &receiver).await;
    for sent in 1..=4 {
        sandbox.advance(INTERVAL / 2);
        idle(&sandbox).await;
        assert_eq!(receiver.count(), sent, "not before its time");
        assert!(!sandbox.wait_for_deliveries(Duration::from_millis(1)).await);
        sandbox.advance(INTERVAL / 2);
        idle(&sandbox).await;
        assert_eq!(receiver.count(), sent + 1);
    }
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    let deliveries = sandbox.deliveries();
    let times: Vec<_> = deliveries.iter().map(|delivery| delivery.at).collect();
    for pair in times.windows(2) {
        assert!(pair[1].duration_since(pair[0]) >= jiff::SignedDuration::try_from(INTERVAL).unwrap(), "{times:?}");
    }
    assert_eq!(deliveries.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_breaks_off_or_never_answers_has_failed_and_gets_the_repeat() {
    // Bound, so that nobody else gets the port, and not listening.
    let absent = TcpSocket::new_v4().unwrap();
    absent.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let sandbox = start(Sandbox::builder()).await;
    create(&sandbox, "A", &with_callback(&format!("http://{}/hook", absent.local_addr().unwrap()))).await;
    idle(&sandbox).await;
    let [delivery] = sandbox.deliveries().try_into().unwrap();
    let DeliveryOutcome::Failed { reason } = delivery.outcome else { panic!("{delivery:?}") };
    assert!(reason.contains("refused") && !reason.contains("hook"), "{reason}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let breaks_off = async {
        drop(read_callback(&listener).await);
        read_callback(&listener).await.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    };
    let sandbox = start(Sandbox::builder()).await;
    let pays = async {
        create(&sandbox, "B", &with_callback(&url)).await;
        idle(&sandbox).await;
        sandbox.advance(INTERVAL);
        assert!(sandbox.wait_for_deliveries(LIMIT).await);
    };
    tokio::join!(tokio::time::timeout(3 * LIMIT, breaks_off), pays).0.expect("two attempts");
    let [broken, repeated] = log(&sandbox).try_into().unwrap();
    assert!(broken.starts_with("B SUCCESS 1 failed: ") && !broken.contains("hook"), "{broken}");
    assert_eq!(repeated, "B SUCCESS 2 200");

    let receiver = Receiver::start([NEVER]).await;
    let sandbox = start(Sandbox::builder().callback_timeout(Duration::from_millis(50))).await;
    pay(&sandbox, "C", &receiver).await;
    assert_eq!(log(&sandbox), ["C SUCCESS 1 failed: no answer within 50ms"]);
    assert!(!sandbox.wait_for_deliveries(Duration::from_millis(1)).await, "it is repeated");
}

#[tokio::test]
async fn nothing_is_sent_to_another_machine_unless_allowed() {
    let receiver = Receiver::start([]).await;
    let port = receiver.port();
    // On this machine a socket to 0.0.0.0 leads to the receiver, and by its name it could be any.
    for (url, host) in [
        ("https://callback.example.com".to_owned(), "callback.example.com"),
        (format!("http://0.0.0.0:{port}/hook"), "0.0.0.0"),
        (format!("http://127.0.0.1@0.0.0.0:{port}/hook"), "0.0.0.0"),
        (format!("http://localhost.example.com:{port}/hook"), "localhost.example.com"),
        (format!("http://[::ffff:127.0.0.1]:{port}/hook"), "[::ffff:7f00:1]"),
    ] {
        let delivery = only_delivery(Sandbox::builder(), &url).await;
        let reason = format!("{host} is not this machine; deliver_to_any_host sends there, too");
        assert_eq!((delivery.url, delivery.outcome), (url, DeliveryOutcome::Withheld { reason }));
    }
    assert_eq!(receiver.count(), 0);
    let url = format!("http://0.0.0.0:{port}/hook");
    let delivery = only_delivery(Sandbox::builder().deliver_to_any_host(true), &url).await;
    assert_eq!((delivery.outcome, receiver.count()), (DeliveryOutcome::Answered { status: 200 }, 1));
}

#[tokio::test]
async fn localhost_is_this_machine_however_it_is_written() {
    let receiver = Receiver::start([]).await;
    let port = receiver.port();
    for (count, host) in ["localhost", "LocalHost", "127.1", "2130706433"].into_iter().enumerate() {
        let delivery = only_delivery(Sandbox::builder(), &format!("http://{host}:{port}/hook")).await;
        assert_eq!(
            (delivery.outcome, receiver.count()),
            (DeliveryOutcome::Answered { status: 200 }, count + 1),
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_withheld() {
    for (url, problem) in [
        ("hook", "not a usable URL: "),
        ("", "not a usable URL: "),
        ("ftp://127.0.0.1/", "a callback goes over http or https"),
    ] {
        let delivery = only_delivery(Sandbox::builder(), url).await;
        let DeliveryOutcome::Withheld { reason } = delivery.outcome else { panic!("{delivery:?}") };
        assert!(reason.starts_with(problem), "{reason}");
    }
}

#[tokio::test]
async fn https_goes_by_the_certificates_that_are_trusted() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = key.cert.pem();
    // Another sandbox is as good an https server as any: it has no such path, and says so.
    let receiver = start_for_wrong_requests(Sandbox::builder().tls(&pem, &key.signing_key.serialize_pem())).await;
    let url = format!("{}/hook", receiver.base_url().replace("127.0.0.1", "localhost"));
    for (builder, outcome) in [
        (Sandbox::builder().callback_ca(&pem), "404"),
        (Sandbox::builder(), "failed: error sending request: client error (Connect): invalid peer certificate: "),
    ] {
        let sandbox = start(builder).await;
        create(&sandbox, "A", &with_callback(&url)).await;
        idle(&sandbox).await;
        let [delivery] = sandbox.deliveries().try_into().unwrap();
        assert!(delivery.outcome.to_string().starts_with(outcome), "{}", delivery.outcome);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_told_at_the_start() {
    for (builder, text) in [
        (Sandbox::builder().callback_interval(Duration::ZERO), "the callback_interval must be at least 1 ms"),
        (Sandbox::builder().callback_timeout(Duration::ZERO), "the callback_timeout must be at least 1 ms"),
        (Sandbox::builder().callback_ca("none"), "callback_ca holds no usable certificate: there is none in it"),
    ] {
        assert_eq!(builder.start().await.err().unwrap().to_string(), text);
    }
}

#[tokio::test]
async fn what_waits_ends_with_the_sandbox() {
    for drop_it in [false, true] {
        let receiver = Receiver::start([500; 50]).await;
        let sandbox = start(Sandbox::builder()).await;
        pay(&sandbox, "A", &receiver).await;
        for _ in 1..50 {
            sandbox.send_callback("A").unwrap();
        }
        idle(&sandbox).await;
        assert_eq!(receiver.count(), 50);
        assert!(alive() >= 50, "each waits for its repeat");
        if drop_it {
            drop(sandbox);
        } else {
            sandbox.stop().await;
            assert!(sandbox.wait_for_deliveries(LIMIT).await);
            sandbox.advance(INTERVAL);
            assert_eq!(sandbox.deliveries().len(), 50, "the log can be read afterwards");
            assert_eq!(sandbox.forge_callback("A", &receiver.url()).await, None);
        }
        drop(receiver);
        alive_at_most(10).await;
    }
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let receiver = Receiver::start([500; 1]).await;
    let sandbox = start(Sandbox::builder().processing_time(Duration::from_secs(3600))).await;
    create(&sandbox, "A", &with_callback(&receiver.url())).await;
    // Nothing runs between these calls, so that all of them wait.
    for _ in 0..10_001 {
        sandbox.send_callback("A").unwrap();
    }
    let [delivery] = sandbox.deliveries().try_into().unwrap();
    let DeliveryOutcome::Withheld { reason } = delivery.outcome else { panic!("{delivery:?}") };
    assert!(reason.starts_with("10000 callbacks are waiting already"), "{reason}");
}
