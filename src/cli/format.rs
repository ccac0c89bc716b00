//! The options about the format of what is printed, and about the file that it is printed to.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::groups::OptionGroup;
use super::headings::OUTPUT;
use super::named::Named;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    #[default]
    Text,
    /// JSON Lines.
    Json,
    /// Comma-separated values.
    Csv,
    /// The line protocol of InfluxDB.
    Influx,
    /// The text of Prometheus.
    Prometheus,
    /// The line and the exit status of a Nagios plugin.
    Nagios,
    /// Results of RIPE Atlas.
    Atlas,
}

/// The options of both commands, each valid by itself.
#[derive(Debug, Default, clap::Args)]
pub struct FormatArguments {
    /// Format of what is printed [default: text].
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true, value_parser = FORMAT, help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Write to FILE, which appears when it is complete.
    ///
    /// For the formats, not for text. It is written beside FILE and then renamed, so nobody reads half of it. A prometheus
    /// file is replaced at the end of each window of --every.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = OUTPUT)]
    pub output: Option<OsString>,
}

impl OptionGroup for FormatArguments {
    const LETTERS: &'static str = "";
}

/// `--format`.
const FORMAT: Named<Format> = Named {
    values: &[
        ("text", Format::Text, "for people"),
        ("json", Format::Json, "JSON Lines, as with -j"),
        ("csv", Format::Csv, "comma-separated values"),
        ("influx", Format::Influx, "line protocol of InfluxDB, as of Telegraf"),
        ("prometheus", Format::Prometheus, "metrics, as of ping_exporter"),
        ("nagios", Format::Nagios, "line and exit status of a Nagios plugin"),
        ("atlas", Format::Atlas, "results of RIPE Atlas"),
    ],
    allowed: "the format must be text, json, csv, influx, prometheus, nagios or atlas",
};

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        FORMAT.values.iter().find(|(_, format, _)| *format == self).map_or("", |(name, ..)| name)
    }
}

/// The format that is requested, and the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatRequest {
    /// The format.
    pub format: Format,
    /// The file in place of standard output.
    pub output: Option<PathBuf>,
    /// The option that requests it.
    option: &'static str,
}

impl FormatRequest {
    /// Checks the options against one another; `json`: whether `-j` is given.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn new(arguments: &FormatArguments, json: bool) -> Result<Self> {
        let format = match (arguments.format, json) {
            (None | Some(Format::Json), true) => Format::Json,
            (Some(format), true) => bail!("-j prints JSON and does not go with --format {}", format.name()),
            (format, false) => format.unwrap_or_default(),
        };
        ensure!(
            arguments.output.is_none() || format != Format::Text,
            "--output is for the formats of --format and -j; text goes to a file by > FILE"
        );
        let option = match (format, json) {
            (_, true) => "-j",
            (Format::Text, _) => "--format text",
            (Format::Json, _) => "--format json",
            (Format::Csv, _) => "--format csv",
            (Format::Influx, _) => "--format influx",
            (Format::Prometheus, _) => "--format prometheus",
            (Format::Nagios, _) => "--format nagios",
            (Format::Atlas, _) => "--format atlas",
        };
        Ok(Self { format, output: arguments.output.as_ref().map(PathBuf::from), option })
    }

    /// Whether it is text for people.
    pub fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// The option that requests a format for programs; `None`: it is text.
    pub fn option(&self) -> Option<&'static str> {
        (!self.is_text()).then_some(self.option)
    }

    /// Checks that no `option` decides the exit status where it is that of a plugin.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn check_status(&self, option: Option<&str>) -> Result<()> {
        match option.filter(|_| self.format == Format::Nagios) {
            Some(option) => {
                bail!(
                    "--format nagios has the exit status of --warn and --crit and does not go with {option}"
                )
            }
            None => Ok(()),
        }
    }

    /// Checks whether the format has a place for windows (`--every`).
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn check_windows(&self) -> Result<()> {
        match self.format {
            Format::Nagios | Format::Atlas => {
                bail!("{} prints one result at the end and does not go with --every", self.option)
            }
            Format::Prometheus if self.output.is_none() => {
                bail!("--format prometheus with --every needs --output FILE, which each window replaces")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a command line that is refused requests the format of Nagios: then the exit status is that of a plugin.
pub fn requests_nagios(args: &[OsString]) -> bool {
    let joined = args.iter().any(|arg| arg == "--format=nagios");
    joined
        || args
            .windows(2)
            .any(|pair| matches!(pair, [option, value] if option == "--format" && value == "nagios"))
}
