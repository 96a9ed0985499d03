//! The README is run from the top: every command in it, in order, in one folder, as one story.
//!
//! A block marked `console` holds commands behind `$ ` and lines of what they print. A line that is
//! shown must be printed, in that order; `…` stands for anything, and ids and confirmation numbers
//! for those of this run, which the commands that follow then use. A command exits with 0 unless a
//! comment behind it says otherwise. `console watch` starts a command that goes on to the end, and
//! `console watched` shows what it has printed until then.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tix::domain::ConfirmationNumber;
use uuid::Uuid;

const README: &str = include_str!("../README.md");

/// How long the watching terminal may take to show what happened.
const WATCH_PATIENCE: Duration = Duration::from_secs(10);

/// A fenced block of the README: what follows the fence, and its lines.
struct Block<'a> {
    kind: &'a str,
    lines: Vec<&'a str>,
}

fn blocks() -> Vec<Block<'static>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'static>> = None;
    for line in README.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some(Block { kind, lines: Vec::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A command as it is typed, its exit code, and the lines shown beneath it.
struct Typed<'a> {
    command: &'a str,
    exit_code: i32,
    shown: Vec<&'a str>,
}

fn typed<'a>(block: &Block<'a>) -> Vec<Typed<'a>> {
    let mut all: Vec<Typed<'a>> = Vec::new();
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            let (command, exit_code) = match command.split_once("# exits with ") {
                Some((command, code)) => (command.trim(), code.trim().parse().unwrap()),
                None => (command, 0),
            };
            all.push(Typed { command, exit_code, shown: Vec::new() });
        } else {
            all.last_mut().expect("a block begins with a command").shown.push(line);
        }
    }
    all
}

/// What stands in the README for something of this run.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    /// Whether a line that is shown is the one that was printed; learns the ids in it.
    fn fits(&mut self, shown: &str, printed: &str) -> bool {
        let mut printed = printed.split_whitespace();
        let mut learnt = Vec::new();
        for word in shown.split_whitespace() {
            if word == "…" {
                // Anything may follow; what comes after it must be printed further on.
                let rest: Vec<&str> =
                    shown.split_whitespace().skip_while(|w| *w != "…").skip(1).collect();
                let left: Vec<&str> = printed.collect();
                let tail_fits = rest.iter().all(|w| *w == "…" || left.contains(w));
                if tail_fits {
                    self.0.extend(learnt);
                }
                return tail_fits;
            }
            match printed.next() {
                Some(other) if self.same(word, other, &mut learnt) => {}
                _ => return false,
            }
        }
        let fits = printed.next().is_none();
        if fits {
            self.0.extend(learnt);
        }
        fits
    }

    fn same(&self, shown: &str, printed: &str, learnt: &mut Vec<(String, String)>) -> bool {
        if shown == printed || shown.trim_end_matches(',') == "…" {
            return true;
        }
        if let Some((_, known)) = self.0.iter().find(|(name, _)| name == shown) {
            return known == printed;
        }
        let alike = (Uuid::parse_str(shown).is_ok() && Uuid::parse_str(printed).is_ok())
            || (is_confirmation(shown) && is_confirmation(printed));
        if alike {
            learnt.push((shown.to_owned(), printed.to_owned()));
        }
        alike
    }

    /// The command with the ids of this run.
    fn translate(&self, command: &str) -> String {
        self.0.iter().fold(command.to_owned(), |text, (name, real)| text.replace(name, real))
    }
}

fn is_confirmation(word: &str) -> bool {
    word.parse::<ConfirmationNumber>().is_ok()
}

/// Checks that every line shown was printed, in order; `…` alone skips lines.
fn assert_shown(shown: &[&str], printed: &str, names: &mut Names, command: &str) {
    let mut lines = printed.lines();
    for line in shown.iter().filter(|line| line.trim() != "…" && !line.trim().is_empty()) {
        let found = lines.any(|real| names.fits(line, real));
        assert!(found, "`{command}` does not print\n  {line}\nbut\n{printed}");
    }
}

/// A terminal in which the README is followed.
struct Terminal {
    folder: TempDir,
    exports: Vec<(String, String)>,
}

