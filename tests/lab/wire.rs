//! A link with a delay between two hosts of real kernels.
//!
//! Each host has one end of a pair of interfaces; the other ends are in a namespace `d` without addresses, where a thread
//! of the test carries each frame from one pair to the other after the delay. So ARP and neighbour discovery are as slow
//! as all else.

use std::collections::BTreeMap;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::sched::{CloneFlags, setns};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::{checksum, sh};

/// A link between two hosts. It carries nothing once this is gone.
pub struct Wire {
    /// The delay of each direction, nanoseconds.
    delay: Arc<AtomicU64>,
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// Joins the interfaces `d0` and `d1` of the namespace `d`, which are up.
    pub fn new() -> Self {
        let delay = Arc::new(AtomicU64::new(0));
        let (stopped, stop) = std::io::pipe().expect("a pipe");
        let (ready, started) = mpsc::channel();
        let of_thread = Arc::clone(&delay);
        let thread = thread::spawn(move || {
            enter("d");
            let ends = ["d0", "d1"].map(packet_socket);
            ready.send(()).expect("a test that waits");
            carry(&ends, &of_thread, &stopped);
        });
        started.recv().expect("a link");
        Self { delay, stop: Some(stop), thread: Some(thread) }
    }

    /// What enters from now on needs so long to the other end.
    pub fn set_delay(&self, one_way: Duration) {
        self.delay.store(one_way.as_nanos().try_into().expect("a short time"), Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Moves this thread into a network namespace.
pub fn enter(name: &str) {
    let namespace = std::fs::File::open(format!("/run/netns/{name}")).expect("a namespace");
    setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET).expect("a way into it");
}

/// A socket that reads the frames that arrive at an interface of this thread's namespace, and sends frames by it.
pub fn packet_socket(interface: &str) -> Socket {
    // ETH_P_ALL.
    let all = Protocol::from(i32::from(3_u16.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(all)).expect("a packet socket");
    let link = getifaddrs().expect("interfaces").find_map(|entry| {
        let address = entry.address.filter(|_| entry.interface_name == interface)?;
        address.as_link_addr().copied()
    });
    nix::sys::socket::bind(socket.as_raw_fd(), &link.expect("an interface of this name")).expect("bind");
    socket.set_recv_buffer_size(4 << 20).expect("a buffer");
    socket.set_nonblocking(true).expect("no waiting");
    socket
}

/// Frames and the times at which they leave a thread; those of one time in the order in which they came.
#[derive(Default)]
pub struct Queue {
    waiting: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    count: u64,
}

impl Queue {
    /// Adds a frame that leaves by the socket of this index.
    pub fn push(&mut self, at: Instant, socket: usize, frame: Vec<u8>) {
        self.count += 1;
        self.waiting.insert((at, self.count), (socket, frame));
    }

    /// Sends what is due, and sleeps until one of the sockets has a frame or the next one is due. Returns false at the
    /// end of the pipe `stopped`.
    pub fn turn(&mut self, sockets: &[Socket], stopped: &PipeReader) -> bool {
        let now = Instant::now();
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let (socket, frame) = first.remove();
            match sockets[socket].send(&frame) {
                // No room, or an interface that is down: a link loses frames.
                Ok(_) | Err(_) => {}
            }
        }
        let left = self.waiting.first_key_value().map(|((at, _), _)| *at - now);
        let limit = left.map(|left| Timespec::try_from(left).expect("a short time"));
        let mut fds = vec![PollFd::new(stopped, PollFlags::IN)];
        fds.extend(sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)));
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => fds[0].revents().is_empty(),
            Err(error) => panic!("poll: {error}"),
        }
    }
}

/// The next frame that arrived.
pub fn read(socket: &Socket, buffer: &mut [u8]) -> Option<Vec<u8>> {
    loop {
        match (&mut &*socket).read(buffer) {
            Ok(len) => return Some(completed(&buffer[..len])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            // The interface was down for a moment.
            Err(_) => {}
        }
    }
}

fn carry(ends: &[Socket; 2], delay: &AtomicU64, stopped: &PipeReader) {
    let (mut queue, mut buffer) = (Queue::default(), vec![0; 70_000]);
    while queue.turn(ends, stopped) {
        for (from, to) in [(0, 1), (1, 0)] {
            while let Some(frame) = read(&ends[from], &mut buffer) {
                let delay = Duration::from_nanos(delay.load(Ordering::Relaxed));
                queue.push(Instant::now() + delay, to, frame);
            }
        }
    }
}

/// Octets of a header of the link.
pub const ETHERNET: usize = 14;

/// A frame with the checksum of UDP or TCP, which the kernel leaves to an interface: until then the sum of the pseudo
/// header stands in its place.
fn completed(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let Some((range, protocol, pseudo)) = upper(&frame) else { return frame };
    let place = if protocol == 17 { 6 } else { 16 };
    let Some(upper) = frame.get_mut(range).filter(|upper| upper.len() >= place + 2) else { return frame };
    if upper[place..place + 2] != (!checksum(&pseudo)).to_be_bytes() {
        return frame;
    }
    let sum = match checksum(upper) {
        0 if protocol == 17 => 0xffff,
        sum => sum,
    };
    upper[place..place + 2].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// The range of the UDP datagram or TCP segment in a frame, its protocol, and its pseudo header.
fn upper(frame: &[u8]) -> Option<(Range<usize>, u8, Vec<u8>)> {
    let packet = frame.get(ETHERNET..)?;
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])));
    let (protocol, addresses, header, len) = match packet.first()? >> 4 {
        4 => (*packet.get(9)?, packet.get(12..20)?, usize::from(packet[0] & 15) * 4, word(2)?),
        6 => (*packet.get(6)?, packet.get(8..40)?, 40, word(4)? + 40),
        _ => return None,
    };
    let upper_len = u32::try_from(len.checked_sub(header)?).ok()?;
    let pseudo = [addresses, &upper_len.to_be_bytes(), &[0, 0, 0, protocol]].concat();
    matches!(protocol, 6 | 17).then_some((ETHERNET + header..ETHERNET + len, protocol, pseudo))
}

/// Makes the namespace `d`, where no interface has an address.
pub fn bare_namespace() {
    sh(
        "ip netns add d; ip netns exec d sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
    );
}
