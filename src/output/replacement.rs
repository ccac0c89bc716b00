//! A file that is written beside its place, and takes that place when it is complete.
//!
//! So a reader sees the file of before or the whole new one, and never a part of it.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::stdio;

/// The place of a file, and the name under which it is written.
#[derive(Debug)]
pub(super) struct Replacement {
    place: PathBuf,
    beside: PathBuf,
    /// Those of the file of before.
    permissions: Option<Permissions>,
    /// Whether the file beside exists.
    open: bool,
}

impl Replacement {
    /// A file at this place. A symbolic link stays: the file that it leads to is replaced.
    ///
    /// # Errors
    /// A place that is a directory, a device or a pipe, or a file that this process writes to; those of stat(2).
    pub fn new(path: &Path) -> io::Result<Self> {
        let (place, permissions) = match fs::canonicalize(path) {
            Ok(place) => {
                let metadata = fs::metadata(&place)?;
                if !metadata.is_file() {
                    return Err(io::Error::other("it exists and is not a regular file"));
                }
                if is_written_to(&metadata) {
                    let why = "standard output or standard error goes to that file, which would be replaced";
                    return Err(io::Error::other(why));
                }
                (place, Some(metadata.permissions()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(error),
        };
        let mut name = place.file_name().map(OsString::from).ok_or(Errno::NOENT)?;
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = place.with_file_name(name);
        Ok(Self { place, beside, permissions, open: false })
    }

    /// Creates the file beside.
    ///
    /// # Errors
    /// Those of open(2) and chmod(2).
    pub fn open(&mut self) -> io::Result<OwnedFd> {
        let create = || File::options().write(true).create_new(true).open(&self.beside);
        let file = create().or_else(|error| match error.kind() {
            // What an earlier process with this number left behind.
            ErrorKind::AlreadyExists => fs::remove_file(&self.beside).and_then(|()| create()),
            _ => Err(error),
        });
        let file = file?;
        self.open = true;
        if let Some(permissions) = &self.permissions {
            file.set_permissions(permissions.clone())?;
        }
        Ok(file.into())
    }

    /// Puts the file beside, which is complete, in its place.
    ///
    /// # Errors
    /// Those of rename(2).
    pub fn put(&mut self) -> io::Result<()> {
        fs::rename(&self.beside, &self.place).map_err(|error| self.named(&error))?;
        self.open = false;
        Ok(())
    }

    /// An error with the name of the file.
    pub fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{:?}: {error}", self.place))
    }
}

/// Whether standard output or standard error goes to a file, as with `--output /dev/stdout >> FILE`.
fn is_written_to(file: &Metadata) -> bool {
    let same = |fd| fstat(fd).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (file.dev(), file.ino()));
    same(stdio::stdout()) || same(stdio::stderr())
}

/// What is not complete is removed.
impl Drop for Replacement {
    fn drop(&mut self) {
        if self.open {
            let _ = fs::remove_file(&self.beside);
        }
    }
}
