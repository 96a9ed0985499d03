//! What was begun and has to come to its end, whoever still listens.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio_util::task::TaskTracker;

/// Work that goes on by itself if whoever waits for it goes away: half of it would be for others to
/// clean up. As long as somebody waits it is done where he waits, which costs less than a task.
pub(super) struct Errand<'a, T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    abandoned: &'a TaskTracker,
}

impl<'a, T: Send + 'static> Errand<'a, T> {
    /// Work that is done among those tasks if nobody waits for it any more.
    pub(super) fn new(
        work: impl Future<Output = T> + Send + 'static,
        abandoned: &'a TaskTracker,
    ) -> Self {
        Self { work: Some(Box::pin(work)), abandoned }
    }
}

impl<T: Send + 'static> Future for Errand<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Out of reach while it is done: what breaks then is not to be gone on with.
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Errand<'_, T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.abandoned.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn an_errand_comes_to_its_end_though_nobody_waits_for_it() {
        let (tasks, gate) = (TaskTracker::new(), Arc::new(Semaphore::new(0)));
        let (waits, done) = (Arc::clone(&gate), Arc::new(Semaphore::new(0)));
        let tells = Arc::clone(&done);
        let work = async move {
            let _ = waits.acquire().await;
            tells.add_permits(1);
        };
        let mut errand = Errand::new(work, &tasks);
        assert!(futures::poll!(&mut errand).is_pending());
        assert!(tasks.is_empty(), "somebody waits for it");
        drop(errand);
        assert_eq!(tasks.len(), 1);
        gate.add_permits(1);
        tasks.close();
        tasks.wait().await;
        assert_eq!(done.available_permits(), 1);
    }

    #[tokio::test]
    async fn an_errand_that_is_waited_for_is_no_task() {
        let tasks = TaskTracker::new();
        assert_eq!(Errand::new(async { 7 }, &tasks).await, 7);
        assert!(tasks.is_empty());
    }
}
