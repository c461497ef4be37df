//! The steps of a worker, where proofs stop and kill it, and the rules that they break on purpose, to see that they
//! would find that. Nothing, in a build for merchants.

/// A step of a worker: what was done when it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Claimed,
    TokenInHand,
    Registered,
    BeforeSend,
    AfterSend,
    BeforeEnd,
    Ended,
    BeforeLook,
    AfterLook,
}

/// Tells that a step was reached.
#[cfg(not(feature = "proofs"))]
pub(crate) fn reached(_: Step) {}

/// A rule without which somebody is paid twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A token is written down before it is used.
    Registration,
    /// The platform takes a token no longer than is written down.
    End,
    /// What a read does not show was not made only once that end is past.
    Fence,
}

/// Whether a proof has switched this rule off.
#[cfg(not(feature = "proofs"))]
pub(crate) const fn is_broken(_: Rule) -> bool {
    false
}

/// `KOMOPAY_BROKEN=RULE`, the name in small letters.
#[cfg(feature = "proofs")]
pub(crate) fn is_broken(rule: Rule) -> bool {
    std::env::var("KOMOPAY_BROKEN").is_ok_and(|broken| broken == format!("{rule:?}").to_lowercase())
}

#[cfg(feature = "proofs")]
pub(crate) use armed::reached;

#[cfg(feature = "proofs")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Step;

    /// `KOMOPAY_STEP=SIGNAL:STEP:NUMBER`: this process sends itself the signal when it comes to that step for the
    /// so-manieth time; any step, if that is `Any`.
    struct Arm {
        signal: nix::sys::signal::Signal,
        step: String,
        left: AtomicU64,
    }

    static ARM: OnceLock<Option<Arm>> = OnceLock::new();

    fn arm() -> Option<Arm> {
        let text = std::env::var("KOMOPAY_STEP").ok()?;
        let mut parts = text.split(':');
        let signal = parts.next()?.parse().ok()?;
        let step = parts.next()?.to_owned();
        let left = AtomicU64::new(parts.next()?.parse().ok()?);
        Some(Arm { signal, step, left })
    }

    pub(crate) fn reached(step: Step) {
        let Some(arm) = ARM.get_or_init(arm) else { return };
        let is_it = arm.step == "Any" || arm.step == format!("{step:?}");
        if is_it && arm.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = nix::sys::signal::raise(arm.signal);
        }
    }
}
