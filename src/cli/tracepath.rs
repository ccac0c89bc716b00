//! The options of tracepath(8), for a link of that name, in those of `rping traceroute`.

use std::ffi::{OsStr, OsString};

use super::trace_request::{LARGEST, TraceRequest, Tracepath};
use crate::escape;

/// The options of tracepath(8). Their values are checked as those of `rping traceroute`.
#[derive(clap::Parser)]
#[command(
    name = "tracepath",
    version = concat!("from rping ", env!("CARGO_PKG_VERSION")),
    about = "Show the routers on the way to HOST, and the path MTU",
    args_override_self = true,
    disable_version_flag = true,
)]
pub struct TracepathArguments {
    /// The host; HOST/PORT also names the first port.
    #[arg(hide = true)]
    host: Vec<OsString>,

    /// Use IPv4 only.
    #[arg(short = '4')]
    ipv4: bool,

    /// Use IPv6 only.
    #[arg(short = '6')]
    ipv6: bool,

    /// Print names and addresses.
    #[arg(short = 'b')]
    both: bool,

    /// Print addresses without names.
    #[arg(short = 'n')]
    numeric: bool,

    /// Length of the first packet, bytes [default: 65535].
    #[arg(short = 'l', value_name = "LENGTH", allow_hyphen_values = true)]
    length: Option<OsString>,

    /// Last hop [default: 30].
    #[arg(short = 'm', value_name = "TTL", allow_hyphen_values = true)]
    max: Option<OsString>,

    /// First port [default: 44444].
    #[arg(short = 'p', value_name = "PORT", allow_hyphen_values = true)]
    port: Option<OsString>,

    /// Print the version.
    #[arg(short = 'V', action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// The first port of tracepath(8).
const PORT: &str = "44444";

impl TracepathArguments {
    /// The same as arguments of `rping traceroute`, and what these cannot express.
    ///
    /// # Errors
    /// One line: a port is given twice.
    pub fn for_traceroute(self) -> Result<(Vec<OsString>, impl FnOnce(&mut TraceRequest)), String> {
        let mut all: Vec<OsString> = ["-M", "default", "--mtu", "-q", "1"].map(OsString::from).into();
        let flags = [(self.ipv4, "-4"), (self.ipv6, "-6"), (self.numeric, "-n")];
        all.extend(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag.into()));
        let mut hosts = self.host.into_iter();
        let (host, named) = hosts.next().map_or((None, None), |host| split(&host));
        if let (Some(given), Some(_)) = (&self.port, &named) {
            return Err(format!("-p {}: the host has a port already", escape::argument(given)));
        }
        let port = self.port.or(named).unwrap_or_else(|| PORT.into());
        for (option, value) in [("-m", self.max), ("-p", Some(port))] {
            all.extend(value.into_iter().flat_map(|value| [option.into(), value]));
        }
        all.push("--".into());
        let whole = self.length.is_none();
        all.extend(host.into_iter().chain(self.length).chain(hosts));
        let both = self.both;
        let more = move |request: &mut TraceRequest| {
            request.tracepath = Some(Tracepath { both });
            if whole {
                request.packet_len = Some(LARGEST);
                request.sockets.message_len = LARGEST;
            }
        };
        Ok((all, more))
    }
}

/// A host, and the port behind a slash.
fn split(host: &OsStr) -> (Option<OsString>, Option<OsString>) {
    match host.to_str().and_then(|host| host.split_once('/')) {
        Some((host, port)) => (Some(host.into()), Some(port.into())),
        None => (Some(host.into()), None),
    }
}
