//! Reading an answer (RFC 9112): its head, and a content of known length, in chunks, or up to the end.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Failure, LARGEST_HEAD, Response};

/// Header fields at most.
const MOST_FIELDS: usize = 100;

/// The longest line that begins a chunk, in bytes, with its extensions.
const LONGEST_CHUNK_LINE: usize = 1024;

/// Reads the answer to a request of `method`, and at most `largest` bytes of its content.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    method: &str,
    largest: usize,
    begun: Instant,
) -> Result<Response, Failure> {
    let mut input = Input {
        stream,
        bytes: Vec::new(),
    };
    input.more().await?;
    let waited = begun.elapsed();
    let mut response = loop {
        let head = head(&mut input).await?;
        // RFC 9110 section 15: the first digit tells the class, and no class has 0.
        if head.status < 100 {
            return Err(Failure::Malformed("its status is none".to_owned()));
        }
        // RFC 9110 section 15.2: any number of these may come before the answer.
        if !(100..200).contains(&head.status) {
            break head;
        }
    };
    response.waited = waited;
    let without = method == "HEAD" || [204, 304].contains(&response.status);
    if !without {
        let chunked = response.header("transfer-encoding").is_some_and(|coding| {
            let last = coding.rsplit(',').next().unwrap_or_default();
            last.trim().eq_ignore_ascii_case("chunked")
        });
        let length = match response.header("content-length") {
            Some(text) => Some(text.trim().parse::<u64>().map_err(|_| {
                Failure::Malformed("its `content-length` is not a number".to_owned())
            })?),
            None => None,
        };
        response.body = if chunked {
            chunks(&mut input, largest).await?
        } else if let Some(length) = length {
            let enough = usize::try_from(length).unwrap_or(usize::MAX).min(largest);
            input.take(enough).await?
        } else {
            input.rest(largest).await?
        };
    }
    response.took = begun.elapsed();
    Ok(response)
}

async fn head(input: &mut Input<'_, impl AsyncRead + Unpin>) -> Result<Response, Failure> {
    loop {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(&input.bytes) {
            Ok(httparse::Status::Complete(length)) => {
                let response = Response {
                    status: parsed.code.unwrap_or_default(),
                    headers: parsed
                        .headers
                        .iter()
                        .map(|field| {
                            let value = String::from_utf8_lossy(field.value).into_owned();
                            (field.name.to_ascii_lowercase(), value)
                        })
                        .collect(),
                    body: Vec::new(),
                    certificates: Vec::new(),
                    waited: std::time::Duration::ZERO,
                    took: std::time::Duration::ZERO,
                };
                input.bytes.drain(..length);
                return Ok(response);
            }
            Ok(httparse::Status::Partial) if input.bytes.len() > LARGEST_HEAD => {
                return Err(Failure::Malformed("its head has no end".to_owned()));
            }
            Ok(httparse::Status::Partial) => input.more().await?,
            Err(error) => return Err(Failure::Malformed(error.to_string())),
        }
    }
}

/// RFC 9112 section 7.1; what follows the last chunk is not read.
async fn chunks(
    input: &mut Input<'_, impl AsyncRead + Unpin>,
    largest: usize,
) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let malformed = || Failure::Malformed("its chunks are not in order".to_owned());
    loop {
        let (start, size) = match httparse::parse_chunk_size(&input.bytes) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) if input.bytes.len() > LONGEST_CHUNK_LINE => {
                return Err(malformed());
            }
            Ok(httparse::Status::Partial) => {
                input.more().await?;
                continue;
            }
            Err(_) => return Err(malformed()),
        };
        input.bytes.drain(..start);
        if size == 0 {
            return Ok(body);
        }
        let room = largest - body.len();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        body.extend(input.take(size.min(room)).await?);
        if size >= room {
            return Ok(body);
        }
        if input.take(2).await? != b"\r\n" {
            return Err(malformed());
        }
    }
}

/// A stream, and what was read of it and not used yet.
struct Input<'s, S> {
    stream: &'s mut S,
    bytes: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Input<'_, S> {
    /// Waits for more; the end is an error.
    async fn more(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.bytes).await {
            Ok(0) => Err(Failure::Broke("it ended in the middle".to_owned())),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Broke(error.to_string())),
        }
    }

    /// The next `length` bytes.
    async fn take(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        while self.bytes.len() < length {
            self.more().await?;
        }
        Ok(self.bytes.drain(..length).collect())
    }

    /// All until the end, at most `largest` bytes.
    async fn rest(&mut self, largest: usize) -> Result<Vec<u8>, Failure> {
        while self.bytes.len() < largest {
            match self.stream.read_buf(&mut self.bytes).await {
                Ok(0) => break,
                Ok(_) => {}
                // Many close without TLS's word of farewell (RFC 8446 section 6.1).
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(Failure::Broke(error.to_string())),
            }
        }
        self.bytes.truncate(largest);
        Ok(std::mem::take(&mut self.bytes))
    }
}
