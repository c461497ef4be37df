//! The outcome rules as a table. Each row is a play: what the gateway does in turn, and how the call must end.
//!
//! `post=` and `get=` say how a request ends, `token=` how asking for a token does (`ok` where nothing is said); `@20s`
//! is how long it takes (else 100 ms); `get=410*` repeats to the end. `leave` is the callers leaving. Pauses last as
//! long as the machine allows at most. `post~=` is an answer over a connection that had carried another exchange; a
//! read that may end a call as if nothing had happened is `any=`, over a connection of its own. `under=40s` is a call
//! under a chunk's token, of which no POST starts 40 s after its start or later. A row also fails if the
//! machine asks for another step than the next one in the play, or if the play goes on after the end.

use super::Verdict::{Accepted, Failed, Recovered, Refused, Unknown, Withdrawn};
use super::*;

/// The id is taken, and no read found by what.
const TAKEN: Verdict = Verdict::Duplicate { found: false };
/// The id is taken, by a payout that a read found.
const TAKEN_SEEN: Verdict = Verdict::Duplicate { found: true };

const LIMITS: Limits = Limits {
    total: Duration::from_secs(90),
    attempt: Duration::from_secs(20),
    settle_window: Duration::from_secs(30),
    backoff_base: Duration::from_millis(250),
    backoff_cap: Duration::from_secs(5),
    unreached: Duration::from_secs(10),
};

