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
