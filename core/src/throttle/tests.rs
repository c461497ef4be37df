//! The rules together, and the lines in front of them, in virtual time: nothing here opens a socket.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

use super::*;
use crate::credentials::Credentials;

fn config() -> Config {
    Config::new("http://localhost", Credentials::token("t"))
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A throttle whose breaker is open.
fn open() -> Arc<Throttle> {
    let throttle = Throttle::new(&config());
    (0..5).for_each(|_| throttle.heard(Instant::now(), Heard::Silence));
    throttle
}

#[tokio::test(start_paused = true)]
async fn permits_come_in_the_order_they_were_asked_for() {
    let throttle = Throttle::new(&Config { requests_per_second: Some(10.0), ..config() });
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for caller in 0..50 {
        let (throttle, order) = (Arc::clone(&throttle), Arc::clone(&order));
        callers.spawn(async move {
            let mut permit = throttle.permit(Try::First, Instant::now(), MINUTE).await.unwrap();
            throttle.count(Some(&mut permit));
            order.lock().unwrap().push(caller);
        });
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    callers.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
    assert_eq!(started.elapsed().as_millis() / 100, 49, "one at once, then ten a second");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_is_set_and_an_end_lets_the_next_one_go() {
    let throttle = Throttle::new(&Config { max_concurrency: Some(3), ..config() });
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (throttle, now, most) = (Arc::clone(&throttle), Arc::clone(&now), Arc::clone(&most));
        callers.spawn(async move {
            let _permit = throttle.permit(Try::First, Instant::now(), MINUTE).await.unwrap();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(SECOND).await;
            now.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let started = Instant::now();
    callers.join_all().await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(started.elapsed().as_secs(), 34);
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_makes_repeats_wait_and_nobody_else() {
    let throttle = Throttle::new(&config());
    for _ in 0..100 {
        assert!(throttle.permit(Try::Repeat, Instant::now(), Duration::ZERO).await.is_ok());
    }
    let error = throttle.permit(Try::Repeat, Instant::now(), Duration::from_millis(50)).await.err().unwrap();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::TimedOut, false));
    let waiting = tokio::spawn({
        let throttle = Arc::clone(&throttle);
        async move { throttle.permit(Try::Repeat, Instant::now(), MINUTE).await.is_ok() }
    });
    tokio::task::yield_now().await;
    assert!(throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.is_ok());
    assert!(!waiting.is_finished());
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn while_nobody_answers_a_thousand_callers_send_a_few_requests() {
    let throttle = Throttle::new(&config());
    let sent = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let (throttle, sent) = (Arc::clone(&throttle), Arc::clone(&sent));
        callers.spawn(async move {
            let mut which = Try::First;
            loop {
                let Ok(_permit) = throttle.permit(which, Instant::now(), 10 * MINUTE).await else { return };
                sent.fetch_add(1, Ordering::SeqCst);
                throttle.heard(Instant::now(), Heard::Silence);
                which = Try::Repeat;
            }
        });
    }
    tokio::time::sleep(10 * MINUTE).await;
    callers.abort_all();
    let sent = sent.load(Ordering::SeqCst);
    assert!((100..450).contains(&sent), "{sent} requests in 10 minutes");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_comes_back_is_not_met_by_everybody_at_once() {
    let throttle = open();
    let (under_way, most_at_first) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut callers = JoinSet::new();
    let started = Instant::now();
    for _ in 0..1000 {
        let (throttle, under_way, most) = (Arc::clone(&throttle), Arc::clone(&under_way), Arc::clone(&most_at_first));
        callers.spawn(async move {
            let _permit = throttle.permit(Try::First, Instant::now(), MINUTE).await.unwrap();
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            if started.elapsed() < SECOND {
                most.fetch_max(now, Ordering::SeqCst);
            }
            let began = Instant::now();
            tokio::time::sleep(Duration::from_millis(200)).await;
            throttle.heard(began, Heard::Answer);
            under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }
    callers.join_all().await;
    assert!(most_at_first.load(Ordering::SeqCst) <= 16, "{most_at_first:?} in the first second");
    assert!(started.elapsed() < 10 * SECOND, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_try_that_settles_waits_for_nothing_but_is_counted() {
    let throttle = open();
    let mut permit = throttle.settling();
    throttle.count(Some(&mut permit));
    drop(permit);
    assert!(throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.is_err(), "it is open as before");

    let throttle = Throttle::new(&Config { requests_per_second: Some(1.0), max_concurrency: Some(1), ..config() });
    let (mut one, _other) = (throttle.settling(), throttle.settling());
    throttle.count(Some(&mut one));
    throttle.count(None);
    let error = throttle.permit(Try::First, Instant::now(), SECOND).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.message().contains("requests_per_second"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tries_that_settle_do_not_take_the_place_of_one_that_waits_for_a_recovering_platform() {
    let throttle = open();
    let tries = [(); 70].map(|()| throttle.settling());
    throttle.heard(Instant::now(), Heard::Answer);
    let one = throttle.permit(Try::First, Instant::now(), Duration::ZERO).await;
    assert!(one.is_ok(), "one at a time may go");
    assert!(throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.is_err(), "and no more");
    drop((one, tries));
    let after = throttle.lock();
    assert_eq!((after.under_way, after.settling), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_place_in_line_is_kept_beside_other_work_and_given_up_when_it_is_dropped() {
    let throttle = Throttle::new(&Config { max_concurrency: Some(1), ..config() });
    let taken = throttle.permit(Try::Repeat, Instant::now(), Duration::ZERO).await.unwrap();
    let kept = Waiter::new(&throttle, Try::Repeat, Instant::now(), MINUTE);
    tokio::time::sleep(SECOND).await;
    assert!(!kept.has_ended());
    let behind = tokio::spawn({
        let throttle = Arc::clone(&throttle);
        async move { throttle.permit(Try::Repeat, Instant::now(), MINUTE).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(taken);
    // Work that never asks for the permit: it comes all the same, before those that came later.
    tokio::time::sleep(SECOND).await;
    assert!(kept.has_ended() && !behind.is_finished());
    drop(kept);
    assert!(behind.await.unwrap());
    assert_eq!(throttle.lock().under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn behind_what_was_never_reached_a_call_waits_in_line_for_that_time_alone() {
    let config = Config { max_concurrency: Some(1), ..config() };
    let (throttle, unreached) = (Throttle::new(&config), config.limits().unreached);
    let _taken = throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.unwrap();
    assert!(throttle.is_unreached(false, true));
    let began = Instant::now();
    tokio::time::sleep(SECOND).await;
    let error = throttle.permit(Try::First, began, MINUTE).await.err().unwrap();
    assert_eq!((error.kind(), began.elapsed()), (ErrorKind::Unavailable, unreached));
    throttle.close();
    let error = throttle.permit(Try::First, began, MINUTE).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Closed);

    // A request that was not sent over a connection that was there says nothing of what is reached.
    let (throttle, began) = (Throttle::new(&config), Instant::now());
    let _taken = throttle.permit(Try::First, began, Duration::ZERO).await.unwrap();
    assert!(!throttle.is_unreached(false, false));
    let error = throttle.permit(Try::First, began, MINUTE).await.err().unwrap();
    assert_eq!((error.kind(), began.elapsed()), (ErrorKind::TimedOut, MINUTE));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_line_learns_whether_a_permit_came() {
    let throttle = Throttle::new(&Config { max_concurrency: Some(1), ..config() });
    let taken = throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.unwrap();
    let mut patient = Waiter::new(&throttle, Try::First, Instant::now(), MINUTE);
    let mut hasty = Waiter::new(&throttle, Try::First, Instant::now(), SECOND);
    assert!(!hasty.end().await && hasty.has_ended());
    drop(taken);
    assert!(patient.end().await);
    assert!(patient.permit().await.is_ok() && hasty.permit().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_breaker_holds_first_tries_and_tells_that_the_platform_is_unavailable() {
    let throttle = open();
    let error = throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.err().unwrap();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::Unavailable, false));
    throttle.heard(Instant::now(), Heard::TooMany { retry_after: None });
    assert!(throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.is_ok(), "a 429 is an answer");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_takes_nothing_along() {
    let throttle = Throttle::new(&Config { requests_per_second: Some(1.0), max_concurrency: Some(1), ..config() });
    let unused = throttle.permit(Try::First, Instant::now(), Duration::ZERO).await.unwrap();
    let started = Instant::now();
    let mut leaving = JoinSet::new();
    for _ in 0..100 {
        let throttle = Arc::clone(&throttle);
        leaving.spawn(async move { throttle.permit(Try::First, Instant::now(), MINUTE).await.is_ok() });
    }
    tokio::task::yield_now().await;
    let last = tokio::spawn({
        let throttle = Arc::clone(&throttle);
        async move { throttle.permit(Try::First, Instant::now(), MINUTE).await.is_ok() }
    });
    tokio::task::yield_now().await;
    leaving.shutdown().await;
    drop(unused);
    assert!(last.await.unwrap());
    assert_eq!(started.elapsed(), Duration::ZERO, "the turn that was not used is the next one's");
    assert_eq!(throttle.lock().under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_wait() {
    let throttle = open();
    let _probe = throttle.permit(Try::First, Instant::now(), MINUTE).await.unwrap();
    let mut waiting = JoinSet::new();
    for caller in 0..100 {
        let (throttle, which) = (Arc::clone(&throttle), if caller % 2 == 0 { Try::First } else { Try::Repeat });
        waiting.spawn(async move { throttle.permit(which, Instant::now(), MINUTE).await.err().unwrap().kind() });
    }
    tokio::task::yield_now().await;
    let closed_at = Instant::now();
    throttle.close();
    assert!(waiting.join_all().await.iter().all(|kind| *kind == ErrorKind::Closed));
    assert_eq!(closed_at.elapsed(), Duration::ZERO);
}

#[test]
fn what_was_reached_once_is_never_called_unreached() {
    let throttle = Throttle::new(&config());
    assert!(throttle.is_unreached(false, true));
    assert!(!throttle.is_unreached(false, false), "that one had a connection");
    throttle.reached();
    assert!(!throttle.is_unreached(false, true));
    let throttle = Throttle::new(&config());
    assert!(!throttle.is_unreached(true, true), "it was sent");
    assert!(!throttle.is_unreached(false, true));
}