#[rustfmt::skip]
const RULES: &[(&str, &str, Verdict)] = &[
    // The plain cases.
    ("accepted at once",                                "post=ours",                                        Accepted),
    ("refused at once",                                 "post=refused",                                     Refused),

    // 1. Not sent: pause and retry; refused for good: never.
    ("1 no connection, then accepted",                  "post=unsent post=ours",                            Accepted),
    ("1 no token yet, then accepted",                   "token=unsent token=ok post=ours",                  Accepted),
    ("1 the token is refused",                          "token=refused",                                    Failed),
    ("1 the certificate does not verify",               "post=untrusted",                                   Failed),
    ("1 never a connection",                            "post=unsent*",                                     Failed),
    ("1 then refused is still the first attempt",       "post=unsent post=refused",                         Refused),

    // 2. 429 and 401: this attempt did not execute.
    ("2 429, then accepted",                            "post=429 post=ours",                               Accepted),
    ("2 429 with Retry-After 10 s is waited for",       "post=429+10s post=ours",                           Accepted),
    ("2 401 to an old token: renew, once",              "post=401 token=renewed post=ours",                 Accepted),
    ("2 401 twice",                                     "post=401 token=renewed post=401",                  Failed),
    ("2 401 to a token that cannot be renewed",         "post=401!",                                        Failed),
    ("2 429 to the end",                                "post=429*",                                        Failed),

    // 3 and 4. Open: pause, then GET; found is ours; 410 repeats the same id; the rest proves nothing.
    ("4 lost, found",                                   "post=open get=ours",                               Recovered),
    ("4 lost, not there, repeated",                     "post=open get=410 post=ours",                      Accepted),
    ("4 lost after 20 s, not there, repeated",          "post=open@20s get=410 post=ours",                  Accepted),
    ("4 lost twice, found",                             "post=open get=410 post=open get=ours",             Recovered),
    ("4 a GET that proves nothing is made again",       "post=open get=odd get=odd get=ours",               Recovered),
    ("4 a GET that is denied is made again",            "post=open get=denied get=denied get=ours",         Recovered),
    ("4 no proof, no repeat",                           "post=open get=odd*",                               Unknown),
    ("4 lost, found as another",                        "post=open get=other",                              TAKEN_SEEN),

    // 5. Maybe sent: no ending sounds like "nothing happened".
    ("5 lost, then no connection",                      "post=open get=410 post=unsent get=odd*",           Unknown),
    ("5 lost, then the token is refused",               "post=open get=410 token=refused",                  Unknown),
    ("5 lost, then a read cannot be authorized",        "post=open get=final",                              Unknown),
    ("5 lost, then 401 for good, then found",           "post=open get=410 post=401! get=ours",             Recovered),
    ("5 lost, then 429 to the end",                     "post=open get=410 post=429 get=odd*",              Unknown),

    // 7. A refusal to a repeat stands when a GET that started after the window says 410.
    ("7 refused repeat, then found",                    "post=open get=410 post=refused any=410 any=ours",  Recovered),
    ("7 refused repeat, never found",                   "post=open get=410 post=refused any=410*",          Refused),
    ("7 refused repeat, no such GET",                   "post=open get=410 post=refused any=odd*",          Unknown),
    ("7 a GET from before the end of the window",       "post=open get=410 post=refused any=410@29s any=odd*", Unknown),
    ("7 the window runs from the last open attempt",
        "post=open get=410 post=open@20s get=410 post=refused any=410*",                                    Refused),
    ("7 and not from the first one",
        "post=open get=410@20s post=open@20s get=410 post=refused any=410 any=ours",                        Recovered),

    // 8. 409.
    ("8 409 to the first, another is there",            "post=409 get=other",                               TAKEN_SEEN),
    ("8 409 to the first, the same is there",           "post=409 get=ours",                                TAKEN_SEEN),
    ("8 409 to the first, nothing is there",            "post=409 get=410",                                 TAKEN),
    ("8 409 to the first, the read fails",              "post=409 get=odd",                                 TAKEN),
    ("8 409 to a repeat, ours",                         "post=open get=410 post=409 get=ours",              Recovered),
    ("8 409 to a repeat, another",                      "post=open get=410 post=409 get=other",             TAKEN_SEEN),
    ("8 409 to a repeat, seen late",
        "post=open get=410 post=409 get=410 get=410 get=ours",                                              Recovered),
    ("8 409 to a repeat, never seen",                   "post=open get=410 post=409 get=410*",              Unknown),

    // Resume is an open attempt that we did not see end.
    ("r resume finds it",                               "resume get=ours",                                  Recovered),
    ("r resume finds another",                          "resume get=other",                                 TAKEN_SEEN),
    ("r resume finds nothing, sends it",                "resume get=410 post=ours",                         Accepted),
    ("r resume may have been sent",                      "resume get=odd*",                                  Unknown),
    ("r resume, refused",                               "resume get=410 post=refused any=410*",             Refused),
    ("r resume, refused, then it appears",              "resume get=410 post=refused any=410 any=ours",     Recovered),
    ("r resume, 409, seen late",                        "resume get=410 post=409 get=410 get=ours",         Recovered),
    ("r resume, never a connection",                    "resume get=410 post=unsent get=odd*",              Unknown),

    ("r resume, refused here, found",                   "resume refused-here any=ours",                     Recovered),
    ("r resume, refused here, never there",             "resume refused-here any=410*",                     Refused),
    ("r resume, refused here, no proof",                "resume refused-here any=odd*",                     Unknown),

    // 9. Time: a repeat needs time for itself and one GET; a Retry-After beyond the deadline ends the call.
    ("9 no time for a repeat",
        "post=open@20s get=odd@20s get=odd@20s get=odd@20s get=410*",                                       Unknown),
    ("9 Retry-After beyond the deadline",               "post=429+90s",                                     Failed),
    ("9 Retry-After of a GET beyond the deadline",      "post=open get=odd+90s",                            Unknown),
    ("9 a POST's Retry-After holds back no GET",        "post=open get=410 post=429+90s get=410 get=ours",  Recovered),
    ("9 nor does it let a POST through early",
        "post=open get=410 post=429+8s get=410 get=410 get=410 get=410 get=410 post=ours",                  Accepted),
    ("9 the token takes all the time",                  "token=ok@90s",                                     Failed),
    ("9 held, then its turn comes",                     "token=held turn=ok@60s post=ours",                 Accepted),
    ("9 held to the end",                               "token=held turn=none@70s",                         Failed),
    ("9 held, and no time for a read after the token",  "token=held turn=ok@69s token=ok@2s",               Failed),
    ("9 nothing to wait for",                           "token=held@80s",                                   Failed),
    ("9 a repeat that is held is settled meanwhile",
        "post=open get=410 token=held get=410 token=held get=ours",                                         Recovered),
    ("9 and sent when its turn comes",                  "post=open get=410 token=held get=410 post=ours",   Accepted),
    ("9 and not without a read",
        "post=open get=410 token=held get=odd get=410 post=ours",                                           Accepted),
    ("9 409 at the very end",                           "token=ok@89s post=409@1s",                         TAKEN),

    // An answer that denies, over a connection that had carried another exchange: nothing is there, says a read of its
    // own.
    ("d refused, and nothing is there",                 "post~=refused alone=410",                          Refused),
    ("d refused, and it is there",                      "post~=refused alone=ours",                         Recovered),
    ("d refused, and another is there",                 "post~=refused alone=other",                        TAKEN_SEEN),
    ("d refused, and a read must say so",               "post~=refused alone=odd alone=odd alone=410",      Refused),
    ("d refused, and no read says so",                  "post~=refused alone=odd*",                         Unknown),
    ("d refused, and no read may be made",              "post~=refused alone=final",                        Unknown),
    ("d refused, and the token may not read",           "post~=refused alone=denied",                       Unknown),
    ("d refused, and a read is asked to wait too long", "post~=refused alone=odd+90s",                      Unknown),
    ("d an acceptance names its payout",                "post~=ours",                                       Accepted),
    ("d what is open is open",                          "post~=open get=410 post=ours",                     Accepted),
    ("d 409 says nothing about this attempt",           "post~=409 get=other",                              TAKEN_SEEN),
    ("d 401 for good",                                  "post~=401! alone=410",                             Failed),
    ("d 401 for good, and it is there",                 "post~=401! alone=ours",                            Recovered),
    ("d 401, a new token, accepted",                    "post~=401 token=renewed post=ours",                Accepted),
    ("d 401, a new token, and it is taken: by us",      "post~=401 token=renewed post=409 get=ours",        Recovered),
    ("d 401, a new token, taken, never seen",           "post~=401 token=renewed post=409 get=410*",        Unknown),
    ("d 401, a new token, refused surely",              "post~=401 token=renewed post=refused alone=410",   Refused),
    ("d 401, and no new token",                         "post~=401 token=refused alone=410",                Failed),
    ("d 401, no new token, and it is there",            "post~=401 token=refused alone=ours",               Recovered),
    ("d 429, then accepted",                            "post~=429 post=ours",                              Accepted),
    ("d 429, then taken by us",                         "post~=429 post=409 get=ours",                      Recovered),
    ("d 429 to the end",                                "post~=429 post~=429 post~=429+90s alone=410",      Failed),
    ("d 429 to the end, and it is there",               "post~=429+90s alone=ours",                         Recovered),
    ("d 429, then no connection to the end",            "post~=429 post=unsent+90s alone=410",              Failed),
    ("d 429, then no time to read",                     "token=ok@60s post~=429 post~=429@30s",             Unknown),
    ("d lost after a doubt is lost",                    "post~=429 post=open get=410 post=refused any=410*", Refused),
    ("d a refused repeat",                              "post=open get=410 post~=refused any=410 any=ours", Recovered),
    ("d left while it waits",                           "post~=429 leave alone=410",                        Withdrawn),
    ("d left while it waits, and it is there",          "post~=429 leave alone=ours",                       Recovered),
    ("d held after a doubt",                            "post~=429 token=held turn=none@70s alone=410",     Failed),

    // 12. Never reached: a wrong name or port is told soon. See also `what_was_never_reached_is_given_up_in_time`.
    ("12 never reached for a token",                    "token=unreached*",                                 Failed),
    ("12 never reached by a create",                    "post=unreached*",                                  Failed),
    ("12 never reached, then accepted",                 "token=unreached token=unreached post=ours",        Accepted),
    ("12 never reached, held to the end of that",       "token=unreached token=held turn=unreached@10s",    Failed),
    ("12 never reached by a resumed call",              "resume get=unreached*",                            Unknown),
    ("12 never reached, left",                          "token=unreached leave",                            Withdrawn),

    // 10. Cancelled: no further POST; what was sent is settled.
    ("10 left before anything was sent",                "leave token=ok",                                   Withdrawn),
    ("10 left while it stands in line",                 "token=held leave turn=ok",                         Withdrawn),
    ("10 left while not connected",                     "post=unsent leave",                                Withdrawn),
    ("10 left while the POST was on the wire",          "leave-in-post post=ours",                          Accepted),
    ("10 left, lost, found",                            "leave-in-post post=open get=410 get=ours",         Recovered),
    ("10 left, lost, never seen",                       "leave-in-post post=open get=410*",                 Unknown),

    // 13. Under a chunk's token: it has an end, and nothing takes its place. See also
    // `what_is_unsent_when_its_chunk_ends_is_given_up_at_once`.
    ("13 accepted",                                     "under=40s post=ours",                              Accepted),
    ("13 refused",                                      "under=40s post=refused",                           Refused),
    ("13 no connection, then accepted",                 "under=40s post=unsent post=ours",                  Accepted),
    ("13 ended before it began",                        "under=0s",                                         Failed),
    ("13 ended while it had no permit",                 "under=5s token=ok@5s",                             Failed),
    ("13 ended while it stood in line",                 "under=5s token=held turn=none@5s",                 Failed),
    ("13 its turn comes in time",                       "under=5s token=held turn=ok@4s post=ours",         Accepted),
    ("13 never a connection",                           "under=5s post=unsent*",                            Failed),
    ("13 429 to the end",                               "under=5s post=429*",                               Failed),
    ("13 Retry-After beyond the end",                   "under=5s post=429+5s",                             Failed),
    ("13 Retry-After before the end",                   "under=9s post=429+5s post=ours",                   Accepted),
    ("13 a POST under way keeps its own time",          "under=5s post=ours@20s",                           Accepted),
    ("13 lost, not there, repeated",                    "under=40s post=open get=410 post=ours",            Accepted),
    ("13 lost, and its end has come",                   "under=5s post=open@10s get=410*",                  Unknown),
    ("13 lost, and found after its end",                "under=5s post=open@10s get=410 get=410 get=ours",  Recovered),
    ("13 401: it did not execute, and none follows",    "under=40s post=401!",                              Failed),
    ("13 401 to a repeat: none follows",                "under=40s post=open get=410 post=401! get=410*",   Unknown),
    ("13 401 to a repeat, found",                       "under=40s post=open get=410 post=401! get=ours",   Recovered),
    ("13 409 to the first, ours",                       "under=40s post=409 get=ours",                      Recovered),
    ("13 409 to the first, another",                    "under=40s post=409 get=other",                     TAKEN_SEEN),
    ("13 409 to the first, seen late",                  "under=40s post=409 get=410 get=odd get=ours",      Recovered),
    ("13 409 to the first, never seen",                 "under=40s post=409 get=410*",                      Unknown),
    ("13 too long, found",                              "under=40s post=toolong get=410 get=ours",          Recovered),
    ("13 too long, not there: none follows",            "under=40s post=toolong get=410*",                  Unknown),
    ("13 resumed",                                      "under=40s resume get=410 post=ours",               Accepted),
    ("13 resumed after its end",                        "under=0s resume get=410*",                         Unknown),
];

