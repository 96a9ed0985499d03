//! Machines of the test's own, which can die, stand still and come back.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use tempfile::TempDir;

/// How long a machine may take to answer.
const START_MAX: Duration = Duration::from_mins(2);

/// Does to one machine what it is told, and stops it at the end of its input, which is the end of
/// the test, however that ends.
const KEEPER: &str = r#"
    folder=$1 address=$2 seed=$3 memory=$4
    start() {
        scylla --developer-mode 1 --smp 1 --memory "$memory" --overprovisioned --workdir "$folder" \
            --listen-address "$address" --rpc-address "$address" --api-address "$address" \
            --prometheus-address "$address" --max-networking-io-control-blocks 1000 \
            --ring-delay-ms 1000 --skip-wait-for-gossip-to-settle 0 \
            --seed-provider-parameters "seeds=$seed" \
            --options-file "$folder/scylla.yaml" >> "$folder/log" 2>&1 < /dev/null &
        node=$!
    }
    start
    while read -r order; do
        case $order in
            start) start ;;
            kill) kill -KILL "$node"; wait "$node" ;;
            *) kill "-$order" "$node" ;;
        esac
    done
    kill -KILL "$node" && wait "$node"
    rm -rf "$folder"
"#;

/// One machine.
pub(crate) struct Machine {
    pub(crate) address: Ipv4Addr,
    folder: std::path::PathBuf,
    orders: ChildStdin,
    _keeper: Child,
}

impl Machine {
    /// Starts so many machines of one cluster; none where there is no ScyllaDB on PATH.
    pub(crate) fn cluster(machines: u8) -> Option<Vec<Self>> {
        Self::prepared(machines, "", |_| {})
    }

    /// As [`Self::cluster`], with these settings and what else they need at each address.
    pub(crate) fn prepared(
        machines: u8,
        settings: &str,
        prepare: impl Fn(Ipv4Addr),
    ) -> Option<Vec<Self>> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("scylla").is_file()) {
            eprintln!("no `scylla` on PATH, hence no machine of one's own: skipped");
            return None;
        }
        let addresses = free_addresses(machines);
        let start = |address: &Ipv4Addr| {
            prepare(*address);
            Self::start(*address, addresses[0], machines, settings)
        };
        Some(addresses.iter().map(start).collect())
    }

    fn start(address: Ipv4Addr, seed: Ipv4Addr, machines: u8, settings: &str) -> Self {
        let folder = TempDir::new().unwrap().keep();
        let settings = format!("cluster_name: tix\n{settings}");
        fs::write(folder.join("scylla.yaml"), settings).unwrap();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .args([address.to_string(), seed.to_string()])
            .arg(if machines > 1 { "512M" } else { "1G" })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = keeper.stdin.take().unwrap();
        let machine = Self { address, folder, orders, _keeper: keeper };
        machine.wait();
        machine
    }

    /// Waits until it answers.
    fn wait(&self) {
        let begun = Instant::now();
        let socket = SocketAddr::from((self.address, 9042));
        while TcpStream::connect_timeout(&socket, Duration::from_secs(1)).is_err() {
            let told = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < START_MAX, "no ScyllaDB at {}:\n{}", self.address, told());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// Lets it die without a word.
    pub(crate) fn kill(&mut self) {
        self.order("kill");
    }

    /// Brings it back.
    pub(crate) fn restart(&mut self) {
        self.order("start");
        self.wait();
    }

    /// Lets it stand still for so long.
    pub(crate) fn freeze(&mut self, span: Duration) {
        self.order("STOP");
        thread::sleep(span);
        self.order("CONT");
    }
}

/// Loopback addresses on which nobody runs a machine.
fn free_addresses(count: u8) -> Vec<Ipv4Addr> {
    static TAKEN: AtomicU8 = AtomicU8::new(0);
    let [.., third, _] = process::id().to_be_bytes();
    let free = |address: &Ipv4Addr| {
        [7000, 9042, 10_000].iter().all(|port| TcpListener::bind((*address, *port)).is_ok())
    };
    let next = || TAKEN.fetch_add(1, Ordering::Relaxed).checked_add(1);
    let [.., low] = process::id().to_be_bytes();
    let candidates = std::iter::from_fn(next).map(|n| Ipv4Addr::new(127, 64 | third >> 2, low, n));
    let found: Vec<Ipv4Addr> = candidates.filter(free).take(usize::from(count)).collect();
    assert_eq!(found.len(), usize::from(count), "free loopback addresses");
    found
}