impl Terminal {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        std::os::unix::fs::symlink(fixtures, folder.path().join("fixtures")).unwrap();
        Self { folder, exports: Vec::new() }
    }

    fn shell(&self, command: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_tix")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.folder.path()).env("PATH", path);
        for name in ["TIX_STORE", "TIX_SESSION", "TIX_BUYER", "NO_COLOR"] {
            shell.env_remove(name);
        }
        shell.envs(self.exports.iter().cloned());
        shell
    }

    fn run(&mut self, typed: &Typed<'_>, names: &mut Names) {
        if let Some(export) = typed.command.strip_prefix("export ") {
            let (name, value) = export.split_once('=').unwrap();
            self.exports.push((name.into(), value.into()));
            return;
        }
        let command = names.translate(typed.command);
        let output = self.shell(&command).output().unwrap();
        let printed = [&output.stdout[..], &output.stderr[..]].concat();
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(output.status.code(), Some(typed.exit_code), "`{command}`:\n{printed}");
        assert_shown(&typed.shown, &printed, names, typed.command);
    }

    fn watch(&self, command: &str) -> Watch {
        let path = self.folder.path().join("watched");
        let file = File::create(&path).unwrap();
        // `exec`, so that the process that is stopped is the command and not a shell around it.
        let child = self
            .shell(&format!("exec {command}"))
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Watch { child, path }
    }
}

/// A command that goes on in the other terminal.
struct Watch {
    child: Child,
    path: std::path::PathBuf,
}

impl Watch {
    /// Waits until the lines are there.
    fn assert_shows(&self, shown: &[&str]) {
        let start = Instant::now();
        loop {
            let printed = std::fs::read_to_string(&self.path).unwrap();
            let mut lines = printed.lines();
            let all = shown.iter().all(|line| lines.any(|real| watched(line, real)));
            if all {
                return;
            }
            assert!(start.elapsed() < WATCH_PATIENCE, "the watch shows\n{printed}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether the words of a line that is shown stand in a line of the watch, in order.
fn watched(shown: &str, real: &str) -> bool {
    let mut words = real.split_whitespace();
    shown.split_whitespace().filter(|w| *w != "…").all(|word| words.any(|other| other == word))
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_command_of_the_readme_does_what_the_readme_says() {
    let mut terminal = Terminal::new();
    let mut names = Names::default();
    let mut watch: Option<Watch> = None;
    let mut commands = 0;
    for block in blocks() {
        match block.kind {
            "console watch" => {
                let typed = typed(&block);
                let started = terminal.watch(typed[0].command);
                started.assert_shows(&typed[0].shown);
                watch = Some(started);
            }
            "console watched" => watch.as_ref().unwrap().assert_shows(&block.lines),
            "console" => {
                for typed in typed(&block) {
                    terminal.run(&typed, &mut names);
                    commands += 1;
                }
            }
            _ => {}
        }
    }
    assert!(commands >= 20, "only {commands} commands were found");
}

#[test]
fn the_two_commands_stand_on_lines_of_their_own() {
    for command in ["cargo run --release -- simulate --buyers 10000", "cargo test"] {
        assert!(README.lines().any(|line| line == command), "{command}");
    }
}

#[test]
fn every_file_and_chapter_that_the_readme_points_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let headings = README.lines().filter_map(|line| line.strip_prefix("## "));
    let chapters: Vec<String> =
        headings.map(|heading| format!("#{}", heading.to_lowercase().replace(' ', "-"))).collect();
    for link in README.split("](").skip(1) {
        let target = link.split(')').next().unwrap();
        let is_there = chapters.iter().any(|chapter| chapter == target);
        assert!(is_there || root.join(target).exists(), "{target}");
    }
}

#[test]
fn the_table_of_refusals_has_every_reason_once() {
    let schema = std::fs::read_to_string("docs/schemas/error.schema.json").unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let reasons = schema.pointer("/properties/error/properties/reason/enum").unwrap();
    let mut reasons: Vec<&str> =
        reasons.as_array().unwrap().iter().filter_map(|reason| reason.as_str()).collect();
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, table) = readme.split_once("| refused with | because |\n| --- | --- |\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(1).unwrap());
    let mut named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    reasons.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, reasons);
}
