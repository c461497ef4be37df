//! A call on its caller's own thread: while it waits, no other thread wakes.
//!
//! A [`Seat`] has a runtime without threads, which its one caller drives for as long as it waits. It suits a caller at
//! a time; who comes meanwhile has the runtime with threads. Whatever was begun here goes on when the caller is
//! elsewhere, between two slices of waiting or for good: then the keeper drives, a thread that sleeps while calls
//! follow each other. So a create that was left is read to its end, and a connection that the peer closes is closed.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// A thread that has less of its stack left drives no call: its process would end beyond it. Without optimisation, a
/// create that makes a connection of TLS needs 300 KiB.
const NEEDED_STACK: usize = 512 * 1024;

/// After so long without a call, the keeper drives. With every call that comes then, two more threads wake.
const IDLE: Duration = Duration::from_millis(100);

/// Whether this thread has too little of its stack left to drive a call.
#[must_use]
pub fn has_little_stack() -> bool {
    stacker::remaining_stack().is_some_and(|left| left < NEEDED_STACK)
}

/// Who drives a call that a thread waits for.
pub enum Driver {
    /// The thread that waits.
    Caller(Seat),
    /// The threads of a runtime.
    Threads(&'static Runtime),
}

impl Driver {
    /// Waits for this slice of a call. Nothing, if the call has not ended with it: then it goes on without the caller,
    /// until there is another slice, or for good.
    pub fn run<T>(&self, slice: impl Future<Output = Option<T>>) -> Option<T> {
        match self {
            Self::Caller(seat) => seat.run(slice),
            Self::Threads(runtime) => runtime.block_on(slice),
        }
    }
}

/// The place of one caller, and the runtime that is driven from there.
pub(crate) struct Place {
    runtime: Runtime,
    is_taken: AtomicBool,
    state: Mutex<State>,
    /// The keeper is to drive.
    wanted: Condvar,
    /// The keeper is to drive no longer.
    relieved: Notify,
}

struct State {
    who: Who,
    /// How many slices there were.
    slices: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Caller,
    Keeper,
}

impl Place {
    /// A place with its keeper, whose thread begins with this.
    pub fn start(begin: fn()) -> io::Result<Arc<Self>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let state = Mutex::new(State { who: Who::Nobody, slices: 0 });
        let (wanted, relieved) = (Condvar::new(), Notify::new());
        let place = Arc::new(Self { runtime, is_taken: AtomicBool::new(false), state, wanted, relieved });
        let kept = Arc::clone(&place);
        let keep = move || {
            begin();
            kept.keep();
        };
        thread::Builder::new().name("komopay-keeper".to_owned()).spawn(keep)?;
        Ok(place)
    }

    /// Takes the place, if nobody has it.
    pub fn take(self: &Arc<Self>) -> Option<Seat> {
        (!self.is_taken.swap(true, Ordering::AcqRel)).then(|| Seat(Arc::clone(self)))
    }

    /// Starts a task here, which is driven whether anybody calls or not.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
        let mut state = self.state();
        if state.who == Who::Nobody {
            self.call_keeper(&mut state);
        }
    }

    fn call_keeper(&self, state: &mut State) {
        state.who = Who::Keeper;
        self.wanted.notify_one();
    }

    /// The keeper's life.
    fn keep(&self) {
        loop {
            let mut state = self.state();
            while state.who != Who::Keeper {
                let slices = state.slices;
                state = self.wanted.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner).0;
                if state.who == Who::Nobody && state.slices == slices {
                    state.who = Who::Keeper;
                }
            }
            drop(state);
            self.runtime.block_on(async {
                while self.state().who == Who::Keeper {
                    self.relieved.notified().await;
                }
            });
        }
    }

    /// Every change of it is whole, so what a panic elsewhere left is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to drive from one's own thread, until it is dropped.
pub struct Seat(Arc<Place>);

impl Seat {
    fn run<T>(&self, slice: impl Future<Output = Option<T>>) -> Option<T> {
        let mut driving = Driving::begin(&self.0);
        let ended = self.0.runtime.block_on(slice);
        driving.has_ended = ended.is_some();
        ended
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}

/// The caller drives. If the call has not ended when it stops, or it panics, the keeper goes on.
struct Driving<'a> {
    place: &'a Place,
    has_ended: bool,
}

