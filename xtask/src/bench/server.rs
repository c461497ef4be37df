//! The minimal server that all contestants call, killed when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::command::Program;
use crate::failure::{Failure, Outcome};

const ANNOUNCEMENT: &str = "komopay-bench serves on ";

pub(crate) struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(serve: Program) -> Outcome<Self> {
        let mut child = serve
            .into_command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::while_doing("cannot start komopay-bench"))?;
        let mut line = String::new();
        let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let url = line.trim().strip_prefix(ANNOUNCEMENT).map(str::to_owned);
        let server = Self { child, url: url.unwrap_or_default() };
        match read {
            Some(Ok(_)) if !server.url.is_empty() => Ok(server),
            _ => Err(Failure::new("komopay-bench did not say where it serves")),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
