//! The grammar of `--assert`: text in, clauses out, and back.
//!
//! ```text
//! assertion  = clause *( "," clause )
//! clause     = flag / field comparison value
//! comparison = "<" / "<=" / "=" / "==" / "!=" / ">=" / ">"
//! value      = digits                               ; a count
//!            / decimal "%"                          ; a percentage
//!            / decimal ( "us" / "µs" / "ms" / "s" ) ; a time
//! ```
//!
//! Blanks may stand between them.

use std::cmp::Ordering;
use std::fmt;

use super::field::{Field, Kind};

/// Clauses that must all hold; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion(pub Vec<Clause>);

/// A condition on one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The figure.
    pub field: Field,
    /// What it is compared with; `None` for a flag, which must be set.
    pub limit: Option<(Comparison, Limit)>,
}

/// How a figure is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

/// The longer ones first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

impl Comparison {
    /// Whether it holds for a figure that is so ordered relative to the limit.
    pub const fn holds(self, figure: Ordering) -> bool {
        match self {
            Self::Less => figure.is_lt(),
            Self::AtMost => figure.is_le(),
            Self::Equal => figure.is_eq(),
            Self::NotEqual => figure.is_ne(),
            Self::AtLeast => figure.is_ge(),
            Self::Greater => figure.is_gt(),
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::AtLeast => ">=",
            Self::Greater => ">",
        }
    }
}

/// What a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// A count; a percentage in millionths of a percent; or a time in nanoseconds.
    pub value: u64,
    /// The unit that it was written in.
    pub unit: Unit,
}

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A count.
    One,
    /// Hundredths of a whole.
    Percent,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// How it is written.
    const fn text(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Percent => "%",
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }

    /// Decimals of a value in this unit.
    const fn decimals(self) -> u32 {
        match self {
            Self::One => 0,
            Self::Micros => 3,
            Self::Percent | Self::Millis => 6,
            Self::Seconds => 9,
        }
    }
}

/// What is wrong with an assertion, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Octets before the place.
    pub at: usize,
    /// What is wrong there, and what is allowed.
    pub reason: String,
}

impl Assertion {
    /// Parses an assertion about some fields, those of the command `command`.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str, command: &str, fields: &[Field]) -> Result<Self, Fault> {
        let mut reader = Reader { text, at: 0 };
        let mut clauses = Vec::new();
        loop {
            clauses.push(reader.clause(command, fields)?);
            reader.skip_blanks();
            if reader.rest().is_empty() {
                return Ok(Self(clauses));
            }
            if !reader.take(",") {
                return Err(reader.fault("expected a comma and another clause, or the end"));
            }
        }
    }
}

/// The octets of a text before its clause with that number, from 0.
pub fn place(text: &str, clause: usize) -> usize {
    let before: usize = text.split_inclusive(',').take(clause).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    before + (rest.len() - rest.trim_start().len())
}

