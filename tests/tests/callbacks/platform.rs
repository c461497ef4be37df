//! A platform whose payouts stand where a test says, and whose answers wait until a test lets them go.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use komopay_tests::peer::{Peer, http};

/// Such a platform.
pub struct Platform {
    peer: Peer,
    stage: Arc<Stage>,
}

#[derive(Default)]
struct Stage {
    set: Mutex<Set>,
    moved: Condvar,
}

#[derive(Default)]
struct Set {
    /// The answers of each payout, one after the other; the last one stays.
    payouts: HashMap<String, VecDeque<String>>,
    /// How many GETs have come, and how many may be answered.
    came: usize,
    let_go: Option<usize>,
}

impl Platform {
    /// A platform that knows no payout, and answers at once.
    pub async fn start() -> Self {
        let stage = Arc::new(Stage::default());
        let answering = Arc::clone(&stage);
        let peer = Peer::start(move |_, request| {
            let Some(path) = request.line.strip_prefix("GET /payouts/") else {
                return http("200 OK", "", r#"{"token":"opaque"}"#);
            };
            let payout_id = path.split(' ').next().unwrap();
            match answering.get(payout_id) {
                Some(json) => http("200 OK", "", &json),
                None => http("410 Gone", "", "{}"),
            }
        })
        .await;
        Self { peer, stage }
    }

    pub fn base_url(&self) -> String {
        self.peer.base_url()
    }

    /// From now on, the payout stands so. The answers that were asked for before show what was there when they were.
    pub fn set(&self, payout_id: &str, status: &str, decided_at: Option<&str>) {
        self.set_in_turn(payout_id, &[(status, decided_at)]);
    }

    /// From now on, each GET shows the next of these; the last one stays.
    pub fn set_in_turn(&self, payout_id: &str, standings: &[(&str, Option<&str>)]) {
        let answers = standings.iter().map(|(status, decided_at)| payout(payout_id, status, *decided_at)).collect();
        self.stage.lock().payouts.insert(payout_id.to_owned(), answers);
    }

    /// GETs wait from now on.
    pub fn hold(&self) {
        let mut set = self.stage.lock();
        set.let_go = Some(set.came);
    }

    /// Lets so many more GETs be answered.
    pub fn let_go(&self, more: usize) {
        let mut set = self.stage.lock();
        set.let_go = set.let_go.map(|allowed| allowed + more);
        drop(set);
        self.stage.moved.notify_all();
    }

    /// How many GETs have come.
    pub fn reads(&self) -> usize {
        self.stage.lock().came
    }

    /// Waits until so many GETs have come.
    pub async fn came(&self, reads: usize) {
        let coming = async {
            while self.reads() < reads {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), coming).await.expect("a GET is made");
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stage.lock().let_go = None;
        self.stage.moved.notify_all();
    }
}

impl Stage {
    fn lock(&self) -> std::sync::MutexGuard<'_, Set> {
        self.set.lock().unwrap()
    }

    fn get(&self, payout_id: &str) -> Option<String> {
        let mut set = self.lock();
        set.came += 1;
        let answers = set.payouts.get_mut(payout_id);
        let answer = answers.and_then(|them| if them.len() > 1 { them.pop_front() } else { them.front().cloned() });
        let number = set.came;
        let is_held = |set: &mut Set| set.let_go.is_some_and(|allowed| number > allowed);
        if is_held(&mut set) {
            drop(set);
            // So that what this thread had to do is done by another one.
            tokio::task::block_in_place(|| drop(self.moved.wait_while(self.lock(), is_held).unwrap()));
        }
        answer
    }
}

/// The answer to a GET.
pub fn payout(payout_id: &str, status: &str, decided_at: Option<&str>) -> String {
    let mut process = serde_json::json!({"status": status, "createdAt": "2025-01-01T00:00:00Z", "isTest": true});
    if let Some(time) = decided_at {
        process["processedAt"] = time.into();
    }
    if status == "FAILED" {
        process["failureReasons"] = serde_json::json!({"failureReasonCode": "SYSTEM"});
    }
    serde_json::json!({
        "paymentRequested": {"money": {"amount": 250_000, "currencyCode": "IDR"}},
        "process": process,
        "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": payout_id},
    })
    .to_string()
}
