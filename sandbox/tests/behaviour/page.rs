//! The gateway's page: what a browser loads, who may load it, and what it is told.

use komopay_sandbox::magic::Outcome;
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{
    Reply, bank_transfer, call, control, control_request, create, documented_create, exchange, get, host, read_to_end,
    request,
};
use crate::receiver::Receiver;
use crate::start::{start, start_for_wrong_requests};

/// What a browser loads.
const FILES: [(&str, &str); 7] = [
    ("/_sandbox/", "text/html"),
    ("/_sandbox", "text/html"),
    ("/_sandbox/page.css", "text/css"),
    ("/_sandbox/page.js", "text/javascript"),
    ("/_sandbox/model.js", "text/javascript"),
    ("/_sandbox/views.js", "text/javascript"),
    ("/_sandbox/effects.js", "text/javascript"),
];

const ACCOUNT: &str = "778899001122";

async fn controlled() -> Sandbox {
    start(Sandbox::builder().control(true)).await
}

/// Loads a file as a browser does, with these headers.
async fn load(sandbox: &Sandbox, path: &str, headers: &str) -> Reply {
    exchange(sandbox, request("GET", path, None, "").replace("Host: sandbox", headers)).await
}

/// What happened after this number.
async fn events(sandbox: &Sandbox, since: u64) -> Value {
    control(sandbox, "GET", &format!("events?since={since}"), "").await.json()
}

/// The kinds of these events with what they are about.
fn kinds(told: &Value) -> Vec<String> {
    let word = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let line = |event: &Value| format!("{} {}", word(event, "type"), word(event, "payout_id")).trim_end().to_owned();
    told["events"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn it_is_served_only_with_the_control_api_and_its_link_is_told() {
    let closed = start_for_wrong_requests(Sandbox::builder()).await;
    for (path, _) in FILES {
        assert_eq!(load(&closed, path, "Host: localhost").await.status(), 404, "{path}");
    }
    assert_eq!(closed.page_url(), None);
    let open = controlled().await;
    let link = format!("{}/_sandbox/#token={}", open.base_url(), open.control_token().unwrap());
    assert_eq!(open.page_url(), Some(link));
}

#[tokio::test]
async fn it_loads_nothing_from_elsewhere_and_no_other_page_has_it_in_a_frame() {
    let sandbox = controlled().await;
    for (path, kind) in FILES {
        let reply = load(&sandbox, path, "Host: localhost").await;
        assert_eq!(reply.status(), 200, "{path}");
        let headers = reply.headers();
        let policy = &headers["content-security-policy"];
        for words in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(words), "{words} in {policy}");
        }
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path} {name}");
        }
        assert!(headers["content-type"].starts_with(kind), "{path}");
        let body = reply.body().replace("http://www.w3.org/2000/svg", "");
        assert!(!body.contains("http://") && !body.contains("https://"), "{path} names another place");
        assert!(!body.contains(sandbox.control_token().unwrap()), "{path}");
    }
}

