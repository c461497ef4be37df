//! A sandbox, a folder, and the program beside them.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use komopay_sandbox::{Builder, Fault, LedgerKind, Operation, Sandbox, When};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A payee whom no output may show.
pub const ACCOUNT: &str = "550066007700";
pub const NAME: &str = "Nama Canary";

/// The journal's key.
pub const KEY: &str = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaWo=";

pub struct Bench {
    runtime: Runtime,
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub journal: String,
}

/// What a command left.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// Fails with all that was said, unless the code is this.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    err: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// As whoever supervises it does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Reads what is said on standard error up to a line with this.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            assert!(self.err.read_line(&mut line).unwrap() > 0, "it ended without saying {text:?}: {}", self.said);
            self.said.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    pub fn end(mut self) -> Ended {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut self.said).unwrap();
        ended(self.child.wait().unwrap().code(), out, self.said)
    }
}

fn ended(code: Option<i32>, out: String, err: String) -> Ended {
    for canary in [ACCOUNT, NAME, SECRET, komopay_test_postgres::PASSWORD] {
        assert!(!out.contains(canary) && !err.contains(canary), "it shows {canary}: {out} {err}");
    }
    Ended { code: code.expect("no signal ended it"), out, err }
}

const SECRET: &str = "canary-secret-b5c1f0";

impl Bench {
    pub fn new() -> Self {
        Self::with(|sandbox| sandbox)
    }

    pub fn with(builder: impl FnOnce(Builder) -> Builder) -> Self {
        let runtime = Runtime::new().unwrap();
        let sandbox = Sandbox::builder().merchant("MERCHANT", SECRET).processing_time(Duration::from_millis(50));
        let sandbox = runtime.block_on(builder(sandbox).start()).unwrap();
        Self { runtime, sandbox, folder: TempDir::new().unwrap(), journal: "payroll.journal".to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_komopay"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("KOMOPAY_BASE_URL", self.sandbox.base_url()).env("KOMOPAY_MERCHANT_CODE", "MERCHANT");
        command.env("KOMOPAY_SECRET", SECRET);
        command.env("KOMOPAY_JOURNAL", &self.journal).env("KOMOPAY_JOURNAL_KEY", KEY);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, |command| command)
    }

    pub fn run_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command) -> &mut Command) -> Ended {
        let mut command = self.command(arguments);
        let output = change(&mut command).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        ended(output.status.code(), text(output.stdout), text(output.stderr))
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        ended(output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Starts it, to be interrupted.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Running { child, err, said: String::new() }
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn fault(&self, when: When, effect: komopay_sandbox::Effect) {
        self.sandbox.inject(Fault::new(when, effect));
    }

    /// Waits until so many calls of an operation have come.
    pub fn wait_for_calls(&self, operation: Operation, calls: u64) {
        while self.sandbox.calls(operation) < calls {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The ids that were executed, each as often as it was, in order.
    pub fn executed(&self) -> Vec<String> {
        self.runtime.block_on(self.sandbox.idle());
        let ledger = self.sandbox.ledger();
        let executed = ledger.into_iter().filter(|entry| entry.kind == LedgerKind::Executed);
        let mut ids: Vec<String> = executed.map(|entry| entry.payout_id).collect();
        ids.sort();
        ids
    }
}