/// One play, run to its end.
struct Play<'a> {
    steps: Vec<&'a str>,
    next: usize,
    now: Duration,
}

/// How one step ends: its word, and the Retry-After that comes with it.
type End<'a> = (&'a str, Option<Duration>);

impl<'a> Play<'a> {
    fn new(play: &'a str) -> Self {
        Self { steps: play.split_whitespace().collect(), next: 0, now: Duration::ZERO }
    }

    /// Takes the bare word `step`, if it is the next one.
    fn takes(&mut self, step: &str) -> bool {
        let takes = self.steps.get(self.next) == Some(&step);
        self.next += usize::from(takes);
        takes
    }

    /// The end of the chunk, if it is under the token of one.
    fn takes_chunk(&mut self) -> Option<Duration> {
        let end = self.steps.get(self.next)?.strip_prefix("under=")?;
        self.next += 1;
        Some(seconds(end))
    }

    /// How the next step ends, or nothing if the play has another kind of step there.
    fn take(&mut self, kind: &str) -> Option<End<'a>> {
        let end = self.steps.get(self.next)?.strip_prefix(kind)?.strip_prefix('=')?;
        self.next += usize::from(!end.ends_with('*'));
        let end = end.trim_end_matches('*');
        let (end, took) = end.split_once('@').map_or((end, Duration::from_millis(100)), |(end, s)| (end, seconds(s)));
        self.now += took;
        Some(end.split_once('+').map_or((end, None), |(end, s)| (end, Some(seconds(s)))))
    }

    fn run(&mut self) -> Result<Verdict, String> {
        let no_post_after = self.takes_chunk();
        let start = match (self.takes("resume"), self.takes("refused-here")) {
            (true, false) => Start::Resume,
            (true, true) => Start::ResumeRefused,
            (false, _) => Start::Fresh,
        };
        let leave_in_post = self.takes("leave-in-post");
        let (mut outcome, mut action) = Outcome::start(LIMITS, self.now, start, no_post_after);
        for _ in 0..1000 {
            if self.takes("leave") {
                outcome.withdraw();
            }
            let unexpected = format!("at {:?} the machine wants {action:?}", self.now);
            let event = match action {
                Action::End(verdict) => {
                    return match self.steps.get(self.next) {
                        Some(step) if !step.ends_with('*') => Err(format!("{verdict:?} before {step}")),
                        _ => Ok(verdict),
                    };
                }
                Action::Pause { at_least, jitter } => {
                    assert!(self.now + at_least + jitter <= LIMITS.total, "a pause past the deadline");
                    self.now += at_least + jitter;
                    Event::Woke
                }
                Action::Wait { within } => {
                    assert!(self.now + within + LIMITS.attempt <= LIMITS.total, "it stands in line for too long");
                    match self.take("turn").ok_or(unexpected)?.0 {
                        "ok" => Event::Woke,
                        "none" => Event::NotAuthorized(NotSent::Retryable { retry_after: None }),
                        "unreached" => Event::NotAuthorized(NotSent::Unreached),
                        odd => return Err(format!("no such step: {odd:?}")),
                    }
                }
                Action::Authorize { renew, .. } => match self.take("token").unwrap_or(("ok", None)).0 {
                    "ok" if !renew => Event::Authorized,
                    "renewed" if renew => Event::Authorized,
                    "held" => Event::Throttled,
                    "unsent" => Event::NotAuthorized(NotSent::Retryable { retry_after: None }),
                    "unreached" => Event::NotAuthorized(NotSent::Unreached),
                    "refused" => Event::NotAuthorized(NotSent::Final),
                    _ => return Err(unexpected),
                },
                Action::Post { within } => {
                    assert!(within + within + self.now <= LIMITS.total, "no time for a GET after this POST");
                    assert!(no_post_after.is_none_or(|end| self.now < end), "a POST at {:?}", self.now);
                    if leave_in_post {
                        outcome.withdraw();
                    }
                    let among_others = self.steps.get(self.next).is_some_and(|step| step.starts_with("post~="));
                    let end = match self.take(if among_others { "post~" } else { "post" }).ok_or(unexpected)? {
                        ("ours", None) => PostEnd::Accepted,
                        ("refused", None) => PostEnd::Refused,
                        ("409", None) => PostEnd::Conflict,
                        ("open", None) => PostEnd::Open,
                        ("toolong", None) => PostEnd::TooLong,
                        ("429", retry_after) => PostEnd::RateLimited { retry_after },
                        ("401", None) => PostEnd::Unauthorized { renewable: true },
                        ("401!", None) => PostEnd::Unauthorized { renewable: false },
                        ("unsent", retry_after) => PostEnd::NotSent(NotSent::Retryable { retry_after }),
                        ("unreached", None) => PostEnd::NotSent(NotSent::Unreached),
                        ("untrusted", None) => PostEnd::NotSent(NotSent::Final),
                        odd => return Err(format!("no such step: {odd:?}")),
                    };
                    if among_others { Event::PostedAmongOthers(end) } else { Event::Posted(end) }
                }
                Action::Get { alone, .. } => Event::Read(
                    match self
                        .take(if alone { "alone" } else { "get" })
                        .or_else(|| self.take("any"))
                        .ok_or(unexpected)?
                    {
                        ("ours", None) => ReadEnd::Ours,
                        ("other", None) => ReadEnd::NotOurs,
                        ("410", None) => ReadEnd::Gone,
                        ("unreached", None) => ReadEnd::Unreached,
                        ("odd", retry_after) => ReadEnd::Unproven { retry_after },
                        ("denied", None) => ReadEnd::Denied,
                        ("final", None) => ReadEnd::Final,
                        odd => return Err(format!("no such step: {odd:?}")),
                    },
                ),
            };
            action = outcome.on(self.now, event);
        }
        Err("it does not end".to_owned())
    }
}

