//! What the log says of callbacks that were not dealt with: who finds the URL cannot fill it.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use komopay_core::{Client, ErrorKind, MemoryChangeStore};
use komopay_tests::hasty;
use tokio::time::sleep;
use tracing::subscriber::DefaultGuard;

use crate::{body, receiving, url};

/// The warnings of this thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<u8>>>);

impl Write for Warnings {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Warnings {
    fn read() -> (Self, DefaultGuard) {
        let warnings = Self::default();
        let writer = warnings.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false).without_time();
        let guard = tracing::subscriber::set_default(log.with_writer(move || writer.clone()).finish());
        (warnings, guard)
    }

    /// Those since the last time, of callbacks.
    fn take(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().filter(|line| line.contains("callback")).map(str::to_owned).collect()
    }
}

/// A client whose platform is not there.
fn alone() -> Client {
    receiving(hasty("http://127.0.0.1:9"), Some(Arc::new(MemoryChangeStore::new())))
}

async fn forge(client: &Client, number: usize) {
    for _ in 0..number {
        let error = client.handle_callback(&body("A"), "/hook/a-guess").await.unwrap_err();
        assert_eq!((error.kind(), error.callback_status()), (ErrorKind::InvalidCallback, 403));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_one_is_told_at_once_and_those_that_follow_once_a_minute() {
    let (warnings, _guard) = Warnings::read();
    let client = alone();
    forge(&client, 1).await;
    let told = warnings.take();
    let [first] = told.as_slice() else { panic!("{told:?}") };
    assert!(first.contains(" WARN ") && first.contains("a callback was refused, answered with 403: "), "{first}");
    forge(&client, 5000).await;
    assert_eq!(warnings.take(), [""; 0]);
    // Also if no other one comes.
    sleep(Duration::from_secs(61)).await;
    let told = warnings.take();
    let [counted] = told.as_slice() else { panic!("{told:?}") };
    assert!(counted.contains("5000 more callbacks were refused in the last minute, the last one answered with 403: "));
    forge(&client, 1).await;
    assert_eq!(warnings.take(), [""; 0]);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(warnings.take().len(), 1);
    // After a quiet minute, the next one is a first one.
    sleep(Duration::from_secs(61)).await;
    assert_eq!(warnings.take(), [""; 0]);
    forge(&client, 1).await;
    assert_eq!(warnings.take().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn strangers_keep_no_callback_of_the_platform_out_of_the_log() {
    let (warnings, _guard) = Warnings::read();
    let client = alone();
    forge(&client, 100).await;
    warnings.take();
    let error = client.handle_callback(&body("A"), &url(&client, "A")).await.unwrap_err();
    assert_eq!(error.callback_status(), 503);
    let told = warnings.take();
    let [failed] = told.iter().filter(|line| line.contains("a callback was")).collect::<Vec<_>>()[..] else {
        panic!("{told:?}")
    };
    assert!(failed.contains("a callback was not dealt with, answered with 503: "), "{failed}");
}

#[test]
fn a_runtime_that_ends_takes_no_count_with_it() {
    let (warnings, _guard) = Warnings::read();
    let client = alone();
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(forge(&client, 2));
        drop(runtime);
        assert_eq!(warnings.take().len(), 1);
    }
}
