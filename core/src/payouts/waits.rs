//! Waiting for many payouts: one rate for all their reads, and tokens that cover many of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::calls::{read, until_final};
use super::follow::SingleFlight;
use crate::auth::{Kept, Scope, fitting};
use crate::call::{Call, Tried, Wait};
use crate::caller::{Task, Teller, during};
use crate::config::LONGEST_TOTAL;
use crate::error::{Error, Result};
use crate::telemetry::CallOutcome;
use crate::values::{Payout, PayoutId};

/// How many reads are under way at a time at the most.
const AT_A_TIME: usize = 32;

/// How a wait for one of many payouts ended.
#[derive(Clone, Debug)]
pub struct WaitedPayout {
    /// The payout.
    pub payout_id: PayoutId,
    /// It is final; or why that could not be seen: as the errors of
    /// [`Client::wait_for_payout`](crate::Client::wait_for_payout).
    pub result: Result<Payout>,
}

/// A wait for many payouts: [`Client::wait_for_payouts`](crate::Client::wait_for_payouts).
///
/// It goes on while it is asked for the next one. Dropping it ends it.
pub struct PayoutWaits {
    reads: Arc<SingleFlight>,
    teller: Teller,
    ends: Instant,
    /// The time from one read to the next.
    interval: Duration,
    /// When the next read may start.
    free_at: Instant,
    waits: Vec<Option<One>>,
    /// Which payouts are to be read, and when. None of them is under way.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    under_way: FuturesUnordered<UnderWay>,
    _tokens: Vec<Option<Kept>>,
}

/// A read of the payout at this place.
type UnderWay = Pin<Box<dyn Future<Output = (usize, Result<Tried<Payout>>)> + Send>>;

/// The wait for one payout.
struct One {
    id: PayoutId,
    scope: Arc<Scope>,
    call: Call,
    last_seen: Option<Payout>,
    wait: Wait<Payout>,
}

impl PayoutWaits {
    /// How many reads are made in a second, where nothing else is asked for.
    ///
    /// ```
    /// assert_eq!(komopay_core::PayoutWaits::READS_PER_SECOND, 100.0);
    /// ```
    pub const READS_PER_SECOND: f64 = 100.0;

    pub(crate) fn new(
        reads: &Arc<SingleFlight>,
        ids: &[PayoutId],
        timeout: Duration,
        reads_per_second: f64,
    ) -> Result<Self> {
        if !(0.001..=1_000_000.0).contains(&reads_per_second) {
            return Err(Error::invalid("reads_per_second", "must be 0.001 to 1000000"));
        }
        let session = &reads.session;
        session.check_not_closed()?;
        let mut seen = HashSet::new();
        let ids: Vec<&PayoutId> = ids.iter().filter(|id| seen.insert(*id)).collect();
        let now = Instant::now();
        let (mut waits, mut tokens) = (Vec::with_capacity(ids.len()), Vec::new());
        for group in groups(&ids, session.tokens.are_per_payout()) {
            let scope = Arc::new(Scope::reads(group.iter().copied()));
            tokens.push(session.tokens.hold(scope.key()));
            waits.extend(group.iter().map(|id| {
                let (scope, call) = (Arc::clone(&scope), Call::new(session, Some(id), timeout));
                Some(One { id: (*id).clone(), scope, call, last_seen: None, wait: until_final(id, timeout) })
            }));
        }
        Ok(Self {
            teller: session.teller("wait_for_payouts"),
            reads: Arc::clone(reads),
            ends: now + timeout.min(LONGEST_TOTAL),
            interval: Duration::from_secs_f64(1.0 / reads_per_second),
            free_at: now,
            due: (0..waits.len()).map(|at| Reverse((now, at))).collect(),
            waits,
            under_way: FuturesUnordered::new(),
            _tokens: tokens,
        })
    }

    /// The next payout whose wait has ended; none when all have.
    pub async fn next(&mut self) -> Option<WaitedPayout> {
        let call = self.teller.call();
        during(call, self.step()).await
    }

