//! Keeping bashkit off the simulation's clock.
//!
//! bashkit looks every 10 ms whether it was cancelled: its own timers, on whatever runtime polls it. In a simulation whose time
//! jumps from timer to timer that would be a hundred stops for every second of every shell. So bashkit is polled in the context of
//! a runtime that nobody drives: its timers never fire, and need not, because a cancelled shell's commands are ended by signals.
//! What bashkit calls back (files, commands) is polled in the simulation's context again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime that nobody drives.
pub(super) struct Idle(Option<Runtime>);

impl Idle {
    pub(super) fn new() -> std::io::Result<Self> {
        Builder::new_current_thread().enable_time().build().map(|runtime| Self(Some(runtime)))
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // A runtime dropped inside another waits for its threads, which tokio forbids; this one has none.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Polls a future in a runtime's context.
pub(super) struct Within<F> {
    handle: Handle,
    future: Pin<Box<F>>,
}

impl<F: Future> Within<F> {
    pub(super) fn new(handle: Handle, future: F) -> Self {
        Self { handle, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _context = this.handle.enter();
        this.future.as_mut().poll(cx)
    }
}
