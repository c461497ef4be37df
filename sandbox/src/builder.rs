//! Settings of a sandbox, as they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::callbacks::Rules;
use crate::error::{MIN_TOKEN, StartError};
use crate::http::exchange::Exchange;
use crate::http::record::recorder;
use crate::platform::catalogue::{BALANCES, Catalogue, Limits};
use crate::platform::money::decimal;
use crate::platform::settings::Settings;

/// The merchant code of a sandbox that was given none.
pub const DEFAULT_MERCHANT_CODE: &str = "SANDBOX_MERCHANT";

/// The secret of a sandbox that was given none.
pub const DEFAULT_SECRET: &str = "sandbox-secret";

/// The address that `customerIp` is refused with, with `IP_DENIED`, unless others are denied too.
const DENIED_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66));

/// Settings of a sandbox; made by [`Sandbox::builder`](crate::Sandbox::builder).
#[derive(Clone)]
#[must_use]
pub struct Builder {
    host: IpAddr,
    port: u16,
    tls: Option<(String, String)>,
    callback_ca: Option<String>,
    record: Option<PathBuf>,
    control_token: Option<String>,
    balances: Vec<(String, String)>,
    changes: Vec<OptionChange>,
    settings: Settings,
}

/// Settings that a sandbox can go by.
pub(crate) struct Checked {
    pub(crate) settings: Settings,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its certificate chain and key, both PEM.
    pub(crate) tls: Option<(String, String)>,
}

/// What shall be otherwise in the payout options of a method in a currency.
#[derive(Clone)]
struct OptionChange {
    method: String,
    currency: String,
    what: Change,
}

