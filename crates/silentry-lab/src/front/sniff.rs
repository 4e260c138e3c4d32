//! Reading which server a TLS client wants, without taking the bytes away from who answers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// The first byte of every TLS connection: the content type of a handshake record.
pub(crate) const TLS_HANDSHAKE: u8 = 22;

/// No ClientHello is longer.
const MAX_HELLO: usize = 64 * 1024;

/// A stream whose first bytes were read already and come again.
pub(crate) struct Rewound<S> {
    prefix: Vec<u8>,
    read: usize,
    stream: S,
}

/// Reads a ClientHello and returns its server name with the untouched stream.
///
/// # Errors
///
/// When the peer does not speak TLS, or hangs up.
pub(crate) async fn server_name<S: AsyncRead + Unpin>(
    mut stream: S,
) -> io::Result<(Option<String>, Rewound<S>)> {
    let mut prefix = Vec::new();
    let mut acceptor = Acceptor::default();
    loop {
        let before = prefix.len();
        if before >= MAX_HELLO || stream.read_buf(&mut prefix).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut fresh = &prefix[before..];
        while !fresh.is_empty() {
            acceptor.read_tls(&mut fresh)?;
            let accepted = acceptor
                .accept()
                .map_err(|(error, _)| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if let Some(accepted) = accepted {
                let name = accepted.client_hello().server_name().map(str::to_owned);
                return Ok((
                    name,
                    Rewound {
                        prefix,
                        read: 0,
                        stream,
                    },
                ));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let left = &this.prefix[this.read..];
        if left.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        this.read += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
