//! Doing several things at the same time, and not too many.

use std::future::Future;

use futures::{StreamExt, TryStreamExt, stream};

use crate::repository::Result;

/// Runs `tasks`, at most `most` of them at the same time; answers in their order, or with the first
/// error, at which the others are given up.
pub(super) async fn at_once<T>(
    most: usize,
    tasks: Vec<impl Future<Output = Result<T>>>,
) -> Result<Vec<T>> {
    stream::iter(tasks).buffered(most).try_collect().await
}
