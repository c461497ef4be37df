//! A client of a few lines over a plain socket: it sends what it is told and shows every byte that came back.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use komopay_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How the connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Closed,
    Reset,
}

pub struct Reply {
    pub raw: Vec<u8>,
    pub end: End,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    pub fn status(&self) -> u16 {
        let text = self.text();
        let status = text.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {text:?}"));
        status.parse().unwrap()
    }

    pub fn headers(&self) -> BTreeMap<String, String> {
        let text = self.text();
        let head = text.split("\r\n\r\n").next().unwrap();
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect()
    }

    pub fn body(&self) -> String {
        self.text().split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body()).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The codes of a 406.
    pub fn codes(&self) -> Vec<String> {
        assert_eq!(self.status(), 406, "{}", self.text());
        self.json().as_array().unwrap().iter().map(|refusal| refusal["code"].as_str().unwrap().to_owned()).collect()
    }

    pub fn description(&self) -> String {
        self.json()["description"].as_str().unwrap().to_owned()
    }
}

pub fn host(sandbox: &Sandbox) -> &str {
    sandbox.base_url().split_once("://").unwrap().1
}

/// The bytes of a request with the headers of the contract.
pub fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let content_type = if method == "POST" { "Content-Type: application/json\r\n" } else { "" };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: sandbox\r\nX-API-Version: 2\r\n{authorization}{content_type}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Sends bytes and reads to the end.
pub async fn exchange(sandbox: &Sandbox, bytes: impl AsRef<[u8]>) -> Reply {
    let mut stream = TcpStream::connect(host(sandbox)).await.unwrap();
    // A reset may come while the request is still on its way.
    let _ = stream.write_all(bytes.as_ref()).await;
    read_to_end(stream).await
}

pub async fn read_to_end(mut stream: TcpStream) -> Reply {
    let mut raw = Vec::new();
    let end = match stream.read_to_end(&mut raw).await {
        Ok(_) => End::Closed,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
        Err(error) => panic!("{error}"),
    };
    Reply { raw, end }
}

pub async fn call(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Reply {
    let token = sandbox.issue_token(&[], None, 600);
    exchange(sandbox, request(method, path, Some(&token), body)).await
}

pub async fn create(sandbox: &Sandbox, id: &str, body: &Value) -> Reply {
    call(sandbox, "POST", &format!("/payouts/{id}"), &body.to_string()).await
}

pub async fn get(sandbox: &Sandbox, id: &str) -> Reply {
    call(sandbox, "GET", &format!("/payouts/{id}"), "").await
}

/// The bytes of a call of the control API.
pub fn control_request(method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    request(method, &format!("/_sandbox/{path}"), token, body).replace("Host: sandbox", "Host: localhost")
}

/// A call of the control API, with the token of this sandbox.
pub async fn control(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Reply {
    exchange(sandbox, control_request(method, path, sandbox.control_token(), body)).await
}

/// The create that KomoPay documents: 10000 IDR by bank transfer.
pub fn documented_create() -> Value {
    bank_transfer("11223344")
}

pub fn bank_transfer(account_number: &str) -> Value {
    json!({
        "paymentRequested": {"money": {"amount": 10000, "currencyCode": "IDR"}},
        "paymentMethod": {
            "paymentMethodCode": "BANK_TRANSFER",
            "account": {"accountName": "Test account", "accountNumber": account_number},
            "paymentOperatorCode": "BNK_000",
            "emailAddress": "customer@test.com"
        },
        "callbackUrl": "https://callback.example.com"
    })
}

/// The ledger as `kind id` lines.
pub async fn ledger(sandbox: &Sandbox) -> Vec<String> {
    sandbox.idle().await;
    sandbox.ledger().iter().map(|entry| format!("{} {}", entry.kind, entry.payout_id)).collect()
}
