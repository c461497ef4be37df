//! The program: `komopay-sandbox`, and whatever else starts a sandbox by hand.

use std::collections::BTreeSet;
use std::env::{self, VarError};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tokio::sync::oneshot;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use crate::builder::{Builder, DEFAULT_MERCHANT_CODE, DEFAULT_SECRET};
use crate::http::record::RECORD_VARIABLE;
use crate::sandbox::Sandbox;

/// The environment variable with the token of the control API, for the program and for those who use that API.
pub const CONTROL_TOKEN_VARIABLE: &str = "KOMOPAY_SANDBOX_TOKEN";

/// A stand-in KomoPay gateway that runs on this machine.
#[derive(Parser)]
#[command(name = "komopay-sandbox", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Arguments {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// How long a payout stays PROCESSING, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    processing_ms: u64,
    /// What everything random follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Answer the control API under /_sandbox/ (ledger, faults, reset) to who brings its token along, and serve a page
    /// there for a browser. Its link is told at the start.
    #[arg(long)]
    control: bool,
    /// The token of the control API, at least 16 characters; without one, a new one is made and shown. In the
    /// environment other users of this machine do not see it.
    #[arg(long, env = CONTROL_TOKEN_VARIABLE, hide_env_values = true)]
    control_token: Option<String>,
    /// Let the control API forge callbacks to this port of this machine. May be given several times.
    #[arg(long)]
    forge_to_port: Vec<u16>,
    /// The merchant's code.
    #[arg(long, default_value = DEFAULT_MERCHANT_CODE)]
    merchant_code: String,
    /// The merchant's secret.
    #[arg(long, default_value = DEFAULT_SECRET, hide_default_value = true)]
    secret: String,
    /// The balance in a currency, such as IDR=50000, in place of the one that the sandbox has by itself. May be given
    /// several times; a currency that the sandbox does not know is paid by bank transfer to `BNK_000`.
    #[arg(long, value_name = "CURRENCY=AMOUNT", value_parser = balance)]
    balance: Vec<(String, String)>,
    /// For how long after its end a token is still taken, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    token_leeway: u64,
    /// How long after an attempt a callback is repeated that was not answered with 200, in milliseconds.
    #[arg(long, default_value_t = 120_000, value_parser = clap::value_parser!(u64).range(1..))]
    callback_interval_ms: u64,
    /// Send a callback for the creation of a payout, too.
    #[arg(long)]
    callback_on_create: bool,
    /// Trust the certificates in this PEM file for https callback URLs, beside those that this machine trusts.
    #[arg(long)]
    callback_ca: Option<PathBuf>,
    /// Send callbacks to any host, not just to this machine.
    #[arg(long)]
    deliver_to_any_host: bool,
    /// Stop, too, when standard input ends: with whoever started this, however that ended.
    #[arg(long)]
    stop_with_input: bool,
    /// Append every call to this file, a line of JSON each: the request, and again with each true answer. It holds the
    /// secret and all tokens, so it must be for its owner alone; a new one is.
    #[arg(long, env = RECORD_VARIABLE)]
    record: Option<PathBuf>,
}

/// Reads a currency with its amount. Whether that can be a balance, the builder says.
fn balance(text: &str) -> Result<(String, String), String> {
    let (currency, amount) = text.split_once('=').ok_or("must be CURRENCY=AMOUNT, such as IDR=50000")?;
    let is_of_a_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if currency.is_empty() || !currency.bytes().all(is_of_a_code) {
        // One that is written in another way would be one more currency, and leave the balance that was meant.
        return Err("the currency must be a code in capital letters, such as IDR".to_owned());
    }
    Ok((currency.to_owned(), amount.to_owned()))
}

/// Runs the program until Ctrl-C or SIGTERM, and returns its exit code. The first argument is what the usage calls it.
///
/// It takes over this process: its standard output, its log, and the signals that stop it.
pub fn run_program(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // If nobody can read it, there is nobody to tell.
            drop(usage.print());
            return u8::try_from(usage.exit_code()).unwrap_or(1);
        }
    };
    let outcome = start_log().and_then(|()| start(arguments));
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("komopay-sandbox: {error}");
            1
        }
    }
}

