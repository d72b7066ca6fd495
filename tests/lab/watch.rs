//! A visitor who asks a server for a page again and again, and remembers every time it went wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::world::World;

/// Somebody who watches a site while fleet works beside it.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    visitor: JoinHandle<(usize, Vec<String>)>,
}

impl Watch {
    /// Begins to watch `site` on `server`.
    pub(crate) fn site(world: &World, server: &str, site: &str) -> Self {
        let address = SocketAddr::new(world.lab.server(server).address, 80);
        let site = site.to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let visitor = thread::spawn(move || {
            let (mut visits, mut failures) = (0, Vec::new());
            let began = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                visits += 1;
                let answer = visit(address, &site);
                if answer.as_deref() != Ok("200") {
                    failures.push(format!("after {:?}: {answer:?}", began.elapsed()));
                }
                thread::sleep(Duration::from_millis(5));
            }
            (visits, failures)
        });
        Self { stop, visitor }
    }

    /// Ends it; the site must have answered every time.
    #[track_caller]
    pub(crate) fn expect_never_failed(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (visits, failures) = self.visitor.join().expect("a visitor");
        assert!(visits > 0, "nobody looked");
        assert!(
            failures.is_empty(),
            "{} of {visits} visits failed: {failures:#?}",
            failures.len()
        );
    }
}

/// The status of one request, or what went wrong.
fn visit(address: SocketAddr, site: &str) -> Result<String, String> {
    let ask = || -> std::io::Result<String> {
        let limit = Duration::from_secs(5);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET / HTTP/1.0\r\nHost: {site}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error| error.to_string())?;
    let status = answer.split_whitespace().nth(1).unwrap_or("nothing");
    Ok(status.to_owned())
}
