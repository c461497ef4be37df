//! Who makes creates, and with which load.

use crate::command::Program;

use super::place::Place;
use crate::failure::Outcome;

/// One contestant.
pub(super) struct Contestant {
    /// The group of those that it is compared with, and its own name.
    pub(super) name: &'static str,
    subject: Subject,
    calls: u32,
    pub(super) server: Kind,
}

/// Which program makes the calls, with these words.
#[derive(Clone, Copy)]
enum Subject {
    Rust(&'static str),
    Python(&'static str),
    Jvm(&'static str),
    Swift(&'static str),
}

/// Which server it calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Tls,
    /// Closes each connection behind its answer.
    Closing,
}

use Kind::{Closing, Plain, Tls};
use Subject::{Jvm, Python, Rust, Swift};

const fn new(name: &'static str, subject: Subject, calls: u32, server: Kind) -> Contestant {
    Contestant { name, subject, calls, server }
}

/// In the order of their turns: those that are compared, one after the other.
pub(super) const CONTESTANTS: &[Contestant] = &[
    new("1 caller: core", Rust("create"), 10_000, Plain),
    new("1 caller: hyper by hand", Rust("hyper"), 10_000, Plain),
    new("1 caller, two workers: core", Rust("create --workers 2"), 5000, Plain),
    new("1 caller, two workers: hyper by hand", Rust("hyper --workers 2"), 5000, Plain),
    new("64 in flight: core", Rust("create --in-flight 64"), 30_000, Plain),
    new("64 in flight: hyper by hand", Rust("hyper --in-flight 64"), 30_000, Plain),
    new("64 in flight, two workers: core", Rust("create --workers 2 --in-flight 64"), 20_000, Plain),
    new("64 in flight, two workers: hyper by hand", Rust("hyper --workers 2 --in-flight 64"), 20_000, Plain),
    new("1 caller, TLS: core", Rust("create"), 10_000, Tls),
    new("1 caller, TLS: hyper by hand", Rust("hyper"), 10_000, Tls),
    new("64 in flight, TLS: core", Rust("create --in-flight 64"), 20_000, Tls),
    new("64 in flight, TLS: hyper by hand", Rust("hyper --in-flight 64"), 20_000, Tls),
    new("Python sync: komopay", Python("komopay"), 8000, Plain),
    new("Python sync: primp", Python("primp"), 8000, Plain),
    new("Python sync: pyreqwest", Python("pyreqwest"), 8000, Plain),
    new("Python sync: httpx", Python("httpx"), 1000, Plain),
    new("Python sync: requests", Python("requests"), 1000, Plain),
    new("Python sync, 8 threads: komopay", Python("komopay --in-flight 8"), 16_000, Plain),
    new("Python sync, 64 threads: komopay", Python("komopay --in-flight 64"), 16_000, Plain),
    new("Python sync, TLS: komopay", Python("komopay"), 8000, Tls),
    new("Python sync, TLS: primp", Python("primp"), 8000, Tls),
    new("Python sync, TLS: pyreqwest", Python("pyreqwest"), 8000, Tls),
    new("Python sync, TLS: httpx", Python("httpx"), 1000, Tls),
    new("Python sync, TLS: requests", Python("requests"), 1000, Tls),
    new("Python sync, a connection a call: komopay", Python("komopay --connection-per-create"), 1000, Closing),
    new("Python sync, a connection a call: primp", Python("primp"), 1000, Closing),
    new("Python sync, a connection a call: pyreqwest", Python("pyreqwest"), 1000, Closing),
    new("Python sync, a connection a call: httpx", Python("httpx"), 1000, Closing),
    new("Python sync, a connection a call: requests", Python("requests"), 1000, Closing),
    new("Python async, 100 in flight: komopay", Python("komopay_async --in-flight 100"), 10_000, Plain),
    new("Python async, 100 in flight: pyreqwest", Python("pyreqwest_async --in-flight 100"), 10_000, Plain),
    new("Python async, 100 in flight: primp", Python("primp_async --in-flight 100"), 10_000, Plain),
    new("Python async, 100 in flight: aiohttp", Python("aiohttp --in-flight 100"), 4000, Plain),
    new("JVM, 1 caller: komopay", Jvm("komopay"), 10_000, Plain),
    new("JVM, 1 caller: OkHttp and Jackson", Jvm("okhttp"), 10_000, Plain),
    new("JVM, 1 caller: java.net.http and Jackson", Jvm("java-net-http"), 10_000, Plain),
    new("JVM, 64 in flight: komopay, threads", Jvm("komopay --in-flight 64"), 20_000, Plain),
    new("JVM, 64 in flight: komopay, coroutines", Jvm("komopay-coroutines --in-flight 64"), 20_000, Plain),
    new("JVM, 64 in flight: OkHttp and Jackson", Jvm("okhttp --in-flight 64"), 20_000, Plain),
    new("Swift, 1 caller: komopay", Swift("komopay"), 5000, Plain),
    new("Swift, 1 caller: URLSession and Codable", Swift("urlsession"), 1000, Plain),
    new("Swift, 64 in flight: komopay", Swift("komopay --in-flight 64"), 20_000, Plain),
    new("Swift, 64 in flight: URLSession and Codable", Swift("urlsession --in-flight 64"), 2000, Plain),
    new("JVM, 64 in flight: java.net.http and Jackson", Jvm("java-net-http --in-flight 64"), 20_000, Plain),
];

impl Contestant {
    /// Whether it makes one call after the other, on one thread: while its server works, it has nothing to do.
    fn is_alone(&self) -> bool {
        let (Rust(words) | Python(words) | Jvm(words) | Swift(words)) = self.subject;
        !words.contains("--in-flight") && !words.contains("--workers")
    }

    /// What runs it against this server; nothing, where its language is not there.
    pub(super) fn program(&self, place: &Place, url: &str) -> Outcome<Option<Program>> {
        let program = match self.subject {
            Swift(words) => match &place.swift {
                Some(swift) => swift.program().args(words),
                None => return Ok(None),
            },
            Rust(words) => place.rust().args(words),
            Jvm(words) => place.jvm.program()?.args(words),
            Python(words) => place.python().arg("bench/contestants.py").args(words),
        };
        let program = program.arg("--url").arg(url).arg("--calls").arg(self.calls.to_string());
        let program = if self.server == Tls { program.arg("--ca-file").arg(place.ca_file()) } else { program };
        Ok(Some(if self.is_alone() { place.on_one_processor(&program) } else { program }))
    }
}
