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
    #[serde(with = "GivenMethod")]
    method: PayoutMethod,
    segment_code: Option<String>,
    exchanged_to_currency: Option<String>,
    callback_url: Option<String>,
    customer_ip: Option<String>,
}

pub fn request(given: GivenRequest) -> Result<PayoutRequest, Error> {
    let GivenRequest { money: sum, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = given;
    let money = money(sum)?;
    Ok(PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip })
}

#[derive(Deserialize)]
#[serde(remote = "PayoutMethod", tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the core's names")]
enum GivenMethod {
    BankTransfer(#[serde(with = "GivenBankTransfer")] BankTransfer),
    CryptoTransfer(#[serde(with = "GivenCryptoTransfer")] CryptoTransfer),
    WalletTransfer(#[serde(with = "GivenWalletTransfer")] WalletTransfer),
}

#[derive(Deserialize)]
#[serde(remote = "BankTransfer", deny_unknown_fields)]
struct GivenBankTransfer {
    operator_code: String,
    #[serde(with = "GivenBankAccount")]
    account: BankAccount,
    email_address: Option<String>,
    remark: Option<String>,
}

#[derive(Deserialize)]
#[serde(remote = "BankAccount", deny_unknown_fields)]
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
#[serde(remote = "CryptoTransfer", deny_unknown_fields)]
struct GivenCryptoTransfer {
    operator_code: String,
    #[serde(with = "GivenCryptoAccount")]
    account: CryptoAccount,
    remark: Option<String>,
}

#[derive(Deserialize)]
#[serde(remote = "CryptoAccount", deny_unknown_fields)]
struct GivenCryptoAccount {
    number: String,
}

#[derive(Deserialize)]
#[serde(remote = "WalletTransfer", deny_unknown_fields)]
struct GivenWalletTransfer {
    operator_code: Option<String>,
    #[serde(with = "GivenWalletAccount")]
    account: WalletAccount,
    phone_number: Option<String>,
    remark: Option<String>,
}

#[derive(Deserialize)]
#[serde(remote = "WalletAccount", deny_unknown_fields)]
struct GivenWalletAccount {
    name: Option<String>,
    number: Option<String>,
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

/// What is written for a value, and how the value is made of it.
trait Decode: Sized {
    type Given: DeserializeOwned;

    fn decode(given: Self::Given) -> Result<Self, Trouble>;
}

macro_rules! decode {
    ($($type:ty: $given_type:ty, $given:ident => $made:expr,)*) => {
        $(
            impl Decode for $type {
                type Given = $given_type;

                fn decode($given: $given_type) -> Result<Self, Trouble> {
                    Ok($made)
                }
            }
        )*
    };
}

decode! {
    bool: bool, given => given,
    u32: u32, given => given,
    usize: usize, given => given,
    f64: f64, given => given,
    String: String, given => given,
    PathBuf: PathBuf, given => given,
    Duration: u64, given => Self::from_millis(given),
    Money: GivenMoney, given => money(given)?,
    CallbackKey: String, given => Self::new(given),
    TokenScope: String, given => match given.as_str() {
        "payout" => Self::Payout,
        "everything" => Self::Everything,
        other => return Err(format!("Rust has no token scope {other}").into()),
    },
    Arc<dyn ChangeStore>: String, given => match given.as_str() {
        "memory" => Arc::new(MemoryChangeStore::new()),
        path => Arc::new(SqliteChangeStore::open(path).map_err(|error| error.to_string())?),
    },
}

impl<T: Decode> Decode for Option<T> {
    type Given = T::Given;

    fn decode(given: T::Given) -> Result<Self, Trouble> {
        T::decode(given).map(Some)
    }
}

impl<T: Decode> Decode for Vec<T> {
    type Given = Vec<T::Given>;

    fn decode(given: Self::Given) -> Result<Self, Trouble> {
        given.into_iter().map(T::decode).collect()
    }
}

pub fn settings(mut given: Map<String, Value>) -> Result<Config, Trouble> {
    fn setting<T: Decode>(given: &mut Map<String, Value>, name: &str, default: T) -> Result<T, Trouble> {
        take::<Option<T::Given>>(given, name)?.map_or(Ok(default), T::decode)
    }
    macro_rules! settings {
        ($($name:ident),*) => {{
            let credentials = credentials(&mut given)?;
            // Without `..`, so that a new setting of the core does not compile until it can be decoded.
            let Config { base_url, credentials, language, telemetry, $($name),* } =
                Config::new(take::<String>(&mut given, "base_url")?, credentials);
            $(let $name = setting(&mut given, stringify!($name), $name)?;)*
            Config { base_url, credentials, language, telemetry, $($name),* }
        }};
    }
    let config = settings!(
        token_scope,
        token_validity,
        total_timeout,
        attempt_timeout,
        connect_timeout,
        settle_window,
        backoff_base,
        backoff_cap,
        read_attempts,
        requests_per_second,
        max_concurrency,
        pool_size,
        connection_per_create,
        max_answer_bytes,
        proxy,
        proxy_from_environment,
        ca_file,
        customer_id,
        max_amount,
        is_test,
        loopback_is_live,
        validate,
        callback_keys,
        change_store,
        change_lease,
        keep_changes,
        callback_timeout
    );
    match given.keys().next() {
        Some(left) => Err(format!("there is no setting {left}").into()),
        None => Ok(config),
    }
}

fn credentials(given: &mut Map<String, Value>) -> Result<Credentials, Trouble> {
    let (code, secret) = (take(given, "merchant_code")?, take::<Option<String>>(given, "secret")?);
    Ok(match (code, secret, take::<Option<String>>(given, "token")?, take(given, "provider")?) {
        (Some::<String>(code), Some(secret), None, None) => Credentials::merchant(code, secret),
        (None, None, Some(token), None) => Credentials::token(token),
        (None, None, None, Some(tokens)) => Credentials::Provider(provider(tokens)),
        _ => return Err("Rust has no form for these credentials".into()),
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
