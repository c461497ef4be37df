//! The program: what it prints, logs and returns.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use komopay_tests::contract::check_recorded;

use crate::client::{bank_transfer, request};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_komopay-sandbox"));
    command.args(arguments).env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program on a free port; returns it with its address and the rest of its output.
fn start(arguments: &[&str]) -> (Child, String, BufReader<std::process::ChildStdout>) {
    let mut child = program(&[&["--port", "0"], arguments].concat()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().rsplit_once("http://").unwrap().1.to_owned();
    (child, address, output)
}

/// Where the program that a test starts shall write its calls.
fn record(test: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}.jsonl", std::process::id()));
    // A run that failed may have left one.
    drop(std::fs::remove_file(&file));
    file
}

/// The calls in a file, each held against the contract. The file is gone then.
fn judged(file: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::remove_file(file).unwrap();
    let call = |line| {
        assert_eq!(check_recorded(line), Ok(()), "{line}");
        serde_json::from_str(line).unwrap()
    };
    text.lines().map(call).collect()
}

fn send(address: &str, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_serves_logs_without_secrets_and_stops_gracefully() {
    let file = record("serves");
    let merchant = ["--merchant-code", "ME", "--secret", "a-long-secret-of-mine"];
    let others = ["--processing-ms", "0", "--control", "--record", file.to_str().unwrap()];
    let (mut child, address, mut output) = start(&[&merchant[..], &others].concat());
    let answer = send(
        &address,
        &request("POST", "/auth-tokens", None, r#"{"merchantCode": "ME", "secret": "a-long-secret-of-mine"}"#),
    );
    let token = answer.split('"').rev().nth(1).unwrap().to_owned();
    let body = bank_transfer("778899001122").to_string();
    assert!(send(&address, &request("POST", "/payouts/A", Some(&token), &body)).starts_with("HTTP/1.1 201 "));
    assert!(send(&address, &request("GET", "/_sandbox/health", None, "")).starts_with("HTTP/1.1 200 "));

    let process = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    let mut log = String::new();
    output.read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for line in [
        "POST /auth-tokens -> 200",
        "POST /payouts/A -> 201",
        "executed A 10000 IDR",
        "booked   A 10000 IDR",
        "stopping",
    ] {
        assert!(log.contains(line), "{line} in {log}");
    }
    for secret in ["a-long-secret-of-mine", "778899001122", token.as_str()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert_eq!(judged(&file).len(), 4, "two calls, each with its answer");
}

#[test]
fn it_delivers_callbacks_and_its_log_shows_no_url() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let times = ["--processing-ms", "0", "--callback-interval-ms", "1", "--callback-on-create"];
    let (mut child, address, mut output) = start(&[&times[..], &["--deliver-to-any-host", "--control"]].concat());
    let token = send(
        &address,
        &request("POST", "/auth-tokens", None, r#"{"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret"}"#),
    );
    let token = token.split('"').rev().nth(1).unwrap();
    let mut body = bank_transfer("778899001122");
    // Nobody is there, and 0.0.0.0 is no address of this machine alone.
    body["callbackUrl"] = format!("http://0.0.0.0:{}/hook/c2lnbmVk?mac=bWFj", closed.port()).into();
    assert!(
        send(&address, &request("POST", "/payouts/A", Some(token), &body.to_string())).starts_with("HTTP/1.1 201 ")
    );
    send(&address, &request("GET", "/_sandbox/deliveries/done", None, ""));
    let deliveries = send(&address, &request("GET", "/_sandbox/deliveries", None, ""));
    assert_eq!(deliveries.matches("c2lnbmVk?mac=bWFj").count(), 10, "{deliveries}");

    let process = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    let mut log = String::new();
    output.read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(log.contains("callbacks go to any host"), "{log}");
    for line in ["PROCESSING attempt 1", "SUCCESS attempt 5"] {
        let line = format!("callback A {line} to http://0.0.0.0:{} -> failed: ", closed.port());
        assert!(log.contains(&line), "{line} in {log}");
    }
    assert!(!log.contains("c2lnbmVk") && !log.contains("bWFj"), "{log}");
}

#[test]
fn it_records_each_request_and_each_true_answer_and_nothing_that_a_fault_made_up() {
    let file = record("records");
    let (mut child, address, _output) = start(&["--record", file.to_str().unwrap(), "--control"]);
    let fault = r#"{"when": {"operation": "list_currencies", "on": {"nth": 1}}, "effect": {"type": "captive_portal"}}"#;
    send(&address, &request("POST", "/_sandbox/faults", None, fault));
    send(&address, &request("GET", "/currencies", Some("t"), ""));
    send(&address, &request("GET", "/balances?currencyCodes=IDR", Some("t"), ""));
    child.kill().unwrap();
    child.wait().unwrap();
    let calls = judged(&file);
    let seen: Vec<_> =
        calls.iter().map(|call| (call["target"].as_str().unwrap(), call["answer"]["status"].as_u64())).collect();
    let balances = "/balances?currencyCodes=IDR";
    assert_eq!(seen, [("/currencies", None), (balances, None), (balances, Some(401))]);
    assert_eq!(calls[0]["headers"]["authorization"], "Bearer t");
    assert!(calls[2]["answer"]["body"].as_str().unwrap().contains("token missing"));
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let (mut child, address, _output) = start(&[]);
    let port = address.rsplit_once(':').unwrap().1;
    let second = program(&["--port", port]).output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.starts_with(&format!("komopay-sandbox: cannot listen on 127.0.0.1:{port}: ")), "{error}");
}
