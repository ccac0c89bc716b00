//! Standard output and standard error, written only as far as that cannot block.
//!
//! A reader that sleeps must not hold up probes. So text waits here, in the order in which it was printed,
//! until poll(2) promises room for it. The content is not looked at.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

/// Octets that fit wherever poll(2) reports a pipe writable (PIPE_BUF, pipe(7)).
const SURE_ROOM: usize = 4096;
/// Octets that may wait before saying more means waiting for the reader.
const LIMIT: usize = 1 << 20;

/// Which of the two a text goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Text on its way to standard output and standard error.
#[derive(Debug)]
pub struct Output<'fd> {
    out: Writer<'fd>,
    err: Writer<'fd>,
    /// In the order in which it was said; neighbours go to different streams.
    segments: VecDeque<Segment>,
}

#[derive(Debug)]
struct Segment {
    stream: Stream,
    /// UTF-8, but for a character that is half written.
    text: Vec<u8>,
    /// Octets of `text` already written.
    written: usize,
}

impl Segment {
    fn new(stream: Stream) -> Self {
        Self { stream, text: Vec::new(), written: 0 }
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.written..).unwrap_or_default()
    }
}

/// The descriptor of standard output, to wait until it can be written.
pub fn stdout() -> BorrowedFd<'static> {
    rustix::stdio::stdout()
}

/// Columns of the terminal on standard output; `None`: it is none, or has no width.
pub fn terminal_columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

impl Output<'static> {
    /// Output of this process: descriptors 1 and 2.
    pub fn stdio() -> Self {
        Self::new(rustix::stdio::stdout(), rustix::stdio::stderr())
    }
}

impl<'fd> Output<'fd> {
    /// Output to two descriptors, which may be the same file.
    pub fn new(out: BorrowedFd<'fd>, err: BorrowedFd<'fd>) -> Self {
        let segments = VecDeque::from([Segment::new(Stream::Out)]);
        Self { out: Writer::new(out), err: Writer::new(err), segments }
    }

    /// Prints on standard output.
    pub fn print(&mut self, text: fmt::Arguments<'_>) {
        self.say(Stream::Out, text);
    }

    /// Prints on standard error.
    pub fn print_error(&mut self, text: fmt::Arguments<'_>) {
        self.say(Stream::Err, text);
    }

    fn say(&mut self, stream: Stream, text: fmt::Arguments<'_>) {
        if self.segments.back().is_none_or(|last| last.stream != stream) {
            // A buffer that has been written to its end serves again.
            match self.segments.back_mut().filter(|last| last.text.is_empty()) {
                Some(empty) => empty.stream = stream,
                None => self.segments.push_back(Segment::new(stream)),
            }
        }
        if let Some(last) = self.segments.back_mut() {
            // Writing to a Vec cannot fail, and no value that is printed here fails to format.
            let _ = io::Write::write_fmt(&mut last.text, text);
        }
    }

    /// What was printed on a stream and is not yet written.
    ///
    /// For tests and fuzzers.
    pub fn unwritten(&self, stream: Stream) -> String {
        let rest = self.segments.iter().filter(|segment| segment.stream == stream).flat_map(Segment::rest);
        String::from_utf8_lossy(&rest.copied().collect::<Vec<u8>>()).into_owned()
    }

    /// Whether something waits for standard output to become writable.
    pub fn pending(&self) -> bool {
        self.segments.iter().any(|segment| segment.stream == Stream::Out && !segment.rest().is_empty())
    }

    /// Writes what can be written at once. The rest stays.
    ///
    /// When more than 1 MiB waits, this waits too, until some of it is written or one of `wake` becomes
    /// readable: a run that prints more than its reader takes goes at its reader's pace.
    ///
    /// # Errors
    /// Those of write(2) on standard output: `BrokenPipe` when its reader has gone. Text for a standard
    /// error that takes none is dropped.
    pub fn flush(&mut self, wake: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.write_ready()?;
        while self.waiting() > LIMIT && !self.wait(wake)? {
            self.write_ready()?;
        }
        Ok(())
    }

    /// Writes everything, waiting for the reader, until one of `wake` becomes readable.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn drain(&mut self, wake: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.write_ready()?;
        while self.waiting() > 0 && !self.wait(wake)? {
            self.write_ready()?;
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.segments.iter().map(|segment| segment.rest().len()).sum()
    }

