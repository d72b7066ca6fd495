//! A TCP proxy on loopback that adds latency, stops passing bytes on, or cuts the connection at a chosen byte.
#![allow(dead_code, reason = "no test binary uses all of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// What the proxy does to a connection.
#[derive(Clone, Default)]
pub(crate) struct Trouble {
    /// Delay of each direction; a round trip takes twice as long.
    pub(crate) delay: Duration,
    /// Cut both directions after so many bytes of the client.
    pub(crate) cut_after_client: Option<usize>,
    /// Cut both directions after so many bytes of the server.
    pub(crate) cut_after_server: Option<usize>,
    /// Pass on so many bytes of the server, then none, and keep the connection open.
    pub(crate) stall_after_server: Option<usize>,
}

/// A running proxy.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    from_client: Arc<AtomicUsize>,
    from_server: Arc<AtomicUsize>,
    dead: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of `server`.
    pub(crate) async fn start(server: SocketAddr, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let from_client = Arc::new(AtomicUsize::new(0));
        let from_server = Arc::new(AtomicUsize::new(0));
        let counts = (Arc::clone(&from_client), Arc::clone(&from_server));
        let (dead, at_death) = watch::channel(false);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let trouble = trouble.clone();
                let counts = counts.clone();
                let mut at_death = at_death.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else {
                        return;
                    };
                    drop(client.set_nodelay(true));
                    drop(server.set_nodelay(true));
                    let cut = Arc::new(Notify::new());
                    let (client_read, client_write) = client.into_split();
                    let (server_read, server_write) = server.into_split();
                    let up = pass(
                        client_read,
                        server_write,
                        trouble.delay,
                        trouble.cut_after_client,
                        None,
                        counts.0,
                        Arc::clone(&cut),
                    );
                    let down = pass(
                        server_read,
                        client_write,
                        trouble.delay,
                        trouble.cut_after_server,
                        trouble.stall_after_server,
                        counts.1,
                        Arc::clone(&cut),
                    );
                    tokio::pin!(up, down);
                    tokio::select! {
                        _ = async { tokio::join!(&mut up, &mut down) } => {}
                        () = cut.notified() => {}
                        () = async { drop(at_death.wait_for(|dead| *dead).await) } => {
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        Self {
            address,
            from_client,
            from_server,
            dead,
            task,
        }
    }

    /// From now on nothing arrives on either side, and nobody learns why.
    pub(crate) fn die(&self) {
        self.dead.send_replace(true);
    }

    /// Bytes that clients have sent, of all connections.
    pub(crate) fn client_bytes(&self) -> usize {
        self.from_client.load(Ordering::Relaxed)
    }

    /// Bytes that the server has sent, of all connections.
    pub(crate) fn server_bytes(&self) -> usize {
        self.from_server.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes bytes on, each piece `delay` after it came, so that a stream keeps its rate.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    cut_after: Option<usize>,
    stall_after: Option<usize>,
    count: Arc<AtomicUsize>,
    cut: Arc<Notify>,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        let mut passed = 0;
        while let Ok(n) = from.read(&mut buffer).await {
            if n == 0 {
                break;
            }
            count.fetch_add(n, Ordering::Relaxed);
            let limit = cut_after.or(stall_after).unwrap_or(usize::MAX);
            let n = n.min(limit - passed);
            passed += n;
            if sender
                .send((Instant::now() + delay, buffer[..n].to_vec()))
                .is_err()
            {
                break;
            }
            if passed == limit {
                if cut_after.is_some() {
                    // What was passed on arrives before the cut.
                    tokio::time::sleep(delay + Duration::from_millis(20)).await;
                    cut.notify_one();
                }
                std::future::pending::<()>().await;
            }
        }
    };
    let writing = async move {
        while let Some((when, piece)) = receiver.recv().await {
            if !delay.is_zero() {
                sleep_until(when).await;
            }
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        drop(to.shutdown().await);
    };
    tokio::join!(reading, writing);
}