#[test]
fn what_was_never_reached_is_given_up_in_time_and_what_fell_silent_is_not() {
    for (play, verdict) in [
        ("token=unreached*", Failed),
        ("post=unreached*", Failed),
        ("token=held turn=unreached@10s", Failed),
        ("resume get=unreached*", Unknown),
        ("resume get=410 token=unreached get=unreached*", Unknown),
    ] {
        let mut play_of_it = Play::new(play);
        assert_eq!(play_of_it.run(), Ok(verdict), "{play}");
        let ended = play_of_it.now;
        assert!(ended <= LIMITS.unreached + Duration::from_millis(200), "{play}: at {ended:?}");
        assert!(ended + LIMITS.backoff_base >= LIMITS.unreached, "{play}: at {ended:?}");
    }
    for play in ["token=unsent*", "post=unsent*", "resume get=odd*"] {
        let mut play_of_it = Play::new(play);
        play_of_it.run().unwrap();
        assert!(play_of_it.now > Duration::from_mins(1), "{play}: at {:?}", play_of_it.now);
    }
}

#[test]
fn what_is_unsent_when_its_chunk_ends_is_given_up_at_once() {
    for play in
        ["under=5s post=unsent*", "under=5s token=unsent*", "under=5s post=429*", "under=5s post=429+4s post=429*"]
    {
        let mut play_of_it = Play::new(play);
        assert_eq!(play_of_it.run(), Ok(Failed), "{play}");
        let ended = play_of_it.now;
        assert!(ended <= Duration::from_millis(5100) && ended >= Duration::from_secs(5), "{play}: at {ended:?}");
    }
}

