//! The store: which commands make it, and what is said of one that cannot be used.

use std::fs;

use crate::sandbox::{Answer, Sandbox};

#[test]
fn a_store_that_is_not_there_is_made_only_by_commands_that_begin_something() {
    for command in ["event list", "ticket map", "hold list", "order list", "schema status"] {
        let sandbox = Sandbox::new();
        let answer = sandbox.tix(&command.split(' ').collect::<Vec<_>>());
        let answer = answer.ended(1, "there is no store at tix.db");
        assert!(answer.stderr.contains("Hint: run `tix seed` to make it"), "{}", answer.stderr);
        assert!(!sandbox.path("tix.db").exists(), "{command}");
    }
    for command in ["schema apply", "event add Hamlet", "seed"] {
        let sandbox = Sandbox::new();
        sandbox.tix(&command.split(' ').collect::<Vec<_>>()).done();
        assert!(sandbox.path("tix.db").exists(), "{command}");
    }
}

#[test]
fn the_store_is_named_by_option_or_environment() {
    let sandbox = Sandbox::seeded();
    fs::rename(sandbox.path("tix.db"), sandbox.path("other.db")).unwrap();
    sandbox.tix(&["event", "list"]).ended(1, "there is no store");
    sandbox.tix(&["--store", "sqlite:other.db", "event", "list"]).done();
    sandbox.tix(&["event", "list", "--store", "sqlite:other.db"]).done();
    let mut list = sandbox.command(&["event", "list"]);
    assert!(list.env("TIX_STORE", "sqlite:other.db").output().unwrap().status.success());
    let seed = sandbox.tix(&["--store", "sqlite:other.db", "hold", "start", "--best", "1"]).done();
    assert!(seed.stderr.contains("--store sqlite:other.db"), "{}", seed.stderr);
}

#[test]
fn commands_that_are_suggested_name_the_store_only_where_they_have_to() {
    let sandbox = Sandbox::new();
    let simulate = ["simulate", "--buyers", "5", "--speed", "max"];
    let told = |store: &str, arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        let answer = Answer::of(&command.env("TIX_STORE", store).output().unwrap()).done();
        answer.stdout + &answer.stderr
    };
    // The same store, written in another way than tix writes it.
    for command in [&["seed"][..], &["hold", "start", "--best", "1"], &simulate] {
        let told = told("sqlite:other.db?synchronous=full", command);
        assert!(told.contains("  tix "), "{told}");
        assert!(!told.contains("--store"), "{told}");
    }
    // The default, where the environment names another one.
    for command in [&["seed"][..], &simulate] {
        let command = [command, &["--store", "sqlite:tix.db"]].concat();
        let told = told("sqlite:other.db", &command);
        assert!(told.contains(" --store sqlite:tix.db"), "{told}");
    }
    let told = sandbox.tix(&[&simulate[..], &["--store", "sqlite:a shop.db"]].concat()).done();
    assert!(told.stdout.contains(" --store 'sqlite:a shop.db'\n"), "{}", told.stdout);
}

#[test]
fn what_is_no_store_is_told_apart_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox
        .file("notes.txt", "these are no tickets, but they are long enough to be read".repeat(9));
    fs::create_dir(sandbox.path("folder")).unwrap();
    let seed = |url: &str| sandbox.tix(&["--store", url, "seed"]);
    seed("sqlite:notes.txt").ended(1, "not a database");
    seed("sqlite:folder").ended(1, "folder is a folder");
    let list = ["event", "list", "--store", "sqlite:nowhere/tix.db"];
    sandbox.tix(&list).ended(1, "there is no folder nowhere");
    let nowhere = seed("sqlite:nowhere/tix.db").ended(1, "there is no folder nowhere");
    assert!(nowhere.stderr.contains("Hint: make the folder first"), "{}", nowhere.stderr);
    seed("postgres://localhost").ended(2, "is not a store");
    assert!(fs::read_to_string(sandbox.path("notes.txt")).unwrap().starts_with("these are"));
}