#[tokio::test]
async fn a_foreign_host_or_origin_gets_nothing_of_it() {
    let sandbox = controlled().await;
    let own = host(&sandbox);
    for (path, _) in FILES {
        for (headers, status) in [
            (format!("Host: {own}"), 200),
            (format!("Host: {own}\r\nOrigin: http://{own}"), 200),
            (format!("Host: {own}\r\nSec-Fetch-Site: same-origin"), 200),
            // A link on another page, which a person follows.
            (format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate"), 200),
            (format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors"), 403),
            (format!("Host: {own}\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors"), 403),
            (format!("Host: {own}\r\nOrigin: https://evil.example"), 403),
            (format!("Host: {own}\r\nOrigin: http://{own}.evil.example"), 403),
            (format!("Host: {own}\r\nOrigin: null"), 403),
            (format!("Host: {own}\r\nOrigin: http://{own}\r\nOrigin: https://evil.example"), 403),
            ("Host: evil.example".to_owned(), 403),
            ("Host: evil.example\r\nOrigin: http://evil.example".to_owned(), 403),
        ] {
            let reply = load(&sandbox, path, &headers).await;
            assert_eq!(reply.status(), status, "{path} {headers}");
            if status == 403 {
                assert!(reply.description().contains("Host"), "{}", reply.text());
            }
        }
    }
}

#[tokio::test]
async fn its_own_requests_are_taken_with_the_token_alone() {
    let sandbox = controlled().await;
    let own = host(&sandbox);
    let from_page = |token: Option<&str>| {
        let headers = format!("Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: same-origin");
        control_request("POST", "merchant", token, r#"{"active": false}"#).replace("Host: localhost", &headers)
    };
    assert_eq!(exchange(&sandbox, from_page(None)).await.status(), 401);
    let reply = exchange(&sandbox, from_page(sandbox.control_token())).await;
    assert_eq!((reply.status(), reply.json()), (200, json!({"active": false})));
}

#[tokio::test]
async fn it_is_told_what_happened_in_its_order_and_how_things_stand() {
    let sandbox = controlled().await;
    let mut body = bank_transfer("9000000019");
    body["callbackUrl"] = "https://shop.example/hook?mac=c2lnbmVk".into();
    create(&sandbox, "A", &body).await;
    sandbox.change_status("A", Outcome::Success).unwrap();
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::NotFound));
    get(&sandbox, "A").await;
    let told = events(&sandbox, 0).await;
    let create = ["request A", "ledger A", "payout A", "ledger A", "status A", "callback A", "answer A"];
    let rest = ["ledger A", "status A", "callback A", "switch", "request A", "answer A"];
    assert_eq!(kinds(&told), [&create[..], &rest].concat());
    let event = |at: usize| &told["events"][at];
    assert_eq!(event(4)["status"], "FAILED");
    assert_eq!(event(4)["failure_reason"], "INVALID_ACCOUNT_NUMBER");
    assert_eq!((&event(4)["cause"], &event(4)["correction"]), (&json!("account_number"), &json!(false)));
    assert_eq!((&event(8)["cause"], &event(8)["correction"]), (&json!("switch"), &json!(true)));
    assert_eq!(event(5)["outcome"]["type"], "withheld");
    assert_eq!((&event(6)["status"], &event(6)["request"]), (&json!(201), &event(0)["sequence"]));
    assert_eq!((&event(12)["status"], &event(12)["fault"]), (&json!(404), &json!("not_found")));
    assert_eq!(told["balances"]["IDR"]["balance"], "999990000");
    assert_eq!(told["faults"], json!([{"effect": "not_found", "when": {"operation": "get_payout", "on": "always"}}]));

    // Only what is new; after a reset nothing of before, and the numbers go on.
    let last = told["last"].as_u64().unwrap();
    control(&sandbox, "POST", "merchant", r#"{"active": false}"#).await;
    assert_eq!(kinds(&events(&sandbox, last).await), ["switch"]);
    control(&sandbox, "POST", "reset", "").await;
    let told = events(&sandbox, 0).await;
    assert_eq!((kinds(&told), told["last"].as_u64()), (vec!["reset".to_owned()], Some(last + 2)));
    assert_eq!((&told["faults"], &told["merchant_active"]), (&json!([]), &json!(true)));
}

#[tokio::test]
async fn secrets_accounts_people_and_signed_urls_are_masked_before_it_is_told() {
    let receiver = Receiver::start([]).await;
    let sandbox = start_for_wrong_requests(Sandbox::builder().control(true)).await;
    let credentials = json!({"merchantCode": sandbox.merchant_code(), "secret": sandbox.secret()}).to_string();
    let issued = exchange(&sandbox, request("POST", "/auth-tokens", None, &credentials)).await.json();
    let token = issued["token"].as_str().unwrap();
    let mut body = bank_transfer(ACCOUNT);
    body["paymentMethod"]["remark"] = "for Siti".into();
    body["callbackUrl"] = receiver.url().into();
    body["customerIp"] = "192.0.2.77".into();
    let echo = When::nth(Operation::CreatePayout, 1);
    sandbox.inject(Fault::new(echo, Effect::EchoAccount { status: 400 }));
    for _ in 0..2 {
        exchange(&sandbox, request("POST", "/payouts/A", Some(token), &body.to_string())).await;
    }
    sandbox.idle().await;
    call(&sandbox, "GET", &format!("/payouts/{ACCOUNT}%20"), "").await;
    call(&sandbox, "GET", &format!("/balances?account={ACCOUNT}"), "").await;
    let told = control(&sandbox, "GET", "events?since=0", "").await.text();
    for secret in [
        sandbox.secret(),
        token,
        &sandbox.control_token().unwrap()[..12],
        ACCOUNT,
        "Test account",
        "customer@test.com",
        "for Siti",
        "192.0.2.77",
        "c2lnbmVk",
        "/hook",
    ] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert!(told.contains("could not handle account ••• token •••"), "{told}");
    assert!(told.contains(&format!("http://127.0.0.1:{}/•••", receiver.port())), "{told}");
    // What came under one token can be seen to.
    let marks = told.split("••• token ").skip(1).map(|rest| rest.chars().take(8).collect::<String>());
    let marks: Vec<_> = marks.filter(|mark| mark.chars().all(|digit| digit.is_ascii_hexdigit())).collect();
    assert!(marks.len() >= 3 && marks[1..3].iter().all(|mark| *mark == marks[0]), "{marks:?}");
}

#[tokio::test]
async fn whoever_waits_for_something_to_happen_is_answered_when_it_does_and_when_the_gateway_stops() {
    let sandbox = controlled().await;
    let (told, ()) = tokio::join!(events(&sandbox, 0), async {
        create(&sandbox, "A", &documented_create()).await;
    });
    assert_eq!(kinds(&told)[0], "request A");
    // All of it is over, and has been told.
    sandbox.idle().await;
    let last = events(&sandbox, told["last"].as_u64().unwrap() - 1).await["last"].as_u64().unwrap();
    let nothing = control(&sandbox, "GET", &format!("events?since={last}&limit_ms=1"), "").await.json();
    assert_eq!(nothing["events"], json!([]));

    // A call that waits is not cut by a stop, and does not hold it up.
    let mut stream = TcpStream::connect(host(&sandbox)).await.unwrap();
    let waiting = control_request("GET", &format!("events?since={last}"), sandbox.control_token(), "");
    stream.write_all(waiting.as_bytes()).await.unwrap();
    // Then the gateway has read it.
    sandbox.idle().await;
    let (reply, ()) = tokio::join!(read_to_end(stream), sandbox.stop());
    assert_eq!(reply.json()["events"], json!([]));
}

#[tokio::test]
async fn it_forges_a_callback_to_a_url_that_it_is_not_shown() {
    let receiver = Receiver::start([401]).await;
    let sandbox = controlled().await;
    let mut body = documented_create();
    body.as_object_mut().unwrap().remove("callbackUrl");
    create(&sandbox, "SILENT", &body).await;
    body["callbackUrl"] = receiver.url().into();
    sandbox.inject_into_callbacks(komopay_sandbox::CallbackFault::new(
        komopay_sandbox::CallbackWhen::always(),
        komopay_sandbox::CallbackEffect::Lose,
    ));
    create(&sandbox, "A", &body).await;
    let forge = async |body: Value| control(&sandbox, "POST", "deliveries/forge", &body.to_string()).await;
    let reply = forge(json!({"payout_id": "NOBODY", "url_of": "A"})).await;
    assert_eq!((reply.status(), reply.json()["outcome"].clone()), (200, json!({"type": "answered", "status": 401})));
    assert_eq!(receiver.received()[0].payout_id(), "NOBODY");
    assert_eq!(forge(json!({"payout_id": "A", "url_of": "NOBODY"})).await.status(), 404);
    assert_eq!(forge(json!({"payout_id": "A", "url_of": "SILENT"})).await.status(), 409);
    for wrong in [json!({"payout_id": "A"}), json!({"payout_id": "A", "url": receiver.url(), "url_of": "A"})] {
        let reply = forge(wrong).await;
        assert_eq!(reply.status(), 400);
        assert!(reply.description().contains("either url or url_of"), "{}", reply.text());
    }
    let told = events(&sandbox, 0).await;
    let forged = told["events"].as_array().unwrap().iter().find(|event| event["payout_id"] == "NOBODY").unwrap();
    assert_eq!((&forged["type"], &forged["status"]), (&json!("callback"), &Value::Null));
}
