//! What people decide, and the rules that ask them.

use komopay_batches::{BatchSettings, BatchState, Batches, ItemState, NewBatch, Planned, ReportWriter, Stop};
use komopay_core::ErrorKind;
use komopay_sandbox::Sandbox;

use crate::stack::{BUDGET, HEAD, Stack, counts, file, plan, rows, started, to_the_end};

async fn planned(batches: &Batches, new: NewBatch, file: &str) -> Planned {
    let rows = rows(&new.id, file);
    batches.plan(new, rows).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_what_stands_there_and_by_another_than_its_maker() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let first = plan(&batches, "B-1", &file(3)).await;
    let digest = first.digest.unwrap();
    let error = batches.start("B-1", "operator", None).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("batch_id")));
    let error = batches.approve("B-1", " MAKER ", &digest, None).await.unwrap_err();
    assert_eq!(error.field(), Some("approver"), "{error}");
    // One amount is another one, and one payee.
    for changed in [file(3).replace("10001", "10009"), file(3).replace("11223345", "11223399"), file(4), file(2)] {
        let again = plan(&batches, "B-1", &changed).await;
        assert_eq!(again.state, BatchState::Validated);
        assert_ne!(again.digest.as_ref(), Some(&digest));
        let error = batches.approve("B-1", "approver", &digest, None).await.unwrap_err();
        assert_eq!(error.field(), Some("digest"), "{error}");
    }
    let back = plan(&batches, "B-1", &file(3)).await;
    let digest = back.digest.unwrap();
    batches.approve("B-1", "approver", &digest, None).await.unwrap();
    // The same again changes nothing, another one voids the approval.
    assert_eq!(plan(&batches, "B-1", &file(3)).await.state, BatchState::Approved);
    assert_eq!(plan(&batches, "B-1", &file(4)).await.state, BatchState::Validated);
    assert_eq!(batches.start("B-1", "operator", None).await.unwrap_err().field(), Some("batch_id"));
    let what: Vec<String> = batches.events("B-1").await.unwrap().into_iter().map(|event| event.what).collect();
    let expected = ["planned", "planned", "planned", "planned", "planned", "planned", "approved", "planned", "planned"];
    assert_eq!(what[..9], expected, "{what:?}");
    assert_eq!(what[9..], ["approval_void"]);
    assert!(stack.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_keep_a_batch_from_being_approved_unless_that_is_chosen() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let bad = format!("{}\nE-9,P-9,12,34,IDR\nE-1,P-77,10000,IDR,BNK_000,Test account,11223344", file(3));
    let refused = plan(&batches, "B-1", &bad).await;
    assert_eq!((refused.state, refused.plan.bad_rows, refused.digest), (BatchState::Draft, 2, None));
    let chosen = planned(&batches, NewBatch { valid_only: true, ..NewBatch::new("B-1", "maker") }, &bad).await;
    assert_eq!((chosen.state, chosen.plan.items()), (BatchState::Validated, 3), "{:?}", chosen.plan);
    batches.approve("B-1", "approver", &chosen.digest.unwrap(), None).await.unwrap();
    batches.start("B-1", "operator", None).await.unwrap();
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!(counts(&status)[&ItemState::Succeeded], 3);
    assert_eq!(stack.ledger().len(), 3);
    let events = batches.events("B-1").await.unwrap();
    assert!(events[1].why.as_deref().unwrap().contains("rows that are good"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_pause_a_batch_before_much_more_is_sent_and_a_person_goes_on() {
    // Ten of them fit into the limit of a day.
    let stack = Stack::start(Sandbox::builder().daily_limit("BANK_TRANSFER", "IDR", "105000")).await;
    let batches = stack.batches().await;
    let settings = BatchSettings { max_refusals: Some(5), concurrency: 8, ..BatchSettings::default() };
    let new = NewBatch { settings, ..NewBatch::new("B-1", "maker") };
    let planned = planned(&batches, new, &file(200)).await;
    batches.approve("B-1", "approver", &planned.digest.unwrap(), None).await.unwrap();
    batches.start("B-1", "operator", None).await.unwrap();
    let status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    assert_eq!(status.state, BatchState::Paused, "{status:?}");
    assert!(status.why.as_deref().unwrap().contains("max_refusals"), "{status:?}");
    let rejected = counts(&status)[&ItemState::Rejected];
    assert!((6..=6 + 8).contains(&rejected), "{status:?}");
    assert_eq!(stack.ledger().len(), 10);
    let cancelled = batches.cancel("B-1", "operator", "the amounts are wrong").await.unwrap();
    assert_eq!(cancelled + rejected, 190);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_badly_is_tried_again_as_a_new_item_once() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let file =
        format!("{HEAD}\nE-1,P-1,10000,IDR,BNK_000,Test account,9000000001\nE-2,P-2,10000,IDR,BNK_000,A B,112233");
    started(&batches, "B-1", &file).await;
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!(counts(&status)[&ItemState::Failed], 1, "{status:?}");
    let error = batches.retry("B-1", "E-2", "operator", "again").await.unwrap_err();
    assert_eq!(error.field(), Some("item"), "it was paid: {error}");
    assert_eq!(batches.retry("B-1", "E-1", "operator", "its bank says that it works now").await.unwrap(), "E-1~2");
    assert!(batches.retry("B-1", "E-1", "operator", "again").await.is_err());
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!((status.state, counts(&status)[&ItemState::Failed]), (BatchState::Closed, 2));
    assert_eq!(batches.retry("B-1", "E-1~2", "operator", "and again").await.unwrap(), "E-1~3");
    assert_eq!(stack.ledger().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_anothers_needs_a_person() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let other = komopay_tests::request();
    batches.client().create_payout(&komopay_tests::id("P-1"), &other, false).await.unwrap();
    started(&batches, "B-1", &file(2)).await;
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!(counts(&status)[&ItemState::NeedsPerson], 1, "{status:?}");
    assert_eq!(status.state, BatchState::Following);
    assert_eq!(batches.settle("B-1", "E-0", true, "a", "b").await.unwrap_err().field(), Some("item"));
    batches.settle("B-1", "E-1", false, "operator", "P-1 is a refund of ours").await.unwrap();
    let status = batches.status("B-1").await.unwrap();
    assert_eq!((status.state, counts(&status)[&ItemState::Rejected]), (BatchState::Closed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_ends_midway_pauses_and_what_was_refused_for_it_is_sent_later() {
    let builder = Sandbox::builder().balance("IDR", "70000");
    let sandbox = komopay_tests::start(builder).await;
    let stack = Stack::of(sandbox);
    let batches = stack.batches().await;
    let rows: Vec<String> =
        (0..10).map(|row| format!("E-{row},P-{row},10000,IDR,BNK_000,Test account,1122334{row}")).collect();
    let rows = format!("{HEAD}\n{}", rows.join("\n"));
    started(&batches, "B-1", &rows).await;
    let status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    assert_eq!(status.state, BatchState::Paused, "{status:?}");
    assert!(status.why.as_deref().unwrap().contains("balance"), "{status:?}");
    let counts = counts(&status);
    assert!(!counts.contains_key(&ItemState::Rejected) && counts[&ItemState::Planned] >= 3, "{counts:?}");
    assert!(stack.ledger().len() <= 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_reconciles_and_shows_no_payee() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let file = format!("{}\nE-X,P-X,10000,IDR,BNK_000,Canary Person,9000000031", file(3));
    started(&batches, "B-1", &file).await;
    to_the_end(&stack, &batches, "B-1").await;
    batches.retry("B-1", "E-X", "operator", "asked again").await.unwrap();
    to_the_end(&stack, &batches, "B-1").await;
    let (mut csv, mut lines, mut page) = (Vec::new(), Vec::new(), Vec::new());
    batches.report("B-1", ReportWriter::csv(&mut csv)).await.unwrap();
    batches.report("B-1", ReportWriter::json_lines(&mut lines)).await.unwrap();
    let totals = batches.report("B-1", ReportWriter::html(&mut page, None)).await.unwrap();
    assert_eq!((totals.of_state(ItemState::Succeeded), totals.of_state(ItemState::Refused)), (3, 2));
    for text in [csv, lines, page] {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("P-X") && text.contains("****0031"), "{text}");
        assert!(!text.contains("Canary") && !text.contains("9000000031"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_items_are_told_page_by_page_and_each_once() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let file = format!("{}\nE-X,P-X,10000,IDR,BNK_000,Canary Person,9000000031", file(2_100));
    plan(&batches, "B-1", &file).await;
    let mut keys = Vec::new();
    loop {
        let page = batches.items("B-1", None, keys.last().map_or("", String::as_str)).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2_048);
        keys.extend(page.into_iter().map(|item| item.key));
    }
    assert!(keys.is_sorted() && keys.len() == 2_101, "{}", keys.len());
    started(&batches, "B-2", &format!("{HEAD}\nE-1,Q-1,10000,IDR,BNK_000,Canary Person,9000000031")).await;
    to_the_end(&stack, &batches, "B-2").await;
    batches.retry("B-2", "E-1", "operator", "asked again").await.unwrap();
    let items = batches.items("B-2", None, "").await.unwrap();
    let shown: Vec<_> = items.iter().map(|item| (&*item.key, item.state, item.replaced_by.as_deref())).collect();
    assert_eq!(shown, [("E-1", ItemState::Refused, Some("E-1~2")), ("E-1~2", ItemState::Planned, None)]);
    assert_eq!(items[1].replaces.as_deref(), Some("E-1"));
    assert_eq!(items[0].account.as_ref().map(ToString::to_string).as_deref(), Some("****0031"));
    assert!(!format!("{items:?}").contains("Canary"));
    let planned = batches.items("B-2", Some(ItemState::Planned), "").await.unwrap();
    assert_eq!(planned, items[1..]);
    let error = batches.items("B-9", None, "").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("batch_id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_nothing_is_sent_before_what_was_lost_has_ended() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    started(&batches, "B-1", &file(3)).await;
    let planned = plan(&batches, "B-2", &format!("{HEAD}\nF-1,Q-1,10000,IDR,BNK_000,Test account,998877")).await;
    batches.approve("B-2", "approver", &planned.digest.unwrap(), Some("as agreed")).await.unwrap();
    assert_eq!(batches.restored("operator", "a backup of last night").await.unwrap(), 1);
    // Also what was not started when the backup was made: it may have been since.
    batches.start("B-2", "operator", None).await.unwrap();
    for batch in ["B-1", "B-2"] {
        let status = batches.drive(batch, BUDGET, &Stop::default()).await.unwrap();
        assert!(status.due_in.is_some_and(|due| due.as_secs() > 60), "{status:?}");
    }
    assert!(stack.ledger().is_empty());
    for batch in ["B-1", "B-2"] {
        let status = to_the_end(&stack, &batches, batch).await;
        assert_eq!(status.state, BatchState::Closed, "{status:?}");
    }
    assert_eq!(stack.ledger().values().collect::<Vec<_>>(), [&1; 4]);
}
