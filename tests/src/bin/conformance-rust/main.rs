//! The runner of the conformance suite for Rust, over the public API of `komopay-core`: see `tests/vectors/README.md`.
//!
//! `decode` makes values of what the conductor writes, `encode` makes JSON of what comes back. It compares nothing and
//! decides nothing.

mod decode;
mod encode;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, Write};
use std::time::Duration;

use komopay_core::{Client, Config, Error, ErrorKind};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::decode::{Made, Trouble, take};
use crate::encode::Encode;

/// What a call comes to.
type Answer = Result<Value, Trouble>;

fn main() {
    // The conductor looks for canaries in the log, too.
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(std::io::stderr);
    log.with_ansi(false).init();
    let mut runner = Runner::new();
    let mut stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the conductor writes UTF-8");
        let given: Map<String, Value> = serde_json::from_str(&line).expect("the conductor writes JSON objects");
        let answer = match runner.answer(given) {
            Ok(Some(value)) => json!({"ok": value}),
            Ok(None) => json!({"cancelled": true}),
            Err(Trouble::Error(error)) => json!({"error": error.encode()}),
            Err(Trouble::Broken(why)) => json!({"broken": why}),
        };
        writeln!(stdout, "{answer}").and_then(|()| stdout.flush()).expect("the conductor reads");
    }
}

struct Runner {
    runtime: Runtime,
    clients: HashMap<String, Client>,
    calls: HashMap<String, JoinHandle<Answer>>,
}

impl Runner {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { runtime, clients: HashMap::new(), calls: HashMap::new() }
    }

    /// Nothing is the answer of a call that was cancelled.
    fn answer(&mut self, mut given: Map<String, Value>) -> Result<Option<Value>, Trouble> {
        let word: String = take(&mut given, "do")?;
        let value = match word.as_str() {
            "open" => {
                let client = Client::new(decode::settings(take(&mut given, "settings")?)?)?;
                self.clients.insert(take(&mut given, "client")?, client);
                Value::Null
            }
            "call" => {
                let call = self.start(&mut given)?;
                return self.finish(call);
            }
            "start" => {
                let call = self.start(&mut given)?;
                self.calls.insert(take(&mut given, "call")?, call);
                Value::Null
            }
            "cancel" => {
                // Its future is dropped.
                self.calls.get(&take::<String>(&mut given, "call")?).ok_or("no such call")?.abort();
                Value::Null
            }
            "finish" => {
                let call = self.calls.remove(&take::<String>(&mut given, "call")?).ok_or("no such call")?;
                return self.finish(call);
            }
            "close" => {
                let client = self.clients.get(&take::<String>(&mut given, "client")?).ok_or("no such client")?;
                self.runtime.block_on(client.close());
                Value::Null
            }
            "make" => match decode::value(take(&mut given, "value")?)? {
                Made::Money(money) => money.encode(),
                Made::PayoutId(id) => id.encode(),
                Made::Request(request) => request.encode(),
                Made::Scope(scope) => scope.encode(),
                Made::Settings(config) => self.shown(&config).map(|_| Value::Null)?,
            },
            "equal" => {
                let (left, right) =
                    (decode::value(take(&mut given, "left")?)?, decode::value(take(&mut given, "right")?)?);
                match (left, right) {
                    (Made::Money(left), Made::Money(right)) => equal(&left, &right),
                    (Made::PayoutId(left), Made::PayoutId(right)) => equal(&left, &right),
                    (Made::Request(left), Made::Request(right)) => equal(&left, &right),
                    (Made::Scope(left), Made::Scope(right)) => equal(&left, &right),
                    _ => return Err("these two are never equal".into()),
                }
            }
            "show" => match decode::value(take(&mut given, "value")?)? {
                Made::Money(money) => encode::texts([money.to_string(), format!("{money:?}")]),
                Made::PayoutId(id) => encode::texts([id.to_string(), format!("{id:?}")]),
                Made::Request(request) => encode::texts([format!("{request:?}"), format!("{request:#?}")]),
                Made::Scope(scope) => encode::texts([format!("{scope:?}"), format!("{scope:#?}")]),
                Made::Settings(config) => encode::texts(self.shown(&config)?),
            },
            "fingerprint" => {
                let key: String = take(&mut given, "key")?;
                decode::request(take(&mut given, "request")?)?.fingerprint(key.as_bytes())?.into()
            }
            "matches_fingerprint" => {
                let (key, stored): (String, String) = (take(&mut given, "key")?, take(&mut given, "stored")?);
                decode::request(take(&mut given, "request")?)?.matches_fingerprint(key.as_bytes(), &stored)?.into()
            }
            "kinds" => ErrorKind::ALL.encode(),
            other => return Err(format!("nobody knows what {other} is").into()),
        };
        Ok(Some(value))
    }

    /// Makes a client of these settings, closes it again, and shows both.
    fn shown(&self, config: &Config) -> Result<[String; 3], Error> {
        let client = Client::new(config.clone())?;
        self.runtime.block_on(client.close());
        Ok([format!("{config:?}"), format!("{config:#?}"), format!("{client:?}")])
    }

    fn start(&self, given: &mut Map<String, Value>) -> Result<JoinHandle<Answer>, Trouble> {
        let client = self.clients.get(&take::<String>(given, "client")?).ok_or("no such client")?.clone();
        let (operation, arguments) = (take(given, "operation")?, take(given, "arguments")?);
        Ok(self.runtime.spawn(call(client, operation, arguments)))
    }

    fn finish(&self, call: JoinHandle<Answer>) -> Result<Option<Value>, Trouble> {
        match self.runtime.block_on(call) {
            Ok(answer) => answer.map(Some),
            Err(ended) if ended.is_cancelled() => Ok(None),
            // In Rust, a panic in the caller's own future is the caller's; this is what the bindings make of it.
            Err(_) => Err(Error::internal("a fault of the komopay SDK: it panicked").into()),
        }
    }
}

