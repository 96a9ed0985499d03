//! A disk that is full: what was acknowledged stays, and nothing is to be repaired when there is
//! room again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::process::wait_until;
use crate::small_disk::SmallDisk;

/// More tickets than these disks have room for.
const BIG: &str = "section,type,price,rows,seats_per_row\nField,regular,10.00,500,200\n";

/// A disk whose store has sold a seat already.
fn small_disk(kib: u64) -> SmallDisk {
    let disk = SmallDisk::of(kib);
    disk.sandbox.seed_hall(&[]).done();
    let hold = disk.sandbox.hold("ann", &["Stalls/1/1"]);
    disk.sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    disk
}

/// What was sold before is still sold.
#[track_caller]
fn still_has_the_order(disk: &SmallDisk) {
    let orders = disk.sandbox.json(&["order", "list", "--event", "hall"]);
    assert_eq!(orders["orders"][0]["status"], "paid");
    disk.sandbox.passes_its_audit();
}

#[test]
fn a_seed_that_fills_the_disk_is_told_and_completed_when_there_is_room() {
    let mut disk = small_disk(2 * 1024);
    let seed = disk.sandbox.seed_arguments("big", BIG, &[]);
    disk.is_full(disk.tix(&seed));
    disk.is_full(disk.tix(&seed));
    still_has_the_order(&disk);
    let start = ["hold", "start", "--event", "big", "--seat", "Field/1/1"];
    disk.sandbox.tix(&start).refused("busy");

    disk.make_room();
    disk.sandbox.serves_the_next_buyer("hall");
    let document = disk.sandbox.json(&seed);
    assert!(document["seed"]["minted"]["existing"].as_u64().unwrap() > 0, "{document:#}");
    disk.sandbox.tix(&start).done();
    still_has_the_order(&disk);
}

#[test]
fn a_rehearsal_that_fills_the_disk_keeps_what_it_acknowledged() {
    let mut disk = small_disk(2 * 1024);
    let history = disk.sandbox.path("told.jsonl");
    let rehearse = ["simulate", "--buyers", "1500", "--speed", "max", "--history", "told.jsonl"];
    let answer = disk.is_full(disk.tix(&rehearse));
    assert!(answer.stdout.contains("Audit passed"), "{}", answer.stdout);
    disk.sandbox.keeps_what_was_told(&history);
    still_has_the_order(&disk);

    disk.make_room();
    for event in disk.sandbox.events() {
        disk.sandbox.serves_the_next_buyer(&event);
    }
    disk.sandbox.tix(&rehearse).done();
    disk.sandbox.keeps_what_was_told(&history);
    still_has_the_order(&disk);
}

#[test]
fn a_store_whose_log_cannot_be_copied_into_its_file_loses_nothing() {
    // Room for the tickets once, in the write-ahead log, and not once more.
    let mut disk = small_disk(7 * 1024);
    let seed = disk.sandbox.seed_arguments("big", BIG, &[]);
    disk.tix(&seed).done();
    still_has_the_order(&disk);
    let start = ["hold", "start", "--event", "big", "--seat", "Field/1/1"];
    if disk.is_mounted() {
        disk.is_full(disk.tix(&start));
    } else {
        eprintln!("not checked: a limit on each file leaves room for the tickets twice");
    }

    disk.make_room();
    disk.sandbox.tix(&start).done();
    let document = disk.sandbox.json(&seed);
    assert_eq!(document["seed"]["minted"]["existing"], 100_000);
    still_has_the_order(&disk);
}

#[test]
fn where_there_is_no_room_at_all_every_command_says_so() {
    let mut disk = small_disk(2 * 1024);
    disk.fill();
    for command in [
        &["event", "list"][..],
        &["hold", "start", "--event", "hall", "--seat", "Stalls/1/2"],
        &["audit"],
        &["simulate", "--event", "hall", "--yes"],
    ] {
        let hint = "make room and run the same command again";
        let answer = disk.tix(command).failed("the disk is full");
        assert!(answer.stderr.contains(hint), "{}", answer.stderr);
    }
    disk.make_room();
    still_has_the_order(&disk);
    disk.sandbox.serves_the_next_buyer("hall");
}

/// What a server answers a request for its health; nothing before it listens.
fn health(address: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_on_a_full_disk_is_unhealthy_until_there_is_room() {
    let mut disk = small_disk(2 * 1024);
    if !disk.is_mounted() {
        return eprintln!("not checked: a limit on each file does not change while a server runs");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut server = disk.sandbox.start(&["--quiet", "serve", "--listen", &free]);
    let is = |status: &str, why: &str| {
        let answer = health(&free);
        answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(why)
    };
    server.until("it is healthy", || is("200", ""));
    disk.fill();
    server.until("it is unhealthy", || is("503", "the disk is full"));
    disk.make_room();
    server.until("it is healthy again", || is("200", ""));
    server.kill();
    wait_until("it is gone", || health(&free).is_empty());
    still_has_the_order(&disk);
}
