//! Whether anybody still reads standard output, even while nothing is written.

/// Waits until the reader of standard output is gone, as `head` is after its last line.
#[cfg(unix)]
pub(super) async fn gone() {
    use std::os::fd::AsFd;

    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;

    // A second name for the same pipe, which is only asked and never written: a file cannot be
    // waited for, and its reader never goes.
    let pipe = std::io::stdout().as_fd().try_clone_to_owned();
    if let Ok(pipe) = pipe.and_then(Sender::from_owned_fd_unchecked)
        && pipe.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Waits forever: here a reader who is gone is only noticed when something is written.
#[cfg(not(unix))]
pub(super) async fn gone() {
    std::future::pending::<()>().await;
}
