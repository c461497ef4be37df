//! The stand-in gateway as a child process. It never outlives this one: dropped, it is killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::workspace::Workspace;

/// Credentials of a merchant that exists only in a gateway started here.
pub(crate) const MERCHANT_CODE: &str = "DEMO";
/// The secret of that merchant.
pub(crate) const SECRET: &str = "demo-secret";

const ANNOUNCEMENT: &str = "komopay-sandbox listens on ";
const TOKEN_LINE: &str = "  control token  ";
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds the gateway and says where it is.
pub(crate) fn build(workspace: &Workspace) -> Outcome<PathBuf> {
    build_program(workspace, "komopay-sandbox")
}

/// Builds a program of the workspace and says where it is.
pub(crate) fn build_program(workspace: &Workspace, name: &str) -> Outcome<PathBuf> {
    // With the features that the whole workspace asks for, and its tests, so that their builds serve it, too: cargo
    // counts those of tests in where examples are asked for, of which there are none.
    Program::cargo(workspace).args("build --locked --workspace --examples --bin").arg(name).run()?;
    Ok(workspace.target().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Holds recorded calls against the contract. They hold the secret and the tokens of tests, so the record goes.
pub(crate) fn validate(workspace: &Workspace, calls: &Path) -> Outcome {
    let program = build_program(workspace, "validate-exchanges")?;
    Program::new(workspace, program).arg(calls).run()?;
    files::remove(calls)
}

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    base_url: String,
    control_token: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(workspace: &Workspace) -> Outcome<Self> {
        let program = build(workspace)?;
        let mut child = Program::new(workspace, program)
            .args("--port 0 --control --merchant-code")
            .arg(MERCHANT_CODE)
            .arg("--secret")
            .arg(SECRET)
            .into_command()
            // It shall make one, and show it.
            .env_remove("KOMOPAY_SANDBOX_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::while_doing("cannot start komopay-sandbox"))?;
        let (announce, announced) = mpsc::channel();
        let log = Arc::<Mutex<Vec<String>>>::default();
        // Read to its end, so that the gateway never blocks on a full pipe.
        if let Some(stdout) = child.stdout.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let mut base_url = String::new();
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if let Some(url) = line.strip_prefix(ANNOUNCEMENT) {
                        url.clone_into(&mut base_url);
                    }
                    if let Some(token) = line.strip_prefix(TOKEN_LINE) {
                        // Nobody listens any more when the start was given up.
                        let _ = announce.send((base_url.clone(), token.to_owned()));
                    }
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        let mut gateway = Self { child, base_url: String::new(), control_token: String::new(), log };
        (gateway.base_url, gateway.control_token) = announced.recv_timeout(PATIENCE).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => "did not say where it listens",
                RecvTimeoutError::Disconnected => "ended before it listened",
            };
            Failure::new(format!("komopay-sandbox {what}\n{}", gateway.log()))
        })?;
        Ok(gateway)
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What its control API asks for.
    pub(crate) fn control_token(&self) -> &str {
        &self.control_token
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Asks it to end and waits until it has, with exit code 0.
    pub(crate) fn stop(mut self) -> Outcome {
        if !ask_to_end(self.child.id()) {
            // No way to ask on this system: dropped, it is killed.
            return Ok(());
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let status = self.child.try_wait().map_err(Failure::while_doing("cannot wait for komopay-sandbox"))?;
            match status {
                None => thread::sleep(Duration::from_millis(20)),
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(Failure::new(format!("komopay-sandbox ended with {status}\n{}", self.log())));
                }
            }
        }
        Err(Failure::new(format!("komopay-sandbox did not stop when asked to\n{}", self.log())))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The standard library can only kill, so the system's own program sends the polite signal.
fn ask_to_end(id: u32) -> bool {
    cfg!(unix) && Command::new("kill").args(["-TERM", &id.to_string()]).status().is_ok_and(|status| status.success())
}
