//! What the URL of a PostgreSQL server says, and what is set whatever it says.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use komopay_core::{Error, Result};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation, TargetSessionAttrs};

use super::tls::{self, Trust};

/// The schema of the tables where the URL names none.
const SCHEMA: &str = "komopay";
/// How long one address may take to be reached.
const REACHED: Duration = Duration::from_secs(10);
/// How long the other end may be silent before it is taken for gone.
const SILENCE: Duration = Duration::from_secs(30);

/// The options that a URL may have. Most are those of libpq.
const OPTIONS: [&str; 20] = [
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "application_name",
    "sslmode",
    "sslrootcert",
    "sslnegotiation",
    "channel_binding",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "target_session_attrs",
];

pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) tls: rustls::ClientConfig,
    pub(super) schema: String,
}

impl Settings {
    /// Reads a URL. No error repeats a part of it, which may be the password.
    pub(super) fn read(url: &str) -> Result<Self> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut kept, mut mode, mut root, mut options) = (Vec::new(), None, None, String::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value)?;
            match OPTIONS.into_iter().find(|known| *known == name) {
                Some("sslmode") => mode = Some(value),
                Some("sslrootcert") => root = Some(PathBuf::from(value)),
                Some("options") => options = value,
                Some(_) => kept.push(pair),
                None => return Err(refused(&format!("has an unknown option; known are {}", OPTIONS.join(", ")))),
            }
        }
        let mut config = Config::from_str(&format!("{address}?{}", kept.join("&")))
            .map_err(|_| refused("cannot be read; encode what is special in a password, such as @ as %40"))?;
        let (schema, options) = schema(&options)?;
        if !options.is_empty() {
            config.options(options);
        }
        let trust = trust(&config, mode.as_deref(), root)?;
        config.ssl_mode(if trust == Trust::Plain { SslMode::Disable } else { SslMode::Require });
        let mut tls = tls::config(&trust)?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct {
            tls.alpn_protocols.push(b"postgresql".to_vec());
        }
        complete(&mut config);
        Ok(Self { config, tls, schema })
    }
}

/// What holds where the URL says nothing of it.
fn complete(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("komopay");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(REACHED);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(SILENCE).keepalives_interval(SILENCE / 3).keepalives_retries(3);
    }
    // Among several the primary is looked for; a single one that is none is told in our words.
    if config.get_hosts().len().max(config.get_hostaddrs().len()) > 1 {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

fn trust(config: &Config, mode: Option<&str>, root: Option<PathBuf>) -> Result<Trust> {
    let is_near =
        config.get_hosts().iter().all(is_near) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    match (mode, root) {
        (Some("disable"), None) => Ok(Trust::Plain),
        (None, None) if is_near => Ok(Trust::Plain),
        (Some("require"), None) => Ok(Trust::Anybody),
        (Some("verify-full") | None, None) => Ok(Trust::System),
        (Some("verify-full") | None, Some(root)) => Ok(Trust::Authorities(root)),
        (Some("disable" | "require"), Some(_)) => {
            Err(refused("has an sslrootcert, which only sslmode=verify-full looks at"))
        }
        (Some("prefer" | "allow"), _) => Err(refused(
            "has an sslmode that goes on without encryption where somebody asks for it: use verify-full, or disable",
        )),
        (Some(_), _) => Err(refused("has an unknown sslmode: use verify-full, require or disable")),
    }
}

/// Whether what is said to this host stays on this machine.
fn is_near(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
    }
}

/// The schema that the options name as `search_path`, and the options without it: it is set in each transaction,
/// since a pooler passes no options on.
fn schema(options: &str) -> Result<(String, String)> {
    let (mut schema, mut others, mut words) = (SCHEMA.to_owned(), Vec::new(), options.split_whitespace());
    while let Some(word) = words.next() {
        let setting = match word {
            "-c" => words.next().unwrap_or_default(),
            word => word.strip_prefix("-c").or_else(|| word.strip_prefix("--")).unwrap_or(word),
        };
        match setting.split_once('=') {
            Some(("search_path", name)) if is_name(name) => name.clone_into(&mut schema),
            Some(("search_path", _)) => {
                return Err(refused("has a search_path that is no name of one schema, of a-z, 0-9 and _"));
            }
            _ => others.push(format!("-c {setting}")),
        }
    }
    Ok((schema, others.join(" ")))
}

fn is_name(text: &str) -> bool {
    let is_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !text.is_empty() && text.len() < 64 && text.chars().all(is_of) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn decoded(value: &str) -> Result<String> {
    let text = percent_encoding::percent_decode_str(value).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| refused("has an option that is no UTF-8"))
}

fn refused(problem: &str) -> Error {
    Error::setting("journal", format!("the URL of the PostgreSQL server {problem}"))
}
