//! The output as a document in a file (`--output`).

use std::io;
use std::path::Path;

use super::replacement::Replacement;
use super::{Descriptor, Output, Writer};

impl Output<'static> {
    /// Output of this process where a file takes the place of standard output. It appears, or the one of before is
    /// replaced, when a document is complete ([`Self::end_document`], [`Self::close`]). It is created beside it now.
    ///
    /// # Errors
    /// A file that cannot be created there.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let mut file = Replacement::new(path)?;
        let out = Writer::Direct(Descriptor::Own(file.open()?));
        let mut output = Self::to(Some(out), Some(Writer::new(rustix::stdio::stderr())));
        output.file = Some(file);
        Ok(output)
    }
}

impl Output<'_> {
    /// Ends a document: what is printed from here on is another one. In a file the next one replaces it. Never waits for
    /// a disk.
    pub fn end_document(&mut self) {
        if self.file.is_some() && (self.out.is_some() || self.pending()) {
            let ended = self.write_ready().and_then(|()| self.put(false));
            self.failed = self.failed.take().or(ended.err());
        }
    }

    /// Ends the last document. A file is in its place then, and on the disk.
    ///
    /// # Errors
    /// A file that could not be written or take its place. The one of before stays then.
    pub fn close(&mut self) -> io::Result<()> {
        self.write_ready()?;
        self.put(true)
    }

    /// Puts the file in its place, if it is written. `sync`: on the disk first, so that no crash leaves an empty one.
    fn put(&mut self, sync: bool) -> io::Result<()> {
        let (Some(file), Some(Writer::Direct(fd))) = (&mut self.file, &self.out) else { return Ok(()) };
        if sync {
            rustix::fs::fsync(fd).map_err(|error| file.named(&error.into()))?;
        }
        file.put()?;
        self.out = None;
        Ok(())
    }

    /// Begins the next document of a file.
    pub(super) fn begin_document(&mut self) -> io::Result<()> {
        if self.out.is_none()
            && self.pending()
            && let Some(file) = &mut self.file
        {
            let fd = file.open().map_err(|error| file.named(&error))?;
            self.out = Some(Writer::Direct(Descriptor::Own(fd)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;

    /// An empty folder for one test.
    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rping-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_when_a_document_is_complete_and_never_before() {
        let folder = folder("replaced");
        let place = folder.join("ping.prom");
        fs::write(&place, "old").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o604)).unwrap();
        let mut output = Output::to_file(&place).unwrap();
        let read = || fs::read_to_string(&place).unwrap();
        output.print(format_args!("first "));
        output.flush(&[], None).unwrap();
        assert_eq!((read().as_str(), names(&folder).len()), ("old", 2));
        output.print(format_args!("whole\n"));
        output.end_document();
        assert_eq!((read().as_str(), names(&folder)), ("first whole\n", vec!["ping.prom".to_owned()]));
        output.print(format_args!("second\n"));
        output.flush(&[], None).unwrap();
        assert_eq!(read(), "first whole\n");
        output.close().unwrap();
        output.close().unwrap();
        assert_eq!((read().as_str(), names(&folder).len()), ("second\n", 1));
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o604);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_incomplete_file_is_removed() {
        let folder = folder("incomplete");
        let place = folder.join("out.csv");
        let mut output = Output::to_file(&place).unwrap();
        output.print(format_args!("half"));
        output.flush(&[], None).unwrap();
        drop(output);
        assert_eq!(names(&folder), [""; 0]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = folder("link");
        fs::write(folder.join("real"), "old").unwrap();
        symlink("real", folder.join("link")).unwrap();
        let mut output = Output::to_file(&folder.join("link")).unwrap();
        output.print(format_args!("new"));
        output.close().unwrap();
        assert!(fs::symlink_metadata(folder.join("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(folder.join("real")).unwrap(), "new");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_device_and_a_folder_are_no_place_for_a_file() {
        for place in ["/dev/null", "/tmp", "/"] {
            let error = Output::to_file(Path::new(place)).unwrap_err();
            assert_eq!(error.to_string(), "it exists and is not a regular file", "{place}");
        }
        assert!(Output::to_file(Path::new("/nonexistent/file")).is_err());
        assert!(Output::to_file(Path::new("")).is_err());
    }

    #[test]
    fn a_document_that_cannot_take_its_place_is_an_error_of_the_next_write() {
        let folder = folder("gone");
        let mut output = Output::to_file(&folder.join("a")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        output.print(format_args!("text"));
        output.end_document();
        let error = output.write_ready().unwrap_err();
        assert!(error.to_string().ends_with("/a\": No such file or directory (os error 2)"), "{error}");
    }
}
