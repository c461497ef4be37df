//! One rate for all workers: turns are leased from the journal, half a second's worth at a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::chunk::{Micros, SECOND};
use crate::journal::{Journal, Lease};

/// How much of the rate a worker takes at a time.
const LEASE: Micros = SECOND / 2;

/// The turns that a worker has.
pub(crate) struct Pace {
    journal: Journal,
    /// The time from one turn to the next that was asked for.
    interval: Micros,
    most: i64,
    leased: Option<Lease>,
}

/// The time between two at so many in a second.
pub(crate) fn interval_of(per_second: f64) -> Micros {
    #[expect(clippy::cast_possible_truncation, reason = "0.001 to 1000000 in a second")]
    let interval = (1_000_000.0 / per_second) as Micros;
    interval.max(1)
}

impl Pace {
    pub fn new(journal: &Journal, per_second: f64, concurrency: u32) -> Self {
        let interval = interval_of(per_second);
        let most = (LEASE / interval).clamp(1, i64::from(concurrency));
        Self { journal: journal.clone(), interval, most, leased: None }
    }

    /// Waits for the next turn, and tells when it was leased, by the database's clock. Where the journal gives none,
    /// it goes on at the worker's own rate.
    pub async fn turn(&mut self) -> Micros {
        let mut lease = match self.leased.take() {
            Some(lease) => lease,
            None => match self.journal.lease(self.interval, self.most).await {
                Ok(lease) => lease,
                Err(error) => {
                    tracing::warn!(target: "komopay", "the shared rate cannot be read: {error}");
                    Lease { at: 0, first_in: self.interval, interval: self.interval, left: 1 }
                }
            },
        };
        if lease.first_in > 0 {
            let wait = Duration::from_micros(lease.first_in.unsigned_abs());
            tokio::time::sleep_until(Instant::now() + wait).await;
        }
        lease.left -= 1;
        lease.first_in = lease.interval;
        if lease.left > 0 {
            self.leased = Some(lease);
        }
        lease.at
    }
}