#[test]
fn a_store_that_cannot_be_written_is_refused_before_anything_else() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["seed"]).done();
    let file = sandbox.path("tix.db");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    let hold = sandbox.tix(&["hold", "start", "--best", "1"]).ended(1, "cannot be written");
    assert!(hold.stderr.contains("Hint: make the file"), "{}", hold.stderr);
}

#[test]
fn the_schema_is_applied_shown_and_compared() {
    let sandbox = Sandbox::new();
    let applied = sandbox.json("schema_status", &["schema", "apply"]);
    assert_eq!(applied["schema"]["current"], true);
    assert_eq!(sandbox.json("schema_status", &["schema", "apply"]), applied);
    assert_eq!(sandbox.json("schema_status", &["schema", "status"]), applied);
    let statements = sandbox.json("schema_statements", &["schema", "show"]);
    assert_eq!(statements["schema"]["engine"], "sqlite");
    let shown = sandbox.tix(&["schema", "show"]).done();
    assert!(shown.stdout.contains("CREATE TABLE IF NOT EXISTS order_queue"), "{}", shown.stdout);
}

#[test]
fn the_statements_are_shown_without_a_store() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["schema", "show"]).done();
    assert!(!sandbox.path("tix.db").exists());
}

#[cfg(unix)]
#[test]
fn a_link_to_a_store_is_the_store() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::seeded();
    fs::create_dir(sandbox.path("links")).unwrap();
    symlink("../tix.db", sandbox.path("links/one.db")).unwrap();
    symlink("links/one.db", sandbox.path("link.db")).unwrap();
    for url in ["sqlite:link.db", "sqlite:links/one.db", "sqlite:file:link.db"] {
        sandbox.tix(&["--store", url, "hold", "start", "--best", "1"]).done();
    }
    let holds = sandbox.json("holds", &["hold", "list"]);
    assert_eq!(holds["holds"].as_array().unwrap().len(), 3);
    sandbox.tix(&["audit"]).done();
    // A link to where no store is yet.
    symlink("new.db", sandbox.path("to-new.db")).unwrap();
    sandbox.tix(&["--store", "sqlite:to-new.db", "event", "list"]).ended(1, "there is no store");
    sandbox.tix(&["--store", "sqlite:to-new.db", "schema", "apply"]).done();
    assert!(sandbox.path("new.db").is_file());
}

#[cfg(unix)]
#[test]
fn a_store_with_two_names_is_refused() {
    let sandbox = Sandbox::seeded();
    fs::hard_link(sandbox.path("tix.db"), sandbox.path("other.db")).unwrap();
    let refused = sandbox.tix(&["event", "list"]).ended(1, "tix.db has 2 names");
    assert!(refused.stderr.contains("Hint: keep one name of the file"), "{}", refused.stderr);
    fs::remove_file(sandbox.path("other.db")).unwrap();
    sandbox.tix(&["event", "list"]).done();
}

#[test]
fn paths_with_letters_of_urls_are_paths() {
    for (url, file) in [
        ("sqlite:50% off #1.db", "50% off #1.db"),
        ("sqlite:file:50%25%20off.db", "50% off.db"),
        ("sqlite:file:what%3F.db", "what?.db"),
    ] {
        let sandbox = Sandbox::new();
        let shown = sandbox.json("schema_status", &["--store", url, "schema", "apply"]);
        assert!(sandbox.path(file).is_file(), "{url}");
        let named = shown["schema"]["store"].as_str().unwrap();
        sandbox.tix(&["--store", named, "event", "list"]).done();
    }
    let sandbox = Sandbox::new();
    for url in ["sqlite:file:a.db?mode=ro", "sqlite:what?.db", "sqlite:file:a.db#1"] {
        sandbox.tix(&["--store", url, "schema", "apply"]).ended(2, "%3F");
    }
}

#[test]
fn no_command_reads_a_store_of_a_later_tix() {
    let sandbox = Sandbox::seeded();
    let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();
    for command in [
        "audit",
        "event list",
        "ticket map",
        "hold list",
        "watch-cdc --once",
        "schema apply",
        "seed",
    ] {
        let command: Vec<&str> = command.split(' ').filter(|word| *word != "--once").collect();
        let refused = sandbox.tix(&command).ended(1, "has schema version 99");
        assert!(refused.stderr.contains("it needs a later tix"), "{}", refused.stderr);
    }
}

