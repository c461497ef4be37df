//! What a callback leads to: which GETs are made, and what it is answered with.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use komopay_core::{
    ChangeRecord, ChangeStore, Client, ErrorKind, MemoryChangeStore, PayoutId, PayoutStatus, StoreError,
};
use komopay_sandbox::{Effect, Fault, Operation, When};
use komopay_tests::{break_nth, client, config, hasty, id, request, sandbox, shown};

use crate::platform::Platform;
use crate::{body, receiving, url};

#[tokio::test]
async fn the_status_is_the_platforms_and_never_the_callers() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("A"), &request(), false).await.unwrap();
    let client = receiving(config(sandbox.base_url()), None);
    let lie = br#"{"idEntity": "A", "status": "REFUSED", "process": {"status": "REFUSED"}}"#;
    let payout = client.handle_callback(lie, &url(&client, "A")).await.unwrap();
    assert_eq!((payout.payout_id, payout.status), (id("A"), PayoutStatus::Success));
}

#[tokio::test]
async fn what_could_not_be_read_is_answered_so_that_the_platform_repeats() {
    for (effect, kind, status) in [
        (Effect::GoneForGet { ms: 60_000 }, ErrorKind::NotFound, 503),
        (Effect::NotFound, ErrorKind::NotFound, 503),
        (Effect::Status { status: 503 }, ErrorKind::Unavailable, 503),
        (Effect::RateLimited { retry_after_secs: Some(3600) }, ErrorKind::RateLimited, 503),
        (Effect::Forbidden, ErrorKind::PermissionDenied, 503),
        (Effect::CaptivePortal, ErrorKind::UnexpectedResponse, 503),
        (Effect::Delay { ms: 60_000 }, ErrorKind::TimedOut, 503),
    ] {
        let sandbox = sandbox().await;
        client(&sandbox).create_payout(&id("A"), &request(), false).await.unwrap();
        let store = Arc::new(MemoryChangeStore::new());
        let client = receiving(hasty(sandbox.base_url()), Some(store.clone()));
        sandbox.inject(Fault::new(When::always(Operation::GetPayout), effect.clone()));
        let error = client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err();
        shown(&error);
        assert_eq!((error.kind(), error.callback_status()), (kind, status), "{effect:?}");
        assert_eq!(error.payout_id(), Some(&id("A")));
        assert!(!error.attempts().is_empty());
        assert!(client.take_changes(10).await.unwrap().is_empty());
        // The repeat brings it, to another process that has more time.
        sandbox.clear_faults();
        let client = receiving(config(sandbox.base_url()), Some(store));
        client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap();
        assert_eq!(client.take_changes(10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_callback_waits_for_a_time_of_its_own_and_who_shares_its_read_for_theirs() {
    for store in [None, Some(Arc::new(MemoryChangeStore::new()) as Arc<dyn ChangeStore>)] {
        let sandbox = sandbox().await;
        client(&sandbox).create_payout(&id("A"), &request(), false).await.unwrap();
        let mut config = config(sandbox.base_url());
        config.callback_timeout = Duration::from_millis(200);
        let (client, keeps) = (receiving(config, store.clone()), store.is_some());
        break_nth(&sandbox, Operation::GetPayout, 1, Effect::Hold);
        // With a store, the first shares the read that is held, and the next one stands behind it. Without one, it is
        // the callback's own that is held.
        let read = async {
            while !keeps && sandbox.calls(Operation::GetPayout) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            client.get_payout(&id("A")).await
        };
        let ((first, behind), read) = tokio::join!(
            async {
                let first = client.handle_callback(&body("A"), &url(&client, "A")).await;
                let behind = client.handle_callback(&body("A"), &url(&client, "A")).await;
                sandbox.clear_faults();
                (first, behind)
            },
            read
        );
        assert_eq!(read.unwrap().payout_id, id("A"));
        let errors: Vec<_> = [first, behind].into_iter().filter_map(Result::err).collect();
        assert!(errors.len() == 2 || !keeps);
        for error in errors {
            shown(&error);
            assert_eq!((error.kind(), error.callback_status()), (ErrorKind::TimedOut, 503), "{error:?}");
        }
        sandbox.idle().await;
        if keeps {
            // What was sent ran on, and is recorded.
            assert_eq!(client.take_changes(10).await.unwrap().len(), 1);
        }
        assert!(sandbox.calls(Operation::GetPayout) <= 2, "nobody had to ask again");
    }
}

#[tokio::test]
async fn a_read_that_fails_in_passing_is_tried_again() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("A"), &request(), false).await.unwrap();
    let client = receiving(config(sandbox.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    break_nth(&sandbox, Operation::GetPayout, 1, Effect::CloseAfterReading);
    client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap();
    assert_eq!(sandbox.calls(Operation::GetPayout), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callbacks_join_a_read_that_was_not_sent_and_no_other() {
    for store in [None, Some(Arc::new(MemoryChangeStore::new()) as Arc<dyn ChangeStore>)] {
        let platform = Platform::start().await;
        platform.set("A", "PROCESSING", None);
        let client = receiving(config(&platform.base_url()), store);
        platform.hold();
        let url = url(&client, "A");
        let body = body("A");
        let call = || client.handle_callback(&body, &url);
        let mut first = std::pin::pin!(call());
        assert!(first.as_mut().now_or_never().is_none());
        platform.came(1).await;
        // The GET on the wire shows what was there before; these 20 came after the change.
        platform.set("A", "SUCCESS", Some("2025-01-01T00:01:00Z"));
        let mut later = std::pin::pin!(futures_util::future::join_all((0..20).map(|_| call())));
        assert!(later.as_mut().now_or_never().is_none());
        platform.let_go(1);
        assert_eq!(first.await.unwrap().status, PayoutStatus::Processing);
        platform.let_go(1000);
        for payout in later.await {
            assert_eq!(payout.unwrap().status, PayoutStatus::Success);
        }
        assert_eq!(platform.reads(), 2, "one more for all of them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_sent_is_recorded_though_its_caller_left() {
    let platform = Platform::start().await;
    platform.set("A", "SUCCESS", Some("2025-01-01T00:01:00Z"));
    let store: Arc<MemoryChangeStore> = Arc::default();
    let client = receiving(config(&platform.base_url()), Some(store.clone()));
    platform.hold();
    let (url, body) = (url(&client, "A"), body("A"));
    let mut leaves = Box::pin(client.handle_callback(&body, &url));
    assert!(leaves.as_mut().now_or_never().is_none());
    platform.came(1).await;
    drop(leaves);
    platform.let_go(1);
    let recorded = async {
        while store.latest(&id("A")).unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), recorded).await.expect("it is recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_leaves_takes_nobody_with_it_and_a_read_that_nobody_wants_is_not_made() {
    let platform = Platform::start().await;
    platform.set("A", "SUCCESS", Some("2025-01-01T00:01:00Z"));
    let client = receiving(config(&platform.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    let (url, body) = (url(&client, "A"), body("A"));
    let call = || Box::pin(client.handle_callback(&body, &url));
    for (stays, reads) in [(true, 2), (false, 1)] {
        let before = platform.reads();
        platform.hold();
        let mut first = call();
        assert!(first.as_mut().now_or_never().is_none());
        platform.came(before + 1).await;
        // Both wait for one more read, which the one that leaves began.
        let (mut leaver, mut joiner) = (call(), call());
        assert!(leaver.as_mut().now_or_never().is_none());
        assert!(joiner.as_mut().now_or_never().is_none());
        drop(leaver);
        let joiner = stays.then_some(joiner);
        platform.let_go(1000);
        first.await.unwrap();
        if let Some(joiner) = joiner {
            assert_eq!(joiner.await.unwrap().status, PayoutStatus::Success);
        }
        // The next one would join it, or come after it.
        assert_eq!(platform.reads(), before + reads);
        call().await.unwrap();
        assert_eq!(platform.reads(), before + reads + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payouts_do_not_wait_for_each_other() {
    let platform = Platform::start().await;
    platform.set("A", "PROCESSING", None);
    let client = receiving(config(&platform.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    platform.hold();
    let (a, b) = (url(&client, "A"), url(&client, "B"));
    let (body_a, body_b) = (body("A"), body("B"));
    let both = async { tokio::join!(client.handle_callback(&body_a, &a), client.handle_callback(&body_b, &b)) };
    let on_the_wire = async {
        platform.came(2).await;
        platform.let_go(1000);
    };
    let ((a, b), ()) = tokio::join!(both, on_the_wire);
    assert_eq!((a.unwrap().status, b.unwrap_err().kind()), (PayoutStatus::Processing, ErrorKind::NotFound));
}

#[tokio::test]
async fn a_closed_client_handles_nothing_and_still_reads() {
    let sandbox = sandbox().await;
    let client = receiving(config(sandbox.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    let url = url(&client, "A");
    client.close().await;
    for kind in [
        client.handle_callback(&body("A"), &url).await.unwrap_err(),
        client.take_changes(1).await.unwrap_err(),
        client.acknowledge_change(&id("A"), 1).await.unwrap_err(),
    ] {
        assert_eq!((kind.kind(), kind.callback_status()), (ErrorKind::Closed, 503));
    }
    assert!(client.read_callback(&body("A"), &url).is_ok());
}

#[tokio::test]
async fn changes_need_a_store() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for error in [
        client.take_changes(1).await.unwrap_err(),
        client.acknowledge_change(&id("A"), 1).await.unwrap_err(),
        client.check_changes().unwrap_err(),
        receiving(config(sandbox.base_url()), None).check_callbacks().unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("change_store")));
    }
}

#[tokio::test]
async fn callbacks_need_keys() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.change_store = Some(Arc::new(MemoryChangeStore::new()));
    let client = Client::new(config).unwrap();
    let handled = client.handle_callback(&body("A"), "/hook").await.unwrap_err();
    for error in [handled, client.check_callbacks().unwrap_err()] {
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("callback_keys")));
    }
    assert!(client.check_changes().is_ok());
    let complete = receiving(komopay_tests::config(sandbox.base_url()), Some(Arc::new(MemoryChangeStore::new())));
    assert!(complete.check_callbacks().is_ok());
}

/// A store that fails at one of its functions, or panics.
struct Failing {
    at: &'static str,
    inner: MemoryChangeStore,
}

impl Failing {
    fn check(&self, function: &str) -> Result<(), StoreError> {
        assert_ne!(self.at, format!("panic in {function}"));
        if self.at == function { Err(StoreError::new("the disk is full")) } else { Ok(()) }
    }
}

impl ChangeStore for Failing {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        self.check("claim")?;
        self.inner.claim(owner)
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        self.check("latest")?;
        self.inner.latest(payout_id)
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        self.check("record")?;
        self.inner.record(change)
    }

    fn take(
        &self,
        limit: usize,
        now: jiff::Timestamp,
        until: jiff::Timestamp,
    ) -> Result<Vec<ChangeRecord>, StoreError> {
        self.check("take")?;
        self.inner.take(limit, now, until)
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        self.check("acknowledge")?;
        self.inner.acknowledge(payout_id, sequence)
    }

    fn prune(&self, until: jiff::Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.check("prune")?;
        self.inner.prune(until, limit)
    }
}

#[tokio::test]
async fn what_could_not_be_stored_is_never_answered_with_200() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("A"), &request(), false).await.unwrap();
    for at in ["latest", "record", "panic in latest", "panic in record"] {
        let store = Arc::new(Failing { at, inner: MemoryChangeStore::new() });
        let client = receiving(config(sandbox.base_url()), Some(store.clone()));
        let errors = [
            client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err(),
            client.get_payout(&id("A")).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unavailable, Some("change_store")), "{at}");
            assert_eq!((error.callback_status(), error.retryable()), (503, true));
        }
        assert_eq!(store.inner.latest(&id("A")).unwrap(), None);
    }
    for at in ["take", "acknowledge"] {
        let client =
            receiving(config(sandbox.base_url()), Some(Arc::new(Failing { at, inner: MemoryChangeStore::new() })));
        let ended = (client.take_changes(1).await, client.acknowledge_change(&id("A"), 1).await);
        let failed = if at == "take" { ended.0.unwrap_err() } else { ended.1.unwrap_err() };
        assert_eq!((failed.kind(), failed.field()), (ErrorKind::Unavailable, Some("change_store")));
    }
    // What is over can wait: nobody who takes changes hears of it.
    let client =
        receiving(config(sandbox.base_url()), Some(Arc::new(Failing { at: "prune", inner: MemoryChangeStore::new() })));
    assert_eq!(client.take_changes(1).await.unwrap(), []);
}
