//! Every change once, in its order, whoever looked: callbacks, polls, one process and two.

use std::sync::Arc;
use std::time::Duration;

use komopay_core::{ChangeStore, Client, Config, ErrorKind, MemoryChangeStore, PayoutStatus, SqliteChangeStore};
use komopay_tests::{config, id};

use crate::platform::Platform;
use crate::{body, receiving, url};

const T1: Option<&str> = Some("2025-01-01T00:01:00Z");
const T2: Option<&str> = Some("2025-01-01T00:02:00Z");

/// Takes everything that is pending, and acknowledges it: "sequence previous -> status", with a `!` for a correction.
async fn delivered(client: &Client) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let changes = client.take_changes(10).await.unwrap();
        if changes.is_empty() {
            return told;
        }
        for change in changes {
            let before = change.previous_status.map_or("-".to_owned(), |status| status.as_str().to_owned());
            let mark = if change.is_correction { "!" } else { "" };
            told.push(format!("{} {before} -> {}{mark}", change.sequence, change.payout.status));
            assert_eq!(change.payout.payout_id, change.payout_id);
            assert!(change.payout.raw.as_str().contains("paymentRequested"), "it is the whole payout");
            client.acknowledge_change(&change.payout_id, change.sequence).await.unwrap();
        }
    }
}

async fn call(client: &Client) -> PayoutStatus {
    client.handle_callback(&body("A"), &url(client, "A")).await.unwrap().status
}

