//! Clocks that jump by hours, in a call and between calls: this machine's wall clock, and the platform's against ours.
//!
//! The client runs in a process of its own, in which libfaketime answers for the wall clock. The monotonic clock, which
//! deadlines and the ends of tokens are measured by, is left alone, as it is when a real clock is set.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use komopay_core::{Client, Credentials};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{break_nth, canary, config, executed, id, request, sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const RUNNER: &str = env!("CARGO_BIN_EXE_conformance-rust");

/// Where Debian, Fedora and others put it.
fn libfaketime() -> PathBuf {
    let folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let found =
        folders.map(|folder| Path::new(folder).join("faketime/libfaketime.so.1")).into_iter().find(|it| it.exists());
    found.expect("libfaketime is missing; install it: apt install libfaketime")
}

/// A wall clock that can be set.
#[derive(Clone)]
struct Clock(PathBuf);

impl Clock {
    fn new() -> Self {
        static CLOCKS: AtomicUsize = AtomicUsize::new(0);
        let number = CLOCKS.fetch_add(1, Ordering::Relaxed);
        let clock = Self(std::env::temp_dir().join(format!("komopay-clock-{}-{number}", std::process::id())));
        clock.jump_to(0);
        clock
    }

    /// Sets it to so many hours from the true time.
    fn jump_to(&self, hours: i32) {
        // Whoever reads it sees one time or the other.
        let next = self.0.with_extension("next");
        std::fs::write(&next, format!("{hours:+}h\n")).unwrap();
        std::fs::rename(next, &self.0).unwrap();
    }
}

