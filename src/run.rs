//! The loop: the only place where clock, session, sockets and output meet.
