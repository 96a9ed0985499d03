//! A real terminal, which a test types into and reads from the glass.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

/// How long a test waits for something that is sure to come, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a terminal does for a shell, and that it does not.
const MODES: [&str; 4] = ["icanon", "echo", "-icanon", "-echo"];
/// What the shell says when it waits for a command.
const PROMPT: &str = "ready>";

/// A window with a shell in the folder of a sandbox. It is closed with the test that opened it.
pub(crate) struct Window {
    socket: PathBuf,
}

impl Window {
    /// Opens a window of so many columns and lines.
    pub(crate) fn open(sandbox: &Sandbox, columns: u16, lines: u16) -> Self {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        // One that is being closed does not let go of its name at once.
        let socket = sandbox.path(&format!("tmux-{}", OPENED.fetch_add(1, Ordering::Relaxed)));
        let window = Self { socket };
        let shell = format!("PS1='{PROMPT} ' exec sh -i");
        let mut open = window.tmux(&["-f", "/dev/null", "new-session", "-d"]);
        open.args(["-x", &columns.to_string(), "-y", &lines.to_string(), &shell]);
        // The shell and what it starts have what every command of a sandbox has.
        for (name, value) in sandbox.command(&[]).get_envs() {
            match value {
                Some(value) => open.env(name, value),
                None => open.env_remove(name),
            };
        }
        let folder = PathBuf::from(env!("CARGO_BIN_EXE_tix"));
        let others = std::env::var("PATH").unwrap();
        open.env("PATH", format!("{}:{others}", folder.parent().unwrap().display()));
        open.env_remove("ENV").current_dir(sandbox.path("")).env("LC_ALL", "C.UTF-8");
        run(&mut open);
        window.shows(PROMPT);
        window
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").arg("-u").arg("-S").arg(&self.socket).args(arguments);
        command
    }

    fn ask(&self, arguments: &[&str]) -> String {
        String::from_utf8(run(&mut self.tmux(arguments)).stdout).unwrap()
    }

    /// Presses keys, each by its name for tmux or by its letter.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.ask(&[&["send-keys"], keys].concat());
    }

    /// Types a command and enters it.
    pub(crate) fn enter(&self, command: &str) {
        self.ask(&["send-keys", "-l", command]);
        self.press(&["Enter"]);
    }

    /// Gives the window another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        self.ask(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// What can be seen of it.
    pub(crate) fn glass(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// What can be seen of it, colours as they were sent.
    pub(crate) fn colours(&self) -> String {
        self.ask(&["capture-pane", "-p", "-e"])
    }

    /// Waits until what can be seen is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let glass = self.glass();
            if is_so(&glass) {
                return glass;
            }
            assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}:\n{glass}");
            sleep(LOOK_EVERY);
        }
    }

    /// Waits until these words can be seen.
    #[track_caller]
    pub(crate) fn shows(&self, words: &str) -> String {
        self.until(words, |glass| glass.contains(words))
    }

    /// Waits until whatever drew in it has given it back as it was: to a shell that answers, in the
    /// usual screen, with a cursor, with lines that the terminal edits and echoes. Says how the last
    /// command ended.
    #[track_caller]
    pub(crate) fn is_back(&self) -> i32 {
        self.until("the usual screen", |_| {
            self.ask(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim() == "0 1"
        });
        let modes = "stty -a | tr ' ;' '\\n\\n' | grep -x -e '-*icanon' -e '-*echo'";
        self.enter(&format!("code=$?; clear; echo \"code=$code;\"; {modes}"));
        let glass = self.until("an answer of the shell", |glass| {
            let mut lines = glass.lines().rev().skip_while(|line| line.trim().is_empty());
            lines.next().is_some_and(|line| line.trim() == PROMPT)
                && lines.next().is_some_and(|line| line.ends_with("echo"))
        });
        let modes: Vec<&str> = glass.lines().filter(|line| MODES.contains(line)).collect();
        assert_eq!(modes, MODES[..2], "{glass}");
        let code = glass.lines().find_map(|line| line.strip_prefix("code=")).expect(&glass);
        code.trim_end_matches(';').parse().unwrap()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
    }
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| {
        panic!("these tests need a terminal, which is tmux (`apt-get install tmux`): {e}")
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
