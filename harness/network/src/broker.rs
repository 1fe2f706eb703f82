//! The side that has sockets: takes requests off the wire, judges where they lead, and streams what comes back.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url, redirect};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

use crate::grant::{Grants, Refusal};
use crate::wire::{FRAME_MOST, Failure, Frame, Kind, RequestHead, ResponseHead};

/// How long a connection may take, as in Node.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come once a request was sent, as in Node.
const SILENCE: Duration = Duration::from_secs(300);
/// The most that one request may send.
const BODY_MOST: usize = 64 << 20;
/// The most that all open requests may have sent together: what the other side does not read waits here.
const BODIES_MOST: usize = 128 << 20;
/// How many exchanges one guest may have open.
const OPEN_MOST: usize = 128;

/// How much of a response may be under way before the guest takes some of it.
const WINDOW: usize = 1 << 20;

/// Answers what comes over the wire until it ends.
pub fn serve(
    mut input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    grants: Grants,
) -> io::Result<()> {
    let (frames, mut inbox) = mpsc::unbounded_channel();
    std::thread::Builder::new()
        .name("adamant-wire-in".to_owned())
        .spawn(move || {
            // A frame that is none ends the wire: what comes after it cannot be read.
            while let Ok(Some(frame)) = Frame::read(&mut input) {
                if frames.send(frame).is_err() {
                    return;
                }
            }
        })?;
    let (outbox, said) = blocking::channel();
    std::thread::Builder::new()
        .name("adamant-wire-out".to_owned())
        .spawn(move || write(output, &said))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client = client(&grants)?;
    let mut broker = Broker {
        client,
        grants: Arc::new(grants),
        outbox,
        open: HashMap::new(),
    };
    runtime.block_on(async {
        while let Some(frame) = inbox.recv().await {
            broker.take(frame);
        }
    });
    Ok(())
}

fn write(mut output: impl Write, said: &blocking::Receiver<Frame>) {
    while let Ok(frame) = said.recv() {
        if frame
            .write(&mut output)
            .and_then(|()| output.flush())
            .is_err()
        {
            return;
        }
    }
}

fn client(grants: &Grants) -> io::Result<Client> {
    // Another part of the process may have chosen one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .dns_resolver(Arc::new(Judging(grants.clone())))
        .build()
        .map_err(io::Error::other)
}

/// Resolves names, and leaves out the addresses that their grants do not cover: connections go to what is left and nowhere else.
#[derive(Debug)]
struct Judging(Grants);

/// All addresses of a name were left out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let grants = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let left: Vec<_> = found
                .iter()
                .copied()
                .filter(|a| grants.address(&host, a.ip()))
                .collect();
            if left.is_empty() && !found.is_empty() {
                return Err(Refused(Refusal::Addresses(host).to_string()).into());
            }
            let addresses: Addrs = Box::new(left.into_iter());
            Ok(addresses)
        })
    }
}

struct Broker {
    client: Client,
    grants: Arc<Grants>,
    outbox: blocking::Sender<Frame>,
    open: HashMap<u32, Open>,
}

/// An exchange that is under way.
struct Open {
    /// Where the request's body goes; `None` once it has ended.
    body: Option<mpsc::UnboundedSender<Bytes>>,
    sent: usize,
    window: Arc<Semaphore>,
    task: AbortHandle,
}

impl Broker {
    fn take(&mut self, frame: Frame) {
        match frame.kind {
            Kind::Head => self.begin(&frame),
            Kind::Data => self.body(frame),
            Kind::End => {
                if let Some(open) = self.open.get_mut(&frame.id) {
                    open.body = None;
                }
            }
            Kind::Failed => {
                if let Some(open) = self.open.remove(&frame.id) {
                    open.task.abort();
                }
            }
            Kind::Taken => {
                if let (Some(open), Ok(bytes)) = (
                    self.open.get(&frame.id),
                    <[u8; 4]>::try_from(frame.payload.as_slice()),
                ) {
                    let room = WINDOW.saturating_sub(open.window.available_permits());
                    open.window
                        .add_permits(room.min(u32::from_le_bytes(bytes) as usize));
                }
            }
        }
    }

