//! The client of a command: its settings, from options and the environment.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use komopay_core::{Client, Config, Credentials, Error, Result, SANDBOX_URL};
use secrecy::ExposeSecret;

use crate::secret;

/// Where the platform is, and who asks. The secret is in `KOMOPAY_SECRET`, or in a file.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct ClientArguments {
    /// Where the platform is.
    #[arg(long, value_name = "URL", env = "KOMOPAY_BASE_URL")]
    base_url: Option<String>,
    /// The merchant's code.
    #[arg(long, value_name = "CODE", env = "KOMOPAY_MERCHANT_CODE")]
    merchant_code: Option<String>,
    /// A file with the merchant's secret, and nothing else. Without one, it is in `KOMOPAY_SECRET`.
    #[arg(long, value_name = "FILE", env = "KOMOPAY_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// Which money this is about: a payout of the other kind is an error.
    #[arg(long, env = "KOMOPAY_MODE")]
    mode: Option<Mode>,
    /// The deadline of a whole call, in seconds [default: 90].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    total_timeout: Option<u64>,
    /// A PEM file with authorities to trust besides the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Which money.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Test data.
    Test,
    /// Live money.
    Live,
}

impl ClientArguments {
    /// The client.
    ///
    /// # Errors
    /// `configuration`, naming the setting that is missing or cannot be used.
    pub fn client(self) -> Result<Client> {
        let set = |value: Option<String>| value.filter(|value| !value.is_empty());
        let Some(base_url) = set(self.base_url) else {
            let problem = format!("is missing: give --base-url or set KOMOPAY_BASE_URL; {SANDBOX_URL} has test data");
            return Err(Error::setting("base_url", problem));
        };
        let Some(code) = set(self.merchant_code) else {
            let problem = "is missing: give --merchant-code or set KOMOPAY_MERCHANT_CODE";
            return Err(Error::setting("merchant_code", problem));
        };
        let file = self.secret_file.filter(|file| !file.as_os_str().is_empty());
        let Some(secret) = secret::read("secret", file.as_deref(), "KOMOPAY_SECRET")? else {
            let problem = "is missing: set KOMOPAY_SECRET, or put it into a file and give --secret-file";
            return Err(Error::setting("secret", problem));
        };
        let mut config = Config::new(base_url, Credentials::merchant(code, secret.expose_secret()));
        config.language = "cli";
        config.is_test = self.mode.map(|mode| matches!(mode, Mode::Test));
        config.ca_file = self.ca_file;
        if let Some(seconds) = self.total_timeout {
            config.total_timeout = Duration::from_secs(seconds);
        }
        Client::new(config)
    }
}
