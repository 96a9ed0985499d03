//! The terminal, taken over to draw in and given back as it was, whatever happens.

use std::io::{self, Stdout, stdout};
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::style::force_color_output;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// What panics of other threads said while nothing but the board could be seen.
type Unsaid = Arc<Mutex<Vec<String>>>;

/// The terminal, as long as it is drawn in.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    unsaid: Unsaid,
}

impl Screen {
    /// Takes the terminal over, by the thread that draws.
    ///
    /// # Errors
    /// It cannot be written or changed.
    pub(super) fn take(color: bool) -> io::Result<Self> {
        // What was decided about colour is decided.
        force_color_output(color);
        let unsaid = watch_panics();
        take_over().inspect_err(|_| give_back())?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()));
        let terminal = terminal.inspect_err(|_| give_back())?;
        Ok(Self { terminal, unsaid })
    }

    /// Draws at once, so that no half of a picture is seen.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        execute!(stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(stdout(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back and stops, until the shell lets it go on.
    ///
    /// # Errors
    /// The terminal cannot be taken over again.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        stop()?;
        take_over()?;
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if thread::panicking() {
            // It was given back before the panic said what it had to say.
            return;
        }
        give_back();
        let _ = panic::take_hook();
        for message in self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The tasks of a store that panic are begun anew; whoever looks for a fault wants to know.
            tracing::debug!("while the board was drawn: {message}");
        }
    }
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen)
}

fn give_back() {
    // Nobody is left to be told where that fails.
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
}

/// From here on a panic of this thread gives the terminal back before it says anything, and one of
/// another thread, which ends nothing, does not write across the board.
fn watch_panics() -> Unsaid {
    let (unsaid, drawing) = (Unsaid::default(), thread::current().id());
    let kept = Arc::clone(&unsaid);
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        if thread::current().id() == drawing {
            give_back();
            say(panic);
        } else {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
        }
    }));
    unsaid
}

/// Stops this process as Ctrl-Z would, had it not been taken for a key.
#[cfg(unix)]
fn stop() -> io::Result<()> {
    // To this very thread: no line is run any more before the process goes on.
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)
}

/// Goes on: here a shell cannot stop anything.
#[cfg(not(unix))]
fn stop() -> io::Result<()> {
    Ok(())
}
