//! A runner: a program that is told what to do, a line of JSON at a time, and answers each.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::canary;

/// How many of its last lines are told when a runner dies.
const LAST_LINES: usize = 12;

/// A running runner. Dropped, it is killed.
pub(super) struct Runner {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    aside: Arc<Mutex<Aside>>,
    listener: JoinHandle<()>,
}

/// What it wrote to its standard error.
#[derive(Default)]
struct Aside {
    last_lines: VecDeque<String>,
    canaries: usize,
}

impl Runner {
    pub(super) fn start(command: &[OsString]) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("there is no runner to start")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the runner {} cannot be started: {error}", program.display()))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the runner has no pipes".to_owned());
        };
        let aside = Arc::<Mutex<Aside>>::default();
        let listener = tokio::spawn(listen(stderr, Arc::clone(&aside)));
        Ok(Self { child, stdin, answers: BufReader::new(stdout).lines(), aside, listener })
    }

    /// Tells it something, and gives its answer. After an error it is of no use any more.
    pub(super) async fn tell(&mut self, told: &Value, patience: Duration) -> Result<Value, String> {
        let exchange = async {
            self.stdin.write_all(format!("{told}\n").as_bytes()).await?;
            self.stdin.flush().await?;
            self.answers.next_line().await
        };
        match timeout(patience, exchange).await {
            Err(_) => {
                Err(format!("the runner hung: no answer within {patience:?}, so it was killed{}", self.last_lines()))
            }
            Ok(Ok(Some(line))) => serde_json::from_str(&line)
                .map_err(|error| format!("the runner's answer is not JSON ({error}): {}", canary::hide(&line))),
            Ok(Ok(None) | Err(_)) => Err(self.died(patience).await),
        }
    }

    async fn died(&mut self, patience: Duration) -> String {
        let ended = timeout(patience, self.child.wait()).await;
        let _ = timeout(patience, &mut self.listener).await;
        let how = match ended {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its output closed, and it goes on".to_owned(),
        };
        format!("the runner died ({how}){}", self.last_lines())
    }

    /// How many lines with canaries it wrote to its standard error since it was last asked.
    pub(super) fn canaries(&self) -> usize {
        std::mem::take(&mut self.aside.lock().unwrap_or_else(PoisonError::into_inner).canaries)
    }

    /// Ends its input, which must end it.
    pub(super) async fn end(mut self, patience: Duration) -> Result<(), String> {
        drop(self.stdin);
        match timeout(patience, self.child.wait()).await {
            Err(_) => return Err(format!("the runner did not end within {patience:?} after its input had ended")),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(status)) if !status.success() => return Err(format!("the runner ended with {status}")),
            Ok(Ok(_)) => {}
        }
        let _ = timeout(patience, self.listener).await;
        match std::mem::take(&mut self.aside.lock().unwrap_or_else(PoisonError::into_inner).canaries) {
            0 => Ok(()),
            lines => Err(format!("{lines} lines of the runner's standard error show a canary")),
        }
    }

    fn last_lines(&self) -> String {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if aside.last_lines.is_empty() {
            return String::new();
        }
        let lines: Vec<String> = aside.last_lines.iter().map(|line| canary::hide(line)).collect();
        format!("; its last words:\n      {}", lines.join("\n      "))
    }
}

/// Reads to the end, so that the runner never blocks on a full pipe.
async fn listen(stderr: ChildStderr, aside: Arc<Mutex<Aside>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while read_line(&mut stderr, &mut line).await.is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mut aside = aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.canaries += usize::from(canary::is_in(&text));
        aside.last_lines.push_back(text);
        if aside.last_lines.len() > LAST_LINES {
            aside.last_lines.pop_front();
        }
    }
}

async fn read_line(stderr: &mut BufReader<ChildStderr>, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    stderr.read_until(b'\n', line).await
}