#[test]
fn a_foreign_lock_is_announced_and_ends_as_busy_in_time() {
    let sandbox = Sandbox::seeded();
    let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = std::time::Instant::now();
    let refused = sandbox.tix(&["hold", "start", "--best", "1"]);
    let took = began.elapsed().as_secs();
    let stderr = &refused.stderr;
    assert!(stderr.contains("waiting for another program that has locked the store"), "{stderr}");
    refused.ended(3, "busy: ");
    assert!((19..30).contains(&took), "{took} s");
    store.execute_batch("ROLLBACK").unwrap();
    sandbox.tix(&["hold", "start", "--best", "1"]).done();
}

/// A store with a hold that is being paid for, and one that is not.
fn with_holds() -> (Sandbox, String) {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    sandbox.buy("bob", &["Stalls/2/1"]);
    (sandbox, hold)
}

#[test]
fn a_corrupt_row_is_named_by_table_and_key() {
    for (sql, table) in [
        ("UPDATE holds SET tickets = 'none'", "`holds`"),
        ("UPDATE holds SET tickets = '[]'", "`holds`"),
        ("UPDATE holds SET ended_as = 'vanished'", "`holds`"),
        ("UPDATE order_queue SET status = 'kept'", "`order_queue`"),
        ("UPDATE order_queue SET expires_at = NULL", "`order_queue`"),
        ("UPDATE order_queue SET buyer_id = x'00'", "`order_queue`"),
        ("UPDATE tickets SET price = -1", "`tickets`"),
        ("UPDATE tickets SET ticket_id = x'0102'", "`tickets`"),
        ("UPDATE events SET performers = 'x'", "`events`"),
        ("UPDATE events SET time_to_pay_ms = -1", "`events`"),
        ("UPDATE events SET currency = 'XXZ'", "`events`"),
        ("UPDATE venue_sections SET tickets = -1", "`venue_sections`"),
        ("DELETE FROM holds", "`holds` has no row"),
    ] {
        let (sandbox, hold) = with_holds();
        let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
        store.execute_batch(&format!("PRAGMA foreign_keys = off; {sql}")).unwrap();
        drop(store);
        let commands: [&[&str]; 4] = [
            &["hold", "confirm", &hold, "--session", "ann"],
            &["hold", "list"],
            &["ticket", "map"],
            &["order", "list"],
        ];
        let answers = commands.map(|command| sandbox.tix(command));
        let named = answers.iter().any(|answer| {
            let text = &answer.stderr;
            answer.code == Some(1) && text.contains(table) && text.contains("see what `tix audit`")
        });
        assert!(named, "{sql}: {answers:#?}");
        for answer in &answers {
            assert!(!answer.stderr.contains("panicked"), "{sql}: {}", answer.stderr);
        }
    }
}

#[test]
fn a_worker_goes_on_beside_a_corrupt_row() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s", "--payment-time", "1s"]);
    let paying = |session: &str, seat: &str| {
        let hold = sandbox.hold(session, &[seat]);
        let silent = ["hold", "confirm", &hold, "--session", session, "--payment", "silent"];
        sandbox.tix(&silent);
        hold
    };
    let corrupt = paying("ann", "Stalls/1/1");
    paying("bob", "Stalls/1/2");
    let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
    let sql = "UPDATE holds SET tickets = 'none' WHERE session_id = 'ann'";
    assert_eq!(store.execute(sql, []).unwrap(), 1);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let worked = sandbox.tix(&["worker", "--once"]);
    assert_eq!(worked.code, Some(1), "{}", worked.stderr);
    assert!(worked.stderr.contains(&format!("the row {corrupt} of `holds`")), "{}", worked.stderr);
    let held: u32 = store
        .query_row("SELECT count(*) FROM order_queue WHERE status = 'paying'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(held, 1, "the other payment is given up");
}