    /// Writes until nothing is left or neither stream has room. A stream without room does not hold up
    /// the other one.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn write_ready(&mut self) -> io::Result<()> {
        let mut full = None;
        while let Some(index) = self.next_segment(full) {
            let Some(segment) = self.segments.get_mut(index) else { break };
            let writer = match segment.stream {
                Stream::Out => &self.out,
                Stream::Err => &self.err,
            };
            match writer.write(segment.rest()) {
                Ok(0) if full.is_some() => break,
                Ok(0) => full = Some(segment.stream),
                Ok(written) => segment.written += written,
                Err(error) if segment.stream == Stream::Out => return Err(error),
                Err(_) => segment.written = segment.text.len(),
            }
            self.retire(index);
        }
        Ok(())
    }

    /// The first segment with something to write to another stream than `full`.
    fn next_segment(&self, full: Option<Stream>) -> Option<usize> {
        self.segments.iter().position(|segment| Some(segment.stream) != full && !segment.rest().is_empty())
    }

    /// Forgets what is written of a segment, and the segment at its end; but keeps one buffer.
    fn retire(&mut self, index: usize) {
        let last = self.segments.len() == 1;
        let Some(segment) = self.segments.get_mut(index) else { return };
        if !segment.rest().is_empty() {
            // Cut in halves, so that each octet is moved once at most on average.
            if segment.written > segment.text.len() / 2 {
                segment.text.drain(..segment.written);
                segment.written = 0;
            }
        } else if last {
            segment.text.clear();
            segment.written = 0;
        } else {
            self.segments.remove(index);
        }
    }

    /// Waits until a stream with something to write has room; true when one of `wake` is readable first.
    fn wait(&self, wake: &[BorrowedFd<'_>]) -> io::Result<bool> {
        let mut fds: Vec<PollFd<'_>> =
            wake.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        for (stream, writer) in [(Stream::Out, &self.out), (Stream::Err, &self.err)] {
            if self.segments.iter().any(|segment| segment.stream == stream && !segment.rest().is_empty()) {
                fds.push(PollFd::from_borrowed_fd(writer.as_fd(), PollFlags::OUT));
            }
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => Ok(fds.iter().take(wake.len()).any(|fd| !fd.revents().is_empty())),
            Err(error) => Err(error.into()),
        }
    }
}

