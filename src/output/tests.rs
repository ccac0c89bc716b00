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
fn text_is_written_in_the_order_of_printing() {
    let (mut reader, writer) = pipe().unwrap();
    let mut output = Output::new(writer.as_fd(), writer.as_fd());
    output.print(format_args!("one {}\n", 1));
    output.print_error(format_args!("two\n"));
    output.print(format_args!("three\n"));
    assert!(output.pending());
    output.flush(&[], None).unwrap();
    assert!(!output.pending());
    output.print_error(format_args!("four\n"));
    assert!(!output.pending());
    output.flush(&[], None).unwrap();
    drop(output);
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one 1\ntwo\nthree\nfour\n");
}

#[test]
fn a_slow_reader_delays_nothing_and_misses_nothing() {
    let (mut reader, writer) = pipe().unwrap();
    let null = null();
    let mut output = Output::new(writer.as_fd(), null.as_fd());
    let text = long_text();
    for line in text.split_inclusive('\n') {
        output.print(format_args!("{line}"));
        output.flush(&[], None).unwrap();
    }
    assert!(output.pending());
    assert!(text.ends_with(&output.unwritten(Stream::Out)));
    let read = thread::spawn(move || {
        // In small reads, so that writes are short.
        let (mut all, mut bite) = (Vec::new(), [0; 1_000]);
        while let Ok(len @ 1..) = reader.read(&mut bite) {
            all.extend_from_slice(&bite[..len]);
        }
        all
    });
    output.drain(&[], None).unwrap();
    assert!(!output.pending());
    drop(output);
    drop(writer);
    assert!(read.join().unwrap() == text.as_bytes());
}

#[test]
fn a_full_standard_output_does_not_delay_standard_error() {
    let (_unread, full) = pipe().unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let mut output = Output::new(full.as_fd(), writer.as_fd());
    output.print(format_args!("{}", long_text()));
    output.print_error(format_args!("sad\n"));
    output.print(format_args!("more\n"));
    output.print_error(format_args!("news\n"));
    output.flush(&[], None).unwrap();
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
    output.flush(&[], None).unwrap();
    assert_eq!(output.unwritten(Stream::Err), "");
    let mut output = Output::new(writer.as_fd(), null.as_fd());
    output.print(format_args!("this is not read\n"));
    assert_eq!(output.flush(&[], None).map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
    assert_eq!(output.drain(&[], None).map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let null = null();
    let mut output = Output::new(full.as_fd(), null.as_fd());
    output.print(format_args!("no room\n"));
    assert_eq!(output.flush(&[], None).map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
}

#[test]
fn the_end_waits_for_a_reader_only_until_it_is_woken() {
    let (_unread, full) = pipe().unwrap();
    let (wake, mut waker) = pipe().unwrap();
    let null = null();
    let mut output = Output::new(full.as_fd(), null.as_fd());
    output.print(format_args!("{}", long_text()));
    waker.write_all(b"!").unwrap();
    output.drain(&[wake.as_fd()], None).unwrap();
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
    output.flush(&[], None).unwrap();
    assert!(output.unwritten(Stream::Out).len() <= LIMIT);
    // Woken, it does not wait even then.
    output.print(format_args!("{text}"));
    waker.write_all(b"!").unwrap();
    output.flush(&[wake.as_fd()], None).unwrap();
    output.drain(&[], None).unwrap();
    drop(output);
    drop(writer);
    assert_eq!(read.join().unwrap().unwrap().len(), 4 * LIMIT);
}

#[test]
fn a_terminal_that_is_not_read_delays_nothing() {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let null = null();
    let mut output = Output::new(terminal.slave.as_fd(), null.as_fd());
    for line in long_text().split_inclusive('\n') {
        output.print(format_args!("{line}"));
        output.flush(&[], None).unwrap();
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
    output.flush(&[], None).unwrap();
    assert_eq!(output.waiting(), 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), long_text() + "last\n");
    std::fs::remove_file(path).unwrap();
}

/// What is queued in one text, standard error within `{}`.
fn queued(output: &mut Output<'_>) -> String {
    let shown = |(stream, text): (Stream, String)| match stream {
        Stream::Out => text,
        Stream::Err => format!("{{{text}}}"),
    };
    output.take().into_iter().map(shown).collect()
}

/// As it is drawn: in the next row, without wrapping; the cursor goes back up.
fn drawn(line: &str) -> String {
    format!("\r\n\x1b[?7l{line}\x1b[?7h\x1b[J\x1b[A\r")
}

#[test]
fn a_line_below_is_erased_before_anything_is_printed() {
    let mut output = Output::page();
    output.print(format_args!("one\n"));
    assert!(output.show_below("status") && output.shows_below());
    output.print(format_args!("two\n"));
    assert!(!output.shows_below());
    output.print(format_args!("three\n"));
    assert_eq!(queued(&mut output), format!("one\n{}\x1b[Jtwo\nthree\n", drawn("status")));
    output.show_below("status");
    output.print_error(format_args!("rping: trouble\n"));
    assert_eq!(queued(&mut output), format!("{}\x1b[J{{rping: trouble\n}}", drawn("status")));
}

#[test]
fn a_line_below_is_replaced_in_its_place() {
    let mut output = Output::page();
    output.show_below("a longer one");
    output.show_below("short");
    output.hide_below();
    output.hide_below();
    assert_eq!(queued(&mut output), format!("{}{}\x1b[J", drawn("a longer one"), drawn("short")));
}

#[test]
fn a_terminal_that_takes_no_more_gets_no_line_below() {
    let (_unread, full) = pipe().unwrap();
    let null = null();
    let mut output = Output::new(full.as_fd(), null.as_fd());
    output.print(format_args!("{}", long_text()));
    output.flush(&[], None).unwrap();
    let before = output.unwritten(Stream::Out);
    assert!(!output.show_below("status") && !output.shows_below());
    assert_eq!(output.unwritten(Stream::Out), before);
}

#[test]
fn an_output_that_ends_leaves_no_line_below() {
    let (mut reader, writer) = pipe().unwrap();
    let mut output = Output::new(writer.as_fd(), writer.as_fd());
    output.show_below("status");
    output.flush(&[], None).unwrap();
    drop(output);
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{}\x1b[J", drawn("status")));
}