/// The plays take every pause as long as it may be; this one takes none.
#[test]
fn a_repeat_that_was_refused_in_doubt_stands_only_after_a_read_that_began_a_first_pause_later() {
    let at = Duration::from_millis;
    let (mut outcome, _) = Outcome::start(LIMITS, Duration::ZERO, Start::Fresh, None);
    outcome.on(at(0), Event::Authorized);
    outcome.on(at(100), Event::Posted(PostEnd::Open));
    outcome.on(at(100), Event::Woke);
    outcome.on(at(200), Event::Read(ReadEnd::Gone));
    outcome.on(at(40_000), Event::Authorized);
    outcome.on(at(40_000), Event::PostedAmongOthers(PostEnd::Refused));
    let action = outcome.on(at(40_000), Event::Woke);
    assert!(matches!(action, Action::Get { .. }), "{action:?}");
    let action = outcome.on(at(40_100), Event::Read(ReadEnd::Gone));
    assert!(
        matches!(action, Action::Pause { .. }),
        "that read began before the repeat was surely executed: {action:?}"
    );
    outcome.on(at(40_250), Event::Woke);
    assert_eq!(outcome.on(at(40_300), Event::Read(ReadEnd::Gone)), Action::End(Refused));
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap())
}

#[test]
fn every_play_ends_as_the_rules_say() {
    let mut wrong = Vec::new();
    for (name, play, verdict) in RULES {
        let mut play = Play::new(play);
        let ended = play.run();
        if ended != Ok(*verdict) {
            wrong.push(format!("{name}: {ended:?}, should be {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