fn equal<T: Eq + Hash>(left: &T, right: &T) -> Value {
    let hash = |value: &T| {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    };
    json!({"equal": left == right, "same_hash": hash(left) == hash(right)})
}

async fn call(client: Client, operation: String, mut arguments: Map<String, Value>) -> Answer {
    let given = &mut arguments;
    let answer = match operation.as_str() {
        "create_payout" => {
            let (id, request) = (decode::payout_id(given)?, decode::request(take(given, "request")?)?);
            // Rust has no defaults of arguments. These are the other languages'.
            let resume = take::<Option<bool>>(given, "resume")?.unwrap_or(false);
            client.create_payout(&id, &request, resume).await?.encode()
        }
        "get_payout" => client.get_payout(&decode::payout_id(given)?).await?.encode(),
        "wait_for_payout" => {
            client.wait_for_payout(&decode::payout_id(given)?, decode::span(given, "timeout")?).await?.encode()
        }
        "payout_options" => {
            let (segment, currency) = (
                take::<Option<String>>(given, "segment_code")?,
                take::<Option<String>>(given, "exchanged_to_currency")?,
            );
            let money = decode::money(take(given, "money")?)?;
            client.payout_options(&money, segment.as_deref(), currency.as_deref()).await?.encode()
        }
        "balances" => {
            let currencies: Option<Vec<String>> = take(given, "currencies")?;
            client.balances(&currencies.unwrap_or_default()).await?.encode()
        }
        "currencies" => client.currencies().await?.encode(),
        "segments" => client.segments().await?.encode(),
        "payment_methods" => client.payment_methods().await?.encode(),
        "payment_operators" => client.payment_operators().await?.encode(),
        "payment_options" => {
            let filter = decode::filter(std::mem::take(given))?;
            client.payment_options(&filter).await?.encode()
        }
        "merchant_info" => client.merchant_info().await?.encode(),
        "check_credentials" => client.check_credentials().await?.encode(),
        "issue_token" => {
            let scope = decode::scope(take(given, "scope")?)?;
            let validity = take::<Option<u64>>(given, "validity")?;
            let validity = validity.map_or(Duration::from_secs(600), Duration::from_millis);
            client.issue_token(&scope, validity).await?.encode()
        }
        "callback_url" => {
            let (base, id) = (take::<String>(given, "base")?, decode::payout_id(given)?);
            client.callback_url(&base, &id, &decode::callback_url_options(given)?)?.into()
        }
        "read_callback" => {
            let (body, url) = decode::callback(given)?;
            client.read_callback(&body, &url)?.encode()
        }
        "handle_callback" => {
            let (body, url) = decode::callback(given)?;
            client.handle_callback(&body, &url).await?.encode()
        }
        "take_changes" => client.take_changes(take(given, "limit")?).await?.encode(),
        "acknowledge_change" => {
            client.acknowledge_change(&decode::payout_id(given)?, take(given, "sequence")?).await?;
            Value::Null
        }
        other => return Err(format!("there is no operation {other}").into()),
    };
    if let Some(left) = given.keys().next() {
        return Err(format!("{operation} takes no {left}").into());
    }
    Ok(answer)
}