    fn begin(&mut self, frame: &Frame) {
        self.open.retain(|_, open| !open.task.is_finished());
        let refuse = |failure: &Failure| fail(&self.outbox, frame.id, failure);
        if self.open.contains_key(&frame.id) || self.open.len() >= OPEN_MOST {
            return refuse(&failure(
                "EMFILE",
                &format!("more than {OPEN_MOST} requests are under way"),
            ));
        }
        let head: RequestHead = match serde_json::from_slice(&frame.payload) {
            Ok(head) => head,
            Err(error) => return refuse(&failure("ERR_INVALID_ARG_VALUE", &error.to_string())),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        let request = match self.request(&head, receiver) {
            Ok(request) => request,
            Err(failure) => return refuse(&failure),
        };
        let window = Arc::new(Semaphore::new(WINDOW));
        let answering = answer(
            self.client.clone(),
            request,
            frame.id,
            Arc::clone(&window),
            self.outbox.clone(),
        );
        let task = tokio::spawn(answering).abort_handle();
        let open = Open {
            body: head.body.then_some(sender),
            sent: 0,
            window,
            task,
        };
        self.open.insert(frame.id, open);
    }

    fn request(
        &self,
        head: &RequestHead,
        body: mpsc::UnboundedReceiver<Bytes>,
    ) -> Result<reqwest::Request, Failure> {
        let invalid = |why: String| failure("ERR_INVALID_ARG_VALUE", &why);
        let url: Url = head
            .url
            .parse()
            .map_err(|_not_one| invalid(format!("`{}` is no URL", head.url)))?;
        let denied = |refusal: &Refusal| failure("ERR_ACCESS_DENIED", &refusal.to_string());
        if !matches!(url.scheme(), "http" | "https") {
            return Err(denied(&Refusal::Scheme(url.scheme().to_owned())));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(invalid(format!("`{url}` has no host")));
        };
        self.grants
            .host(host, port)
            .map_err(|refusal| denied(&refusal))?;
        // What is no name is not resolved, so nobody else judges it.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>()
            && !self.grants.address(bare, address)
        {
            return Err(denied(&Refusal::Addresses(host.to_owned())));
        }
        let method = Method::from_bytes(head.method.as_bytes())
            .map_err(|_not_one| invalid(format!("`{}` is no method", head.method)))?;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers(&head.headers).map_err(invalid)?;
        if head.body {
            let parts = futures_util::stream::unfold(body, |mut body| async {
                body.recv()
                    .await
                    .map(|bytes| (Ok::<_, io::Error>(bytes), body))
            });
            *request.body_mut() = Some(reqwest::Body::wrap_stream(parts));
        }
        Ok(request)
    }

    fn body(&mut self, frame: Frame) {
        let Some(open) = self.open.get_mut(&frame.id) else {
            return;
        };
        open.sent += frame.payload.len();
        let own = open.sent;
        let waiting = self.open.values().filter(|open| !open.task.is_finished());
        let all: usize = waiting.map(|open| open.sent).sum();
        if own > BODY_MOST || all > BODIES_MOST {
            if let Some(open) = self.open.remove(&frame.id) {
                open.task.abort();
            }
            let message =
                format!("one body is at most {BODY_MOST} bytes long, all of them {BODIES_MOST}");
            return fail(
                &self.outbox,
                frame.id,
                &failure("ERR_OUT_OF_RANGE", &message),
            );
        }
        if let Some(body) = self.open.get(&frame.id).and_then(|open| open.body.as_ref()) {
            // The other side may have answered without reading all of it.
            let _ = body.send(Bytes::from(frame.payload));
        }
    }
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let latin1: Option<Vec<u8>> = value
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect();
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_not_one| format!("`{name}` is no header"))?;
        let value = latin1.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let value = value.ok_or_else(|| format!("`{name}` has a value that no header can have"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// One exchange, to its end.
async fn answer(
    client: Client,
    request: reqwest::Request,
    id: u32,
    window: Arc<Semaphore>,
    outbox: blocking::Sender<Frame>,
) {
    let say = |frame: Frame| outbox.send(frame).is_ok();
    let target = (
        request.url().host_str().unwrap_or_default().to_owned(),
        request.url().port_or_known_default().unwrap_or_default(),
    );
    let mut response = match client.execute(request).await {
        Ok(response) => response,
        Err(error) => return fail(&outbox, id, &explain(&error, &target)),
    };
    let told = ResponseHead {
        status: response.status().as_u16(),
        reason: reason(&response),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    value.as_bytes().iter().copied().map(char::from).collect(),
                )
            })
            .collect(),
    };
    if !Frame::json(id, Kind::Head, &told).is_ok_and(say) {
        return;
    }
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => {
                for part in bytes.chunks(FRAME_MOST) {
                    let permits = u32::try_from(part.len()).unwrap_or(u32::MAX);
                    // Closed by nobody: an exchange that is given up is aborted.
                    let Ok(room) = window.acquire_many(permits).await else {
                        return;
                    };
                    room.forget();
                    if !say(Frame::new(id, Kind::Data, part.to_vec())) {
                        return;
                    }
                }
            }
            Ok(None) => {
                say(Frame::new(id, Kind::End, Vec::new()));
                return;
            }
            Err(error) => return fail(&outbox, id, &explain(&error, &target)),
        }
    }
}

