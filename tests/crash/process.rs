//! A process that may be killed, and what it leaves behind.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for something that is sure to come, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The number of the signal that nobody survives.
const SIGKILL: i32 = 9;

/// A process that is under way. It is killed with the test that started it.
#[derive(Debug)]
pub(crate) struct Process(Option<Child>);

impl Process {
    /// Starts a process; what it says is kept for the end.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self(Some(child))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child().try_wait().unwrap().is_none()
    }

    /// Stops it where it is; it has come to a stand when this returns.
    pub(crate) fn stop(&mut self) {
        self.signal("STOP");
        let id = self.child().id().to_string();
        let stands = || {
            let state = Command::new("ps").args(["-o", "stat=", "-p", &id]).output().unwrap();
            state.stdout.starts_with(b"T")
        };
        wait_until("it stands", stands);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&mut self, name: &str) {
        let id = self.child().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Kills it, as `kill -9` does. It must not have ended by itself before.
    #[track_caller]
    pub(crate) fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        let answer = Answer::of(&child.wait_with_output().unwrap());
        assert_eq!(answer.signal, Some(SIGKILL), "it had ended before it was killed: {answer:?}");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Answer {
        self.answer()
    }

    /// Waits while it runs until `happened`; fails if it ends before.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut happened: impl FnMut() -> bool) {
        wait_until(what, || {
            let over = happened();
            // Asked afterwards, so that what happened right before its end counts.
            assert!(over || self.is_running(), "it ended before {what}: {:?}", self.answer());
            over
        });
    }

    fn answer(&mut self) -> Answer {
        Answer::of(&self.0.take().unwrap().wait_with_output().unwrap())
    }
}

/// Waits until something that is sure to happen has `happened`.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(LOOK_EVERY);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    /// What ended it, if it did not end by itself.
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Takes what a finished process left behind.
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// It must have ended by itself, with this code.
    #[track_caller]
    pub(crate) fn ended(&self, code: i32) {
        let Self { signal, stdout, stderr, .. } = self;
        assert_eq!(self.code, Some(code), "signal {signal:?}\n{stdout}{stderr}");
    }

    /// It must have succeeded.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.ended(0);
        self
    }

    /// It must have been refused for this reason.
    #[track_caller]
    pub(crate) fn refused(self, reason: &str) -> Self {
        self.ended(3);
        // A notice may come before it: others keep the store locked for a while.
        let is_why = |line: &str| line.starts_with(&format!("error: {reason}: "));
        assert!(self.stderr.lines().any(is_why), "{}", self.stderr);
        self
    }

    /// It must have failed with an error that says `words`, and say what to do about it.
    #[track_caller]
    pub(crate) fn failed(self, words: &str) -> Self {
        self.ended(1);
        assert!(self.stderr.contains(words), "{words}: {}", self.stderr);
        assert!(self.stderr.contains("\nHint: "), "{}", self.stderr);
        self
    }
}
