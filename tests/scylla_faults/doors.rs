//! Stores that nobody gets into: each says why, and what to do.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SanType};
use scylla::client::session_builder::SessionBuilder;
use tempfile::TempDir;

use crate::cluster::Machine;
use crate::stage;

/// What a command says of a store that it cannot use.
fn told(store: &str, command: &[&str]) -> String {
    let mut tix = Command::new(env!("CARGO_BIN_EXE_tix"));
    tix.args(["--color", "never", "--store", store]).args(command).env_remove("TIX_STORE");
    let output = tix.output().unwrap();
    assert!(!output.status.success(), "{store} was let in");
    assert_eq!(output.stdout, b"", "{store}");
    String::from_utf8(output.stderr).unwrap()
}

/// Expects these words of a store that cannot be used, and that no password is among them.
fn says(store: &str, words: &[&str]) {
    let told = told(store, &["event", "list"]);
    for word in words {
        assert!(told.contains(word), "{store}: no `{word}` in\n{told}");
    }
    assert!(!told.contains("secret"), "{store}:\n{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_not_there_says_where_it_was_looked_for() {
    let Some(node) = stage::address().await else { return };
    let silent = TcpListener::bind((node.ip(), 0)).unwrap();
    let hangs_up = silent.local_addr().unwrap();
    thread::spawn(move || silent.incoming().for_each(drop));
    let talks = TcpListener::bind((node.ip(), 0)).unwrap();
    let talks_otherwise = talks.local_addr().unwrap();
    thread::spawn(move || {
        for client in talks.incoming() {
            let _ =
                std::io::Write::write_all(&mut client.unwrap(), b"HTTP/1.1 400 Bad Request\r\n");
        }
    });
    let closed = TcpListener::bind((node.ip(), 0)).unwrap().local_addr().unwrap();
    tokio::task::spawn_blocking(move || {
        says(
            &format!("scylla://ann:secret@{closed}/tix"),
            &["no server answers there", "host and port"],
        );
        says("scylla://nowhere.invalid/tix", &["no machine of that name is known"]);
        says(&format!("scylla://{talks_otherwise}/tix"), &["could not connect", "host and port"]);
        says(&format!("scylla://{hangs_up}/tix"), &["could not connect", "host and port"]);
        says(&format!("scylla://{node}/no_such"), &["there is no keyspace no_such", "tix seed"]);
        says(&format!("scylla://{node}/tix?tls=on"), &["does not encrypt", "?tls=FILE.pem"]);
        for weak in ["one", "two", "local_one", "any"] {
            let store = format!("scylla://{node}/tix?consistency={weak}");
            says(&store, &["quorum, local_quorum or all"]);
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_with_tablets_is_refused_with_a_way_out() {
    let Some(node) = stage::address().await else { return };
    let session = SessionBuilder::new().known_node_addr(node).build().await.unwrap();
    let cql = "CREATE KEYSPACE IF NOT EXISTS tix_tablets WITH replication = \
               {'class': 'NetworkTopologyStrategy', 'replication_factor': 1} \
               AND tablets = {'enabled': true}";
    if session.query_unpaged(cql, ()).await.is_err() {
        eprintln!("this server has no tablets: skipped");
        return;
    }
    let store = format!("scylla://{node}/tix_tablets");
    let told = tokio::task::spawn_blocking(move || told(&store, &["schema", "apply"]));
    let told = told.await.unwrap();
    assert!(told.contains("the keyspace tix_tablets uses tablets"), "{told}");
    assert!(told.contains("Hint: name another keyspace"), "{told}");
    session.query_unpaged("DROP KEYSPACE tix_tablets", ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_differs_says_where() {
    let Some(node) = stage::address().await else { return };
    let store = format!("scylla://{node}/tix_differs");
    let tix = move |command: [&str; 2]| {
        let mut tix = Command::new(env!("CARGO_BIN_EXE_tix"));
        tix.args(["--store", &store]).args(command).env_remove("TIX_STORE");
        let output = tix.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    tix(["schema", "apply"]);
    let session = SessionBuilder::new().known_node_addr(node).build().await.unwrap();
    for cql in [
        "ALTER TABLE tix_differs.holds DROP ended_as",
        "DROP TABLE tix_differs.log_progress",
        "ALTER TABLE tix_differs.order_queue WITH cdc = {'enabled': false}",
        "DROP TABLE IF EXISTS tix_differs.order_queue_scylla_cdc_log",
    ] {
        // The log of a table that has none any more goes by itself on some servers.
        let _ = session.query_unpaged(cql, ()).await;
    }
    let told = tix(["schema", "status"]);
    for word in ["ended_as", "log_progress", "change log"] {
        assert!(told.contains(word), "no `{word}` in\n{told}");
    }
    session.query_unpaged("DROP KEYSPACE tix_differs", ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_schema_is_refused_until_it_is_brought_up_to_date() {
    let Some(node) = stage::address().await else { return };
    let store = format!("scylla://{node}/tix_earlier");
    let tix = |command: [&str; 2]| {
        let mut tix = Command::new(env!("CARGO_BIN_EXE_tix"));
        tix.args(["--store", &store]).args(command).env_remove("TIX_STORE");
        let output = tix.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    tix(["schema", "apply"]);
    let session = SessionBuilder::new().known_node_addr(node).build().await.unwrap();
    let has_version = async |version: i32| {
        let cql = "UPDATE tix_earlier.schema_version SET version = ? WHERE component = 'tix'";
        session.query_unpaged(cql, (version,)).await.unwrap();
    };
    has_version(1).await;
    for table in ["waitlist", "waitlist_entries"] {
        let cql = format!("DROP TABLE tix_earlier.{table}");
        session.query_unpaged(cql, ()).await.unwrap();
    }
    says(&store, &["has schema version 1, this tix works with 4", "tix schema apply"]);
    tix(["schema", "apply"]);
    tix(["event", "list"]);
    tix(["schema", "status"]);
    has_version(5).await;
    says(&store, &["has schema version 5, this tix works with 4", "needs a later tix"]);
    assert!(told(&store, &["schema", "apply"]).contains("version 5"), "it stays");
    session.query_unpaged("DROP KEYSPACE tix_earlier", ()).await.unwrap();
}

/// An authority, and the certificate that it gave to the machine at this address.
fn certify(folder: &Path, address: std::net::IpAddr) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.subject_alt_names = vec![SanType::IpAddress(address)];
    let certificate = params.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    fs::write(folder.join("machine.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// Passes connections on to the machine, at another address.
fn stand_in(machine: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = std::net::TcpStream::connect(machine) else { continue };
            let (mut a, mut b) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let (mut c, mut d) = (client, server);
            thread::spawn(move || std::io::copy(&mut a, &mut b));
            thread::spawn(move || std::io::copy(&mut d, &mut c));
        }
    });
    address
}

#[test]
fn a_store_with_a_password_and_a_certificate_lets_in_who_has_both() {
    let folder = TempDir::new().unwrap();
    let own = folder.path().display().to_string();
    let settings = format!(
        "authenticator: PasswordAuthenticator\nclient_encryption_options:\n  enabled: true\n  \
         certificate: {own}/machine.pem\n  keyfile: {own}/key.pem\n"
    );
    let certified = |address: std::net::Ipv4Addr| certify(folder.path(), address.into());
    let Some(machines) = Machine::prepared(1, &settings, certified) else { return };
    let address = machines[0].address;
    let trusted = format!("tls={own}/authority.pem");
    says(&format!("scylla://{address}/tix"), &["could not connect", "host and port"]);
    says(&format!("scylla://{address}/tix?tls=on"), &["signed by none of the authorities"]);
    says(&format!("scylla://{address}/tix?{trusted}"), &["asks for a user and a password"]);
    says(
        &format!("scylla://cassandra:secret@{address}/tix?{trusted}"),
        &["does not know this user with this password", "USER:PASSWORD"],
    );
    let beside = stand_in(SocketAddr::from((address, 9042)));
    says(&format!("scylla://{beside}/tix?{trusted}"), &["certificate is that of another machine"]);
    says(&format!("scylla://{address}/tix?tls={own}/key.pem"), &["holds no certificate"]);
    let store = format!("scylla://cassandra:cassandra@{address}/tix?{trusted}");
    let mut tix = Command::new(env!("CARGO_BIN_EXE_tix"));
    let output = tix.args(["--store", &store, "schema", "apply"]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains(":cassandra@"));
}
