//! Options whose values are names.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};

use super::values::refused;

/// A value parser for a few names, and the sentence about them.
#[derive(Clone, Copy)]
pub struct Named<T: 'static> {
    /// Each name, its value, and what it means, for the help.
    pub values: &'static [(&'static str, T, &'static str)],
    /// What a refusal has behind the value.
    pub allowed: &'static str,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let found = self.values.iter().find(|(name, ..)| value == *name);
        found.map(|(_, value, _)| value.clone()).ok_or_else(|| refused(command, arg, value, self.allowed))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.values.iter().map(|(name, _, help)| PossibleValue::new(*name).help(*help))))
    }
}
