//! One turn of a worker at a batch: it sends and follows for a while, and then looks around.

use std::time::Duration;

use komopay_batches::{BatchStatus, Batches, Budget, Stop};
use komopay_core::Result;

/// For how long it sends and follows before it looks around.
pub const TURN: Duration = Duration::from_secs(30);

/// The shortest pause between two turns.
pub const SHORTEST: Duration = Duration::from_millis(200);

/// Sends and follows once.
pub async fn turn(batches: &Batches, batch_id: &str, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
    // Both to their end: what one of them sent is written down whatever happened to the other.
    let (driven, followed) =
        tokio::join!(batches.drive(batch_id, budget, stop), batches.follow(batch_id, budget, stop));
    driven.and(followed)
}
