//! The sweep of repeats: the network sends bytes of a create twice, on one connection or on two.
//!
//! Without TLS nobody can tell, so that a create may be there twice on the wire, whole or in part. Ids are unique, so
//! it is executed once at most. One that a proxy repeated, of which it lost the first answer, finds its own id taken:
//! it ends as `duplicate_payout`, with what was found, and the same create with `resume` is accepted.

use super::conductor::Conductor;
use super::sweep::{Case, Client, Swept};
use crate::cutter::{Act, Cut, Way};

/// How many bytes are drawn for each kind of repeat.
const DRAWN: usize = 150;

impl Conductor {
    /// Repeats from drawn bytes, the first one and the last one.
    pub(super) async fn sweep_repeats(&mut self, stride: usize, swept: &mut Swept) -> Result<(), String> {
        let (mut stage, request, answer) = self.open_stage(false).await?;
        let mut draw = fastrand::Rng::with_seed(self.seed);
        swept.seed = Some(self.seed);
        swept.bytes = request + answer;
        for (way, act, bytes) in [
            (Way::Request, Act::Repeat, request),
            (Way::Request, Act::Retry, request),
            (Way::Answer, Act::Repeat, answer),
        ] {
            let drawn: Vec<usize> = (0..DRAWN / stride).map(|_| draw.usize(1..bytes)).collect();
            let cases = [1, bytes - 1, bytes].into_iter().chain(drawn).flat_map(|at| {
                [Client::Patient, Client::Blind].map(|client| Case {
                    id: stage.id(),
                    cut: Cut { way, at, act },
                    client,
                })
            });
            let cases: Vec<Case> = cases.collect();
            self.cut_all(&stage, &cases, swept).await?;
        }
        self.close_stage(stage, swept).await
    }
}
