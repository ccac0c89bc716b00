//! The command line: parsed and checked here, acted upon elsewhere.
