//! Standard output and standard error, written only as far as that cannot block.
//!
//! A slow reader must not delay probes. So text is queued here, in the order in which it was printed, until poll(2)
//! reports room for it.
//!
//! A terminal may have a line below the text ([`Output::show_below`]), which is erased before anything else is printed.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

pub mod below;
mod document;
mod replacement;
pub mod terminal;

use replacement::Replacement;

/// Octets that a pipe takes without blocking when poll(2) reports it writable (PIPE_BUF, pipe(7)).
const SURE_ROOM: usize = 4096;
/// Octets that may be queued before [`Output::flush`] waits for the reader.
const LIMIT: usize = 1 << 20;

/// The stream that a text is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Queue of text for standard output and standard error.
#[derive(Debug)]
pub struct Output<'fd> {
    /// `None`: nothing is written, see [`Output::page`]; or the next document of a file is not begun.
    out: Option<Writer<'fd>>,
    err: Option<Writer<'fd>>,
    /// In the order of printing; neighbours are for different streams.
    segments: VecDeque<Segment>,
    /// Octets written to standard output so far.
    written: u64,
    /// Whether a line is shown below the text.
    below: bool,
    /// Whether standard output had no room at the last write.
    blocked: bool,
    /// The file that takes the place of standard output.
    file: Option<Replacement>,
    /// Why a document could not take its place.
    failed: Option<io::Error>,
}

/// The output on one of both streams.
#[derive(Debug)]
pub struct Printer<'a, 'fd> {
    output: &'a mut Output<'fd>,
    stream: Stream,
}

impl Printer<'_, '_> {
    /// Prints.
    pub fn print(&mut self, text: fmt::Arguments<'_>) {
        self.output.append(self.stream, text);
    }
}

#[derive(Debug)]
struct Segment {
    stream: Stream,
    /// UTF-8, except that the first character may be partly written.
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

// What `io::Write` of a Vec would do, without its errors: a table of 65,536 lines is 1.5 million pieces of text.
impl fmt::Write for Segment {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.text.extend_from_slice(piece.as_bytes());
        Ok(())
    }
}

/// The descriptor of standard output, to wait until it can be written.
pub fn stdout() -> BorrowedFd<'static> {
    rustix::stdio::stdout()
}

impl Output<'static> {
    /// Output of this process: descriptors 1 and 2.
    pub fn stdio() -> Self {
        Self::new(rustix::stdio::stdout(), rustix::stdio::stderr())
    }

    /// Collects what is printed, for [`Self::take`]. Nothing is written.
    pub fn page() -> Self {
        Self::to(None, None)
    }
}

impl<'fd> Output<'fd> {
    /// Output to two descriptors, which may be the same file.
    pub fn new(out: BorrowedFd<'fd>, err: BorrowedFd<'fd>) -> Self {
        Self::to(Some(Writer::new(out)), Some(Writer::new(err)))
    }

    fn to(out: Option<Writer<'fd>>, err: Option<Writer<'fd>>) -> Self {
        let segments = VecDeque::from([Segment::new(Stream::Out)]);
        Self { out, err, segments, written: 0, below: false, blocked: false, file: None, failed: None }
    }

    /// Prints on standard output.
    pub fn print(&mut self, text: fmt::Arguments<'_>) {
        self.append(Stream::Out, text);
    }

    /// Prints on standard error.
    pub fn print_error(&mut self, text: fmt::Arguments<'_>) {
        self.append(Stream::Err, text);
    }

    /// The output on one stream.
    pub fn on(&mut self, stream: Stream) -> Printer<'_, 'fd> {
        Printer { output: self, stream }
    }

    fn append(&mut self, stream: Stream, text: fmt::Arguments<'_>) {
        self.hide_below();
        self.queue(stream, text);
    }

    /// Appends to the queue, whatever is shown below.
    fn queue(&mut self, stream: Stream, text: fmt::Arguments<'_>) {
        if self.segments.back().is_none_or(|last| last.stream != stream) {
            // A buffer that was written to its end is used again.
            match self.segments.back_mut().filter(|last| last.text.is_empty()) {
                Some(empty) => empty.stream = stream,
                None => self.segments.push_back(Segment::new(stream)),
            }
        }
        if let Some(last) = self.segments.back_mut() {
            // This cannot fail, and no Display here returns an error.
            let _ = fmt::write(last, text);
        }
    }

    /// What was printed on a stream and is not yet written.
    ///
    /// For tests and fuzzers.
    pub fn unwritten(&self, stream: Stream) -> String {
        let rest = self.segments.iter().filter(|segment| segment.stream == stream).flat_map(Segment::rest);
        String::from_utf8_lossy(&rest.copied().collect::<Vec<u8>>()).into_owned()
    }

    /// Takes what was printed out of the queue, in its order.
    pub fn take(&mut self) -> Vec<(Stream, String)> {
        let segments = std::mem::replace(&mut self.segments, VecDeque::from([Segment::new(Stream::Out)]));
        let text = |segment: &Segment| String::from_utf8_lossy(segment.rest()).into_owned();
        let printed = segments.iter().map(|segment| (segment.stream, text(segment)));
        printed.filter(|(_, text)| !text.is_empty()).collect()
    }

