//! The control API.

use komopay_sandbox::{Operation, Sandbox, StartError};
use serde_json::{Value, json};

use crate::client::{
    Reply, bank_transfer, call, control, control_request, create, documented_create, exchange, get, ledger,
};
use crate::receiver::Receiver;
use crate::start::{start, start_for_wrong_requests};

async fn controlled() -> Sandbox {
    start(Sandbox::builder().control(true)).await
}

async fn inject(sandbox: &Sandbox, faults: &Value) -> Reply {
    control(sandbox, "POST", "faults", &faults.to_string()).await
}

fn fault(effect: &Value) -> Value {
    json!({"when": {"operation": "create_payout", "on": {"nth": 1}}, "effect": effect})
}

#[tokio::test]
async fn it_is_off_unless_enabled() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for (method, path) in [("GET", "health"), ("GET", "ledger"), ("POST", "faults"), ("POST", "reset")] {
        assert_eq!(call(&sandbox, method, &format!("/_sandbox/{path}"), "").await.status(), 404);
        assert_eq!(control(&sandbox, method, path, "").await.status(), 404);
    }
}

/// Every call of the control API.
const CALLS: [(&str, &str); 18] = [
    ("GET", "health"),
    ("GET", "ledger"),
    ("GET", "balances"),
    ("GET", "calls"),
    ("GET", "account-numbers"),
    ("GET", "idle"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("POST", "merchant"),
    ("POST", "reset"),
    ("GET", "deliveries"),
    ("GET", "deliveries/done"),
    ("POST", "deliveries/faults"),
    ("POST", "deliveries/forge"),
    ("POST", "payouts/A/status"),
    ("POST", "payouts/A/callback"),
    ("POST", "clock"),
    ("GET", "events"),
];

#[tokio::test]
async fn every_call_asks_for_the_token_of_this_sandbox() {
    let (sandbox, other) = (controlled().await, controlled().await);
    let token = sandbox.control_token().unwrap();
    assert_ne!(sandbox.control_token(), other.control_token(), "each has its own");
    assert!(token.len() >= 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    create(&sandbox, "A", &documented_create()).await;
    let merchant = sandbox.issue_token(&[], None, 600);
    let wrong = [other.control_token(), Some(""), Some(&token[1..]), Some(merchant.as_str()), Some("x"), None];
    for (method, path) in CALLS {
        for wrong in wrong {
            let reply = exchange(&sandbox, control_request(method, path, wrong, "")).await;
            assert_eq!((reply.status(), &*reply.headers()["www-authenticate"]), (401, "Bearer"), "{method} {path}");
            assert!(reply.description().contains("asks for its token"), "{}", reply.text());
            assert!(!reply.text().contains(token));
        }
        let bare = control_request(method, path, Some(token), "").replace("Bearer ", "");
        assert_eq!(exchange(&sandbox, bare).await.status(), 401, "{method} {path}");
        let let_in = control(&sandbox, method, path, "").await;
        assert!(![401, 403].contains(&let_in.status()), "{method} {path}: {}", let_in.text());
    }
}

#[tokio::test]
async fn another_page_of_a_browser_is_refused_even_with_the_token() {
    let sandbox = controlled().await;
    let token = sandbox.control_token();
    for (method, path) in CALLS {
        // The last one is its own page, under another name than it was asked by.
        for origin in ["https://evil.example", "null", "http://localhost:1", sandbox.base_url()] {
            let from_a_page = format!("Host: localhost\r\nOrigin: {origin}");
            let request = control_request(method, path, token, "").replace("Host: localhost", &from_a_page);
            let reply = exchange(&sandbox, request).await;
            assert_eq!(reply.status(), 403, "{method} {path} {origin}");
            assert!(reply.description().contains("Origin"), "{}", reply.text());
        }
        // What a browser asks before it sends a header that pages may not set at will.
        let preflight = control_request("OPTIONS", path, None, "")
            .replace("Host: localhost", "Host: localhost\r\nOrigin: https://evil.example");
        let reply = exchange(&sandbox, preflight).await;
        assert_eq!(reply.status(), 403, "{path}");
        assert!(!reply.headers().keys().any(|name| name.starts_with("access-control")), "{}", reply.text());
    }
    assert!(sandbox.ledger().is_empty());
}

#[tokio::test]
async fn a_name_that_somebody_elses_dns_leads_here_is_refused_even_with_the_token() {
    let sandbox = controlled().await;
    let ask = async |host: &str| {
        let request = control_request("GET", "health", sandbox.control_token(), "");
        exchange(&sandbox, request.replace("Host: localhost", host)).await
    };
    for host in
        ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "a@evil.example", ""]
    {
        let reply = ask(&format!("Host: {host}")).await;
        assert_eq!(reply.status(), 403, "{host}: {}", reply.text());
        assert!(reply.description().contains("Host"), "{}", reply.text());
    }
    assert_eq!(ask("X-Host: localhost").await.status(), 403, "without one");
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "192.0.2.7:80"] {
        assert_eq!(ask(&format!("Host: {host}")).await.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn a_token_of_ones_own_is_taken_if_nobody_guesses_it() {
    let own = "0123456789-abcdef";
    let sandbox = start(Sandbox::builder().control(true).control_token(own)).await;
    assert_eq!(sandbox.control_token(), Some(own));
    assert_eq!(control(&sandbox, "GET", "health", "").await.status(), 200);
    for token in ["", "0123456789abcde", "0123456789abcdef ", "0123456789abcde\u{e9}", "0123456789\r\nabcdef"] {
        let refused = Sandbox::builder().control(true).control_token(token).start().await.err().unwrap();
        assert!(matches!(refused, StartError::ControlToken), "{token:?}");
        assert!(refused.to_string().contains("at least 16 characters"), "{refused}");
    }
    assert_eq!(start(Sandbox::builder().control_token(own)).await.control_token(), None, "the control API is off");
}

#[tokio::test]
async fn callbacks_are_forged_only_to_urls_of_creates_and_to_ports_that_were_named() {
    let (known, named, neither) = (Receiver::start([]).await, Receiver::start([]).await, Receiver::start([]).await);
    let builder = Sandbox::builder().control(true).deliver_to_any_host(true);
    let sandbox = start(builder.forge_to_port(named.port())).await;
    let mut body = documented_create();
    body["callbackUrl"] = known.url().into();
    create(&sandbox, "A", &body).await;
    sandbox.idle().await;
    let forge = async |url: &str| {
        let body = json!({"payout_id": "NOBODY", "url": url}).to_string();
        control(&sandbox, "POST", "deliveries/forge", &body).await.status()
    };
    assert_eq!(forge(&known.url()).await, 200);
    let port = named.port();
    for url in [named.url(), format!("http://localhost:{port}/other"), format!("http://127.0.0.1:{port}/?a")] {
        assert_eq!(forge(&url).await, 200, "{url}");
    }
    for url in [
        neither.url(),
        // A URL that was handed over is that URL, and nothing else at its host.
        format!("{}&more", known.url()),
        format!("http://192.0.2.7:{port}/"),
        format!("http://evil.example:{port}/"),
        format!("http://127.0.0.1:{port}@evil.example/"),
        "no URL".to_owned(),
        "file:///etc/hosts".to_owned(),
    ] {
        assert_eq!(forge(&url).await, 403, "{url}");
    }
    assert_eq!((known.count(), named.count(), neither.count()), (2, 3, 0));
    // A program that holds the sandbox itself says where to by saying it.
    sandbox.forge_callback("NOBODY", &neither.url()).await.unwrap();
    assert_eq!(neither.count(), 1);
}

#[tokio::test]
async fn it_shows_ledger_balances_and_calls() {
    let sandbox = controlled().await;
    assert_eq!(control(&sandbox, "GET", "health", "").await.json(), json!({"status": "ok"}));
    create(&sandbox, "A", &bank_transfer("778899001122")).await;
    assert_eq!(control(&sandbox, "GET", "idle", "").await.json(), json!({"idle": true}));

    let ledger = control(&sandbox, "GET", "ledger", "").await;
    let lines = ledger.json();
    assert_eq!(lines.as_array().unwrap().len(), 2);
    assert_eq!(lines[0]["kind"], "executed");
    assert_eq!(lines[0]["amount"], "10000");
    assert_eq!(lines[1]["kind"], "booked");
    assert!(!ledger.body().contains("778899001122"));

    let calls = control(&sandbox, "GET", "calls", "").await.json();
    assert_eq!((&calls["issue_token"], &calls["create_payout"]), (&json!(0), &json!(1)));
    assert_eq!(calls.as_object().unwrap().len(), Operation::ALL.len());
    let balances = control(&sandbox, "GET", "balances", "").await.json();
    assert_eq!(balances["IDR"], json!({"balance": "999990000", "available": "999990000", "pending_payout": "0"}));
}

#[tokio::test]
async fn it_injects_and_clears_faults() {
    let sandbox = controlled().await;
    let reply =
        inject(&sandbox, &json!([fault(&json!({"type": "not_found"})), fault(&json!({"type": "forbidden"}))])).await;
    assert_eq!((reply.status(), reply.json()), (201, json!({"active": 2})));
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 404);

    let when = json!({"operation": "get_payout", "payout_id": "A", "on": "always"});
    let lag = json!({"when": when, "effect": {"type": "bad_request"}});
    assert_eq!(inject(&sandbox, &lag).await.status(), 201);
    assert_eq!(get(&sandbox, "A").await.status(), 400);
    assert_eq!(control(&sandbox, "DELETE", "faults", "").await.status(), 204);
    assert_eq!(get(&sandbox, "A").await.status(), 410);
}

#[tokio::test]
async fn it_refuses_faults_that_make_no_sense() {
    let sandbox = controlled().await;
    for faults in [
        json!({}),
        fault(&json!({"type": "no_such_effect"})),
        fault(&json!({"type": "delay"})),
        fault(&json!({"type": "delay", "ms": 1, "seconds": 1})),
        fault(&json!({"type": "status", "status": 100})),
        fault(&json!({"type": "stray_answer", "status": 100})),
        fault(&json!({"type": "stray_answer"})),
        fault(&json!({"type": "previous_answer", "status": 400})),
        json!({"when": {"operation": "create_payout", "on": {"nth": 0}}, "effect": {"type": "not_found"}}),
        json!({"when": {"operation": "create_payout", "on": {"rate": 1.5}}, "effect": {"type": "not_found"}}),
        json!({"when": {"operation": "drop_tables", "on": "always"}, "effect": {"type": "not_found"}}),
    ] {
        assert_eq!(inject(&sandbox, &faults).await.status(), 400, "{faults}");
    }
}

#[tokio::test]
async fn it_switches_the_merchant_and_resets_everything() {
    let sandbox = controlled().await;
    create(&sandbox, "A", &documented_create()).await;
    let reply = control(&sandbox, "POST", "merchant", r#"{"active": false}"#).await;
    assert_eq!(reply.json(), json!({"active": false}));
    assert_eq!(get(&sandbox, "A").await.codes(), ["MERCHANT_INACTIVE"]);
    inject(&sandbox, &fault(&json!({"type": "not_found"}))).await;

    assert_eq!(control(&sandbox, "POST", "reset", "").await.status(), 204);
    assert!(sandbox.ledger().is_empty());
    assert_eq!(sandbox.calls(Operation::CreatePayout), 0);
    assert_eq!(sandbox.balance("IDR").unwrap().balance.to_string(), "1000000000");
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 201);
}

#[tokio::test]
async fn a_payout_from_before_a_reset_settles_nothing_after_it() {
    let processing = std::time::Duration::from_millis(50);
    let sandbox = start(Sandbox::builder().control(true).processing_time(processing)).await;
    create(&sandbox, "A", &documented_create()).await;
    control(&sandbox, "POST", "reset", "").await;
    create(&sandbox, "A", &documented_create()).await;
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
    assert_eq!(sandbox.balance("IDR").unwrap().pending_payout.to_string(), "0");
}

#[tokio::test]
async fn it_tells_the_account_numbers_that_decide_the_end() {
    let told: Value = control(&controlled().await, "GET", "account-numbers", "").await.json();
    let row = |digits: &str| told.as_array().unwrap().iter().find(|row| row["digits"] == digits).cloned();
    let failed = json!({"digits": "9000000019", "status": "FAILED", "failure_reason": "INVALID_ACCOUNT_NUMBER"});
    assert_eq!(row("9000000019"), Some(failed));
    let refused = json!({"digits": "9000000033", "status": "REFUSED", "failure_reason": null});
    assert_eq!(row("9000000033"), Some(refused));
    assert_eq!(told.as_array().map(Vec::len), Some(komopay_sandbox::magic::MAGIC_NUMBERS.len()));
}
