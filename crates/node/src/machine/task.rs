//! The task that is a process: it can be held (STOP), goes on (CONT) and is dropped when killed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use component::watch;
use futures::future::BoxFuture;

/// Polls the program only while it is not stopped.
pub(super) struct Stoppable<T> {
    program: BoxFuture<'static, T>,
    stopped: watch::Receiver<bool>,
    news: BoxFuture<'static, ()>,
}

impl<T> Stoppable<T> {
    pub(super) fn new(program: BoxFuture<'static, T>, stopped: watch::Receiver<bool>) -> Self {
        let news = changed(stopped.clone());
        Self { program, stopped, news }
    }
}

fn changed(mut stopped: watch::Receiver<bool>) -> BoxFuture<'static, ()> {
    stopped.mark_unchanged();
    Box::pin(async move {
        if stopped.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

impl<T> Future for Stoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        while self.news.as_mut().poll(cx).is_ready() {
            self.news = changed(self.stopped.clone());
        }
        if *self.stopped.borrow() {
            return Poll::Pending;
        }
        self.program.as_mut().poll(cx)
    }
}
