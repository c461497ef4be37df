//! A stretch of work, and what the process used for it.

use std::time::Instant;

/// Begun, and not over yet.
pub(crate) struct Stretch {
    started: Instant,
    before: Used,
}

/// What the process has used so far; nothing, where the system does not tell.
#[derive(Default)]
struct Used {
    processor_microseconds: i64,
    /// How often a thread went to wait. How often one was made to wait is the machine's mood.
    voluntary_switches: i64,
    /// The most that it ever held.
    memory_kib: i64,
}

impl Stretch {
    pub(crate) fn begin() -> Self {
        Self { before: Used::so_far(), started: Instant::now() }
    }

    /// The line of JSON that a contestant prints after so many calls.
    pub(crate) fn end(self, calls: usize) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let (before, after) = (self.before, Used::so_far());
        let microseconds = after.processor_microseconds - before.processor_microseconds;
        serde_json::json!({
            "calls": calls,
            "seconds": seconds,
            "cpu_seconds": f64::from(i32::try_from(microseconds).unwrap_or(i32::MAX)) / 1e6,
            "voluntary_switches": after.voluntary_switches - before.voluntary_switches,
            "memory_kib": after.memory_kib,
        })
        .to_string()
    }
}

impl Used {
    #[cfg(unix)]
    fn so_far() -> Self {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::sys::time::TimeValLike;

        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Self::default() };
        Self {
            processor_microseconds: usage.user_time().num_microseconds() + usage.system_time().num_microseconds(),
            voluntary_switches: usage.voluntary_context_switches(),
            memory_kib: usage.max_rss(),
        }
    }

    #[cfg(not(unix))]
    fn so_far() -> Self {
        Self::default()
    }
}