    /// Whether something waits for standard output to become writable.
    pub fn pending(&self) -> bool {
        self.segments.iter().any(|segment| segment.stream == Stream::Out && !segment.rest().is_empty())
    }

    /// Octets written to standard output so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what can be written at once. The rest stays.
    ///
    /// If more than 1 MiB is queued, waits until less is, or until one of `wake` becomes readable, or nothing could be
    /// written for `patience`: a run that prints faster than its reader reads is slowed down.
    ///
    /// # Errors
    /// Those of write(2) on standard output: `BrokenPipe` if its reader has gone. Text that standard error refuses is
    /// dropped.
    pub fn flush(&mut self, wake: &[BorrowedFd<'_>], patience: Option<Duration>) -> io::Result<()> {
        self.write_down_to(LIMIT, wake, patience)
    }

    /// Writes everything, waiting for the reader, until one of `wake` becomes readable, or nothing could be written for
    /// `patience`.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn drain(&mut self, wake: &[BorrowedFd<'_>], patience: Option<Duration>) -> io::Result<()> {
        self.write_down_to(0, wake, patience)
    }

    /// Writes until at most `left` octets are queued.
    fn write_down_to(
        &mut self,
        left: usize,
        wake: &[BorrowedFd<'_>],
        patience: Option<Duration>,
    ) -> io::Result<()> {
        self.write_ready()?;
        while self.waiting() > left && !self.wait(wake, patience)? {
            self.write_ready()?;
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.segments.iter().map(|segment| segment.rest().len()).sum()
    }

    /// Writes until nothing is left or neither stream has room. A stream without room does not delay the other one.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn write_ready(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.begin_document()?;
        let mut full = None;
        self.blocked = false;
        while let Some(index) = self.next_segment(full) {
            let Some(segment) = self.segments.get_mut(index) else { break };
            let writer = match segment.stream {
                Stream::Out => &self.out,
                Stream::Err => &self.err,
            };
            let Some(writer) = writer else { break };
            match writer.write(segment.rest()) {
                Ok(0) => {
                    self.blocked |= segment.stream == Stream::Out;
                    if full.is_some() {
                        break;
                    }
                    full = Some(segment.stream);
                }
                Ok(written) => {
                    segment.written += written;
                    if segment.stream == Stream::Out {
                        self.written =
                            self.written.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
                    }
                }
                Err(error) if segment.stream == Stream::Out => {
                    return Err(match &self.file {
                        Some(file) => file.named(&error),
                        None => error,
                    });
                }
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

    /// Frees what is written of a segment, and the segment once all is; one buffer is kept.
    fn retire(&mut self, index: usize) {
        let last = self.segments.len() == 1;
        let Some(segment) = self.segments.get_mut(index) else { return };
        if !segment.rest().is_empty() {
            // Only past the half, so that each octet is moved once at most on average.
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

    /// Waits until a stream with something to write has room. Returns true if one of `wake` is readable first, or after
    /// `patience`.
    fn wait(&self, wake: &[BorrowedFd<'_>], patience: Option<Duration>) -> io::Result<bool> {
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        let mut fds: Vec<PollFd<'_>> =
            wake.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        for (stream, writer) in [(Stream::Out, &self.out), (Stream::Err, &self.err)] {
            let Some(writer) = writer else { continue };
            if self.segments.iter().any(|segment| segment.stream == stream && !segment.rest().is_empty()) {
                fds.push(PollFd::from_borrowed_fd(writer.as_fd(), PollFlags::OUT));
            }
        }
        match poll(&mut fds, patience.as_ref()) {
            Ok(0) => Ok(true),
            Ok(_) | Err(Errno::INTR) => Ok(fds.iter().take(wake.len()).any(|fd| !fd.revents().is_empty())),
            Err(error) => Err(error.into()),
        }
    }
}

/// One descriptor, and how blocking is avoided.
#[derive(Debug)]
enum Writer<'fd> {
    /// A write does not wait for a reader (regular files), or returns EAGAIN where it would (terminals opened anew).
    Direct(Descriptor<'fd>),
    /// A write of at most [`SURE_ROOM`] octets does not block after poll(2) reported room.
    Polled(BorrowedFd<'fd>),
}

#[derive(Debug)]
enum Descriptor<'fd> {
    Given(BorrowedFd<'fd>),
    Own(OwnedFd),
}

impl<'fd> Writer<'fd> {
    fn new(fd: BorrowedFd<'fd>) -> Self {
        let file_type = rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        if file_type == Ok(FileType::RegularFile) {
            return Self::Direct(Descriptor::Given(fd));
        }
        // A terminal is writable as soon as there is room for one octet, and then blocks for the rest. O_NONBLOCK
        // is set on a new open file description: the one shared with the shell stays as it is.
        if rustix::termios::isatty(fd)
            && let Ok(own) = reopen(fd)
        {
            return Self::Direct(Descriptor::Own(own));
        }
        Self::Polled(fd)
    }

    /// Writes some of `text`. Returns the octets written, 0 without room.
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

    /// Whether a write would not block; it may still fail.
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
            Self::Direct(descriptor) => descriptor.as_fd(),
            Self::Polled(fd) => *fd,
        }
    }
}

impl AsFd for Descriptor<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Given(fd) => *fd,
            Self::Own(fd) => fd.as_fd(),
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
mod tests;
