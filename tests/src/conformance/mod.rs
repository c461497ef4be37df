//! The conductor of the conformance suite: plays the scenarios of `tests/vectors` on a runner of any language.
//!
//! `tests/vectors/README.md` is the specification, `src/bin/conformance.rs` the program.
//!
//! | question | module |
//! |---|---|
//! | What does a scenario say? | `scenario` |
//! | Who plays it, and what is judged? | `conductor` |
//! | What comes of a create whose connection is cut, at every byte? | `sweep`, `tls_sweep` |
//! | What if the network repeats its bytes? | `repeat_sweep` |
//! | What may a create end as then? | `verdict` |
//! | What did the platform see? | `witness` |
//! | How is a runner spoken to, and what if it hangs? | `runner` |
//! | When is an answer what was expected? | `matching` |
//! | How did each scenario end, in each language? | `report` |

mod conductor;
mod matching;
mod repeat_sweep;
mod report;
mod runner;
mod scenario;
mod sweep;
mod tls_sweep;
mod verdict;
mod witness;

pub use conductor::Conductor;
pub use report::{Report, Table};
pub use scenario::{Scenario, Topic, load};
pub use sweep::{Sweep, Swept};