/// One descriptor, and how it is kept from blocking.
#[derive(Debug)]
enum Writer<'fd> {
    /// A write never blocks for the sake of a reader, or returns EAGAIN when it would: regular files,
    /// and terminals opened anew.
    Direct(Target<'fd>),
    /// A write is safe only after poll(2) reported room.
    Polled(BorrowedFd<'fd>),
}

#[derive(Debug)]
enum Target<'fd> {
    Given(BorrowedFd<'fd>),
    Own(OwnedFd),
}

impl<'fd> Writer<'fd> {
    fn new(fd: BorrowedFd<'fd>) -> Self {
        let file_type = rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        if file_type == Ok(FileType::RegularFile) {
            return Self::Direct(Target::Given(fd));
        }
        // A terminal is writable as soon as there is room for one octet, and then blocks for the rest.
        // O_NONBLOCK on a description of our own leaves the one we share with the shell alone.
        if rustix::termios::isatty(fd)
            && let Ok(own) = reopen(fd)
        {
            return Self::Direct(Target::Own(own));
        }
        Self::Polled(fd)
    }

    /// Writes some of `text`; 0 when there is no room now.
    fn write(&self, text: &[u8]) -> io::Result<usize> {
        let text = match self {
            Self::Direct(_) => text,
            Self::Polled(_) => text.get(..SURE_ROOM).unwrap_or(text),
        };
        loop {
            if matches!(self, Self::Polled(_)) && !self.has_room()? {
                return Ok(0);
            }
            match rustix::io::write(self, text) {
                Ok(written) => return Ok(written),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a write would not block; it may fail, though.
    fn has_room(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = rustix::io::retry_on_intr(|| poll(&mut fds, Some(&at_once)))?;
        Ok(ready > 0)
    }
}

impl AsFd for Writer<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Direct(Target::Given(fd)) | Self::Polled(fd) => *fd,
            Self::Direct(Target::Own(fd)) => fd.as_fd(),
        }
    }
}

fn reopen(fd: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Write, pipe};
    use std::thread;

    use super::*;

    fn null() -> File {
        OpenOptions::new().write(true).open("/dev/null").unwrap()
    }

    /// More than a pipe holds, no two lines alike.
    fn long_text() -> String {
        (0..20_000).map(|n| format!("line {n}\n")).collect()
    }

    #[test]
    fn what_is_said_is_written_in_order() {
        let (mut reader, writer) = pipe().unwrap();
        let mut output = Output::new(writer.as_fd(), writer.as_fd());
        output.print(format_args!("one {}\n", 1));
        output.print_error(format_args!("two\n"));
        output.print(format_args!("three\n"));
        assert!(output.pending());
        output.flush(&[]).unwrap();
        assert!(!output.pending());
        output.print_error(format_args!("four\n"));
        assert!(!output.pending());
        output.flush(&[]).unwrap();
        drop(output);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one 1\ntwo\nthree\nfour\n");
    }

    #[test]
    fn a_sleeping_reader_holds_up_nothing_and_misses_nothing() {
        let (mut reader, writer) = pipe().unwrap();
        let null = null();
        let mut output = Output::new(writer.as_fd(), null.as_fd());
        let text = long_text();
        for line in text.split_inclusive('\n') {
            output.print(format_args!("{line}"));
            output.flush(&[]).unwrap();
        }
        assert!(output.pending());
        assert!(text.ends_with(&output.unwritten(Stream::Out)));
        let read = thread::spawn(move || {
            // In small bites, so that writes come out short.
            let (mut all, mut bite) = (Vec::new(), [0; 1_000]);
            while let Ok(len @ 1..) = reader.read(&mut bite) {
                all.extend_from_slice(&bite[..len]);
            }
            all
        });
        output.drain(&[]).unwrap();
        assert!(!output.pending());
        drop(output);
        drop(writer);
        assert!(read.join().unwrap() == text.as_bytes());
    }

    #[test]
    fn a_full_standard_output_does_not_hold_up_standard_error() {
        let (_asleep, full) = pipe().unwrap();
        let (mut reader, writer) = pipe().unwrap();
        let mut output = Output::new(full.as_fd(), writer.as_fd());
        output.print(format_args!("{}", long_text()));
        output.print_error(format_args!("sad\n"));
        output.print(format_args!("more\n"));
        output.print_error(format_args!("news\n"));
        output.flush(&[]).unwrap();
        assert!(output.pending());
        assert_eq!(output.unwritten(Stream::Err), "");
        drop(output);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "sad\nnews\n");
    }

    #[test]
    fn a_reader_that_has_gone_is_an_error_on_standard_output_only() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let null = null();
        let mut output = Output::new(null.as_fd(), writer.as_fd());
        output.print_error(format_args!("this is not read\n"));
        output.flush(&[]).unwrap();
        assert_eq!(output.unwritten(Stream::Err), "");
        let mut output = Output::new(writer.as_fd(), null.as_fd());
        output.print(format_args!("this is not read\n"));
        assert_eq!(output.flush(&[]).map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
        assert_eq!(output.drain(&[]).map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let null = null();
        let mut output = Output::new(full.as_fd(), null.as_fd());
        output.print(format_args!("no room\n"));
        assert_eq!(output.flush(&[]).map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    }

    #[test]
    fn the_end_waits_for_a_reader_only_until_it_is_woken() {
        let (_asleep, full) = pipe().unwrap();
        let (wake, mut waker) = pipe().unwrap();
        let null = null();
        let mut output = Output::new(full.as_fd(), null.as_fd());
        output.print(format_args!("{}", long_text()));
        waker.write_all(b"!").unwrap();
        output.drain(&[wake.as_fd()]).unwrap();
        assert!(output.pending());
    }

    #[test]
    fn more_than_a_mebibyte_waits_for_the_reader() {
        let (mut reader, writer) = pipe().unwrap();
        let (wake, mut waker) = pipe().unwrap();
        let null = null();
        let mut output = Output::new(writer.as_fd(), null.as_fd());
        let text = "x".repeat(2 * LIMIT);
        output.print(format_args!("{text}"));
        let read = thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        });
        output.flush(&[]).unwrap();
        assert!(output.unwritten(Stream::Out).len() <= LIMIT);
        // Woken, it does not wait even then.
        output.print(format_args!("{text}"));
        waker.write_all(b"!").unwrap();
        output.flush(&[wake.as_fd()]).unwrap();
        output.drain(&[]).unwrap();
        drop(output);
        drop(writer);
        assert_eq!(read.join().unwrap().unwrap().len(), 4 * LIMIT);
    }

    #[test]
    fn a_terminal_that_nobody_reads_holds_up_nothing() {
        let terminal = nix::pty::openpty(None, None).unwrap();
        let null = null();
        let mut output = Output::new(terminal.slave.as_fd(), null.as_fd());
        for line in long_text().split_inclusive('\n') {
            output.print(format_args!("{line}"));
            output.flush(&[]).unwrap();
        }
        assert!(output.pending());
        // The description that others share blocks as it did before.
        let flags = rustix::fs::fcntl_getfl(&terminal.slave).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK));
    }

    #[test]
    fn a_file_takes_everything_at_once() {
        let path = std::env::temp_dir().join(format!("rping-output-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        let mut output = Output::new(file.as_fd(), file.as_fd());
        output.print(format_args!("{}", long_text()));
        output.print_error(format_args!("last\n"));
        output.flush(&[]).unwrap();
        assert_eq!(output.waiting(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), long_text() + "last\n");
        std::fs::remove_file(path).unwrap();
    }
}
