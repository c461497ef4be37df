//! A stretch of work, and what the process used for it.

use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// Begun, and not over yet.
pub(crate) struct Stretch {
    started: Instant,
    before: Usage,
}

impl Stretch {
    pub(crate) fn begin() -> nix::Result<Self> {
        let before = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(Self { started: Instant::now(), before })
    }

    /// The line of JSON that a contestant prints after so many calls.
    pub(crate) fn end(self, calls: usize) -> nix::Result<String> {
        let seconds = self.started.elapsed().as_secs_f64();
        let after = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(serde_json::json!({
            "calls": calls,
            "seconds": seconds,
            "cpu_seconds": processor_seconds(&after) - processor_seconds(&self.before),
            // Threads that went to wait. Those that were made to wait by others are the machine's mood.
            "voluntary_switches": after.voluntary_context_switches() - self.before.voluntary_context_switches(),
            "memory_kib": after.max_rss(),
        })
        .to_string())
    }
}

/// In the program and in the system, of all threads.
fn processor_seconds(usage: &Usage) -> f64 {
    let (program, system) = (usage.user_time(), usage.system_time());
    let microseconds = program.tv_usec() + system.tv_usec();
    let whole = program.tv_sec() + system.tv_sec();
    std::time::Duration::from_micros(u64::try_from(whole * 1_000_000 + microseconds).unwrap_or_default()).as_secs_f64()
}
