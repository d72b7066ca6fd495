//! HTTP/1.1 requests (RFC 9112) over TCP or TLS: one per connection, with limits of time and size.
//!
//! An error never tells the path or a header of a request: both may be secrets.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

mod answer;
mod any;
mod tls;
mod url;

pub use tls::{Distrust, Trust};
pub use url::Url;

/// The most that is read of an answer's head, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// How long one of several addresses of a name is tried, before the next.
const PER_ADDRESS: Duration = Duration::from_secs(3);

/// A request.
pub struct Request<'a> {
    /// `GET`, `HEAD` or `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: &'a Url,
    /// Header fields beside `host`, `content-length`, `user-agent` and `connection`.
    pub headers: Vec<(&'static str, String)>,
    /// The content.
    pub body: &'a [u8],
    /// The address to connect to in place of what the name stands for; the name is still asked for.
    pub address: Option<SocketAddr>,
    /// For all of it, the name lookup included.
    pub limit: Duration,
    /// The most that is read of the answer's content, in bytes; what is longer is cut there.
    pub largest: usize,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} to {})", self.method, self.url.host())
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Vec<u8>,
    /// The certificates the server showed (DER), its own first; none without TLS.
    pub certificates: Vec<Vec<u8>>,
    /// From the beginning until the first byte of the answer.
    pub waited: Duration,
    /// From the beginning until the end.
    pub took: Duration,
}

impl Response {
    /// The value of a header field, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        fields
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name has no address.
    #[error("the name has no address: {0}")]
    Lookup(String),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// TLS did not come about: the certificate, most often.
    #[error("no TLS: {0}")]
    Tls(String),
    /// The time was up.
    #[error("no answer within {limit} ms ({phase})", limit = .0.as_millis(), phase = .1)]
    Timeout(Duration, &'static str),
    /// The connection ended in the middle.
    #[error("the connection broke: {0}")]
    Broke(String),
    /// What came is not HTTP.
    #[error("the answer is not HTTP: {0}")]
    Malformed(String),
    /// What was to be sent cannot be.
    #[error("the request cannot be sent: {0}")]
    Unsendable(&'static str),
}

/// Sends `request` and reads the answer. Redirects are not followed.
///
/// # Errors
/// A [`Failure`]; an answer of any status is none.
pub async fn send(request: &Request<'_>, trust: &Trust) -> Result<Response, Failure> {
    let head = head(request)?;
    let begun = Instant::now();
    let deadline = tokio::time::Instant::now() + request.limit;
    let late = |phase| Failure::Timeout(request.limit, phase);
    let stream = tokio::time::timeout_at(deadline, connect(request))
        .await
        .map_err(|_| late("connecting"))??;
    if !request.url.is_secure() {
        let talk = talk(stream, request, &head, begun);
        let answered = tokio::time::timeout_at(deadline, talk).await;
        return answered.map_err(|_| late("waiting for the answer"))?;
    }
    let shake = tls::shake(trust, request.url, stream);
    let stream = tokio::time::timeout_at(deadline, shake)
        .await
        .map_err(|_| late("agreeing on TLS"))??;
    let certificates = tls::certificates(&stream);
    let talk = talk(stream, request, &head, begun);
    let answered = tokio::time::timeout_at(deadline, talk).await;
    let mut response = answered.map_err(|_| late("waiting for the answer"))??;
    response.certificates = certificates;
    Ok(response)
}

/// The head of the request as bytes.
fn head(request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nuser-agent: fleet/{}\r\naccept: */*\r\nconnection: close\r\n",
        request.method,
        request.url.target(),
        request.url.authority(),
        env!("CARGO_PKG_VERSION"),
    );
    for (name, value) in &request.headers {
        // RFC 9110 section 5.5: a field is one line, or somebody else's fields begin.
        if value.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(Failure::Unsendable("a header is not one line of ASCII"));
        }
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    if !request.body.is_empty() || request.method == "POST" {
        head.push_str("content-length: ");
        head.push_str(&request.body.len().to_string());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    Ok(head.into_bytes())
}

/// Connects to the first address that answers.
async fn connect(request: &Request<'_>) -> Result<TcpStream, Failure> {
    let addresses: Vec<SocketAddr> = match request.address {
        Some(address) => vec![address],
        None => tokio::net::lookup_host((request.url.host(), request.url.port()))
            .await
            .map_err(|error| Failure::Lookup(error.to_string()))?
            .collect(),
    };
    let mut last = Failure::Lookup("none".to_owned());
    for (index, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(address);
        // The last one may take all the time that is left.
        let connected = if index + 1 == addresses.len() {
            connecting.await
        } else {
            match tokio::time::timeout(PER_ADDRESS, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            }
        };
        match connected {
            Ok(stream) => {
                // A request is one write: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Failure::Connect(error.to_string()),
        }
    }
    Err(last)
}

/// Sends the request over `stream` and reads the answer.
async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &Request<'_>,
    head: &[u8],
    begun: Instant,
) -> Result<Response, Failure> {
    use tokio::io::AsyncWriteExt as _;
    let sent = async {
        stream.write_all(head).await?;
        stream.write_all(request.body).await?;
        stream.flush().await
    };
    // A server may answer (413, 401) and close before it has read all: its answer tells more than the broken pipe.
    let unsent = sent.await.err();
    let answer = answer::read(&mut stream, request.method, request.largest, begun).await;
    match (answer, unsent) {
        (Err(Failure::Broke(_)), Some(error)) => Err(Failure::Broke(error.to_string())),
        (answer, _) => answer,
    }
}

/// Reads the answer to a request of `method`, and at most `largest` bytes of its content.
///
/// # Errors
/// When it is no answer of HTTP/1.1, or breaks off.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    method: &str,
    largest: usize,
) -> Result<Response, Failure> {
    answer::read(stream, method, largest, Instant::now()).await
}

#[cfg(test)]
mod tests;
