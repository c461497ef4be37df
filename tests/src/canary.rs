//! Canaries: a secret and an account number that must never be seen again, in no log and no error.
//!
//! Every test runs under a log that takes all levels of all crates, and fails the whole program at the first canary.

use std::fmt;
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The merchant's code. It is no secret.
pub const MERCHANT: &str = "CANARY_MERCHANT";
/// The merchant's secret.
pub const SECRET: &str = "canary-secret-b5c1f0";
/// The payee's account number.
pub const ACCOUNT: &str = "550066007700";
/// How every token of the sandbox begins: the JWT header of HS256.
pub const TOKEN: &str = "eyJ0eXAiOiJKV1Qi";
/// The same, with the fields of the header the other way round.
pub const TOKEN_TOO: &str = "eyJhbGciOiJIUzI1NiI";

static LINES: AtomicUsize = AtomicUsize::new(0);

/// Fails if a canary is in this text.
pub fn check(text: &str) {
    for canary in [SECRET, ACCOUNT, TOKEN, TOKEN_TOO] {
        assert!(!text.contains(canary), "a canary was seen in: {}", text.replace(canary, "<CANARY>"));
    }
}

/// How many lines of log were searched so far.
#[must_use]
pub fn lines_searched() -> usize {
    LINES.load(Ordering::Relaxed)
}

/// Starts searching the log of this program.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Search).with_ansi(false);
        // Another subscriber in this program would mean that nothing is searched.
        log.try_init().unwrap_or_else(|error| end(format_args!("no log to search: {error}")));
    });
}

/// A log line may be written on a thread whose panic nobody sees.
fn end(why: fmt::Arguments<'_>) -> ! {
    eprintln!("{why}");
    std::process::abort()
}

struct Search;

impl io::Write for Search {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(line);
        if std::panic::catch_unwind(|| check(&text)).is_err() {
            end(format_args!("in the log"));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_task_runner_looks_for_the_same_canaries() {
    let listed: Vec<&str> = include_str!("../canaries.txt").lines().collect();
    assert_eq!(listed, [SECRET, ACCOUNT, TOKEN, TOKEN_TOO]);
}
