//! Canaries: a secret and an account number that must never be seen again, in no log and no error.
//!
//! Every test runs under a log that takes all levels of all crates, and fails the whole program at the first canary.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use crate::end_program;

/// The merchant's code. It is no secret.
pub const MERCHANT: &str = "CANARY_MERCHANT";
/// The merchant's secret.
pub const SECRET: &str = "canary-secret-b5c1f0";
/// The payee's account number.
pub const ACCOUNT: &str = "550066007700";
/// A key of callback URLs.
pub const CALLBACK_KEY: &str = "canary-key-0d81f2c4-7a3e-4b9c-9d55";
/// How every token of the sandbox begins: the JWT header of HS256.
pub const TOKEN: &str = "eyJ0eXAiOiJKV1Qi";
/// The same, with the fields of the header the other way round.
pub const TOKEN_TOO: &str = "eyJhbGciOiJIUzI1NiI";

const ALL: [&str; 5] = [SECRET, ACCOUNT, CALLBACK_KEY, TOKEN, TOKEN_TOO];

static LINES: AtomicUsize = AtomicUsize::new(0);
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Fails if a canary is in this text.
pub fn check(text: &str) {
    assert!(!is_in(text), "a canary was seen in: {}", hide(text));
}

/// This text without its canaries.
#[must_use]
pub fn hide(text: &str) -> String {
    ALL.iter().fold(text.to_owned(), |text, canary| text.replace(canary, "<CANARY>"))
}

/// Whether a canary is in this text.
#[must_use]
pub fn is_in(text: &str) -> bool {
    ALL.iter().any(|canary| text.contains(canary))
}

/// How many lines of log were searched so far.
#[must_use]
pub fn lines_searched() -> usize {
    LINES.load(Ordering::Relaxed)
}

/// Whether a warning was logged that has all these words.
#[must_use]
pub fn warned(words: &[&str]) -> bool {
    warnings(words) > 0
}

/// How many warnings were logged that have all these words.
#[must_use]
pub fn warnings(words: &[&str]) -> usize {
    WARNINGS.lock().unwrap().iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

/// Starts searching the log of this program.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Search).with_ansi(false);
        // Another subscriber in this program would mean that nothing is searched.
        log.try_init().unwrap_or_else(|error| end_program(format_args!("no log to search: {error}")));
    });
}

struct Search;

impl io::Write for Search {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(line);
        if is_in(&text) {
            end_program(format_args!("a canary is in the log: {text}"));
        }
        if text.contains(" WARN ") {
            WARNINGS.lock().unwrap().push(text.into_owned());
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
    assert_eq!(listed, ALL);
}
