//! A line to the server that can be told when to fail, and how.
//!
//! It passes the frames of CQL on, and knows of each request which prepared statement it runs. A
//! fault strikes at one of the requests that write.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

const HEADER_BYTES: usize = 9;

/// The flag of a request that says among whom Paxos decides.
const WITH_SERIAL_CONSISTENCY: u8 = 0x10;

/// The server works on a deciding request for two seconds.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(2);

const ERROR: u8 = 0x00;
const SUPPORTED: u8 = 0x06;
const RESULT: u8 = 0x08;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0a;
const BATCH: u8 = 0x0d;

/// What happens to the request that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client dies before the request leaves it.
    DiesBefore,
    /// The client dies before the answer reaches it.
    DiesAfter,
    /// The server says that it took too long, and has not done it.
    TimesOutUndone,
    /// The server says that it took too long, and has done it.
    TimesOutDone,
    /// The request gets lost.
    LosesRequest,
    /// The answer gets lost.
    LosesAnswer,
    /// The connection breaks before the request leaves it.
    BreaksBefore,
    /// The connection breaks before the answer leaves it.
    BreaksAfter,
    /// The request arrives when the client has stopped waiting for it.
    ArrivesLate(Duration),
}

impl Fault {
    const fn kills(self) -> bool {
        matches!(self, Self::DiesBefore | Self::DiesAfter)
    }
}

/// Which requests a fault counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// All that write.
    Writes,
    /// Lightweight transactions.
    Decisions,
}

#[derive(Debug)]
struct Plan {
    fault: Fault,
    counts: Counts,
    /// Strikes when so many more requests have come.
    left: u32,
    /// How many requests it strikes, one after the other.
    times: u32,
}

#[derive(Debug, Default)]
struct State {
    plan: Mutex<Option<Plan>>,
    /// What the fault struck.
    struck: Mutex<Option<String>>,
    dead: Mutex<bool>,
    died: Notify,
    /// The request that was struck, and when.
    original: Mutex<Option<(Instant, Vec<u8>)>>,
    /// What a driver did that it must not do.
    misdeeds: Mutex<Vec<String>>,
    /// How the next statement begins that is held back.
    gate: Mutex<Option<&'static str>>,
    is_held_back: Notify,
    may_pass: Notify,
}

