//! What the system refused, in the words of each command.

use rping::cli::wording::{OptionNames, PING, TRACEROUTE};
use rping::datagram::SystemError;
use rping::transport::{Pmtu, Setting, SetupError};

#[test]
fn each_command_names_its_own_options() {
    let refused = |names: OptionNames, setting| {
        names.setup_error(&SetupError::Refused { setting, error: SystemError::new(22) })
    };
    let tos = |names| refused(names, Setting::Tos(0x10));
    assert_eq!(tos(PING), "-Q 0x10: cannot set the type of service: Invalid argument");
    assert_eq!(tos(TRACEROUTE), "-t 0x10: cannot set the type of service: Invalid argument");
    let pmtu = |names| refused(names, Setting::PathMtu(Pmtu::Probe));
    assert_eq!(pmtu(PING), "-M probe: cannot set path MTU discovery: Invalid argument");
    assert_eq!(pmtu(TRACEROUTE), "-F: cannot set path MTU discovery: Invalid argument");
}