async fn following() -> (Platform, Client) {
    let platform = Platform::start().await;
    let client = receiving(config(&platform.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    (platform, client)
}

#[tokio::test]
async fn every_change_is_delivered_once_whoever_saw_it_first() {
    let (platform, client) = following().await;
    platform.set("A", "PROCESSING", None);
    for _ in 0..3 {
        call(&client).await;
        client.get_payout(&id("A")).await.unwrap();
    }
    assert_eq!(delivered(&client).await, ["1 - -> PROCESSING"]);
    platform.set("A", "SUCCESS", T1);
    client.wait_for_payout(&id("A"), Duration::from_secs(20)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(call(&client).await, PayoutStatus::Success);
    }
    assert_eq!(delivered(&client).await, ["2 PROCESSING -> SUCCESS"]);
    assert!(delivered(&client).await.is_empty());
}

#[tokio::test]
async fn a_final_status_is_corrected_only_by_a_later_one() {
    let (platform, client) = following().await;
    platform.set("A", "SUCCESS", T1);
    call(&client).await;
    // Reads that lag behind.
    for status in ["PROCESSING", "ON_HOLD"] {
        platform.set("A", status, None);
        assert_eq!(call(&client).await, PayoutStatus::Success, "a payout does not go back");
        assert_eq!(client.get_payout(&id("A")).await.unwrap().status, PayoutStatus::Success);
    }
    platform.set("A", "FAILED", T2);
    assert_eq!(call(&client).await, PayoutStatus::Failed);
    platform.set("A", "SUCCESS", T1);
    assert_eq!(call(&client).await, PayoutStatus::Failed, "the earlier decision is the older one");
    assert_eq!(delivered(&client).await, ["1 - -> SUCCESS", "2 SUCCESS -> FAILED!"]);
}

#[tokio::test]
async fn a_tie_is_read_again() {
    let (platform, client) = following().await;
    platform.set("A", "SUCCESS", T1);
    call(&client).await;
    let before = platform.reads();
    platform.set("A", "FAILED", T1);
    assert_eq!(call(&client).await, PayoutStatus::Failed);
    assert_eq!(platform.reads(), before + 2, "one read, and one that confirms it");
    assert_eq!(delivered(&client).await, ["1 - -> SUCCESS", "2 SUCCESS -> FAILED!"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tie_that_is_not_confirmed_changes_nothing() {
    let (platform, client) = following().await;
    platform.set("A", "SUCCESS", T1);
    call(&client).await;
    platform.hold();
    platform.set("A", "FAILED", T1);
    let calling = tokio::spawn({
        let client = client.clone();
        async move { call(&client).await }
    });
    platform.came(2).await;
    platform.set("A", "SUCCESS", T1);
    platform.let_go(10);
    assert_eq!(calling.await.unwrap(), PayoutStatus::Success);
    assert_eq!(delivered(&client).await, ["1 - -> SUCCESS"]);
}

#[tokio::test]
async fn answers_that_never_agree_are_not_recorded() {
    let platform = Platform::start().await;
    let mut config = config(&platform.base_url());
    config.read_attempts = 1;
    let client = receiving(config, Some(Arc::new(MemoryChangeStore::new())));
    platform.set("A", "SUCCESS", T1);
    call(&client).await;
    // Every read shows another decision of the same time.
    platform.set_in_turn("A", &[("REFUSED", T1), ("FAILED", T1), ("REFUSED", T1), ("FAILED", T1)]);
    let error = client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err();
    assert_eq!((error.kind(), error.callback_status()), (ErrorKind::Unavailable, 503));
    assert_eq!(platform.reads(), 1 + 4);
    assert_eq!(delivered(&client).await, ["1 - -> SUCCESS"]);
    // The last answer stays, so that the next callback sees it twice.
    assert_eq!(call(&client).await, PayoutStatus::Failed);
    assert_eq!(delivered(&client).await, ["2 SUCCESS -> FAILED!"]);
}

#[tokio::test]
async fn a_status_that_this_version_does_not_know_is_a_change_once_it_says_when() {
    let (platform, client) = following().await;
    platform.set("A", "SUCCESS", T1);
    call(&client).await;
    let reversed = PayoutStatus::from("REVERSED");
    platform.set("A", "REVERSED", T2);
    assert_eq!(call(&client).await, reversed);
    assert_eq!(client.get_payout(&id("A")).await.unwrap().status, reversed);
    assert_eq!(delivered(&client).await, ["1 - -> SUCCESS", "2 SUCCESS -> REVERSED!"]);
}

#[tokio::test]
async fn data_of_the_other_mode_is_no_change() {
    let platform = Platform::start().await;
    platform.set("A", "SUCCESS", T1);
    let mut live: Config = config(&platform.base_url());
    (live.is_test, live.loopback_is_live) = (Some(false), true);
    let client = receiving(live, Some(Arc::new(MemoryChangeStore::new())));
    let error = client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.callback_status()),
        (ErrorKind::Configuration, Some("is_test"), 500)
    );
    assert!(delivered(&client).await.is_empty());
}

#[tokio::test]
async fn a_change_is_one_workers_until_its_lease_is_over() {
    let platform = Platform::start().await;
    platform.set("A", "PROCESSING", None);
    let store: Arc<dyn ChangeStore> = Arc::new(MemoryChangeStore::new());
    let [one, other] = [(); 2].map(|()| receiving(config(&platform.base_url()), Some(Arc::clone(&store))));
    call(&one).await;
    platform.set("A", "SUCCESS", T1);
    call(&other).await;
    let taken = one.take_changes(10).await.unwrap();
    assert_eq!(taken.iter().map(|change| change.sequence).collect::<Vec<_>>(), [1], "one of each payout");
    assert!(other.take_changes(10).await.unwrap().is_empty());
    one.acknowledge_change(&id("A"), 1).await.unwrap();
    assert_eq!(other.take_changes(10).await.unwrap()[0].sequence, 2);
}

/// A payout's events in random order over real sockets and real files: it changes, callbacks come late and twice, polls
/// come between, and two clients share the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_orders_of_events_converge() {
    let folder = tempfile::tempdir().unwrap();
    converge(40, |round| Arc::new(SqliteChangeStore::open(folder.path().join(format!("{round}.sqlite"))).unwrap()))
        .await;
}

/// Of all that two processes see, which share a store that is new in each round, each change is told once and in order.
pub async fn converge(rounds: usize, open: impl Fn(usize) -> Arc<dyn ChangeStore>) {
    let histories: [&[(&str, Option<&str>)]; 4] = [
        &[("PROCESSING", None), ("SUCCESS", T1)],
        &[("PROCESSING", None), ("SUCCESS", T1), ("FAILED", T2)],
        &[("PROCESSING", None), ("ON_HOLD", None), ("REFUSED", T1)],
        &[("PROCESSING", None), ("FAILED", T1), ("SUCCESS", T1)],
    ];
    let mut random = fastrand::Rng::with_seed(20_260_101);
    let (mut orders, mut events) = (0, 0);
    for round in 0..rounds {
        let history = histories[round % histories.len()];
        let platform = Platform::start().await;
        let clients = [(); 2].map(|()| receiving(config(&platform.base_url()), Some(open(round))));
        let mut calls = Vec::new();
        for (number, (status, time)) in history.iter().enumerate() {
            platform.set("A", status, *time);
            let is_last = number + 1 == history.len();
            for _ in 0..random.usize(u8::from(is_last).into()..=2) {
                let client = clients[random.usize(0..2)].clone();
                let is_poll = !is_last && random.bool();
                calls.push(tokio::spawn(async move {
                    if is_poll {
                        client.get_payout(&id("A")).await
                    } else {
                        client.handle_callback(&body("A"), &url(&client, "A")).await
                    }
                }));
                events += 1;
            }
            for _ in 0..random.usize(0..4) {
                tokio::task::yield_now().await;
            }
        }
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let told = delivered(&clients[0]).await;
        let last = told.last().unwrap();
        assert!(last.contains(&format!("-> {}", history.last().unwrap().0)), "{told:?}");
        let mut shown = history.iter();
        for (number, line) in told.iter().enumerate() {
            assert!(line.starts_with(&format!("{} ", number + 1)), "{told:?}");
            assert!(shown.any(|(status, _)| line.contains(&format!("-> {status}"))), "{told:?}");
        }
        assert!(delivered(&clients[1]).await.is_empty());
        orders += 1;
    }
    println!("callbacks over sockets: {orders} orders of {events} callbacks and polls, all converge");
}