/// Logs to standard output what `RUST_LOG` wants: a level, or several of targets, `info,komopay_sandbox=debug`.
fn start_log() -> Result<(), Box<dyn std::error::Error>> {
    let filter = match env::var("RUST_LOG").as_deref() {
        Ok("") | Err(VarError::NotPresent) => Targets::new().with_default(LevelFilter::INFO),
        Ok(wanted) => wanted.parse().map_err(|error| format!("RUST_LOG: {error}"))?,
        Err(error) => return Err(format!("RUST_LOG: {error}").into()),
    };
    let log = tracing_subscriber::fmt::layer().with_target(false).with_ansi(std::io::stdout().is_terminal());
    // Where the host process has a log of its own, it stays.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log.with_filter(filter))));
    Ok(())
}

fn start(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Box::from)
        .and_then(|runtime| runtime.block_on(run(arguments)))
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let Arguments {
        port,
        host,
        processing_ms,
        seed,
        control,
        control_token,
        forge_to_port,
        merchant_code,
        secret,
        balance: balances,
        token_leeway,
        callback_interval_ms,
        callback_on_create,
        callback_ca,
        deliver_to_any_host,
        stop_with_input,
        record,
    } = arguments;
    // Before anyone can know that the sandbox is up, so that a signal right after that stops it gracefully.
    let stop = stop_signal()?;
    let input_ends = stop_with_input.then(end_of_input).transpose()?;
    let mut builder = Sandbox::builder();
    if let Some(path) = record {
        builder = builder.record(path);
    }
    if let Some(path) = callback_ca {
        let pem = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read --callback-ca {}: {error}", path.display()))?;
        builder = builder.callback_ca(&pem);
    }
    let given_token = control_token.is_some();
    if let Some(token) = control_token {
        builder = builder.control_token(&token);
    }
    let mut named = BTreeSet::new();
    for (currency, amount) in &balances {
        if !named.insert(currency) {
            return Err(format!("--balance names {currency} twice").into());
        }
        builder = builder.balance(currency, amount);
    }
    builder = forge_to_port.into_iter().fold(builder, Builder::forge_to_port);
    let sandbox = builder
        .host(host)
        .port(port)
        .processing_time(Duration::from_millis(processing_ms))
        .seed(seed)
        .control(control)
        .merchant(&merchant_code, &secret)
        .token_leeway(Duration::from_secs(token_leeway))
        .callback_interval(Duration::from_millis(callback_interval_ms))
        .callback_on_create(callback_on_create)
        .deliver_to_any_host(deliver_to_any_host)
        .start()
        .await?;

    println!("komopay-sandbox listens on {}", sandbox.base_url());
    println!("  merchant code  {}", sandbox.merchant_code());
    if secret == DEFAULT_SECRET {
        println!("  secret         {DEFAULT_SECRET}");
    } else {
        println!("  secret         as given with --secret");
    }
    if let Some(token) = sandbox.control_token() {
        println!("  control API    {}/_sandbox/", sandbox.base_url());
        println!("  control token  {}", if given_token { "as given" } else { token });
    }
    if let Some(page) = sandbox.page_url() {
        // One that was given is shown nowhere: the page asks for it.
        let link = if given_token { page.split('#').next().unwrap_or_default() } else { &page };
        println!("  page           {link}");
    }
    println!("  callbacks go to {}", if deliver_to_any_host { "any host" } else { "this machine alone" });
    println!("Ctrl-C stops it.");

    match input_ends {
        None => stop.await,
        Some(input_ends) => tokio::select! {
            () = stop => {}
            _ = input_ends => {}
        },
    }
    // If nobody can read it, whoever started this has gone.
    drop(writeln!(std::io::stdout(), "stopping"));
    sandbox.stop().await;
    Ok(())
}

/// Resolves when standard input ends.
fn end_of_input() -> std::io::Result<oneshot::Receiver<()>> {
    let (ended, ends) = oneshot::channel();
    // On a thread of its own, which holds up nothing: it may wait there for ever.
    std::thread::Builder::new().name("komopay-sandbox-input".to_owned()).spawn(move || {
        // What cannot be read has ended, too.
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(ended);
    })?;
    Ok(ends)
}

/// Resolves on Ctrl-C or SIGTERM; both are caught from the call on.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves on Ctrl-C.
#[cfg(windows)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
