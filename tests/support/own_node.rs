//! A ScyllaDB node that a test may stop, start again and join by others.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use tempfile::TempDir;

/// How long a node may take to answer.
const START_MAX: Duration = Duration::from_mins(2);

/// Runs a node until the end of its input, which comes at the latest with that of the tests.
const KEEPER: &str = r#"
    folder=$1 address=$2 seed=$3
    scylla --developer-mode 1 --smp 1 --memory 512M --overprovisioned --workdir "$folder" \
        --listen-address "$address" --rpc-address "$address" --api-address "$address" \
        --prometheus-address "$address" --max-networking-io-control-blocks 1000 \
        --skip-wait-for-gossip-to-settle 0 --ring-delay-ms 1000 \
        --seed-provider-parameters "seeds=$seed" --options-file "$folder/scylla.yaml" \
        >> "$folder/log" 2>&1 < /dev/null &
    node=$!
    read -r _
    kill "$node" && wait "$node"
"#;

/// A node of a test of its own.
pub(crate) struct OwnNode {
    folder: TempDir,
    address: Ipv4Addr,
    seed: Ipv4Addr,
    /// Its input is the pipe that keeps the node alive; none while it is stopped.
    keeper: Option<Child>,
}

impl OwnNode {
    /// Starts the first node of a cluster; none where there is no `scylla` to start.
    pub(crate) fn start() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("scylla").is_file()) {
            eprintln!("no `scylla` on PATH: what needs a node of its own is skipped");
            return None;
        }
        let address = free_address();
        Some(Self::started(address, address))
    }

    /// Starts another node of the same cluster.
    pub(crate) fn join(&self) -> Self {
        Self::started(free_address(), self.seed)
    }

    fn started(address: Ipv4Addr, seed: Ipv4Addr) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("scylla.yaml"), "cluster_name: tix\n").unwrap();
        let mut node = Self { folder, address, seed, keeper: None };
        node.start_again();
        node
    }

    /// Where it answers, as `host:port`.
    pub(crate) fn host(&self) -> String {
        format!("{}:9042", self.address)
    }

    /// The URL of a store in `keyspace` on this node.
    pub(crate) fn url(&self, keyspace: &str) -> String {
        format!("scylla://{}/{keyspace}", self.host())
    }

    /// Stops it as an operator would; its data stays.
    pub(crate) fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    /// Starts it where it is stopped, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(self.folder.path())
            .args([self.address.to_string(), self.seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let begun = Instant::now();
        let socket = SocketAddr::from((self.address, 9042));
        while TcpStream::connect_timeout(&socket, Duration::from_secs(1)).is_err() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START_MAX, "no ScyllaDB at {socket}:\n{}", log());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A loopback address on which nobody runs a node.
fn free_address() -> Ipv4Addr {
    let [.., last] = process::id().to_be_bytes();
    let candidates = (0..=u8::MAX).map(|n| Ipv4Addr::new(127, 0, 7, last.wrapping_add(n).max(1)));
    let free = |address: &Ipv4Addr| {
        [7000, 9042, 10_000].iter().all(|port| TcpListener::bind((*address, *port)).is_ok())
    };
    candidates.into_iter().find(free).expect("a free loopback address")
}
