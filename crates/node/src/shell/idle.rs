//! Keeping bashkit off the simulation's clock, and the clock from running away under bashkit.
//!
//! bashkit looks every 10 ms whether it was cancelled: its own timers, on whatever runtime polls it. In a simulation whose time
//! jumps from timer to timer that would be a hundred stops for every second of every shell. So bashkit is polled in the context of
//! a runtime that nobody drives: its timers never fire, and need not, because a cancelled shell's commands are ended by signals.
//! What bashkit calls back (files, commands) is polled in the simulation's context again.
//!
//! bashkit parses the text of `source` and `eval` on a thread of that runtime. The simulation would see nobody busy meanwhile and
//! jump to its next timer, or run others in between, so that what happens would depend on how fast the thread is. A shell that waits
//! for bashkit itself, and not for something that it called back, therefore keeps the simulation's thread until bashkit is done.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// Longest wait, in real time; parsing takes milliseconds. It bounds the harm if bashkit should ever wait for something else.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The runtime that nobody drives.
pub(super) struct Idle(Option<Runtime>);

impl Idle {
    pub(super) fn new() -> std::io::Result<Self> {
        Builder::new_current_thread().enable_time().build().map(|runtime| Self(Some(runtime)))
    }

    /// bashkit's work, in this runtime's context, calling back into `simulation`.
    pub(super) fn run<F: Future>(&self, simulation: &Simulation, future: F) -> Outside<F> {
        let idle = self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone());
        Outside { idle, simulation: simulation.clone(), future: Box::pin(future) }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // A runtime dropped inside another waits for its threads, which tokio forbids; what they parse is not needed any more.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The simulation's runtime, as a shell sees it.
#[derive(Clone)]
pub(super) struct Simulation {
    handle: Handle,
    /// Futures of [`Simulation::run`] that have begun and not ended.
    running: Arc<AtomicUsize>,
}

impl Simulation {
    /// The runtime that this is called on.
    pub(super) fn current() -> Self {
        Self { handle: Handle::current(), running: Arc::default() }
    }

    /// The simulation's context, for calls back that are not futures.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// What bashkit calls back: polled in the simulation's context.
    pub(super) fn run<F: Future>(&self, future: F) -> Inside<F> {
        Inside { simulation: self.clone(), future: Box::pin(future), counted: false }
    }
}

/// See [`Simulation::run`].
pub(super) struct Inside<F> {
    simulation: Simulation,
    future: Pin<Box<F>>,
    counted: bool,
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !this.counted {
            this.counted = true;
            this.simulation.running.fetch_add(1, Ordering::Relaxed);
        }
        let _context = this.simulation.handle.enter();
        this.future.as_mut().poll(cx)
    }
}

impl<F> Drop for Inside<F> {
    fn drop(&mut self) {
        if self.counted {
            self.simulation.running.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// See [`Idle::run`].
pub(super) struct Outside<F> {
    idle: Handle,
    simulation: Simulation,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Outside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        loop {
            let bell = Arc::new(Bell { outer: cx.waker().clone(), rung: Mutex::new(false), ring: Condvar::new() });
            let polled = {
                let _context = this.idle.enter();
                this.future.as_mut().poll(&mut Context::from_waker(&Waker::from(bell.clone())))
            };
            let alone = this.simulation.running.load(Ordering::Relaxed) == 0;
            if polled.is_ready() || !alone || !bell.wait() {
                return polled;
            }
        }
    }
}

/// A waker that can be waited for.
struct Bell {
    outer: Waker,
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Bell {
    /// Whether it rang in time.
    fn wait(&self) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ring.wait_timeout_while(rung, LONGEST_WAIT, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ring.notify_all();
        self.outer.wake_by_ref();
    }
}
