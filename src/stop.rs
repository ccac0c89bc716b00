//! Signals: ^C, SIGTERM, SIGHUP and SIGQUIT. Nobody else touches them.
