use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::debug;

use super::answer::MAX_REQUEST;
use super::directory::Directory;

/// How long a client may take to send a request, and to take the reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections served at once; more wait.
const MAX_CONNECTIONS: usize = 64;

/// How often a TCP port whose UDP twin is taken may come up.
const PORT_ATTEMPTS: usize = 16;

/// One realm's KDC on a port of the loopback address, over TCP and UDP, until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

/// What a server needs to answer.
#[derive(Clone)]
struct Service {
    directory: Arc<Directory>,
    realm: String,
    silent: bool,
}

impl Server {
    pub(super) async fn start(directory: Arc<Directory>, realm: &str) -> io::Result<Self> {
        let (tcp, udp) = bind().await?;
        let addr = tcp.local_addr()?;
        let silent = directory
            .realm(realm)
            .is_some_and(|realm| realm.config.silent);
        let service = Service {
            directory,
            realm: realm.to_owned(),
            silent,
        };
        let tasks = [
            tokio::spawn(serve_tcp(tcp, service.clone())),
            tokio::spawn(serve_udp(udp, service)),
        ];
        debug!(realm, %addr, silent, "KDC listens");
        Ok(Self { addr, tasks })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A free port, the same for both: `krb5.conf` has one.
async fn bind() -> io::Result<(TcpListener, UdpSocket)> {
    let mut last = None;
    for _ in 0..PORT_ATTEMPTS {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

async fn serve_tcp(listener: TcpListener, service: Service) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Connections end with this task, and so with the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let slot = Arc::clone(&slots)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = service.clone();
                connections.spawn(async move {
                    let _slot = slot;
                    if let Err(error) = serve_connection(stream, &service).await {
                        debug!(%error, "connection to the KDC ended");
                    }
                });
            }
            // Out of file descriptors, say: a pause instead of a busy loop.
            Err(error) => {
                debug!(%error, "KDC accepts no connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers requests until the client closes (RFC 4120 7.2.2: each message follows its length in four
/// octets, whose high bit is reserved).
async fn serve_connection(mut stream: TcpStream, service: &Service) -> io::Result<()> {
    loop {
        let Some(request) = timeout(PATIENCE, read_request(&mut stream)).await?? else {
            return Ok(());
        };
        let reply = service.answer(&request).await;
        let length = u32::try_from(reply.len()).map_err(io::Error::other)?;
        let message = [&length.to_be_bytes()[..], &reply].concat();
        timeout(PATIENCE, stream.write_all(&message)).await??;
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > MAX_REQUEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the request is too long",
        ));
    }
    let mut request = vec![0; length];
    stream.read_exact(&mut request).await?;
    Ok(Some(request))
}

async fn serve_udp(socket: UdpSocket, service: Service) {
    let mut buffer = vec![0; MAX_REQUEST];
    loop {
        // An error here is another datagram's, which its receiver refused; the next one may come.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let reply = service.answer(&buffer[..length]).await;
        if let Err(error) = socket.send_to(&reply, peer).await {
            debug!(%error, "reply not sent");
        }
    }
}

impl Service {
    async fn answer(&self, request: &[u8]) -> Vec<u8> {
        if self.silent {
            pending::<()>().await;
        }
        self.directory
            .answer(&self.realm, request, SystemTime::now())
    }
}