/// The Rust runner of the conformance suite, under such a clock.
struct Runner {
    _child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Runner {
    fn start(clock: &Clock) -> Self {
        let mut child = Command::new(RUNNER)
            .env("LD_PRELOAD", libfaketime())
            .env("FAKETIME_TIMESTAMP_FILE", &clock.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { _child: child, stdin, answers: BufReader::new(stdout).lines() }
    }

    async fn tell(&mut self, told: Value) -> Value {
        self.stdin.write_all(format!("{told}\n").as_bytes()).await.unwrap();
        serde_json::from_str(&self.answers.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn open(&mut self, base_url: &str, token: Option<&str>) {
        let mut settings = json!({
            "base_url": base_url, "total_timeout": 40_000, "attempt_timeout": 20_000, "connect_timeout": 20_000,
            "settle_window": 1200, "backoff_base": 2, "backoff_cap": 50,
        });
        if let Some(token) = token {
            settings["token"] = token.into();
        } else {
            settings["merchant_code"] = canary::MERCHANT.into();
            settings["secret"] = canary::SECRET.into();
        }
        let opened = self.tell(json!({"do": "open", "client": "c", "settings": settings})).await;
        assert_eq!(opened, json!({"ok": null}));
    }

    /// Begins a call, and does not wait for its end.
    async fn start_call(&mut self, operation: &str, arguments: Value) {
        let start = json!({"do": "start", "call": "k", "client": "c", "operation": operation, "arguments": arguments});
        assert_eq!(self.tell(start).await, json!({"ok": null}));
    }

    async fn start_create(&mut self, id: &str) {
        let request = json!({
            "money": {"amount": "10000", "currency": "IDR"},
            "method": {
                "type": "bank_transfer", "operator_code": "BNK_000", "email_address": "customer@test.com",
                "account": {"name": "Test account", "number": canary::ACCOUNT},
            },
        });
        self.start_call("create_payout", json!({"payout_id": id, "request": request, "resume": false})).await;
    }

    async fn finish(&mut self) -> Value {
        self.tell(json!({"do": "finish", "call": "k"})).await
    }
}

async fn reached(sandbox: &Sandbox, operation: Operation, calls: u64) {
    let reached = async {
        while sandbox.calls(operation) < calls {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    assert!(reached.is_ok(), "{} of {calls} calls came: {operation:?}", sandbox.calls(operation));
}

#[tokio::test]
async fn a_wall_clock_that_jumps_by_hours_changes_nothing() {
    for hours in [6, -6] {
        let (sandbox, clock) = (sandbox().await, Clock::new());
        let mut runner = Runner::start(&clock);
        runner.open(sandbox.base_url(), None).await;
        runner.start_create("A").await;
        assert_eq!(runner.finish().await["ok"]["recovered"], false);

        // Between two calls: the token in hand is as good as before.
        clock.jump_to(hours);
        runner.start_call("get_payout", json!({"payout_id": "A"})).await;
        assert_eq!(runner.finish().await["ok"]["payout_id"], "A");
        assert_eq!(sandbox.calls(Operation::IssueToken), 1, "{hours} h");
        // That the clock did jump is seen by the one call that is there to see it.
        runner.start_call("check_credentials", json!({})).await;
        let error = runner.finish().await["error"].clone();
        assert_eq!((&error["kind"], &error["field"]), (&json!("configuration"), &json!("clock")), "{error}");

        // While the create is on the wire, back by as much.
        sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), Effect::Hold));
        runner.start_create("B").await;
        reached(&sandbox, Operation::CreatePayout, 2).await;
        clock.jump_to(-hours);
        sandbox.clear_faults();
        assert_eq!(runner.finish().await["ok"]["recovered"], false, "{hours} h");

        // While what came of it is read.
        break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
        sandbox.inject(Fault::new(When::nth(Operation::GetPayout, 1), Effect::Hold));
        runner.start_create("C").await;
        reached(&sandbox, Operation::GetPayout, 2).await;
        clock.jump_to(hours);
        sandbox.clear_faults();
        assert_eq!(runner.finish().await["ok"]["recovered"], true, "{hours} h");
        for payout in ["A", "B", "C"] {
            assert_eq!(executed(&sandbox, &id(payout)).await.len(), 1, "{payout}, {hours} h");
        }
    }
}

/// Rule 6 compares two times of the platform's with how long the call has taken by ours. The wall clock goes on while a
/// machine sleeps, so it counts, too; one that is set forward in the middle of a call therefore loosens the rule by as
/// much.
#[tokio::test]
async fn a_payout_that_is_older_than_the_call_stays_so_unless_the_clock_went_further_forward() {
    let cases = [
        (0, "11:59:00", true),
        (0, "10:00:00", false),
        (-6, "11:59:00", true),
        (-6, "10:00:00", false),
        (6, "10:00:00", true),
        (6, "05:00:00", false),
    ];
    for (hours, created, is_ours) in cases {
        let clock = Clock::new();
        let found = format!(
            r#"{{"paymentRequested":{{"money":{{"amount":10000,"currencyCode":"IDR"}}}},
                "process":{{"status":"PROCESSING","createdAt":"2026-11-23T{created}Z","isTest":true}},
                "paymentMethodResponse":{{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}}}"#
        );
        let set = clock.clone();
        let peer = Peer::start(move |_, request| {
            if request.line.starts_with("POST") {
                return Vec::new();
            }
            set.jump_to(hours);
            http("200 OK", "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n", &found)
        })
        .await;
        let mut runner = Runner::start(&clock);
        runner.open(&peer.base_url(), Some("opaque-token")).await;
        runner.start_create("P").await;
        let answer = runner.finish().await;
        let case = format!("made at {created}, and the clock jumps by {hours} h");
        if is_ours {
            assert_eq!(answer["ok"]["recovered"], true, "{case}: {answer}");
        } else {
            let error = &answer["error"];
            let is = (&error["kind"], &error["money_may_have_moved"]);
            assert_eq!(is, (&json!("duplicate_payout"), &json!(true)), "{case}: {answer}");
        }
    }
}

/// A date to wait for is one of the platform's clock, and its answers say what time that is.
#[tokio::test]
async fn a_retry_after_that_is_a_date_means_the_platforms_clock() {
    for year in [2001, 2091] {
        let headers =
            format!("Date: Fri, 02 Mar {year} 12:00:00 GMT\r\nRetry-After: Fri, 02 Mar {year} 12:00:01 GMT\r\n");
        let created = r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},
            "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}"#;
        let peer = Peer::start(move |n, _| match n {
            0 => http("429 Too Many Requests", &headers, ""),
            _ => http("201 Created", "", created),
        })
        .await;
        let mut config = config(&peer.base_url());
        config.credentials = Credentials::token("opaque-token");
        let accepted = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap();
        assert!(!accepted.recovered, "{year}");
    }
    // A platform that is far behind asks for a time that has not come by its own clock: it is waited for.
    let headers = "Date: Fri, 02 Mar 2001 12:00:00 GMT\r\nRetry-After: Fri, 02 Mar 2001 13:00:00 GMT\r\n";
    let peer = Peer::start(move |_, _| http("429 Too Many Requests", headers, "")).await;
    let mut config = config(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let error = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.retry_after().map(|wait| wait.as_secs()), peer.recorded().len()), (Some(3600), 1));
}
