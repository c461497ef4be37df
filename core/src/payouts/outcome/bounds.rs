//! Every bound is exact: what is done at it is not done a millisecond beyond.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A read is useful from 150 ms on.
const LIMITS: Limits = Limits {
    total: ms(3000),
    attempt: ms(600),
    settle_window: ms(1200),
    backoff_base: ms(250),
    backoff_cap: ms(4000),
    unreached: ms(1500),
};

fn fresh() -> Outcome {
    Outcome::start(LIMITS, Duration::ZERO, Start::Fresh, None).0
}

/// Given up then, with so many pauses behind it.
fn opened(at: u64, pauses: u32) -> Outcome {
    Outcome { given_up_at: Some(ms(at)), posted: true, pauses, ..fresh() }
}

fn paused(mut outcome: Outcome, now: u64, at_least: u64) -> Option<(u64, u64)> {
    match outcome.pause(ms(now), ms(at_least)) {
        Action::Pause { at_least, jitter } => {
            let whole = |time: Duration| u64::try_from(time.as_millis()).unwrap();
            Some((whole(at_least), whole(jitter)))
        }
        _ => None,
    }
}

const UNKNOWN: Action = Action::End(Verdict::Unknown);

#[test]
fn a_first_create_starts_with_time_for_itself_and_a_read() {
    assert!(matches!(fresh().on(ms(2700), Event::Woke), Action::Authorize { .. }));
    assert_eq!(fresh().on(ms(2701), Event::Woke), Action::End(Verdict::Failed));
}

#[test]
fn a_read_and_a_pause_start_with_a_useful_time() {
    assert!(matches!(opened(0, 0).on(ms(2850), Event::Woke), Action::Get { .. }));
    assert_eq!(opened(0, 0).on(ms(2851), Event::Woke), UNKNOWN);
    assert_eq!(paused(opened(0, 0), 2700, 0), Some((0, 150)));
    assert_eq!(paused(opened(0, 0), 2701, 0), None);
}

#[test]
fn what_was_never_reached_is_tried_for_its_own_time() {
    let unreached = Event::NotAuthorized(NotSent::Unreached);
    assert!(matches!(fresh().on(ms(1350), unreached), Action::Pause { .. }));
    assert_eq!(fresh().on(ms(1351), unreached), Action::End(Verdict::Failed));
}

#[test]
fn a_doubt_is_waited_for_if_a_read_fits_behind() {
    let refused = Event::PostedAmongOthers(PostEnd::Refused);
    let pause = Action::Pause { at_least: ms(250), jitter: Duration::ZERO };
    assert_eq!(fresh().on(ms(2600), refused), pause);
    assert_eq!(fresh().on(ms(2601), refused), UNKNOWN);
}

/// A doubted call is woken early when its callers leave.
#[test]
fn a_read_from_before_the_end_of_a_doubt_proves_nothing() {
    let mut call = fresh();
    call.on(ms(100), Event::PostedAmongOthers(PostEnd::Refused));
    assert!(matches!(call.on(ms(349), Event::Woke), Action::Get { alone: true, .. }));
    let mut late = call.clone();
    assert!(matches!(call.on(ms(360), Event::Read(ReadEnd::Gone)), Action::Pause { .. }));
    late.on(ms(350), Event::Woke);
    assert_eq!(late.on(ms(360), Event::Read(ReadEnd::Gone)), Action::End(Verdict::Refused));
}

/// An answer that is no denial belongs to the create, whatever connection it came over, or leaves it open.
#[test]
fn only_a_denial_is_doubted() {
    for end in [PostEnd::Accepted, PostEnd::Conflict, PostEnd::Open] {
        let mut call = fresh();
        call.on(ms(100), Event::PostedAmongOthers(end));
        assert_eq!(call.doubted_at, None, "{end:?}");
    }
}

#[test]
fn the_read_that_decides_starts_as_the_window_ends() {
    // 500 ms before its end, and the next pause could be 500 ms: it is drawn from there on.
    assert_eq!(paused(opened(0, 1), 700, 0), Some((500, 250)));
    assert_eq!(paused(opened(0, 1), 699, 0), Some((0, 500)));
    // The platform asks to wait until then, or for longer.
    assert_eq!(paused(opened(0, 2), 900, 299), Some((300, 250)));
    assert_eq!(paused(opened(0, 2), 900, 300), Some((300, 900)));
    // A read has to fit behind it.
    assert_eq!(paused(opened(1650, 2), 2450, 0), Some((400, 0)));
    assert_eq!(paused(opened(1651, 2), 2450, 0), Some((0, 275)));
}

