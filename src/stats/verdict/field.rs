//! The figures that `--assert` can judge.

use std::fmt;

/// What kind of value a figure has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Count,
    /// A part of a whole.
    Percent,
    /// A time.
    Time,
    /// True or false.
    Flag,
}

/// Defines [`Field`], [`Field::ALL`], its names and its kinds from one list.
macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $field:ident => $name:literal $kind:ident,)+) => {
        /// A figure of a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $($(#[doc = $doc])+ $field,)+
        }

        impl Field {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$field),+];

            /// Its name in an assertion.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)+
                }
            }

            /// The kind of its values.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$field => Kind::$kind,)+
                }
            }
        }
    };
}

fields! {
    /// Probes that left this machine.
    Sent => "sent" Count,
    /// Probes that were answered.
    Received => "received" Count,
    /// Probes that were lost or could not be sent, in percent of these and of the answered ones.
    Loss => "loss" Percent,
    /// Further answers to answered probes.
    Duplicates => "duplicates" Count,
    /// ICMP errors, and probes that could not be sent.
    Errors => "errors" Count,
    /// The smallest round-trip time.
    Min => "min" Time,
    /// The mean.
    Avg => "avg" Time,
    /// The largest.
    Max => "max" Time,
    /// The population standard deviation.
    Mdev => "mdev" Time,
    /// The median.
    P50 => "p50" Time,
    /// The 90th percentile.
    P90 => "p90" Time,
    /// The 95th percentile.
    P95 => "p95" Time,
    /// The 99th percentile.
    P99 => "p99" Time,
    /// Interarrival jitter (RFC 3550 section 6.4.1).
    Jitter => "jitter" Time,
    /// The longest run of losses.
    Burst => "burst" Count,
    /// The hop of the target.
    Hops => "hops" Count,
    /// The mean round-trip time of the target.
    Rtt => "rtt" Time,
    /// Whether the target answered.
    Reached => "reached" Flag,
}

/// The fields of ping.
pub const PING: [Field; 15] = [
    Field::Sent,
    Field::Received,
    Field::Loss,
    Field::Duplicates,
    Field::Errors,
    Field::Min,
    Field::Avg,
    Field::Max,
    Field::Mdev,
    Field::P50,
    Field::P90,
    Field::P95,
    Field::P99,
    Field::Jitter,
    Field::Burst,
];

/// The fields of traceroute.
pub const TRACEROUTE: [Field; 6] =
    [Field::Hops, Field::Reached, Field::Rtt, Field::Min, Field::Avg, Field::Max];

/// The whole, in millionths of a percent.
pub const WHOLE: u64 = 100_000_000;

impl Field {
    /// The smallest and the largest value that it can have; percentages in millionths of a percent.
    pub const fn bounds(self) -> (u64, u64) {
        match self {
            Self::Loss => (0, WHOLE),
            Self::Hops => (1, 255),
            _ => (0, u64::MAX),
        }
    }

    /// The same as a sentence.
    pub const fn range(self) -> &'static str {
        match self {
            Self::Loss => "loss is from 0% to 100%",
            Self::Hops => "hops are from 1 to 255",
            _ => "it is never below 0",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
