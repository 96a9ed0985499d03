//! Problem documents for requests that are no HTTP.
//!
//! Where hyper cannot read a head, it writes a response without a body and ends the connection; no
//! service is asked. This transport puts a problem in the place of such a response. It knows one by its
//! form: every response of the router that refuses has a content type, and these have none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::problem::Problem;

/// No response that hyper makes by itself is longer.
const BARE_MAX: usize = 512;

/// Begins every such response.
const BEGINNING: &[u8] = b"HTTP/1.1 4";

/// A transport that tells why a head was refused.
#[derive(Debug)]
pub(super) struct RefusedIo<S> {
    inner: S,
    /// What is being written in the place of a bare response.
    instead: Option<Instead>,
    /// Whether bytes of a request arrived that no response was written to.
    is_asked: bool,
}

#[derive(Debug)]
struct Instead {
    text: Vec<u8>,
    written: usize,
    /// The length of the bare response.
    replaced: usize,
}

impl<S> RefusedIo<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, instead: None, is_asked: false }
    }

    /// Whether a part of a request arrived that no response was written to.
    pub(super) const fn is_asked(&self) -> bool {
        self.is_asked
    }
}

impl<S: AsyncWrite + Unpin> RefusedIo<S> {
    /// Writes the problem with which a connection ends that hyper ended without a response.
    pub(super) async fn refuse(&mut self, problem: &Problem) -> io::Result<()> {
        self.is_asked = false;
        self.inner.write_all(&response(problem)).await?;
        self.inner.shutdown().await
    }
}

/// A whole response that ends the connection.
fn response(problem: &Problem) -> Vec<u8> {
    let (status, body) = (problem.status(), problem.text());
    let mut text = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    )
    .into_bytes();
    text.extend_from_slice(&body);
    text
}

/// Where a bare response begins with which these bytes end, and its status.
fn bare_response(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let from = bytes.len().saturating_sub(BARE_MAX);
    let tail = &bytes[from..];
    let at = tail.windows(BEGINNING.len()).rposition(|window| window == BEGINNING)?;
    let head = std::str::from_utf8(&tail[at..]).ok()?.to_ascii_lowercase();
    let is_bare = head.contains("\r\ncontent-length: 0\r\n")
        && !head.contains("\r\ncontent-type:")
        && head.find("\r\n\r\n") == Some(head.len() - 4);
    let status = head.get(9..12).and_then(|digits| digits.parse().ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    status.filter(|_| is_bare).map(|status| (from + at, status))
}

impl<S: AsyncRead + Unpin> AsyncRead for RefusedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.is_asked |= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RefusedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.is_asked = false;
        if this.instead.is_none()
            && let Some((at, status)) = bare_response(bytes)
        {
            if at > 0 {
                return Pin::new(&mut this.inner).poll_write(context, &bytes[..at]);
            }
            let text = response(&Problem::unreadable(status));
            this.instead = Some(Instead { text, written: 0, replaced: bytes.len() });
        }
        let Some(instead) = &mut this.instead else {
            return Pin::new(&mut this.inner).poll_write(context, bytes);
        };
        while let Some(rest) = instead.text.get(instead.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut this.inner).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => instead.written += written,
            }
        }
        let replaced = instead.replaced;
        this.instead = None;
        Poll::Ready(Ok(replaced))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
        content-length: 0\r\ndate: Mon, 30 Nov 2026 09:00:00 GMT\r\n\r\n";

    #[test]
    fn only_a_refusal_without_a_body_is_bare() {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(bare_response(BARE), Some((0, status)));
        let after = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", BARE].concat();
        assert_eq!(bare_response(&after), Some((after.len() - BARE.len(), status)));
        for other in [
            &b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\n\
              content-length: 120\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\n\
              content-length: 0\r\n\r\n",
            b"{}",
            b"",
        ] {
            assert_eq!(bare_response(other), None);
        }
    }

    #[tokio::test]
    async fn a_problem_takes_the_place_of_a_bare_refusal() {
        // So small a pipe that it is written in many pieces.
        let (near, mut far) = tokio::io::duplex(16);
        let write = tokio::spawn(async move {
            let mut io = RefusedIo::new(near);
            io.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            io.write_all(BARE).await.unwrap();
        });
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut far, &mut text).await.unwrap();
        write.await.unwrap();
        let (_, refused) = text.split_once("{}").unwrap();
        let (head, body) = refused.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["status"], &problem["reason"]), (&431.into(), &"too_large".into()));
    }
}