/// A line to a server.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    /// Opens a line to the server at `upstream`, at another port of the same address: drivers ask a
    /// server for its address, and take the port that they know.
    pub(crate) async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((upstream.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(upstream).await {
                        carry(client, server, state).await;
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Lets `fault` strike so many requests from number `nth` on, counted from 1 and from now on.
    /// Where the last fault killed the client, a new one lives from now on.
    pub(crate) fn strike(&self, fault: Fault, counts: Counts, nth: u32, times: u32) {
        *self.state.plan.lock().unwrap() = Some(Plan { fault, counts, left: nth, times });
        *self.state.struck.lock().unwrap() = None;
        *self.state.dead.lock().unwrap() = false;
    }

    /// Lets everything pass.
    pub(crate) fn heal(&self) {
        *self.state.plan.lock().unwrap() = None;
        *self.state.dead.lock().unwrap() = false;
    }

    /// Holds back the next request whose statement begins like this, until [`Self::let_pass`].
    pub(crate) fn hold_back(&self, statement: &'static str) {
        *self.state.gate.lock().unwrap() = Some(statement);
    }

    /// Waits until that request has come.
    pub(crate) async fn held_back(&self) {
        self.state.is_held_back.notified().await;
    }

    pub(crate) fn let_pass(&self) {
        self.state.may_pass.notify_one();
    }

    /// The statement that the fault struck; none if it has not.
    pub(crate) fn struck(&self) -> Option<String> {
        self.state.struck.lock().unwrap().clone()
    }

    /// Deciding requests that asked for no serial consistency, and those that were sent again before
    /// the server had surely given them up: drivers do so unless they are told not to.
    pub(crate) fn misdeeds(&self) -> Vec<String> {
        self.state.misdeeds.lock().unwrap().clone()
    }

    /// Waits until the client is dead.
    pub(crate) async fn death(&self) {
        loop {
            let died = self.state.died.notified();
            if *self.state.dead.lock().unwrap() {
                return;
            }
            died.await;
        }
    }
}

impl State {
    /// The fault that strikes this request, if one does.
    fn judge(&self, statement: &str) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let counted = match plan.as_ref()?.counts {
            Counts::Writes => !statement.starts_with("SELECT"),
            Counts::Decisions => statement.contains(" IF "),
        };
        if !counted {
            return None;
        }
        let now = plan.as_mut()?;
        now.left -= 1;
        if now.left > 0 {
            return None;
        }
        let fault = now.fault;
        (now.left, now.times) = (1, now.times - 1);
        if now.times == 0 {
            *plan = None;
        }
        *self.struck.lock().unwrap() = Some(statement.to_owned());
        Some(fault)
    }

    /// Looks whether a deciding request is sent as it must be.
    fn watch(&self, statement: &str, frame: &Frame, struck: bool) {
        if !statement.contains(" IF ") {
            return;
        }
        let mut misdeeds = self.misdeeds.lock().unwrap();
        let after_id = 2 + short_bytes(&frame.body).len();
        if frame.body[after_id + 2] & WITH_SERIAL_CONSISTENCY == 0 {
            misdeeds.push(format!("without serial consistency: {statement}"));
        }
        let mut original = self.original.lock().unwrap();
        if let Some((at, body)) = &*original
            && *body == frame.body
            && at.elapsed() < GIVEN_UP_AFTER
        {
            misdeeds.push(format!("again after {:?}: {statement}", at.elapsed()));
        }
        if struck {
            *original = Some((Instant::now(), frame.body.clone()));
        }
    }

    /// Whether this request is held back.
    fn holds_back(&self, statement: &str) -> bool {
        self.gate.lock().unwrap().take_if(|begins| statement.starts_with(*begins)).is_some()
    }

    fn is_dead(&self) -> bool {
        *self.dead.lock().unwrap()
    }

    fn die(&self) {
        *self.dead.lock().unwrap() = true;
        self.died.notify_waiters();
    }
}

/// The texts of prepared statements, by their ids: the same through every line.
fn texts() -> &'static Mutex<HashMap<Vec<u8>, String>> {
    static TEXTS: OnceLock<Mutex<HashMap<Vec<u8>, String>>> = OnceLock::new();
    TEXTS.get_or_init(Mutex::default)
}

struct Frame {
    head: [u8; HEADER_BYTES],
    body: Vec<u8>,
}

impl Frame {
    async fn read(from: &mut OwnedReadHalf) -> std::io::Result<Self> {
        let mut head = [0; HEADER_BYTES];
        from.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut body = vec![0; length as usize];
        from.read_exact(&mut body).await?;
        Ok(Self { head, body })
    }

    const fn stream(&self) -> [u8; 2] {
        [self.head[2], self.head[3]]
    }

    const fn opcode(&self) -> u8 {
        self.head[4]
    }