#[test]
fn a_pause_leaves_half_of_the_rest_if_that_is_a_pause_worth_making() {
    assert_eq!(paused(opened(0, 4), 1998, 0), Some((0, 501)));
    assert_eq!(paused(opened(0, 4), 2500, 0), Some((0, 350)));
    assert_eq!(paused(opened(0, 4), 2600, 0), Some((0, 250)));
    // Nothing was sent: the same.
    assert_eq!(paused(Outcome { pauses: 4, ..fresh() }, 2600, 0), Some((0, 250)));
    // A doubt needs a read after it, however short the rest.
    let doubted = Outcome { doubted_at: Some(ms(0)), pauses: 4, ..fresh() };
    assert_eq!(paused(doubted, 2600, 0), Some((0, 200)));
    let settled = Outcome { doubted_at: Some(ms(0)), ..opened(0, 4) };
    assert_eq!(paused(settled, 2600, 0), Some((0, 250)));
}

#[test]
fn not_there_after_the_window_ends_what_no_post_can_follow() {
    let gone = Event::Read(ReadEnd::Gone);
    let read_at = |at: u64, call: Outcome| Outcome { read_started_at: ms(at), ..call };
    // The callers left, so no POST follows.
    let left = Outcome { withdrawn: true, ..opened(0, 0) };
    assert_eq!(read_at(1200, left.clone()).on(ms(1250), gone), UNKNOWN);
    assert!(matches!(read_at(1199, left).on(ms(1250), gone), Action::Pause { .. }));
    // A POST follows later: the platform asked to wait.
    let later = Outcome { not_before: ms(1800), ..opened(0, 0) };
    assert!(matches!(read_at(1200, later).on(ms(1250), gone), Action::Pause { .. }));
    // The id was taken: from then on the window runs.
    let taken = Outcome { question: Question::TakenByUs { since: ms(500) }, ..opened(0, 0) };
    assert!(matches!(read_at(1699, taken.clone()).on(ms(1750), gone), Action::Pause { .. }));
    assert_eq!(read_at(1700, taken).on(ms(1750), gone), UNKNOWN);
}

/// Under a chunk's token, which is used for two seconds.
fn under() -> Outcome {
    Outcome { no_post_after: Some(ms(2000)), ..fresh() }
}

#[test]
fn no_post_starts_at_the_end_of_a_chunk() {
    assert!(matches!(under().on(ms(1999), Event::Authorized), Action::Post { .. }));
    assert_eq!(under().on(ms(2000), Event::Authorized), Action::End(Verdict::Failed));
    assert!(matches!(under().on(ms(1999), Event::Woke), Action::Authorize { .. }));
    assert_eq!(under().on(ms(2000), Event::Woke), Action::End(Verdict::Failed));
    // A repeat: it is read on.
    let gone = Event::Read(ReadEnd::Gone);
    let lost = || Outcome { given_up_at: Some(ms(1500)), posted: true, ..under() };
    assert!(matches!(lost().on(ms(1999), gone), Action::Authorize { .. }));
    assert!(matches!(lost().on(ms(2000), gone), Action::Pause { .. }));
    // The platform asks to wait until then.
    let limited = |ms_asked| Event::Posted(PostEnd::RateLimited { retry_after: Some(ms(ms_asked)) });
    assert!(matches!(under().on(ms(1000), limited(999)), Action::Pause { .. }));
    assert_eq!(under().on(ms(1000), limited(1000)), Action::End(Verdict::Failed));
}

#[test]
fn nothing_unsent_waits_for_longer_than_its_chunk() {
    assert_eq!(under().patience(ms(500)), ms(1500));
    assert_eq!(fresh().patience(ms(500)), ms(1900));
    assert_eq!(paused(Outcome { pauses: 4, ..under() }, 1900, 0), Some((0, 100)));
    assert_eq!(paused(Outcome { pauses: 4, ..under() }, 1000, 900), Some((900, 100)));
    // What may have been sent is read on.
    assert_eq!(paused(Outcome { no_post_after: Some(ms(2000)), ..opened(0, 4) }, 1998, 0), Some((0, 501)));
}
