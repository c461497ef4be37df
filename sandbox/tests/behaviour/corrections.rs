//! Statuses that change by request: an early end, and corrections of a final status.

use komopay_sandbox::magic::Outcome;
use komopay_sandbox::{ChangeError, Sandbox};
use serde_json::Value;

use crate::callbacks::{LIMIT, idle, log, pay, with_callback};
use crate::client::{bank_transfer, create, documented_create, get, ledger};
use crate::receiver::Receiver;
use crate::start::{sandbox, start};

async fn process(sandbox: &Sandbox) -> Value {
    get(sandbox, "A").await.json()["process"].clone()
}

fn available(sandbox: &Sandbox) -> String {
    sandbox.balance("IDR").unwrap().available.to_string()
}

#[tokio::test]
async fn a_final_status_is_corrected_later_than_before_and_told() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder()).await;
    pay(&sandbox, "A", &receiver).await;
    let mut before = process(&sandbox).await["processedAt"].as_str().unwrap().to_owned();
    for (outcome, reason, lines, left) in [
        (Outcome::Failed("SYSTEM"), Some("SYSTEM"), 3, "1000000000"),
        (Outcome::Success, None, 4, "999990000"),
        (Outcome::Refused(None), None, 5, "1000000000"),
        // Nothing moves.
        (Outcome::Failed("IP_DENIED"), Some("IP_DENIED"), 5, "1000000000"),
        (Outcome::Failed("SYSTEM"), Some("SYSTEM"), 5, "1000000000"),
    ] {
        sandbox.change_status("A", outcome).unwrap();
        let process = process(&sandbox).await;
        assert_eq!(process["status"], outcome.status());
        let reasons = &process["failureReasons"];
        assert_eq!(reasons["failureReasonCode"].as_str(), reason);
        let at = process["processedAt"].as_str().unwrap().to_owned();
        assert!(at > before, "{at} is not after {before}");
        assert_eq!(reasons["failedAt"].as_str(), reason.map(|_| at.as_str()));
        before = at;
        assert_eq!((sandbox.ledger().len(), available(&sandbox).as_str()), (lines, left), "{outcome:?}");
    }
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    let statuses: Vec<_> = log(&sandbox);
    assert_eq!(
        statuses,
        ["SUCCESS", "FAILED", "SUCCESS", "REFUSED", "FAILED", "FAILED"].map(|status| format!("A {status} 1 200"))
    );
}

#[tokio::test]
async fn corrections_in_quick_succession_are_each_later_in_the_precision_that_is_shown() {
    let sandbox = sandbox().await;
    create(&sandbox, "A", &documented_create()).await;
    for outcome in [Outcome::Failed("SYSTEM"), Outcome::Success].repeat(10) {
        sandbox.change_status("A", outcome).unwrap();
    }
    let times: Vec<_> = sandbox.ledger().iter().skip(1).map(|entry| entry.at.as_millisecond()).collect();
    assert!(times.len() == 21 && times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
}

#[tokio::test]
async fn a_payout_in_processing_ends_early_and_once() {
    let hour = std::time::Duration::from_secs(3600);
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().processing_time(hour)).await;
    create(&sandbox, "A", &with_callback(&receiver.url())).await;
    sandbox.change_status("A", Outcome::Refused(Some("IP_DENIED"))).unwrap();
    sandbox.advance(hour);
    assert_eq!(ledger(&sandbox).await, ["executed A", "released A"]);
    assert_eq!((log(&sandbox), receiver.count()), (vec!["A REFUSED 1 200".to_owned()], 1));
    let balance = sandbox.balance("IDR").unwrap();
    assert_eq!((balance.pending_payout.to_string(), balance.balance.to_string()), ("0".into(), "1000000000".into()));
}

#[tokio::test]
async fn a_payout_that_stays_in_processing_for_ever_can_be_ended() {
    let receiver = Receiver::start([]).await;
    let sandbox = sandbox().await;
    let mut body = bank_transfer("9000000099");
    body["callbackUrl"] = receiver.url().into();
    create(&sandbox, "A", &body).await;
    idle(&sandbox).await;
    assert_eq!(receiver.count(), 0);
    // From a thread that knows of no runtime, as the test of a merchant's code may be one.
    std::thread::scope(|scope| scope.spawn(|| sandbox.change_status("A", Outcome::Success)).join()).unwrap().unwrap();
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
    assert_eq!((log(&sandbox), receiver.count()), (vec!["A SUCCESS 1 200".to_owned()], 1));
}

#[tokio::test]
async fn what_cannot_be_changed_or_told_says_why() {
    let sandbox = start(Sandbox::builder().balance("IDR", "10000")).await;
    assert_eq!(sandbox.change_status("A", Outcome::Success), Err(ChangeError::NoPayout));
    assert_eq!(sandbox.send_callback("A"), Err(ChangeError::NoPayout));
    let mut body = documented_create();
    body.as_object_mut().unwrap().remove("callbackUrl");
    create(&sandbox, "A", &body).await;
    assert_eq!(sandbox.send_callback("A"), Err(ChangeError::NoCallbackUrl));
    assert_eq!(sandbox.change_status("A", Outcome::Processing), Err(ChangeError::BackToProcessing));
    let unchanged = ChangeError::Unchanged { status: "SUCCESS" };
    assert_eq!(sandbox.change_status("A", Outcome::Success), Err(unchanged));
    sandbox.change_status("A", Outcome::Failed("SYSTEM")).unwrap();
    create(&sandbox, "B", &with_callback("https://callback.example.com")).await;
    assert_eq!(sandbox.change_status("A", Outcome::Success), Err(ChangeError::BalanceInsufficient));
}
