//! What the real code makes of what the network and the platform bring: nothing here decides, everything asks the
//! functions that `create.rs` and `in_flight.rs` themselves use, with real requests and real bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::super::agreement::{Agreement, Expected};
use super::super::create::{Learned, Next, acceptance, next, no_acceptance, not_shown, shown as shown_by, unanswered};
use super::super::in_flight::{Entry, InFlight, lost};
use super::super::outcome::{PostEnd, ReadEnd, Verdict};
use super::super::unsettled::Unsettled;
use super::super::{BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutRequest};
use crate::call::ReadErrorKind;
use crate::error::{Error, ErrorKind, Result};
use crate::money::Money;
use crate::scrub::Scrubber;
use crate::transport::{Answer, FailureKind};
use crate::values::{Payout, PayoutAccepted, PayoutId};

/// A request, by its place in [`requests`].
pub(super) type Asked = usize;

pub(super) const PLAIN: Asked = 0;
pub(super) const OTHER_MONEY: Asked = 1;
pub(super) const OTHER_METHOD: Asked = 2;
pub(super) const OTHER_PAYEE: Asked = 3;

/// Requests that somebody might send under one id.
pub(super) fn requests() -> Vec<PayoutRequest> {
    let money = |amount| Money::new(amount, "IDR").unwrap();
    let bank = |number| BankTransfer::new("BNK_000", BankAccount::new("Test account", number));
    vec![
        PayoutRequest::new(money("10000"), bank("11223344")),
        PayoutRequest::new(money("77"), bank("11223344")),
        PayoutRequest::new(money("10000"), CryptoTransfer::new("CRY_000", CryptoAccount::new("11223344"))),
        PayoutRequest::new(money("10000"), bank("99887766")),
    ]
}

fn id() -> PayoutId {
    PayoutId::new("TST-223344").unwrap()
}

fn answer(status: u16, body: &str) -> Answer {
    let (body, texts) = (Bytes::copy_from_slice(body.as_bytes()), Scrubber::default());
    Answer { status, date: None, retry_after: None, request_id: None, is_first: true, body, texts }
}

const CREATED_AT: &str = "2026-01-01T00:00:00Z";

/// What the platform shows of a payout: to the create, and to a read.
fn shown(made: &PayoutRequest) -> String {
    json!({
        "paymentRequested": { "money": made.money },
        "paymentMethodResponse": { "paymentMethodCode": made.method.code().as_str(), "idPayout": id().as_str() },
        "process": { "status": "PROCESSING", "createdAt": CREATED_AT, "isTest": true },
    })
    .to_string()
}

/// What the real code makes of each answer to a create.
pub(super) struct Readings {
    /// By what was asked: the answer that tells of its execution.
    pub accepted: Vec<PostEnd>,
    pub refused: Vec<PostEnd>,
    pub conflict: Vec<PostEnd>,
    /// By what was asked: everything that tells nothing.
    pub ruined: Vec<Vec<PostEnd>>,
    /// What tells nothing to a create under a chunk's token, beside that.
    pub too_long: Vec<PostEnd>,
    pub not_sent: Vec<PostEnd>,
    pub gone: ReadEnd,
    /// Reads that prove nothing.
    pub unproven: Vec<ReadEnd>,
    /// By what was asked, what was made, whether any age will do, and whether the payout is young.
    ours: Vec<ReadEnd>,
    /// By what is under way, on which terms and whether it is withdrawn, and what is asked, on which terms, and whether
    /// that was before the call under way began.
    meetings: Vec<Meeting>,
    /// By what is unsettled and what is asked: whether that is the same, or refused.
    holds: Vec<bool>,
}

/// What a caller meets whose client has a call for its id under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    Starts,
    Joins,
    Waits,
    /// It gets `duplicate_payout`.
    Refused,
}

/// On which terms a call is made.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub resume: bool,
    pub chunk: bool,
}

impl Terms {
    fn place(self) -> usize {
        usize::from(self.resume) + 2 * usize::from(self.chunk)
    }

    fn at(place: usize) -> (bool, Option<u64>) {
        (place & 1 == 1, (place & 2 == 2).then_some(1))
    }
}

