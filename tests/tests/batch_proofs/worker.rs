//! A worker in a process of its own, to be killed and stopped.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a worker may take to end, or to stand still: with the longest of batches, on a machine that has much else
/// to do.
pub const LIMIT: Duration = Duration::from_secs(1200);

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself: nothing is due for so long, or nothing any more.
    Done { state: String, due: Option<Duration> },
    /// By a signal.
    Killed,
    /// With an error, which it wrote.
    Failed,
}

pub struct Worker {
    child: Child,
    pid: Pid,
}

impl Worker {
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
        Self { child, pid }
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended.
        if self.child.id().is_some() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits until it stands still: true, or has ended.
    pub async fn stopped(&self) -> bool {
        let (pid, flags) = (self.pid, WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        let waiting = tokio::task::spawn_blocking(move || waitid(Id::Pid(pid), flags));
        let status = timeout(LIMIT, waiting).await.expect("it neither stops nor ends").unwrap();
        matches!(status, Ok(WaitStatus::Stopped(..)))
    }

    /// Waits until it says anything: true, or has ended. What it says after that is lost.
    pub async fn is_ready(&mut self) -> bool {
        let mut printed = self.child.stdout.take().unwrap();
        let read = timeout(LIMIT, printed.read(&mut [0])).await.expect("it says nothing").unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut printed, &mut tokio::io::sink()).await });
        read > 0
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and kills it if that has not come by then.
    pub async fn end_or_kill(mut self, after: Duration) -> End {
        if timeout(after, self.child.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
        }
        self.end().await
    }

    /// The exit code that it ends with; none, if a signal ended it.
    pub async fn code(mut self) -> Option<i32> {
        timeout(LIMIT, self.child.wait()).await.expect("it does not end").unwrap().code()
    }

    pub async fn end(mut self) -> End {
        let status = timeout(LIMIT, self.child.wait()).await.expect("it does not end").unwrap();
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).await.unwrap();
        match status.code() {
            None => End::Killed,
            Some(0) => {
                let said: serde_json::Value = serde_json::from_str(&printed).unwrap();
                let due = said["due_ms"].as_u64().map(|due| Duration::from_millis(due + 1));
                End::Done { state: said["state"].as_str().unwrap().to_owned(), due }
            }
            Some(_) => End::Failed,
        }
    }
}
