//! Values of the core from the JSON of the conductor.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use komopay_core::{
    AccessScope, BankAccount, BankTransfer, CallbackKey, CallbackUrlOptions, ChangeStore, Config, Credentials,
    CryptoAccount, CryptoTransfer, Error, MemoryChangeStore, Money, PaymentOptionFilter, PayoutId, PayoutMethod,
    PayoutRequest, SignaturePlace, SqliteChangeStore, TokenProvider, TokenScope, WalletAccount, WalletTransfer,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why there is no value: an error of the SDK, or something that this runner cannot do.
pub enum Trouble {
    Error(Error),
    Broken(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Broken(why)
    }
}

impl From<&str> for Trouble {
    fn from(why: &str) -> Self {
        Self::Broken(why.to_owned())
    }
}

/// A value that a public constructor made.
pub enum Made {
    Money(Money),
    PayoutId(PayoutId),
    Request(PayoutRequest),
    Scope(AccessScope),
    Settings(Config),
}

/// Takes a member; one that was left out is `null`.
pub fn take<T: DeserializeOwned>(given: &mut Map<String, Value>, name: &str) -> Result<T, Trouble> {
    read(given.remove(name).unwrap_or_default()).map_err(|trouble| match trouble {
        Trouble::Broken(why) => format!("{name}: {why}").into(),
        error @ Trouble::Error(_) => error,
    })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Trouble> {
    serde_json::from_value(value).map_err(|error| Trouble::Broken(error.to_string()))
}

pub fn value(mut given: Map<String, Value>) -> Result<Made, Trouble> {
    let what: String = take(&mut given, "is")?;
    Ok(match what.as_str() {
        "money" => Made::Money(money(read(given.into())?)?),
        "payout_id" => Made::PayoutId(payout_id(&mut given)?),
        "payout_request" => Made::Request(request(read(given.into())?)?),
        "access_scope" => Made::Scope(scope(read(given.into())?)?),
        "settings" => Made::Settings(settings(read(given.into())?)?),
        other => return Err(format!("nobody knows what {other} is").into()),
    })
}

pub fn payout_id(given: &mut Map<String, Value>) -> Result<PayoutId, Trouble> {
    Ok(PayoutId::new(take::<String>(given, "payout_id")?)?)
}

pub fn span(given: &mut Map<String, Value>, name: &str) -> Result<Duration, Trouble> {
    Ok(Duration::from_millis(take(given, name)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenMoney {
    amount: String,
    currency: String,
}

pub fn money(GivenMoney { amount, currency }: GivenMoney) -> Result<Money, Error> {
    Money::new(amount, currency)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenRequest {
    money: GivenMoney,
    method: GivenMethod,
    segment_code: Option<String>,
    exchanged_to_currency: Option<String>,
    callback_url: Option<String>,
    customer_ip: Option<String>,
}

pub fn request(given: GivenRequest) -> Result<PayoutRequest, Error> {
    let GivenRequest { money: sum, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = given;
    let (money, method) = (money(sum)?, method.into());
    Ok(PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip })
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum GivenMethod {
    #[serde(rename = "bank_transfer")]
    Bank { operator_code: String, account: GivenBankAccount, email_address: Option<String>, remark: Option<String> },
    #[serde(rename = "crypto_transfer")]
    Crypto { operator_code: String, account: GivenCryptoAccount, remark: Option<String> },
    #[serde(rename = "wallet_transfer")]
    Wallet {
        operator_code: Option<String>,
        account: GivenWalletAccount,
        phone_number: Option<String>,
        remark: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenBankAccount {
    name: String,
    number: String,
    account_type: Option<String>,
    bank_code: Option<String>,
    bank_name: Option<String>,
    bank_branch: Option<String>,
    bank_city: Option<String>,
    bank_province: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenCryptoAccount {
    number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenWalletAccount {
    name: Option<String>,
    number: Option<String>,
}

impl From<GivenMethod> for PayoutMethod {
    fn from(given: GivenMethod) -> Self {
        match given {
            GivenMethod::Bank { operator_code, account, email_address, remark } => {
                let account = BankAccount {
                    name: account.name,
                    number: account.number,
                    account_type: account.account_type,
                    bank_code: account.bank_code,
                    bank_name: account.bank_name,
                    bank_branch: account.bank_branch,
                    bank_city: account.bank_city,
                    bank_province: account.bank_province,
                };
                BankTransfer { operator_code, account, email_address, remark }.into()
            }
            GivenMethod::Crypto { operator_code, account: GivenCryptoAccount { number }, remark } => {
                CryptoTransfer { operator_code, account: CryptoAccount { number }, remark }.into()
            }
            GivenMethod::Wallet { operator_code, account, phone_number, remark } => {
                let account = WalletAccount { name: account.name, number: account.number };
                WalletTransfer { operator_code, account, phone_number, remark }.into()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum GivenScope {
    Payout { payout_id: String, money: GivenMoney },
    Read { payout_id: String },
    Operations { operations: Vec<String>, money: Option<GivenMoney> },
}

pub fn scope(given: GivenScope) -> Result<AccessScope, Error> {
    Ok(match given {
        GivenScope::Payout { payout_id, money: sum } => {
            AccessScope::Payout { id: PayoutId::new(payout_id)?, money: money(sum)? }
        }
        GivenScope::Read { payout_id } => AccessScope::Read { id: PayoutId::new(payout_id)? },
        GivenScope::Operations { operations, money: sum } => {
            AccessScope::Operations { operations, money: sum.map(money).transpose()? }
        }
    })
}

pub fn filter(mut given: Map<String, Value>) -> Result<PaymentOptionFilter, Trouble> {
    let type_code: Option<String> = take(&mut given, "type_code")?;
    let mut codes = |name| Ok::<_, Trouble>(take::<Option<Vec<String>>>(&mut given, name)?.unwrap_or_default());
    Ok(PaymentOptionFilter {
        type_code: type_code.as_deref().map(Into::into),
        method_codes: codes("method_codes")?,
        currencies: codes("currencies")?,
        segment_codes: codes("segment_codes")?,
        operator_codes: codes("operator_codes")?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenSettings {
    base_url: String,
    merchant_code: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    provider: Option<Vec<Option<String>>>,
    token_scope: Option<String>,
    token_validity: Option<u64>,
    total_timeout: Option<u64>,
    attempt_timeout: Option<u64>,
    connect_timeout: Option<u64>,
    settle_window: Option<u64>,
    backoff_base: Option<u64>,
    backoff_cap: Option<u64>,
    read_attempts: Option<u32>,
    requests_per_second: Option<f64>,
    max_concurrency: Option<u32>,
    pool_size: Option<usize>,
    connection_per_create: Option<bool>,
    max_answer_bytes: Option<usize>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    customer_id: Option<String>,
    max_amount: Option<Vec<GivenMoney>>,
    is_test: Option<bool>,
    loopback_is_live: Option<bool>,
    validate: Option<bool>,
    callback_keys: Option<Vec<String>>,
    change_store: Option<String>,
    change_lease: Option<u64>,
    callback_timeout: Option<u64>,
}

pub fn settings(given: GivenSettings) -> Result<Config, Trouble> {
    let credentials = match (given.merchant_code, given.secret, given.token, given.provider) {
        (Some(code), Some(secret), None, None) => Credentials::merchant(code, secret),
        (None, None, Some(token), None) => Credentials::token(token),
        (None, None, None, Some(tokens)) => Credentials::Provider(provider(tokens)),
        _ => return Err("Rust has no form for these credentials".into()),
    };
    let default = Config::new(given.base_url, credentials);
    let span = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
    let token_scope = match given.token_scope.as_deref() {
        None => default.token_scope,
        Some("payout") => TokenScope::Payout,
        Some("everything") => TokenScope::Everything,
        Some(other) => return Err(format!("Rust has no token scope {other}").into()),
    };
    // Without `..`, so that a new setting of the core does not compile until it can be decoded.
    Ok(Config {
        base_url: default.base_url,
        credentials: default.credentials,
        token_scope,
        token_validity: span(given.token_validity, default.token_validity),
        total_timeout: span(given.total_timeout, default.total_timeout),
        attempt_timeout: span(given.attempt_timeout, default.attempt_timeout),
        connect_timeout: span(given.connect_timeout, default.connect_timeout),
        settle_window: span(given.settle_window, default.settle_window),
        backoff_base: span(given.backoff_base, default.backoff_base),
        backoff_cap: span(given.backoff_cap, default.backoff_cap),
        read_attempts: given.read_attempts.unwrap_or(default.read_attempts),
        requests_per_second: given.requests_per_second,
        max_concurrency: given.max_concurrency,
        pool_size: given.pool_size.unwrap_or(default.pool_size),
        connection_per_create: given.connection_per_create.unwrap_or(default.connection_per_create),
        max_answer_bytes: given.max_answer_bytes.unwrap_or(default.max_answer_bytes),
        proxy: given.proxy.or(default.proxy),
        ca_file: given.ca_file.or(default.ca_file),
        customer_id: given.customer_id.or(default.customer_id),
        max_amount: match given.max_amount {
            Some(ceilings) => ceilings.into_iter().map(money).collect::<Result<_, _>>()?,
            None => default.max_amount,
        },
        is_test: given.is_test.or(default.is_test),
        loopback_is_live: given.loopback_is_live.unwrap_or(default.loopback_is_live),
        validate: given.validate.unwrap_or(default.validate),
        callback_keys: match given.callback_keys {
            Some(keys) => keys.into_iter().map(CallbackKey::new).collect(),
            None => default.callback_keys,
        },
        change_store: given.change_store.as_deref().map(change_store).transpose()?,
        change_lease: span(given.change_lease, default.change_lease),
        callback_timeout: span(given.callback_timeout, default.callback_timeout),
        language: default.language,
    })
}

fn change_store(given: &str) -> Result<Arc<dyn ChangeStore>, Trouble> {
    Ok(match given {
        "memory" => Arc::new(MemoryChangeStore::new()),
        path => Arc::new(SqliteChangeStore::open(path).map_err(|error| error.to_string())?),
    })
}

/// A callback's body, as the bytes that came, and its URL.
pub fn callback(given: &mut Map<String, Value>) -> Result<(Vec<u8>, String), Trouble> {
    let body = match take(given, "body")? {
        GivenBody::Text(text) => text,
        GivenBody::Long { repeat, times } => repeat.repeat(times),
    };
    Ok((body.into_bytes(), take(given, "url")?))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GivenBody {
    Text(String),
    Long { repeat: String, times: usize },
}

pub fn callback_url_options(given: &mut Map<String, Value>) -> Result<CallbackUrlOptions, Trouble> {
    let expires_at: Option<String> = take(given, "expires_at")?;
    let expires_at = expires_at.map(|time| time.parse().map_err(|_| "no moment".to_owned())).transpose()?;
    let place = match take::<Option<String>>(given, "place")?.as_deref() {
        None => SignaturePlace::default(),
        Some("path") => SignaturePlace::Path,
        Some("query") => SignaturePlace::Query,
        Some(other) => return Err(format!("Rust has no place {other}").into()),
    };
    Ok(CallbackUrlOptions { expires_at, place })
}

/// Gives one token after the other, the last one for ever.
fn provider(tokens: Vec<Option<String>>) -> TokenProvider {
    let (tokens, asked) = (Arc::new(tokens), Arc::new(AtomicUsize::new(0)));
    TokenProvider::new(move || {
        let turn = asked.fetch_add(1, Ordering::Relaxed).min(tokens.len().saturating_sub(1));
        let token = tokens.get(turn).cloned().flatten();
        async move { token.ok_or_else(|| "it was told to fail".to_owned()) }
    })
}