    fn bytes(self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    /// The statement that this request runs; none where it runs none.
    fn statement(&self) -> Option<String> {
        match self.opcode() {
            EXECUTE => texts().lock().unwrap().get(short_bytes(&self.body)).cloned(),
            BATCH => Some("BATCH".to_owned()),
            _ => None,
        }
    }

    /// The answer that a decision took too long.
    fn time_out(stream: [u8; 2]) -> Self {
        let mut body = 0x1100_i32.to_be_bytes().to_vec();
        body.extend(4_u16.to_be_bytes());
        body.extend(b"late");
        body.extend(8_u16.to_be_bytes()); // SERIAL
        body.extend(0_i32.to_be_bytes());
        body.extend(1_i32.to_be_bytes());
        body.extend(3_u16.to_be_bytes());
        body.extend(b"CAS");
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let [a, b, c, d] = length;
        Self { head: [0x84, 0, stream[0], stream[1], ERROR, a, b, c, d], body }
    }
}

fn short_bytes(body: &[u8]) -> &[u8] {
    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    &body[2..2 + length]
}

fn long_string(body: &[u8]) -> String {
    let length = u32::from_be_bytes([body[0], body[1], body[2], body[3]]) as usize;
    let text = String::from_utf8_lossy(&body[4..4 + length]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is to be done with the answer to a request.
enum Awaited {
    /// Remember the id of the statement.
    Prepared(String),
    Fails(Fault),
}

type Answers = Arc<Mutex<HashMap<[u8; 2], Awaited>>>;

/// Carries one connection until either side ends it.
async fn carry(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (answer, mut answers) = mpsc::unbounded_channel::<Vec<u8>>();
    let (request, mut requests) = mpsc::unbounded_channel::<Vec<u8>>();
    let awaited = Answers::default();
    let sending = async {
        while let Some(bytes) = requests.recv().await {
            to_server.write_all(&bytes).await?;
        }
        std::io::Result::Ok(())
    };
    let answering = async {
        while let Some(bytes) = answers.recv().await {
            to_client.write_all(&bytes).await?;
        }
        std::io::Result::Ok(())
    };
    let asking = async {
        while let Ok(frame) = Frame::read(&mut from_client).await {
            if !forward(frame, &state, &awaited, &request, &answer) {
                break;
            }
        }
    };
    let hearing = async {
        while let Ok(frame) = Frame::read(&mut from_server).await {
            if !back(frame, &state, &awaited, &answer) {
                break;
            }
        }
    };
    tokio::select! {
        _ = sending => {}
        _ = answering => {}
        () = asking => {}
        () = hearing => {}
    }
}

/// Deals with a request. False where the connection is to break.
fn forward(
    frame: Frame,
    state: &Arc<State>,
    awaited: &Answers,
    request: &mpsc::UnboundedSender<Vec<u8>>,
    answer: &mpsc::UnboundedSender<Vec<u8>>,
) -> bool {
    if state.is_dead() {
        return true;
    }
    let stream = frame.stream();
    let expect = |what| drop(awaited.lock().unwrap().insert(stream, what));
    if frame.opcode() == PREPARE {
        expect(Awaited::Prepared(long_string(&frame.body)));
    }
    let statement = frame.statement();
    let fault = statement.as_ref().and_then(|statement| state.judge(statement));
    if let Some(statement) = &statement {
        state.watch(statement, &frame, fault.is_some());
    }
    match fault {
        None if statement.is_some_and(|statement| state.holds_back(&statement)) => {
            let (state, request) = (Arc::clone(state), request.clone());
            tokio::spawn(async move {
                state.is_held_back.notify_one();
                state.may_pass.notified().await;
                let _ = request.send(frame.bytes());
            });
        }
        None => drop(request.send(frame.bytes())),
        Some(Fault::DiesBefore) => state.die(),
        Some(Fault::LosesRequest) => {}
        Some(Fault::BreaksBefore) => return false,
        Some(Fault::TimesOutUndone) => drop(answer.send(Frame::time_out(stream).bytes())),
        Some(Fault::ArrivesLate(delay)) => {
            expect(Awaited::Fails(Fault::LosesAnswer));
            let request = request.clone();
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let _ = request.send(frame.bytes());
            });
        }
        Some(fault) => {
            expect(Awaited::Fails(fault));
            let _ = request.send(frame.bytes());
        }
    }
    true
}

/// Deals with an answer. False where the connection is to break.
fn back(
    mut frame: Frame,
    state: &State,
    awaited: &Answers,
    answer: &mpsc::UnboundedSender<Vec<u8>>,
) -> bool {
    if frame.opcode() == SUPPORTED {
        hide_what_is_beside(&mut frame.body);
    }
    match awaited.lock().unwrap().remove(&frame.stream()) {
        Some(Awaited::Prepared(text)) if frame.opcode() == RESULT => {
            let id = short_bytes(&frame.body[4..]).to_vec();
            texts().lock().unwrap().insert(id, text);
        }
        Some(Awaited::Fails(fault)) if fault.kills() => {
            state.die();
            return true;
        }
        Some(Awaited::Fails(Fault::TimesOutDone)) => frame = Frame::time_out(frame.stream()),
        Some(Awaited::Fails(Fault::BreaksAfter)) => return false,
        Some(Awaited::Fails(_)) => return true,
        _ => {}
    }
    if !state.is_dead() {
        let _ = answer.send(frame.bytes());
    }
    true
}

/// The server has another port, at which each of its cores can be asked for, and this line has not;
/// and newer servers have a form of request that this line cannot read.
fn hide_what_is_beside(body: &mut [u8]) {
    for name in [b"SCYLLA_SHARD_AWARE_PORT".as_slice(), b"SCYLLA_USE_METADATA_ID"] {
        if let Some(at) = body.windows(name.len()).position(|window| window == name) {
            body[at] = b'X';
        }
    }
}