    async fn step(&mut self) -> Option<WaitedPayout> {
        loop {
            if let Some(ended) = self.start_due() {
                return Some(ended);
            }
            let next = self.next_start();
            if self.under_way.is_empty() && next.is_none() {
                self.teller.end(CallOutcome::Done);
                return None;
            }
            tokio::select! {
                Some((at, tried)) = self.under_way.next() => {
                    if let Some(ended) = self.after(at, tried) {
                        return Some(ended);
                    }
                }
                () = tokio::time::sleep_until(next.unwrap_or(self.ends)), if next.is_some() => {}
            }
        }
    }

    /// When the next read may start, or its wait is over; none while there is no place for it, or nothing to read.
    fn next_start(&self) -> Option<Instant> {
        let Reverse((due, _)) = self.due.peek()?;
        (self.under_way.len() < AT_A_TIME).then(|| (*due).max(self.free_at).min(self.ends))
    }

    /// Starts the reads that are due. Gives a wait that ends instead, if there is one.
    fn start_due(&mut self) -> Option<WaitedPayout> {
        loop {
            let now = Instant::now();
            if self.next_start().is_none_or(|start| start > now) {
                return None;
            }
            let Reverse((_, at)) = self.due.pop()?;
            let Some(one) = self.waits.get_mut(at).and_then(Option::as_mut) else { continue };
            if now >= self.ends {
                let error = one.call.not_yet(one.last_seen.take(), &one.wait);
                return self.ended(at, Err(error));
            }
            match one.call.chance() {
                Ok(chance) => {
                    let read = read(Arc::clone(&self.reads), one.id.clone(), Arc::clone(&one.scope), chance);
                    self.under_way.push(Box::pin(async move { (at, Task::spawn(read).await) }));
                }
                Err(error) => return self.ended(at, Err(error)),
            }
            // A timer may be late: what it has missed is made up for, but for no longer than a moment.
            self.free_at = self.free_at.max(now.checked_sub(LATE).unwrap_or(now)) + self.interval;
        }
    }

    /// What comes after a read of this payout, if its wait ends with it.
    fn after(&mut self, at: usize, tried: Result<Tried<Payout>>) -> Option<WaitedPayout> {
        let one = self.waits.get_mut(at)?.as_mut()?;
        match tried.and_then(|tried| one.call.after(tried, &mut one.last_seen, &one.wait)) {
            Ok(ControlFlow::Continue(pause)) => {
                self.due.push(Reverse((Instant::now() + pause, at)));
                None
            }
            Ok(ControlFlow::Break((payout, attempts))) => self.ended(at, Ok(payout.with_attempts(attempts.into()))),
            Err(error) => self.ended(at, Err(error)),
        }
    }

    fn ended(&mut self, at: usize, result: Result<Payout>) -> Option<WaitedPayout> {
        let One { id: payout_id, .. } = self.waits.get_mut(at)?.take()?;
        Some(WaitedPayout { payout_id, result })
    }
}

/// How late a timer may be.
const LATE: Duration = Duration::from_millis(10);

impl fmt::Debug for PayoutWaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.waits.iter().flatten().count();
        f.debug_struct("PayoutWaits").field("left", &left).finish_non_exhaustive()
    }
}

/// The payouts in groups that one token covers.
fn groups<'a>(ids: &[&'a PayoutId], share_tokens: bool) -> Vec<Vec<&'a PayoutId>> {
    let (mut groups, mut rest) = (Vec::new(), ids);
    while !rest.is_empty() {
        let most = if share_tokens { fitting(rest.iter().copied()) } else { 1 };
        let (group, others) = rest.split_at(most);
        groups.push(group.to_vec());
        rest = others;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_covers_many_payouts_and_stays_small() {
        let ids = |length: usize, count: usize| -> Vec<PayoutId> {
            (0..count).map(|number| PayoutId::new(format!("{number:0length$}")).unwrap()).collect()
        };
        let sizes = |ids: &[PayoutId], share| -> Vec<usize> {
            groups(&ids.iter().collect::<Vec<_>>(), share).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&ids(10, 70), true), [32, 32, 6]);
        assert_eq!(sizes(&ids(10, 3), false), [1, 1, 1]);
        assert_eq!(sizes(&ids(250, 10), true), [7, 3]);
        assert!(sizes(&[], true).is_empty());
    }
}
