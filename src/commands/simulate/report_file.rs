//! The file of `tix simulate --report`.

use std::io;
use std::path::Path;

use super::draft::Draft;
use crate::error::{Error, Result};
use crate::simulate::{SimulationReport, page};
use crate::terminal::Terminal;

/// Where the page of a rehearsal is to be.
pub(super) struct ReportFile<'a>(&'a Path);

impl<'a> ReportFile<'a> {
    /// Makes sure that it can be written, before anybody waits for a rehearsal.
    ///
    /// # Errors
    /// See [`Error::cannot_write`].
    pub(super) fn at(path: &'a Path) -> Result<Self> {
        let file = Self(path);
        Draft::of(path).map_err(|cause| Error::cannot_write(file.tried(), cause))?;
        Ok(file)
    }

    /// Writes the page of a report, and says where it is. Until it is whole, a file that was there
    /// before stays.
    ///
    /// # Errors
    /// The page cannot be made, or the disk does not take it.
    pub(super) fn write(&self, terminal: &Terminal, report: &SimulationReport) -> Result<()> {
        let page = page::render(report).map_err(|e| Error::Failed(Box::new(e)))?;
        let replaced = self.replace(page.as_bytes());
        replaced.map_err(|cause| Error::Io { tried: self.tried(), cause })?;
        terminal.notice(format_args!("the report is in {}", self.0.display()));
        Ok(())
    }

    fn replace(&self, page: &[u8]) -> io::Result<()> {
        let mut draft = Draft::of(self.0)?;
        draft.write(page)?;
        draft.publish()
    }

    fn tried(&self) -> String {
        format!("could not write the report {}", self.0.display())
    }
}
