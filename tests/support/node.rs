//! A ScyllaDB to test on: the one that is named, or a throwaway node.
//!
//! `TIX_TEST_SCYLLA=host:port` names one. Otherwise, if a `scylla` binary is on PATH, a node of its
//! own is started for the run, on a loopback address of its own and in a temporary folder. It ends
//! with the tests, however they end: a shell that holds the other end of a pipe stops it by its
//! process id.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use tempfile::TempDir;

/// Names a node that is running already.
const VARIABLE: &str = "TIX_TEST_SCYLLA";

/// How long a throwaway node may take to answer.
const START_MAX: Duration = Duration::from_mins(2);

/// Starts a node, waits for the end of the tests, which is the end of its input, then stops it.
const KEEPER: &str = r#"
    folder=$1 address=$2
    scylla --developer-mode 1 --smp 1 --memory 1G --overprovisioned --workdir "$folder" \
        --listen-address "$address" --rpc-address "$address" --api-address "$address" \
        --prometheus-address "$address" --max-networking-io-control-blocks 1000 \
        --skip-wait-for-gossip-to-settle 0 --seed-provider-parameters "seeds=$address" \
        --options-file "$folder/scylla.yaml" > "$folder/log" 2>&1 < /dev/null &
    node=$!
    read -r _
    kill "$node" && wait "$node"
    rm -rf "$folder"
"#;

/// The node of this run.
struct Node {
    address: String,
    /// Its input is the pipe that keeps a throwaway node alive.
    _keeper: Option<Child>,
}

/// The URL of a store in `keyspace` on a live node; none where there is no ScyllaDB, which is said
/// once.
pub(crate) fn url(keyspace: &str) -> Option<String> {
    static NODE: OnceLock<Option<Node>> = OnceLock::new();
    let node = NODE.get_or_init(find).as_ref()?;
    Some(format!("scylla://{}/{keyspace}", node.address))
}

fn find() -> Option<Node> {
    if let Ok(address) = env::var(VARIABLE) {
        say(&format!("engines: SQLite, and ScyllaDB at {address}"));
        return Some(Node { address, _keeper: None });
    }
    if !on_path("scylla") {
        say(&format!("engines: SQLite only. No {VARIABLE}, no `scylla` on PATH: ScyllaDB skipped"));
        return None;
    }
    let node = start();
    say(&format!("engines: SQLite, and ScyllaDB on a throwaway node at {}", node.address));
    Some(node)
}

/// Writes past the capture of the test harness, so that it is seen whether tests fail or not.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn on_path(binary: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(binary).is_file())
}

fn start() -> Node {
    let address = free_address();
    // The keeper removes the folder; by then this process is gone.
    let folder = TempDir::new().unwrap().keep();
    fs::write(folder.join("scylla.yaml"), "cluster_name: tix\n").unwrap();
    let keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(&folder)
        .arg(address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(address, &folder.join("log"));
    Node { address: format!("{address}:9042"), _keeper: Some(keeper) }
}

/// A loopback address on which nobody runs a node.
fn free_address() -> Ipv4Addr {
    let [.., last] = process::id().to_be_bytes();
    let candidates = (0..=u8::MAX).map(|n| Ipv4Addr::new(127, 0, 5, last.wrapping_add(n).max(1)));
    let free = |address: &Ipv4Addr| {
        [7000, 9042, 10_000].iter().all(|port| TcpListener::bind((*address, *port)).is_ok())
    };
    candidates.into_iter().find(free).expect("a free loopback address")
}

fn wait_for(address: Ipv4Addr, log: &std::path::Path) {
    let begun = Instant::now();
    let socket = SocketAddr::from((address, 9042));
    while TcpStream::connect_timeout(&socket, Duration::from_secs(1)).is_err() {
        let told = || fs::read_to_string(log).unwrap_or_default();
        assert!(begun.elapsed() < START_MAX, "no ScyllaDB at {address}:\n{}", told());
        thread::sleep(Duration::from_millis(100));
    }
}
