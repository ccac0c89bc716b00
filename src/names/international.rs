//! Names beyond ASCII (RFC 5891), by the mapping of Unicode Technical Standard 46, which browsers use.

use std::borrow::Cow;

use anyhow::Result;

/// The ASCII form of a name: `xn--bcher-kva.example` of `bücher.example`. A name in ASCII is returned as it is.
///
/// # Errors
/// One line that begins with the name, escaped: it has no such form, or the program was built without the feature `idn`.
pub fn to_ascii(name: &str) -> Result<Cow<'_, str>> {
    if name.is_ascii() { Ok(Cow::Borrowed(name)) } else { encode(name).map(Cow::Owned) }
}

#[cfg(feature = "idn")]
fn encode(name: &str) -> Result<String> {
    idna::domain_to_ascii(name).map_err(|_| {
        anyhow::anyhow!("{}: not a name that the DNS can have (RFC 5891)", crate::escape::escape(name))
    })
}

#[cfg(not(feature = "idn"))]
fn encode(name: &str) -> Result<String> {
    anyhow::bail!(
        "{}: this rping was built without names beyond ASCII; give the ASCII form (xn--...)",
        crate::escape::escape(name)
    )
}

/// The form of a name for people. A name that cannot be decoded is returned as it is.
#[cfg(feature = "idn")]
pub fn to_unicode(name: &str) -> String {
    let (decoded, valid) = idna::domain_to_unicode(name);
    valid.map_or_else(|_| name.to_owned(), |()| decoded)
}

/// The form of a name for people; without the feature `idn` the name as it is.
#[cfg(not(feature = "idn"))]
pub fn to_unicode(name: &str) -> String {
    name.to_owned()
}

#[cfg(all(test, feature = "idn"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_beyond_ascii_has_an_ascii_form_and_back() {
        let ascii = |name| to_ascii(name).map(Cow::into_owned).map_err(|error| error.to_string());
        assert_eq!(ascii("Under_score.Example"), Ok("Under_score.Example".to_owned()));
        assert_eq!(ascii("B\u{fc}cher.example"), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(ascii("fa\u{df}.example"), Ok("xn--fa-hia.example".to_owned()));
        let refused = "\u{301}.example: not a name that the DNS can have (RFC 5891)";
        assert_eq!(ascii("\u{301}.example"), Err(refused.to_owned()));
        assert_eq!(to_unicode("xn--bcher-kva.example"), "b\u{fc}cher.example");
        assert_eq!(to_unicode("xn--a.example"), "xn--a.example");
    }
}
