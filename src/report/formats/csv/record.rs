//! Fields and records (RFC 4180 section 2).

use std::borrow::Cow;
use std::fmt;

use crate::escape::escape;
use crate::output::Output;

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

/// Prints a record.
pub(super) fn record<'a>(fields: impl IntoIterator<Item = Cow<'a, str>>, output: &mut Output<'_>) {
    for (number, field) in fields.into_iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        output.print(format_args!("{comma}{}", Field(&field)));
    }
    output.print(format_args!("\r\n"));
}

/// A field with a value, empty without one.
pub(super) fn value<'a>(value: Option<impl fmt::Display>) -> Cow<'a, str> {
    value.map_or(Cow::Borrowed(""), |value| Cow::Owned(value.to_string()))
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