impl<'a> Driving<'a> {
    fn begin(place: &'a Place) -> Self {
        let mut state = place.state();
        state.slices += 1;
        let is_kept = std::mem::replace(&mut state.who, Who::Caller) == Who::Keeper;
        drop(state);
        if is_kept {
            place.relieved.notify_one();
        }
        Self { place, has_ended: false }
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        let mut state = self.place.state();
        if self.has_ended {
            state.who = Who::Nobody;
        } else {
            self.place.call_keeper(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::ThreadId;

    use tokio::task::JoinHandle;

    use super::*;
    use crate::runtime::SharedRuntime;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A task that waits for its runtime's clock, and gives the thread that it ended on.
    fn task() -> JoinHandle<ThreadId> {
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            thread::current().id()
        })
    }

    /// The same, for who is not driving.
    fn told() -> Receiver<ThreadId> {
        let ((tell, told), task) = (channel(), task());
        tokio::spawn(async move { tell.send(task.await.unwrap()) });
        told
    }

    #[test]
    fn the_caller_drives_what_its_call_starts() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        let driver = RUNTIME.driver().unwrap();
        for _ in 0..3 {
            assert_eq!(driver.run(async { task().await.ok() }), Some(thread::current().id()));
        }
    }

    #[test]
    fn who_comes_while_the_place_is_taken_is_driven_by_threads() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        let driver = RUNTIME.driver().unwrap();
        let second = RUNTIME.driver().unwrap();
        assert!(matches!((&driver, &second), (Driver::Caller(_), Driver::Threads(_))));
        drop(driver);
        assert!(matches!(RUNTIME.driver().unwrap(), Driver::Caller(_)));
    }

    #[test]
    fn a_thread_with_little_stack_drives_nothing() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        for (size, drives) in [(NEEDED_STACK / 2, false), (4 * NEEDED_STACK, true)] {
            let thread = thread::Builder::new().stack_size(size);
            let driver = thread.spawn(|| RUNTIME.driver().unwrap()).unwrap().join().unwrap();
            assert_eq!(matches!(driver, Driver::Caller(_)), drives, "{size}");
        }
    }

    #[test]
    fn what_a_caller_leaves_goes_on_without_it_and_it_may_come_back() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        let driver = RUNTIME.driver().unwrap();
        for _ in 0..3 {
            let mut left = None;
            let ended: Option<()> = driver.run(async {
                left = Some(told());
                None
            });
            assert!(ended.is_none());
            let keeper = left.unwrap().recv_timeout(PATIENCE).unwrap();
            assert_ne!(keeper, thread::current().id());
        }
        drop(driver);
        let again = RUNTIME.driver().unwrap();
        // Once the keeper is gone.
        while again.run(async { task().await.ok() }) != Some(thread::current().id()) {}
    }

    #[test]
    fn what_a_call_leaves_that_has_ended_goes_on_when_no_other_comes() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        let told = RUNTIME.driver().unwrap().run(async { Some(told()) }).unwrap();
        assert_ne!(told.recv_timeout(PATIENCE).unwrap(), thread::current().id());
    }

    #[test]
    fn a_panic_of_a_call_leaves_the_rest_to_the_keeper_and_the_place_to_others() {
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        let (tell, left) = channel();
        let panicked = thread::spawn(move || {
            let driver = RUNTIME.driver().unwrap();
            driver.run::<()>(async {
                tell.send(told()).unwrap();
                panic!("on purpose")
            })
        });
        assert!(panicked.join().is_err());
        left.recv().unwrap().recv_timeout(PATIENCE).unwrap();
        assert!(matches!(RUNTIME.driver().unwrap(), Driver::Caller(_)));
    }

    #[test]
    fn work_at_the_end_is_driven_whatever_was_started() {
        static UNUSED: SharedRuntime = SharedRuntime::new(|| {});
        static RUNTIME: SharedRuntime = SharedRuntime::new(|| {});
        assert!(UNUSED.start(async {}).is_none());
        let sleep = || tokio::time::sleep(Duration::from_millis(1));
        drop(RUNTIME.driver().unwrap());
        assert!(RUNTIME.start(async move { sleep().await }).unwrap().wait(PATIENCE));
        RUNTIME.threads().unwrap();
        assert!(RUNTIME.start(async move { sleep().await }).unwrap().wait(PATIENCE));
        assert!(!RUNTIME.start(pending()).unwrap().wait(Duration::from_millis(1)));
    }
}
