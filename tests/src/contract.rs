//! The contract as a judge: every request that a test sends, and every true answer of the sandbox, is held against
//! `contract/payout-api.yaml`.
//!
//! [`crate::start`] and [`Peer::start`](crate::peer::Peer::start) ask it about each call, so that no test has to; the
//! first violation ends the whole program. An answer that a fault falsified is not judged: the sandbox shows what it
//! answered before that. Requests that are wrong on purpose are sent to [`crate::start_for_wrong_requests`].
//!
//! The sandbox's own tests ask it in the same way. What the tests of other languages send is recorded, and held against
//! the contract afterwards: [`check_recorded`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonschema::Validator;
use komopay_sandbox::Exchange;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::form_urlencoded;

const FILE: &str = include_str!("../contract/payout-api.yaml");

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(&serde_saphyr::from_str(FILE).expect("the contract is YAML")));

static REQUESTS: AtomicUsize = AtomicUsize::new(0);
static ANSWERS: AtomicUsize = AtomicUsize::new(0);

/// What is wrong with a request or an answer.
pub type Violation = String;

/// A request as it was on the wire.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, without what stands before the path of the contract.
    pub target: &'a str,
    /// The value of the header of this name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The body.
    pub body: &'a [u8],
}

/// Holds a request against the contract.
///
/// # Errors
/// What is wrong with it.
pub fn check_request(request: &Request<'_>) -> Result<(), Violation> {
    REQUESTS.fetch_add(1, Ordering::Relaxed);
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let (operation, id) = CONTRACT.find(request.method, path)?;
    operation.check_request(request, query, id.as_deref())
}

/// Holds an answer against the contract. Where it has no such call, the answer is to say so.
///
/// # Errors
/// What is wrong with it.
pub fn check_answer(method: &str, target: &str, status: u16, body: &[u8]) -> Result<(), Violation> {
    ANSWERS.fetch_add(1, Ordering::Relaxed);
    let path = target.split('?').next().unwrap_or_default();
    match CONTRACT.find(method, path) {
        Ok((operation, _)) => operation.check_answer(status, body),
        Err(_) if [404, 405].contains(&status) => Ok(()),
        Err(violation) => Err(violation),
    }
}

/// Holds a line of a file that a sandbox [wrote](komopay_sandbox::Builder::record) against the contract.
///
/// # Errors
/// What is wrong with the request or the answer on it.
pub fn check_recorded(line: &str) -> Result<(), Violation> {
    let call: Value = serde_json::from_str(line).map_err(|error| format!("no recorded call: {error}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (method, target) = (text(&call["method"]), text(&call["target"]));
    if let Some(status) = call["answer"]["status"].as_u64() {
        let status = u16::try_from(status).map_err(|error| error.to_string())?;
        return check_answer(&method, &target, status, text(&call["answer"]["body"]).as_bytes());
    }
    let header = |name: &str| call["headers"][name.to_lowercase()].as_str().map(str::to_owned);
    let body = text(&call["body"]);
    check_request(&Request { method: &method, target: &target, header: &header, body: body.as_bytes() })
}

/// How many requests and how many answers this program has held against the contract.
#[must_use]
pub fn judged() -> (usize, usize) {
    (REQUESTS.load(Ordering::Relaxed), ANSWERS.load(Ordering::Relaxed))
}

/// Holds what the sandbox shows against the contract. A violation ends the program.
pub fn judge(exchange: &Exchange<'_>) {
    if exchange.answer.is_some() {
        judge_answer(exchange);
    } else {
        let header = |name: &str| Some(exchange.headers.get(name)?.to_str().ok()?.to_owned());
        let target = exchange.uri.to_string();
        let method = exchange.method.as_str();
        judge_request(&Request { method, target: &target, header: &header, body: exchange.body });
    }
}

/// As [`judge`], for a sandbox that is sent wrong requests on purpose.
pub fn judge_answer(exchange: &Exchange<'_>) {
    if let Some((status, body)) = exchange.answer {
        let (method, path) = (exchange.method.as_str(), exchange.uri.path());
        if let Err(violation) = check_answer(method, path, status, body) {
            let body = String::from_utf8_lossy(body);
            crate::end_program(format_args!("the sandbox breaks the contract: {violation}\n{method} {path} {body}"));
        }
    }
}

/// Holds a request against the contract. A violation ends the program.
pub fn judge_request(request: &Request<'_>) {
    if let Err(violation) = check_request(request) {
        let Request { method, target, body, .. } = request;
        let body = String::from_utf8_lossy(body);
        crate::end_program(format_args!("a request breaks the contract: {violation}\n{method} {target} {body}"));
    }
}

/// The operations of the contract, ready to judge.
struct Contract(Vec<Operation>);

struct Operation {
    method: String,
    /// With `{idPayout}` for the id of a payout.
    path: String,
    needs_token: bool,
    parameters: Vec<Parameter>,
    body: Option<Validator>,
    answers: BTreeMap<u16, Validator>,
}

struct Parameter {
    name: String,
    place: Place,
    required: bool,
    is_number: bool,
    schema: Validator,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Path,
    Query,
    Header,
}

impl Contract {
    fn new(document: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            let shared = item["parameters"].as_array().into_iter().flatten();
            for method in ["get", "post"].into_iter().filter(|method| item.get(method).is_some()) {
                let definition = &item[method];
                let own = definition["parameters"].as_array().into_iter().flatten();
                let body = resolved(document, &definition["requestBody"]);
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    needs_token: definition.get("security").is_none(),
                    parameters: shared.clone().chain(own).map(|value| Parameter::new(document, value)).collect(),
                    body: (!body.is_null()).then(|| content(document, body)),
                    answers: definition["responses"]
                        .as_object()
                        .expect("responses")
                        .iter()
                        .map(|(status, answer)| {
                            (status.parse().expect("a status"), content(document, resolved(document, answer)))
                        })
                        .collect(),
                });
            }
        }
        Self(operations)
    }

    /// The operation of a path, and the payout id in it. A path without a variable part goes before one with it.
    fn find(&self, method: &str, path: &str) -> Result<(&Operation, Option<String>), Violation> {
        let segments: Vec<Cow<str>> =
            path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect();
        let (id, parents) = segments.split_last().expect("a split has at least one part");
        let literal = self.0.iter().filter(|operation| operation.path.split('/').eq(&segments));
        let literal = literal.map(|operation| (operation, None));
        let with_id = self.0.iter().filter_map(|operation| {
            let folder = operation.path.strip_suffix("/{idPayout}")?;
            (!id.is_empty() && folder.split('/').eq(parents)).then(|| (operation, Some(id.clone().into_owned())))
        });
        let mut candidates: Vec<_> = literal.collect();
        if candidates.is_empty() {
            candidates = with_id.collect();
        }
        let found = candidates.into_iter().find(|(operation, _)| operation.method == method);
        found.ok_or_else(|| format!("the contract has no {method} {path}"))
    }
}

