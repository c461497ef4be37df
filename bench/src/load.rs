//! What a contestant is loaded with.

use std::path::PathBuf;

use clap::Args;
use tokio::runtime::{Builder, Runtime};

/// The load of one contestant.
#[derive(Args)]
pub(crate) struct Load {
    /// The server's URL.
    #[arg(long)]
    pub(crate) url: String,
    /// How many calls are measured.
    #[arg(long)]
    pub(crate) calls: usize,
    /// How many calls are under way at a time.
    #[arg(long, default_value_t = 1)]
    pub(crate) in_flight: usize,
    /// How many calls are made before: a tenth, if not told.
    #[arg(long)]
    warm_up: Option<usize>,
    /// On how many threads calls make progress. None: on the one that makes them.
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// The certificate to trust, as PEM.
    #[arg(long)]
    pub(crate) ca_file: Option<PathBuf>,
}

impl Load {
    pub(crate) fn warm_up(&self) -> usize {
        self.warm_up.unwrap_or_else(|| self.in_flight.max(self.calls / 10))
    }

    pub(crate) fn runtime(&self) -> std::io::Result<Runtime> {
        let mut builder = match self.workers {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        builder.worker_threads(self.workers.max(1)).enable_all().build()
    }
}