impl Readings {
    pub fn new() -> Self {
        let requests = requests();
        let judged_by = |asked: &PayoutRequest, status: u16, body: &str, of_chunk: bool| {
            let answer = answer(status, body);
            match acceptance(&id(), asked, &answer) {
                Some(_) => PostEnd::Accepted,
                None => no_acceptance(&answer, &answer.to_error(), true, of_chunk),
            }
        };
        let judged = |asked: &PayoutRequest, status: u16, body: &str| {
            let end = judged_by(asked, status, body, false);
            // Under a chunk's token, nothing else is read differently.
            if !(status == 431 || status == 400 && !body.starts_with('{')) {
                assert_eq!(judged_by(asked, status, body, true), end, "{status} {body}");
            }
            end
        };
        let plain = &requests[PLAIN];
        let accepted = requests.iter().map(|asked| judged(asked, 201, &shown(asked)));
        let ruined = requests.iter().map(|asked| {
            let whole = shown(asked);
            let mut ends: Vec<PostEnd> = [500, 502, 503, 504, 404, 405, 408, 410, 431, 302, 307, 202, 204, 406]
                .into_iter()
                .flat_map(|status| ["", "<html>", "{}", &whole].map(|body| judged(asked, status, body)))
                .chain(["", "<html>", "{}", "[]", &whole[..40]].map(|body| judged(asked, 201, body)))
                .chain(
                    requests
                        .iter()
                        .filter(|other| (&other.money, other.method.code()) != (&asked.money, asked.method.code()))
                        .map(|other| judged(asked, 200, &shown(other))),
                )
                .chain(
                    ["\"TST-000000\"", "null", "[]"].map(|id| judged(asked, 201, &whole.replace("\"TST-223344\"", id))),
                )
                .chain(KINDS.map(|kind| unanswered(true, kind, false)))
                .collect();
            distinct(&mut ends);
            ends
        });
        let mut too_long = [(431, "{}"), (431, ""), (400, ""), (400, "<html>"), (400, "{")]
            .map(|(status, body)| judged_by(plain, status, body, true))
            .to_vec();
        distinct(&mut too_long);
        assert_eq!(too_long, [PostEnd::TooLong]);
        let mut refused = vec![
            judged(plain, 400, "{}"),
            judged(plain, 400, ""),
            judged(plain, 403, ""),
            judged(plain, 406, r#"[{"code":"BALANCE_INSUFFICIENT"}]"#),
        ];
        distinct(&mut refused);
        let mut not_sent = KINDS.map(|kind| unanswered(false, kind, false)).to_vec();
        not_sent.push(unanswered(false, FailureKind::Network, true));
        distinct(&mut not_sent);
        let mut unproven: Vec<ReadEnd> = [404, 400, 401, 403, 406, 409, 429, 500, 503, 302, 204]
            .into_iter()
            .map(ReadErrorKind::of)
            .chain([ReadErrorKind::Passing, ReadErrorKind::Lasting, ReadErrorKind::Barred])
            .map(|why| not_shown(why, None, false))
            .chain([not_shown(ReadErrorKind::Passing, None, true)])
            .chain(["createdAt", "isTest"].map(|field| shown_by(Agreement::Unproven(field))))
            .collect();
        distinct(&mut unproven);
        Self {
            accepted: accepted.collect(),
            refused,
            conflict: vec![judged(plain, 409, "{}")],
            ruined: ruined.collect(),
            too_long,
            not_sent,
            gone: not_shown(ReadErrorKind::of(410), None, false),
            unproven,
            ours: ours(&requests),
            meetings: meetings(&requests),
            holds: holds(&requests),
        }
    }

    /// What a read shows that finds what was `made`.
    pub fn found(&self, asked: Asked, made: Asked, any_age: bool, young: bool) -> ReadEnd {
        self.ours[place(&[asked, made, any_age.into(), young.into()])]
    }

    /// Whether a client that has an unsettled create of this request takes what is `asked` now for the same.
    pub fn holds(&self, unsettled: Asked, asked: Asked) -> bool {
        self.holds[place(&[unsettled, asked])]
    }

    /// What a caller meets. Each of the two resumes or not, under the one token of a chunk or not.
    pub fn meeting(&self, under_way: (Asked, Terms, bool), asked: Asked, terms: Terms, before: bool) -> Meeting {
        let (request, of_call, withdrawn) = under_way;
        self.meetings[place(&[request, asked, of_call.place(), withdrawn.into(), terms.place(), before.into()])]
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Ruled(Verdict),
    /// Its task panicked, or its runtime was shut down.
    Lost {
        exposed: bool,
    },
}

impl Ending {
    /// The real result of a call that ended so.
    pub fn result(self) -> Result<PayoutAccepted> {
        let body = shown(&requests()[PLAIN]);
        match self {
            Self::Ruled(verdict) => {
                let learned = Learned {
                    accepted: PayoutAccepted::parse(&id(), body.as_bytes()).ok().map(|(accepted, _)| accepted),
                    found: Payout::parse(&id(), body.as_bytes()).ok().map(|(payout, _)| payout),
                    refusal: Some(answer(403, "").to_error()),
                    denial: None,
                    last_error: Some(Error::new(ErrorKind::Unavailable, "no connection")),
                    unproven: None,
                    too_long: None,
                };
                learned.result(&id(), verdict)
            }
            Self::Lost { exposed } => Err(lost(&id(), exposed)),
        }
    }

    /// What a caller does that waited for the end of a call: it takes the result, or asks again, `Some(resume)`.
    pub fn next(self, resume: bool, resumed: bool) -> Option<bool> {
        match next(self.result(), resume, resumed) {
            Next::Take(_) => None,
            Next::Ask { resume } => Some(resume),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ruled(Verdict::Accepted) => "accepted",
            Self::Ruled(Verdict::Recovered) => "recovered",
            Self::Ruled(Verdict::Refused) => "refused",
            Self::Ruled(Verdict::Failed) => "failed",
            Self::Ruled(Verdict::Duplicate { found: true }) => "duplicate, found",
            Self::Ruled(Verdict::Duplicate { found: false }) => "duplicate, not found",
            Self::Ruled(Verdict::Unknown) => "unknown",
            Self::Ruled(Verdict::Withdrawn) => "withdrawn",
            Self::Lost { exposed: false } => "lost before it was sent",
            Self::Lost { exposed: true } => "lost",
        }
    }
}

const KINDS: [FailureKind; 4] =
    [FailureKind::Network, FailureKind::TimedOut, FailureKind::Configuration, FailureKind::Unreadable];

fn distinct<T: PartialEq>(values: &mut Vec<T>) {
    let mut kept = Vec::new();
    for value in values.drain(..) {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    *values = kept;
}

/// The place in a table of choices, each of at most four values.
fn place(choices: &[usize]) -> usize {
    choices.iter().fold(0, |place, choice| place * 4 + choice)
}

/// So many choices of four values each, in the order of their places. A yes or no is yes at 1.
fn choices(count: u32) -> impl Iterator<Item = Vec<usize>> {
    (0..4_usize.pow(count)).map(move |place| (0..count).rev().map(|digit| place / 4_usize.pow(digit) % 4).collect())
}

fn ours(requests: &[PayoutRequest]) -> Vec<ReadEnd> {
    choices(4)
        .map(|choice| {
            let (_, deciding) = Payout::parse(&id(), shown(&requests[choice[1]]).as_bytes()).ok().unwrap();
            let is_young = Some(|_| choice[3] == 1).filter(|_| choice[2] == 0);
            let end = shown_by(deciding.is_ours(&requests[choice[0]], Expected { is_test: Some(true), is_young }));
            assert!(!matches!(end, ReadEnd::Unproven { .. }), "all that decides is there");
            end
        })
        .collect()
}

/// Lets a real memory hold one request, and asks for another.
fn holds(requests: &[PayoutRequest]) -> Vec<bool> {
    choices(2)
        .map(|choice| {
            let mut unsettled = Unsettled::new().unwrap();
            unsettled.note(&id(), &requests[choice[0]], true);
            match unsettled.holds(&id(), &requests[choice[1]]) {
                Ok(holds) => {
                    assert!(holds, "it forgets");
                    true
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::DuplicatePayout);
                    false
                }
            }
        })
        .collect()
}

/// The time of every caller.
const TOTAL: Duration = Duration::from_secs(90);

/// Lets a real caller enter a real registry, where a real call is under way.
fn meetings(requests: &[PayoutRequest]) -> Vec<Meeting> {
    let (began, requests) = (Instant::now(), requests.iter().cloned().map(Arc::new).collect::<Vec<_>>());
    choices(6)
        .map(|choice| {
            let registry = Arc::new(InFlight::new().unwrap());
            let (resumes, chunk) = Terms::at(choice[2]);
            let first = registry.enter(&id(), &requests[choice[0]], resumes, chunk, began, TOTAL);
            let Ok(Entry::Started(flight, caller)) = first else { panic!("the first call is not started") };
            let asked = if choice[5] == 1 { began } else { Instant::now() + Duration::from_secs(1) };
            // A caller that leaves withdraws the call.
            let caller = Some(caller).filter(|_| choice[3] == 0);
            let (resume, chunk) = Terms::at(choice[4]);
            let meeting = match registry.enter(&id(), &requests[choice[1]], resume, chunk, asked, TOTAL) {
                Ok(Entry::Started(..)) => Meeting::Starts,
                Ok(Entry::Joined(_)) => Meeting::Joins,
                Ok(Entry::Busy(_)) => Meeting::Waits,
                Ok(Entry::Unsettled) => panic!("nothing has ended yet"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::DuplicatePayout);
                    Meeting::Refused
                }
            };
            drop((flight, caller));
            meeting
        })
        .collect()
}