impl Operation {
    fn check_request(&self, request: &Request<'_>, query: &str, id: Option<&str>) -> Result<(), Violation> {
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, _) in &query {
            let declared = self.parameters.iter().any(|p| p.place == Place::Query && p.name == *name);
            if !declared || query.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(format!("query parameter {name} is unknown, or there twice"));
            }
        }
        for parameter in &self.parameters {
            let value = match parameter.place {
                Place::Path => id.map(str::to_owned),
                Place::Query => query.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value.clone()),
                Place::Header => (request.header)(&parameter.name),
            };
            parameter.check(value)?;
        }
        let token = (request.header)("authorization");
        if self.needs_token && !token.is_some_and(|token| token.len() > 7 && token.starts_with("Bearer ")) {
            return Err("there is no bearer token".to_owned());
        }
        match &self.body {
            Some(schema) => {
                if (request.header)("content-type").as_deref() != Some("application/json") {
                    return Err("the body is not said to be JSON".to_owned());
                }
                check_json(schema, request.body)
            }
            None if request.body.is_empty() => Ok(()),
            None => Err("there is a body".to_owned()),
        }
    }

    fn check_answer(&self, status: u16, body: &[u8]) -> Result<(), Violation> {
        let schema = self.answers.get(&status).ok_or_else(|| format!("status {status} is not declared"))?;
        check_json(schema, body)
    }
}

impl Parameter {
    fn new(document: &Value, definition: &Value) -> Self {
        let definition = resolved(document, definition);
        let schema = &definition["schema"];
        Self {
            name: definition["name"].as_str().expect("a name").to_owned(),
            place: match definition["in"].as_str() {
                Some("path") => Place::Path,
                Some("query") => Place::Query,
                Some("header") => Place::Header,
                other => panic!("a parameter in {other:?}"),
            },
            required: definition["required"] == json!(true),
            is_number: ["integer", "number"].iter().any(|kind| resolved(document, schema)["type"] == json!(kind)),
            schema: validator(document, schema),
        }
    }

    /// Every parameter is text on the wire; one that is to be a number must be the text of one.
    fn check(&self, value: Option<String>) -> Result<(), Violation> {
        let Self { name, place, .. } = self;
        let value = match value {
            Some(text) if self.is_number => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            Some(text) => Value::String(text),
            None if self.required => return Err(format!("{name} is missing ({place:?})")),
            None => return Ok(()),
        };
        check(&self.schema, &value).map_err(|violation| format!("{name}: {violation}"))
    }
}

/// The definition behind a value that may be a reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a reference to something"),
        None => value,
    }
}

/// The schema of the JSON in a body.
fn content(document: &Value, body: &Value) -> Validator {
    validator(document, &body["content"]["application/json"]["schema"])
}

/// A schema with everything that it may refer to. `\p{L}` in a pattern is read as Unicode has it.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    assert!(schema.is_object(), "every body of the contract has a schema");
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn check_json(schema: &Validator, body: &[u8]) -> Result<(), Violation> {
    let body = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    check(schema, &body)
}

fn check(schema: &Validator, value: &Value) -> Result<(), Violation> {
    if schema.is_valid(value) {
        return Ok(());
    }
    let errors = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
    Err(errors.collect::<Vec<_>>().join("; "))
}
