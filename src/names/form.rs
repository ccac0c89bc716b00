//! The form of what a lookup may return. Whoever owns an address chooses its PTR record.

/// Octets of the longest host name in text form (RFC 1035 section 2.3.4), and of any other result.
const LONGEST: usize = 253;

/// Whether a PTR record is a host name: letters, digits, hyphens and dots (RFC 1123 section 2.1), and the underscore
/// that many use. A name without a letter could be mistaken for an address.
pub fn is_host_name(name: &str) -> bool {
    let octets_fit = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    let has_letter = name.bytes().any(|b| b.is_ascii_alphabetic());
    octets_fit && has_letter && name.len() <= LONGEST
}

/// Whether a text is the number of an autonomous system (`AS64500`), or several, joined by `/`.
pub fn is_origin(text: &str) -> bool {
    let is_number = |part: &str| {
        let number = part.strip_prefix("AS").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    text.len() <= LONGEST && text.split('/').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_origins() {
        for text in ["AS64500", "AS64500/AS4200000000"] {
            assert!(is_origin(text), "{text}");
        }
        for text in ["", "AS", "64500", "AS64500/", "AS64500 ", "AS6\x1b[2J", "AS64500/x", &"AS1/".repeat(99)]
        {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn only_host_names_are_names() {
        for name in ["localhost", "a-b.c_d.example", "1.0.0.127.in-addr.arpa", "example.com."] {
            assert!(is_host_name(name), "{name}");
        }
        let long = "a".repeat(254);
        for name in
            ["", "192.0.2.1", "a b", "$(id)", "a\x1b[2J", "a\u{202e}b", "a(1.2.3.4)", "fe80::1", &long]
        {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