/// The text beside the status, as the other side wrote it.
fn reason(response: &reqwest::Response) -> String {
    match response.extensions().get::<hyper::ext::ReasonPhrase>() {
        Some(said) => said.as_bytes().iter().copied().map(char::from).collect(),
        None => response
            .status()
            .canonical_reason()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

fn fail(outbox: &blocking::Sender<Frame>, id: u32, failure: &Failure) {
    if let Ok(frame) = Frame::json(id, Kind::Failed, failure) {
        // Nobody is there any more, and the reading side ends.
        let _ = outbox.send(frame);
    }
}

/// Node's code for what went wrong, and its words.
fn explain(error: &reqwest::Error, (host, port): &(String, u16)) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let (mut resolving, mut last) = (false, error.to_string());
    while let Some(error) = cause {
        last = error.to_string();
        if let Some(Refused(why)) = error.downcast_ref() {
            return failure("ERR_ACCESS_DENIED", why);
        }
        resolving |= last.contains("dns error") || last.contains("failed to lookup");
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let code = match error.kind() {
                io::ErrorKind::ConnectionRefused => Some("ECONNREFUSED"),
                io::ErrorKind::ConnectionReset => Some("ECONNRESET"),
                io::ErrorKind::HostUnreachable => Some("EHOSTUNREACH"),
                io::ErrorKind::NetworkUnreachable => Some("ENETUNREACH"),
                io::ErrorKind::TimedOut => Some("ETIMEDOUT"),
                _ => None,
            };
            match code {
                Some("ECONNRESET") => return failure("ECONNRESET", "read ECONNRESET"),
                Some(code) => return failure(code, &format!("connect {code} {host}:{port}")),
                None => {}
            }
        }
        cause = error.source();
    }
    if resolving {
        return failure("ENOTFOUND", &format!("getaddrinfo ENOTFOUND {host}"));
    }
    if error.is_timeout() && error.is_connect() {
        return failure("UND_ERR_CONNECT_TIMEOUT", "Connect Timeout Error");
    }
    if error.is_timeout() {
        return failure("UND_ERR_HEADERS_TIMEOUT", "Headers Timeout Error");
    }
    if error.is_body()
        || error.is_decode()
        || last.contains("incomplete")
        || last.contains("closed")
    {
        return failure("UND_ERR_SOCKET", "other side closed");
    }
    failure("ECONNRESET", &last)
}
