//! A store belongs to one base URL, merchant and mode, and what comes out of it passes what a fresh answer has to.

use std::sync::Arc;
use std::time::Duration;

use komopay_core::{
    ChangeRecord, ChangeStore, Client, Config, Credentials, Error, ErrorKind, MemoryChangeStore, PayoutId,
    SqliteChangeStore, StoreError,
};
use komopay_tests::{config, id};

use crate::platform::Platform;
use crate::{body, receiving, url};

const T1: Option<&str> = Some("2025-01-01T00:01:00Z");

/// A client of this store, or why there is none.
fn client(store: &Arc<dyn ChangeStore>, base_url: &str, change: impl FnOnce(&mut Config)) -> Result<Client, Error> {
    let mut config = config(base_url);
    config.change_store = Some(Arc::clone(store));
    change(&mut config);
    Client::new(config)
}

fn stores(folder: &tempfile::TempDir) -> [Arc<dyn ChangeStore>; 2] {
    [
        Arc::new(MemoryChangeStore::new()),
        Arc::new(SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap()),
    ]
}

#[test]
fn a_store_is_refused_to_another_platform_merchant_or_mode() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        refuses_others(&store);
    }
}

/// A new store is the first client's, and that of clients which are no others.
pub fn refuses_others(store: &Arc<dyn ChangeStore>) {
    type Change = fn(&mut Config);
    let others: [(&str, Change); 8] = [
        ("another host", |c| c.base_url = "https://other.example/".to_owned()),
        ("another port", |c| c.base_url = "https://gateway.example:8443/".to_owned()),
        ("another path", |c| c.base_url = "https://gateway.example/v2".to_owned()),
        ("another merchant", |c| c.credentials = Credentials::merchant("OTHER", "secret")),
        ("whoever has this token", |c| c.credentials = Credentials::token("token")),
        ("live money", |c| c.is_test = Some(false)),
        ("whatever mode", |c| c.is_test = None),
        ("another merchant's code that holds the rest", |c| {
            c.is_test = None;
            c.credentials = Credentials::merchant("x is_test=true", "secret");
        }),
    ];
    let make = |change: &dyn Fn(&mut Config)| {
        client(store, "https://gateway.example", |config| {
            config.is_test = Some(true);
            change(config);
        })
    };
    // Settings that are wrong otherwise take no store for themselves.
    make(&|c| (c.read_attempts, c.is_test) = (0, None)).unwrap_err();
    make(&|_| {}).unwrap();
    for (name, change) in &others {
        let error = make(change).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("change_store")), "{name}");
        assert!(error.message().contains("is_test=true"), "it says whose it is: {error}");
    }
    // What is no other owner.
    let same: [(&str, Change); 3] = [
        ("another spelling", |c| c.base_url = "HTTPS://Gateway.example:443/".to_owned()),
        ("a new secret", |c| {
            let Credentials::Merchant { code, .. } = c.credentials.clone() else { panic!("it has a merchant") };
            c.credentials = Credentials::merchant(code, "another secret");
        }),
        ("another deadline", |c| c.total_timeout = Duration::from_secs(600)),
    ];
    for (name, change) in same {
        assert!(make(&change).is_ok(), "{name}");
    }
}

#[test]
fn a_store_of_tokens_is_for_tokens() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let url = "https://gateway.example";
        client(&store, url, |c| c.credentials = Credentials::token("one")).unwrap();
        client(&store, url, |c| c.credentials = Credentials::token("its-successor")).unwrap();
        let error = client(&store, url, |_| {}).unwrap_err();
        assert_eq!(error.field(), Some("change_store"));
    }
}

#[test]
fn an_owner_is_kept_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    let open = || -> Arc<dyn ChangeStore> { Arc::new(SqliteChangeStore::open(&path).unwrap()) };
    client(&open(), "https://gateway.example", |_| {}).unwrap();
    client(&open(), "https://other.example", |_| {}).unwrap_err();
    client(&open(), "https://gateway.example", |_| {}).unwrap();
}

/// A store whose changes somebody else wrote.
struct Written {
    of: &'static str,
    payout: String,
}

impl Written {
    fn record(&self) -> ChangeRecord {
        ChangeRecord { payout_id: id(self.of), sequence: 1, previous_status: None, payout: self.payout.clone() }
    }
}

impl ChangeStore for Written {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        Ok(owner.to_owned())
    }

    fn latest(&self, _: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        Ok(Some(self.record()))
    }

    fn record(&self, _: &ChangeRecord) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn take(&self, _: usize, _: jiff::Timestamp, _: jiff::Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        Ok(vec![self.record()])
    }

    fn acknowledge(&self, _: &PayoutId, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn prune(&self, _: jiff::Timestamp, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// What it is, of whom, the record's payout, and the field that reads and takes name, if they fail.
type Case<'a> = (&'a str, &'static str, String, &'a str, &'a str);

#[tokio::test]
async fn what_comes_out_of_a_store_passes_what_a_fresh_answer_has_to() {
    let platform = Platform::start().await;
    platform.set("A", "PROCESSING", None);
    let written = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut payout: serde_json::Value = serde_json::from_str(&crate::platform::payout("A", "SUCCESS", T1)).unwrap();
        change(&mut payout);
        payout.to_string()
    };
    let cases: [Case<'_>; 7] = [
        ("live data", "A", written(&|p| p["process"]["isTest"] = false.into()), "is_test", "is_test"),
        ("another payout", "A", crate::platform::payout("B", "SUCCESS", T1), "change_store", "change_store"),
        ("another payout's record", "B", crate::platform::payout("B", "SUCCESS", T1), "change_store", ""),
        ("no money", "A", written(&|p| p["paymentRequested"] = serde_json::json!({})), "change_store", "change_store"),
        ("no JSON", "A", "SUCCESS".to_owned(), "change_store", "change_store"),
        (
            "a payout of another time",
            "A",
            written(&|p| p["process"]["createdAt"] = "2024-01-01T00:00:00Z".into()),
            "change_store",
            "",
        ),
        (
            "a payout of another method",
            "A",
            written(&|p| p["paymentMethodResponse"]["paymentMethodCode"] = "CRYPTO_TRANSFER".into()),
            "change_store",
            "",
        ),
    ];
    for (name, of, payout, read, taken) in cases {
        let mut config = config(&platform.base_url());
        (config.is_test, config.read_attempts) = (Some(true), 1);
        let client = receiving(config, Some(Arc::new(Written { of, payout })));
        // What cannot be read back may have been mended in a moment: it is waited for.
        let is_passing = taken == "change_store";
        let timeout = Duration::from_millis(if is_passing { 50 } else { 60_000 });
        let waited = client.wait_for_payout(&id("A"), timeout).await.unwrap_err();
        if !is_passing {
            assert_eq!(waited.field(), Some(read), "{name}: {waited}");
        }
        for error in [
            client.get_payout(&id("A")).await.unwrap_err(),
            client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err(),
        ] {
            assert_eq!(error.field(), Some(read), "{name}: {error}");
        }
        // What is only wrong beside another answer is taken.
        let field = client.take_changes(1).await.map_or_else(|error| error.field().map(str::to_owned), |_| None);
        assert_eq!(field.unwrap_or_default(), taken, "{name}");
    }
}
