//! The program: what it prints, logs and returns.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use komopay_tests::contract::check_recorded;

use crate::client::{bank_transfer, control_request, request};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_komopay-sandbox"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("KOMOPAY_SANDBOX_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The token of the control API of the programs that are given one.
const TOKEN: &str = "a-control-token-of-mine";

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
    let others = ["--processing-ms", "0", "--control", "--control-token", TOKEN, "--record", file.to_str().unwrap()];
    let (mut child, address, mut output) = start(&[&merchant[..], &others].concat());
    let answer = send(
        &address,
        &request("POST", "/auth-tokens", None, r#"{"merchantCode": "ME", "secret": "a-long-secret-of-mine"}"#),
    );
    let token = answer.split('"').rev().nth(1).unwrap().to_owned();
    let body = bank_transfer("778899001122").to_string();
    assert!(send(&address, &request("POST", "/payouts/A", Some(&token), &body)).starts_with("HTTP/1.1 201 "));
    assert!(send(&address, &control_request("GET", "health", Some(TOKEN), "")).starts_with("HTTP/1.1 200 "));

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
    for secret in ["a-long-secret-of-mine", "778899001122", TOKEN, token.as_str()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert_eq!(judged(&file).len(), 4, "two calls, each with its answer");
}

#[test]
fn it_delivers_callbacks_and_its_log_shows_no_url() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let times = ["--processing-ms", "0", "--callback-interval-ms", "1", "--callback-on-create"];
    let (mut child, address, mut output) =
        start(&[&times[..], &["--deliver-to-any-host", "--control", "--control-token", TOKEN]].concat());
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
    send(&address, &control_request("GET", "deliveries/done", Some(TOKEN), ""));
    let deliveries = send(&address, &control_request("GET", "deliveries", Some(TOKEN), ""));
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
    let (mut child, address, _output) =
        start(&["--record", file.to_str().unwrap(), "--control", "--control-token", TOKEN]);
    let fault = r#"{"when": {"operation": "list_currencies", "on": {"nth": 1}}, "effect": {"type": "captive_portal"}}"#;
    send(&address, &control_request("POST", "faults", Some(TOKEN), fault));
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
fn it_shows_a_token_that_it_made_and_asks_for_it() {
    let (mut child, address, output) = start(&["--control"]);
    let mut lines = output.lines().map_while(Result::ok);
    let told = lines.find_map(|line| Some(line.strip_prefix("  control token  ")?.to_owned())).unwrap();
    assert_eq!(told.len(), 32);
    assert!(send(&address, &control_request("GET", "health", Some(&told), "")).starts_with("HTTP/1.1 200 "));
    assert!(send(&address, &control_request("GET", "health", None, "")).starts_with("HTTP/1.1 401 "));
    child.kill().unwrap();
    child.wait().unwrap();

    let refused = program(&["--port", "0", "--control", "--control-token", "short"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("the control token must have at least 16 characters"), "{error}");
}

#[test]
fn a_log_that_cannot_be_filtered_as_wanted_is_refused() {
    let refused = program(&["--port", "0"]).env("RUST_LOG", "komopay_sandbox=loud").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.starts_with("komopay-sandbox: RUST_LOG: "), "{error}");
}

#[test]
fn a_token_in_the_environment_is_taken_and_shown_nowhere() {
    let mut child = program(&["--port", "0", "--control"]).env("KOMOPAY_SANDBOX_TOKEN", TOKEN).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told: Vec<String> = lines.take_while(|line| line != "Ctrl-C stops it.").collect();
    let address = told[0].rsplit_once("http://").unwrap().1;
    assert!(send(address, &control_request("GET", "health", Some(TOKEN), "")).starts_with("HTTP/1.1 200 "));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains(&"  control token  as given".to_owned()), "{told:?}");
    assert!(!told.concat().contains(TOKEN), "{told:?}");
    let help = program(&["--help"]).env("KOMOPAY_SANDBOX_TOKEN", TOKEN).output().unwrap().stdout;
    assert!(!String::from_utf8(help).unwrap().contains(TOKEN));
}

#[test]
fn a_record_is_for_its_owner_alone_and_one_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let file = record("rights");
    let path = file.to_str().unwrap();
    let (mut child, _, _output) = start(&["--record", path]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Its own is appended to.
    let (mut child, _, _output) = start(&["--record", path]);
    child.kill().unwrap();
    child.wait().unwrap();

    for rights in [0o644, 0o640, 0o660, 0o602, 0o666] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(rights)).unwrap();
        let refused = program(&["--port", "0", "--record", path]).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{rights:o}");
        let error = String::from_utf8(refused.stderr).unwrap();
        for words in [path, &format!("{rights:o}"), "chmod 600"] {
            assert!(error.contains(words), "{words} in {error}");
        }
    }
    std::fs::remove_file(&file).unwrap();
    let (mut child, _, _output) = start(&["--record", "/dev/null"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn it_ends_with_who_started_it_if_it_shall() {
    let mut child = program(&["--port", "0", "--stop-with-input"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "Ctrl-C stops it."));
    // As when a process is killed that holds the other ends.
    drop((child.stdin.take(), lines));
    assert_eq!(child.wait().unwrap().code(), Some(0));
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

#[test]
fn it_starts_with_the_balances_that_it_is_given() {
    let balances = ["--balance", "IDR=50000", "--balance", "XYZ=0.5"];
    let (mut child, address, _output) = start(&[&balances[..], &["--control", "--control-token", TOKEN]].concat());
    let answer = send(&address, &control_request("GET", "balances", Some(TOKEN), ""));
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    let available = ["IDR", "XYZ", "JPY"].map(|currency| told[currency]["available"].as_str().unwrap());
    assert_eq!(available, ["50000", "0.5", "100000000"]);
}

#[test]
fn a_balance_that_cannot_be_one_is_a_clear_error() {
    for (given, told) in [
        (&["--balance", "IDR"][..], "must be CURRENCY=AMOUNT, such as IDR=50000"),
        (&["--balance", "=50000"], "the currency must be a code in capital letters, such as IDR"),
        (&["--balance", "idr=50000"], "the currency must be a code in capital letters, such as IDR"),
        (&["--balance", "IDR="], "the balance in IDR must be a decimal number of at least 0"),
        (&["--balance", "IDR=50,000"], "the balance in IDR must be a decimal number of at least 0"),
        (&["--balance", "IDR=-1"], "the balance in IDR must be a decimal number of at least 0"),
        (&["--balance", "IDR=1", "--balance", "IDR=1"], "--balance names IDR twice"),
    ] {
        let refused = program(&[&["--port", "0"], given].concat()).output().unwrap();
        assert!(refused.status.code().is_some_and(|code| code > 0), "{given:?}");
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(error.contains(told), "{told} in {error}");
    }
}