#[derive(Clone)]
enum Change {
    Amounts { from: Option<String>, to: Option<String> },
    DailyLimit(String),
    Available(bool),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            tls: None,
            callback_ca: None,
            record: None,
            control_token: None,
            changes: Vec::new(),
            balances: BALANCES
                .iter()
                .map(|(currency, amount)| ((*currency).to_owned(), (*amount).to_owned()))
                .collect(),
            settings: Settings {
                processing_time: Duration::ZERO,
                seed: 0,
                control: false,
                control_token: String::new(),
                forge_to_ports: BTreeSet::new(),
                merchant_code: DEFAULT_MERCHANT_CODE.to_owned(),
                secret: DEFAULT_SECRET.to_owned(),
                merchant_active: true,
                locked_tokens_may_read: true,
                token_leeway: Duration::ZERO,
                documented_answers: false,
                denied_ips: BTreeSet::from([DENIED_IP]),
                balances: BTreeMap::new(),
                catalogue: Catalogue::new(std::iter::empty()),
                callbacks: Rules::default(),
                observers: Vec::new(),
            },
        }
    }

    /// The address to listen on; 127.0.0.1 by default.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// The port to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How long a payout stays `PROCESSING`; the default is zero: it has ended when its create is answered.
    pub fn processing_time(mut self, time: Duration) -> Self {
        self.settings.processing_time = time;
        self
    }

    /// What everything random follows from: fault rates, the platform's ids, the key of payee hashes and tokens.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether the control API under `/_sandbox/` answers; off by default. It asks for
    /// [`Sandbox::control_token`](crate::Sandbox::control_token).
    pub fn control(mut self, on: bool) -> Self {
        self.settings.control = on;
        self
    }

    /// The token that the control API asks for, at least 16 characters of ASCII. By default the sandbox makes one.
    pub fn control_token(mut self, token: &str) -> Self {
        self.control_token = Some(token.to_owned());
        self
    }

    /// Lets the control API forge callbacks to this port of this machine. Otherwise it does so only to URLs that a
    /// create handed over. [`Sandbox::forge_callback`](crate::Sandbox::forge_callback) asks for neither.
    pub fn forge_to_port(mut self, port: u16) -> Self {
        self.settings.forge_to_ports.insert(port);
        self
    }

    /// The merchant's code and secret.
    pub fn merchant(mut self, code: &str, secret: &str) -> Self {
        code.clone_into(&mut self.settings.merchant_code);
        secret.clone_into(&mut self.settings.secret);
        self
    }

    /// Whether the merchant is activated; yes by default.
    pub fn merchant_active(mut self, active: bool) -> Self {
        self.settings.merchant_active = active;
        self
    }

    /// The balance in one currency, as a decimal string. A currency without a balance is not supported; one that the
    /// sandbox knows nothing about can be paid by bank transfer to `BNK_000`, without limits.
    pub fn balance(mut self, currency: &str, amount: &str) -> Self {
        self.balances.push((currency.to_owned(), amount.to_owned()));
        self
    }

    /// The least and the most that one payout may have, as decimal strings, in the payout options of a method in a
    /// currency and all their operators; `None` is no limit.
    pub fn amount_limits(self, method: &str, currency: &str, from: Option<&str>, to: Option<&str>) -> Self {
        self.change(method, currency, Change::Amounts { from: from.map(str::to_owned), to: to.map(str::to_owned) })
    }

    /// The most that each payout option of a method in a currency takes in a day (UTC), as a decimal string.
    pub fn daily_limit(self, method: &str, currency: &str, limit: &str) -> Self {
        self.change(method, currency, Change::DailyLimit(limit.to_owned()))
    }

    /// Whether the payout options of a method in a currency are switched on.
    pub fn option_available(self, method: &str, currency: &str, available: bool) -> Self {
        self.change(method, currency, Change::Available(available))
    }

    /// Refuses creates with this `customerIp`, with `IP_DENIED`; 203.0.113.66 always is.
    pub fn deny_ip(mut self, ip: IpAddr) -> Self {
        self.settings.denied_ips.insert(ip);
        self
    }

    /// Whether a token locked to a sum of money may GET; yes by default. The contract leaves it open.
    pub fn locked_tokens_may_read(mut self, may: bool) -> Self {
        self.settings.locked_tokens_may_read = may;
        self
    }

    /// For how long after its end (`exp`) a token is still taken, in whole seconds; not at all by default.
    pub fn token_leeway(mut self, leeway: Duration) -> Self {
        self.settings.token_leeway = leeway;
        self
    }

    /// Answers as in KomoPay's documentation: without `idPayment`, `reference` and `processorStatus`.
    pub fn documented_answers(mut self, documented: bool) -> Self {
        self.settings.documented_answers = documented;
        self
    }

    /// How long after an attempt a callback is repeated that was not answered with 200: 2 minutes by default, as the
    /// contract says, and at least 1 ms. [`Sandbox::advance`](crate::Sandbox::advance) shortens the wait.
    pub fn callback_interval(mut self, interval: Duration) -> Self {
        self.settings.callbacks.interval = interval;
        self
    }

    /// How long one attempt to deliver a callback may take; 10 seconds by default. The contract does not say.
    pub fn callback_timeout(mut self, timeout: Duration) -> Self {
        self.settings.callbacks.timeout = timeout;
        self
    }

    /// Whether there is a callback for the creation of a payout, too, which makes it `PROCESSING`; off by default. The
    /// contract leaves it open.
    pub fn callback_on_create(mut self, on: bool) -> Self {
        self.settings.callbacks.on_create = on;
        self
    }

    /// Sends callbacks to any host. By default only this machine gets any (127.0.0.0/8, `::1`, `localhost`); the others
    /// are [withheld](crate::DeliveryOutcome::Withheld), and their names are not even looked up.
    pub fn deliver_to_any_host(mut self, any: bool) -> Self {
        self.settings.callbacks.to_any_host = any;
        self
    }

    /// Trusts these certificates (PEM) for https callback URLs, beside those that this machine trusts.
    pub fn callback_ca(mut self, certificates_pem: &str) -> Self {
        self.callback_ca = Some(certificates_pem.to_owned());
        self
    }

    /// Shows every call of the merchant API to this function, and the gateway's true answer, which a fault may have
    /// kept from the client: see [`Exchange`]. It is called before the answer goes out, and must not block.
    pub fn observer(mut self, observer: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.settings.observers.push(Arc::new(observer));
        self
    }

    /// Appends to this file what an [observer](Self::observer) sees, a line of JSON each. Other sandboxes may write to
    /// the same file. It holds the secret and all tokens: it is made for its owner alone, and one that others may use
    /// is refused.
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// Serves https with this certificate chain and key, both PEM.
    pub fn tls(mut self, certificate_pem: &str, key_pem: &str) -> Self {
        self.tls = Some((certificate_pem.to_owned(), key_pem.to_owned()));
        self
    }

    /// The same, as a sandbox can go by them.
    pub(crate) fn checked(self) -> Result<Checked, StartError> {
        let Self { host, port, tls, callback_ca, record, control_token, balances, changes, mut settings } = self;
        if settings.control {
            settings.control_token = checked_token(control_token)?;
        }
        for (currency, amount) in balances {
            match not_negative(&amount) {
                Some(amount) => drop(settings.balances.insert(currency, amount)),
                None => return Err(StartError::Balance { currency }),
            }
        }
        settings.catalogue = Catalogue::new(settings.balances.keys().map(String::as_str));
        for change in changes {
            change.apply(&mut settings.catalogue)?;
        }
        settings.callbacks = settings.callbacks.checked(callback_ca.as_deref(), settings.seed)?;
        if let Some(path) = record {
            match recorder(&path) {
                Ok(recorder) => settings.observers.push(Arc::new(recorder)),
                Err(source) => return Err(StartError::Record { path, source }),
            }
        }
        Ok(Checked { settings, address: SocketAddr::new(host, port), tls })
    }

    fn change(mut self, method: &str, currency: &str, what: Change) -> Self {
        self.changes.push(OptionChange { method: method.to_owned(), currency: currency.to_owned(), what });
        self
    }
}

impl OptionChange {
    fn apply(self, catalogue: &mut Catalogue) -> Result<(), StartError> {
        let Self { method, currency, what } = self;
        let limit = |text: &str| {
            let error = || StartError::Limit { method: method.clone(), currency: currency.clone() };
            not_negative(text).ok_or_else(error)
        };
        let mut options = catalogue.payout_options_mut(&method, &currency).peekable();
        if options.peek().is_none() {
            drop(options);
            return Err(StartError::NoOption { method, currency });
        }
        match what {
            Change::Amounts { from, to } => {
                let from = from.as_deref().map(limit).transpose()?;
                let to = to.as_deref().map(limit).transpose()?;
                options.for_each(|option| option.limit(Limits { from, to }));
            }
            Change::DailyLimit(text) => {
                let most = limit(&text)?;
                options.for_each(|option| option.daily_limit = Some(most));
            }
            Change::Available(available) => options.for_each(|option| option.is_available = available),
        }
        Ok(())
    }
}

/// The token as given, or a new one.
fn checked_token(given: Option<String>) -> Result<String, StartError> {
    if let Some(token) = given {
        let fits = token.len() >= MIN_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
        return if fits { Ok(token) } else { Err(StartError::ControlToken) };
    }
    let mut bytes = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| StartError::NoRandomness)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn not_negative(text: &str) -> Option<Decimal> {
    decimal(text).filter(|value| *value >= Decimal::ZERO)
}
