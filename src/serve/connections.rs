//! Connections: so many, each with bounds on its time, answered to the end when the server shuts down.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::house::House;
use super::limits::household;
use super::metrics::Metrics;
use super::problem::Problem;
use super::refused_io::RefusedIo;
use super::router::Peer;

/// How long a client may take for the head of a request, and how long it may stay without one.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);
/// How long a client may take nothing of an answer that waits for it.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may be silent until the system asks whether it is still there.
const SILENT_MAX: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// How long it takes until connections are accepted again where the system has none to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// How long clients may go on asking on open connections after the server begins to shut down.
const LAST_ORDERS: Duration = Duration::from_millis(250);
/// How long the answers may take that are under way then.
const ANSWERS_TIME_MAX: Duration = Duration::from_secs(30);

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of all clients together.
    pub(super) all: usize,
    /// Of one client.
    pub(super) of_one: usize,
}

impl Bounds {
    /// As many as asked for, if the system has file descriptors for them; half of them for one client,
    /// unless that is a proxy through which all come.
    pub(super) fn of(asked: usize, behind_proxy: bool) -> Self {
        // Those of the store and of the process itself.
        const OWN_FILES: u64 = 128;
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
        let room = usize::try_from(files.saturating_sub(OWN_FILES)).unwrap_or(usize::MAX).max(1);
        let all = asked.min(room);
        Self { all, of_one: if behind_proxy { all } else { all.div_ceil(2) } }
    }
}

/// The connections that are open, by client.
#[derive(Debug)]
struct Open {
    bounds: Bounds,
    by_client: Mutex<HashMap<IpAddr, usize>>,
    count: AtomicUsize,
    house: Arc<House>,
}

/// An open connection; counted as long as it lives.
struct Admitted {
    open: Arc<Open>,
    client: IpAddr,
}

impl Open {
    fn metrics(&self) -> &Metrics {
        &self.house.metrics
    }

    /// Counts a connection of a client; none where there are too many.
    fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Admitted> {
        let client = household(client);
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.count.load(Ordering::Relaxed);
        let of_one = by_client.entry(client).or_default();
        if all >= self.bounds.all || *of_one >= self.bounds.of_one {
            if *of_one == 0 {
                by_client.remove(&client);
            }
            return None;
        }
        *of_one += 1;
        self.count.fetch_add(1, Ordering::Relaxed);
        drop(by_client);
        self.metrics().connections.inc();
        Some(Admitted { open: Arc::clone(self), client })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut by_client = self.open.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&self.client);
            }
        }
        self.open.count.fetch_sub(1, Ordering::Relaxed);
        self.open.metrics().connections.dec();
    }
}

/// Serves whoever connects until `house` closes, then answers what was asked by then.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    house: &Arc<House>,
    bounds: Bounds,
) {
    let open = Arc::new(Open {
        bounds,
        by_client: Mutex::default(),
        count: AtomicUsize::new(0),
        house: Arc::clone(house),
    });
    let connections = TaskTracker::new();
    // Tells idle connections that nothing more will be answered on them.
    let last_call = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = house.closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                accept(stream, peer, &router, &open, &connections, &last_call);
            }
            Err(trouble) => {
                if !is_of_one_connection(&trouble) {
                    tracing::warn!("no connection can be accepted: {trouble}");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    drop(listener);
    connections.close();
    let deadline = Instant::now() + ANSWERS_TIME_MAX;
    let _ = timeout(LAST_ORDERS, connections.wait()).await;
    last_call.cancel();
    if tokio::time::timeout_at(deadline, connections.wait()).await.is_err() {
        tracing::warn!("{} connections were still open", connections.len());
    }
}

fn accept(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    open: &Arc<Open>,
    connections: &TaskTracker,
    last_call: &CancellationToken,
) {
    let Some(admitted) = open.admit(peer.ip()) else {
        // Dropped: an answer would cost what there is too little of.
        open.metrics().refused_early("connections");
        return;
    };
    let (router, last_call) = (router.clone(), last_call.clone());
    connections.spawn(async move {
        let _admitted = admitted;
        if let Err(trouble) = talk(stream, peer.ip(), router, last_call).await {
            tracing::trace!(%peer, "a connection broke: {trouble}");
        }
    });
}

async fn talk(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    last_call: CancellationToken,
) -> hyper::Result<()> {
    // Answers are written whole; the system shall not wait for more.
    let _ = stream.set_nodelay(true);
    // Who follows a show says nothing: that he is gone is found out by the system.
    let keepalive = TcpKeepalive::new().with_time(SILENT_MAX).with_interval(SILENT_MAX / 3);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME_MAX));
    let stream = RefusedIo::new(Box::pin(stream));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_MAX)
        // Answers are short: one write of all costs less than one of several pieces.
        .writev(false)
        .serve_connection(TokioIo::new(stream), answer);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => Some(ended),
        () = last_call.cancelled() => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        (&mut connection).await
    };
    let mut stream = connection.into_parts().io.into_inner();
    if let Some(problem) = ended.as_ref().err().and_then(unanswered)
        && stream.is_asked()
    {
        // Whoever sent it may be gone.
        let _ = timeout(WRITE_TIME_MAX, stream.refuse(&problem)).await;
    }
    ended
}

/// The problem for a request to which hyper writes no response of its own.
fn unanswered(error: &hyper::Error) -> Option<Problem> {
    if error.is_timeout() {
        Some(Problem::unreadable(StatusCode::REQUEST_TIMEOUT))
    } else if error.is_parse() {
        Some(Problem::unreadable(StatusCode::BAD_REQUEST))
    } else {
        None
    }
}

/// Whether it says something of the connection that was to be accepted, not of those that follow.
fn is_of_one_connection(trouble: &io::Error) -> bool {
    matches!(
        trouble.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