struct Reader<'a> {
    text: &'a str,
    /// Octets read.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault { at: self.at, reason: reason.into() }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Skips a word, if it stands here.
    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Skips the characters here that are accepted.
    fn take_while(&mut self, accepted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !accepted(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn clause(&mut self, command: &str, fields: &[Field]) -> Result<Clause, Fault> {
        self.skip_blanks();
        let begin = Reader { ..*self };
        let field = self.field(command, fields)?;
        self.skip_blanks();
        let kind = field.kind();
        let found = COMPARISONS.iter().find(|(word, _)| self.rest().starts_with(word));
        let (word, comparison) = match (kind, found) {
            (Kind::Flag, None) => return Ok(Clause { field, limit: None }),
            (Kind::Flag, Some(_)) => {
                return Err(self.fault(format!("{field} is compared with nothing: write {field} alone")));
            }
            (_, None) => return Err(self.fault("expected a comparison: <, <=, =, !=, >= or >")),
            (_, Some(found)) => *found,
        };
        self.take(word);
        self.skip_blanks();
        let clause = Clause { field, limit: Some((comparison, self.limit(field)?)) };
        if clause.never_holds() {
            return Err(begin.fault(format!("{clause} never holds: {}", field.range())));
        }
        Ok(clause)
    }

    fn field(&mut self, command: &str, fields: &[Field]) -> Result<Field, Fault> {
        let begin = Reader { ..*self };
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let known = Field::ALL.into_iter().find(|field| field.name() == name);
        if let Some(field) = known.filter(|field| fields.contains(field)) {
            return Ok(field);
        }
        let names: Vec<_> = fields.iter().map(|field| field.name()).collect();
        let names = names.join(", ");
        Err(begin.fault(match (name, known) {
            ("", _) => format!("expected a field of {command}: {names}"),
            (_, Some(_)) => format!("{command} does not measure {name}; its fields are {names}"),
            (_, None) => format!("{name} is not a field; those of {command} are {names}"),
        }))
    }

    fn limit(&mut self, field: Field) -> Result<Limit, Fault> {
        let begin = Reader { ..*self };
        let number = self.take_while(|c| c.is_ascii_digit() || c == '.');
        let (units, example): (&[(&str, Unit)], _) = match field.kind() {
            Kind::Count | Kind::Flag => (&[("", Unit::One)], "a whole number, such as 3"),
            Kind::Percent => (&[("%", Unit::Percent)], "a percentage, such as 1%"),
            Kind::Time => (
                &[("us", Unit::Micros), ("µs", Unit::Micros), ("ms", Unit::Millis), ("s", Unit::Seconds)],
                "a time with its unit (us, ms or s), such as 50ms",
            ),
        };
        let expected = |reader: &Self| reader.fault(format!("{field} needs {example}"));
        if number.is_empty() {
            return Err(expected(&begin));
        }
        let Some((word, unit)) = units.iter().find(|(word, _)| self.rest().starts_with(word)) else {
            return Err(expected(self));
        };
        let Some(value) = scaled(number, unit.decimals()) else { return Err(expected(&begin)) };
        self.take(word);
        Ok(Limit { value, unit: *unit })
    }
}

/// A decimal as a multiple of 10^-`decimals`; `None` if it is none, has more decimals, or is too large.
fn scaled(number: &str, decimals: u32) -> Option<u64> {
    let (units, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let decimals = usize::try_from(decimals).ok()?;
    let exact = fraction.trim_end_matches('0');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(units) || !digits(fraction) || exact.len() > decimals {
        return None;
    }
    format!("{units}{exact:0<decimals$}").parse().ok()
}

impl Clause {
    /// Whether no figure of its field can meet it.
    fn never_holds(&self) -> bool {
        let Some((comparison, Limit { value, .. })) = self.limit else { return false };
        let (least, most) = self.field.bounds();
        match comparison {
            Comparison::Less => value <= least,
            Comparison::AtMost => value < least,
            Comparison::Equal => value < least || value > most,
            Comparison::NotEqual => false,
            Comparison::AtLeast => value > most,
            Comparison::Greater => value >= most,
        }
    }

    /// The smallest figure that meets it.
    pub fn least(&self) -> u64 {
        match self.limit {
            Some((Comparison::Equal | Comparison::AtLeast, limit)) => limit.value,
            Some((Comparison::Greater, limit)) => limit.value.saturating_add(1),
            _ => 0,
        }
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(clauses) = self;
        for (number, clause) in clauses.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{clause}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            None => write!(f, "{}", self.field),
            Some((comparison, limit)) => write!(f, "{}{}{limit}", self.field, comparison.text()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Decimal(self.value, self.unit.decimals()), self.unit.text())
    }
}

/// A multiple of 10^-n, without zeros at its end.
pub struct Decimal(pub u64, pub u32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, decimals) = *self;
        let one = 10_u64.pow(decimals);
        let (whole, part) = (value / one, value % one);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:0>width$}", width = decimals as usize);
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests;
