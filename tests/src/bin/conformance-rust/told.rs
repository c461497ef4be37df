//! Values of the core from what the runner is told.

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
pub fn take<T: DeserializeOwned>(told: &mut Map<String, Value>, name: &str) -> Result<T, Trouble> {
    read(told.remove(name).unwrap_or_default()).map_err(|trouble| match trouble {
        Trouble::Broken(why) => format!("{name}: {why}").into(),
        error @ Trouble::Error(_) => error,
    })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Trouble> {
    serde_json::from_value(value).map_err(|error| Trouble::Broken(error.to_string()))
}

pub fn value(mut told: Map<String, Value>) -> Result<Made, Trouble> {
    let what: String = take(&mut told, "is")?;
    Ok(match what.as_str() {
        "money" => Made::Money(money(read(told.into())?)?),
        "payout_id" => Made::PayoutId(payout_id(&mut told)?),
        "payout_request" => Made::Request(request(read(told.into())?)?),
        "access_scope" => Made::Scope(scope(read(told.into())?)?),
        "settings" => Made::Settings(settings(read(told.into())?)?),
        other => return Err(format!("nobody knows what {other} is").into()),
    })
}

pub fn payout_id(told: &mut Map<String, Value>) -> Result<PayoutId, Trouble> {
    Ok(PayoutId::new(take::<String>(told, "payout_id")?)?)
}

pub fn span(told: &mut Map<String, Value>, name: &str) -> Result<Duration, Trouble> {
    Ok(Duration::from_millis(take(told, name)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldMoney {
    amount: String,
    currency: String,
}

pub fn money(ToldMoney { amount, currency }: ToldMoney) -> Result<Money, Error> {
    Money::new(amount, currency)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldRequest {
    money: ToldMoney,
    method: ToldMethod,
    segment_code: Option<String>,
    exchanged_to_currency: Option<String>,
    callback_url: Option<String>,
    customer_ip: Option<String>,
}

pub fn request(told: ToldRequest) -> Result<PayoutRequest, Error> {
    let ToldRequest { money: sum, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = told;
    let (money, method) = (money(sum)?, method.into());
    Ok(PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip })
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum ToldMethod {
    #[serde(rename = "bank_transfer")]
    Bank { operator_code: String, account: ToldBankAccount, email_address: Option<String>, remark: Option<String> },
    #[serde(rename = "crypto_transfer")]
    Crypto { operator_code: String, account: ToldCryptoAccount, remark: Option<String> },
    #[serde(rename = "wallet_transfer")]
    Wallet {
        operator_code: Option<String>,
        account: ToldWalletAccount,
        phone_number: Option<String>,
        remark: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldBankAccount {
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
struct ToldCryptoAccount {
    number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldWalletAccount {
    name: Option<String>,
    number: Option<String>,
}

impl From<ToldMethod> for PayoutMethod {
    fn from(told: ToldMethod) -> Self {
        match told {
            ToldMethod::Bank { operator_code, account, email_address, remark } => {
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
            ToldMethod::Crypto { operator_code, account: ToldCryptoAccount { number }, remark } => {
                CryptoTransfer { operator_code, account: CryptoAccount { number }, remark }.into()
            }
            ToldMethod::Wallet { operator_code, account, phone_number, remark } => {
                let account = WalletAccount { name: account.name, number: account.number };
                WalletTransfer { operator_code, account, phone_number, remark }.into()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToldScope {
    Payout { payout_id: String, money: ToldMoney },
    Read { payout_id: String },
    Operations { operations: Vec<String>, money: Option<ToldMoney> },
}

pub fn scope(told: ToldScope) -> Result<AccessScope, Error> {
    Ok(match told {
        ToldScope::Payout { payout_id, money: sum } => {
            AccessScope::Payout { id: PayoutId::new(payout_id)?, money: money(sum)? }
        }
        ToldScope::Read { payout_id } => AccessScope::Read { id: PayoutId::new(payout_id)? },
        ToldScope::Operations { operations, money: sum } => {
            AccessScope::Operations { operations, money: sum.map(money).transpose()? }
        }
    })
}

pub fn filter(mut told: Map<String, Value>) -> Result<PaymentOptionFilter, Trouble> {
    let type_code: Option<String> = take(&mut told, "type_code")?;
    let mut codes = |name| Ok::<_, Trouble>(take::<Option<Vec<String>>>(&mut told, name)?.unwrap_or_default());
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
pub struct ToldSettings {
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
    max_amount: Option<Vec<ToldMoney>>,
    is_test: Option<bool>,
    loopback_is_live: Option<bool>,
    validate: Option<bool>,
    callback_keys: Option<Vec<String>>,
    change_store: Option<String>,
    change_lease: Option<u64>,
    callback_timeout: Option<u64>,
}

pub fn settings(told: ToldSettings) -> Result<Config, Trouble> {
    let credentials = match (told.merchant_code, told.secret, told.token, told.provider) {
        (Some(code), Some(secret), None, None) => Credentials::merchant(code, secret),
        (None, None, Some(token), None) => Credentials::token(token),
        (None, None, None, Some(tokens)) => Credentials::Provider(provider(tokens)),
        _ => return Err("Rust has no form for these credentials".into()),
    };
    let default = Config::new(told.base_url, credentials);
    let span = |told: Option<u64>, default| told.map_or(default, Duration::from_millis);
    let token_scope = match told.token_scope.as_deref() {
        None => default.token_scope,
        Some("payout") => TokenScope::Payout,
        Some("everything") => TokenScope::Everything,
        Some(other) => return Err(format!("Rust has no token scope {other}").into()),
    };
    // Without `..`, so that a new setting of the core does not compile until it can be told.
    Ok(Config {
        base_url: default.base_url,
        credentials: default.credentials,
        token_scope,
        token_validity: span(told.token_validity, default.token_validity),
        total_timeout: span(told.total_timeout, default.total_timeout),
        attempt_timeout: span(told.attempt_timeout, default.attempt_timeout),
        connect_timeout: span(told.connect_timeout, default.connect_timeout),
        settle_window: span(told.settle_window, default.settle_window),
        backoff_base: span(told.backoff_base, default.backoff_base),
        backoff_cap: span(told.backoff_cap, default.backoff_cap),
        read_attempts: told.read_attempts.unwrap_or(default.read_attempts),
        requests_per_second: told.requests_per_second,
        max_concurrency: told.max_concurrency,
        pool_size: told.pool_size.unwrap_or(default.pool_size),
        connection_per_create: told.connection_per_create.unwrap_or(default.connection_per_create),
        max_answer_bytes: told.max_answer_bytes.unwrap_or(default.max_answer_bytes),
        proxy: told.proxy.or(default.proxy),
        ca_file: told.ca_file.or(default.ca_file),
        customer_id: told.customer_id.or(default.customer_id),
        max_amount: match told.max_amount {
            Some(ceilings) => ceilings.into_iter().map(money).collect::<Result<_, _>>()?,
            None => default.max_amount,
        },
        is_test: told.is_test.or(default.is_test),
        loopback_is_live: told.loopback_is_live.unwrap_or(default.loopback_is_live),
        validate: told.validate.unwrap_or(default.validate),
        callback_keys: match told.callback_keys {
            Some(keys) => keys.into_iter().map(CallbackKey::new).collect(),
            None => default.callback_keys,
        },
        change_store: told.change_store.as_deref().map(change_store).transpose()?,
        change_lease: span(told.change_lease, default.change_lease),
        callback_timeout: span(told.callback_timeout, default.callback_timeout),
        language: default.language,
    })
}

fn change_store(told: &str) -> Result<Arc<dyn ChangeStore>, Trouble> {
    Ok(match told {
        "memory" => Arc::new(MemoryChangeStore::new()),
        path => Arc::new(SqliteChangeStore::open(path).map_err(|error| error.to_string())?),
    })
}

/// A callback's body, as the bytes that came, and its URL.
pub fn callback(told: &mut Map<String, Value>) -> Result<(Vec<u8>, String), Trouble> {
    let body = match take(told, "body")? {
        ToldBody::Text(text) => text,
        ToldBody::Long { repeat, times } => repeat.repeat(times),
    };
    Ok((body.into_bytes(), take(told, "url")?))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ToldBody {
    Text(String),
    Long { repeat: String, times: usize },
}

pub fn callback_url_options(told: &mut Map<String, Value>) -> Result<CallbackUrlOptions, Trouble> {
    let expires_at: Option<String> = take(told, "expires_at")?;
    let expires_at = expires_at.map(|time| time.parse().map_err(|_| "no moment".to_owned())).transpose()?;
    let place = match take::<Option<String>>(told, "place")?.as_deref() {
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
