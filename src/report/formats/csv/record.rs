//! Fields and records (RFC 4180 section 2).

use std::fmt;

use crate::escape::escape;
use crate::output::Output;
use crate::report::formats::number::Millis;

/// A field, in quotes where it needs them (RFC 4180 section 2).
struct Field<'a>(&'a str);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = escape(self.0);
        let edges = text.starts_with(' ') || text.ends_with(' ');
        if edges || text.contains([',', '"']) {
            write!(f, "\"{}\"", text.replace('"', "\"\""))
        } else {
            f.write_str(&text)
        }
    }
}

/// A record that is being printed, field by field.
pub(super) struct Record<'a, 'fd> {
    output: &'a mut Output<'fd>,
    begun: bool,
}

impl<'a, 'fd> Record<'a, 'fd> {
    /// A record without fields.
    pub fn new(output: &'a mut Output<'fd>) -> Self {
        Self { output, begun: false }
    }

    /// Prints a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let comma = if std::mem::replace(&mut self.begun, true) { "," } else { "" };
        self.output.print(format_args!("{comma}{}", Field(text)));
        self
    }

    /// Prints a text; an empty field without one.
    pub fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or_default())
    }

    /// Prints a number; an empty field without one.
    pub fn number(&mut self, number: Option<impl Into<u64>>) -> &mut Self {
        self.decimal(number.map(Into::into))
    }

    fn decimal(&mut self, number: Option<u64>) -> &mut Self {
        self.maybe(number.map(|number| number.to_string()).as_deref())
    }

    /// Prints nanoseconds as milliseconds; an empty field without them.
    pub fn millis(&mut self, nanos: Option<u64>) -> &mut Self {
        self.maybe(nanos.map(|nanos| Millis(nanos).to_string()).as_deref())
    }

    /// Prints so many empty fields.
    pub fn empty(&mut self, count: usize) -> &mut Self {
        (0..count).for_each(|_| {
            self.text("");
        });
        self
    }

    /// Ends the record.
    pub fn end(&mut self) {
        self.output.print(format_args!("\r\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_separators_are_in_quotes_and_quotes_are_doubled() {
        let field = |text| Field(text).to_string();
        assert_eq!([field("plain"), field(""), field("a b")], ["plain", "", "a b"]);
        assert_eq!([field("a,b"), field("say \"hi\"")], ["\"a,b\"", "\"say \"\"hi\"\"\""]);
        assert_eq!([field(" a"), field("a ")], ["\" a\"", "\"a \""]);
        assert_eq!(field("a\r\nb"), "a\\x0d\\x0ab");
    }
}
