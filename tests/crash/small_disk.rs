//! A disk that is full before long, for a store.

use std::path::PathBuf;
use std::process::Command;

use crate::process::Answer;
use crate::sandbox::Sandbox;

/// A sandbox whose store is on a disk of its own that has little room.
pub(crate) struct SmallDisk {
    room: Room,
    pub(crate) sandbox: Sandbox,
}

/// What there is little room on.
enum Room {
    /// A file system in memory, which is the real thing.
    Mounted(Mount),
    /// Where nothing can be mounted: no file of the process may grow beyond this many KiB.
    Limited(Option<u64>),
}

struct Mount(PathBuf);

/// The folder that the small disk is mounted on.
const FOLDER: &str = "disk";

impl SmallDisk {
    /// A disk with room for `kib` KiB. Says on standard error what it is made of.
    pub(crate) fn of(kib: u64) -> Self {
        let sandbox = Sandbox::with_store_in(FOLDER);
        let room = match Mount::of(sandbox.path(FOLDER), kib) {
            Ok(mount) => {
                eprintln!("the full disk is a tmpfs of {kib} KiB");
                Room::Mounted(mount)
            }
            Err(why) => {
                eprintln!("the full disk is a limit of {kib} KiB on every file: {why}");
                Room::Limited(Some(kib))
            }
        };
        Self { room, sandbox }
    }

    /// Whether it is a file system of its own.
    pub(crate) const fn is_mounted(&self) -> bool {
        matches!(self.room, Room::Mounted(_))
    }

    /// Runs `tix` to its end.
    pub(crate) fn tix(&self, arguments: &[&str]) -> Answer {
        match self.room {
            Room::Mounted(_) | Room::Limited(None) => self.sandbox.tix(arguments),
            Room::Limited(Some(kib)) => {
                // The shell counts in blocks of 512 bytes. Without the trap the process would be
                // killed where a full disk answers with an error.
                let limit = format!("trap '' XFSZ; ulimit -f {}", 2 * kib);
                let mut command = self.sandbox.command_after(&limit, arguments);
                Answer::of(&command.output().unwrap())
            }
        }
    }

    /// It must have failed because there is no room.
    #[track_caller]
    pub(crate) fn is_full(&self, answer: Answer) -> Answer {
        match self.room {
            Room::Mounted(_) => answer.failed("disk is full"),
            // SQLite has another word for a file that may not grow.
            Room::Limited(_) => answer.failed("disk I/O error"),
        }
    }

    /// Leaves no room at all, or none worth the name.
    pub(crate) fn fill(&mut self) {
        match &mut self.room {
            Room::Mounted(mount) => mount.fill(),
            Room::Limited(kib) => *kib = Some(1),
        }
    }

    /// Makes room for everything that a test may write.
    pub(crate) fn make_room(&mut self) {
        match &mut self.room {
            Room::Mounted(mount) => mount.resize(),
            Room::Limited(kib) => *kib = None,
        }
    }
}

impl Mount {
    fn of(folder: PathBuf, kib: u64) -> Result<Self, String> {
        let size = format!("size={kib}k,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder);
        let done = mount.output().map_err(|e| e.to_string())?;
        if done.status.success() {
            Ok(Self(folder))
        } else {
            let why = String::from_utf8_lossy(&done.stderr);
            Err(why.lines().next().unwrap_or_default().to_owned())
        }
    }

    fn fill(&self) {
        let filled = std::fs::write(self.0.join("filler"), vec![0; 64 * 1024 * 1024]);
        assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }

    fn resize(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,size=512m"]).arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            // Somebody is in it still: it goes when he does.
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
}
