//! Origin queries and responses as DNS messages (RFC 1035 section 4). No sockets.

use std::collections::BTreeSet;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};

/// Most systems returned for one address.
const MOST: usize = 8;

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginReply {
    /// The systems, as `AS64500` or `AS64500/AS64501`; `None`: the address is not announced.
    Origins(Option<String>),
    /// The response does not fit a datagram (TC): query over TCP.
    Truncated,
    /// The server refused or failed; another one may respond.
    Refused,
}

/// A query for the TXT records of a name; `None` if it is not a valid name.
pub fn query(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(Name::new(name).ok()?, TYPE::TXT.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().ok()
}

/// Reads a message; `None` if it is not a response to this query.
pub fn read(id: u16, name: &str, message: &[u8]) -> Option<OriginReply> {
    let packet = Packet::parse(message).ok()?;
    let name = Name::new(name).ok()?;
    let [question] = packet.questions.as_slice() else { return None };
    let ours = packet.id() == id
        && packet.has_flags(PacketFlag::RESPONSE)
        && packet.opcode() == simple_dns::OPCODE::StandardQuery
        && is_same(&question.qname, &name)
        && question.qtype == TYPE::TXT.into()
        && question.qclass == CLASS::IN.into();
    if !ours {
        return None;
    }
    Some(match packet.rcode() {
        _ if packet.has_flags(PacketFlag::TRUNCATION) => OriginReply::Truncated,
        RCODE::NoError => OriginReply::Origins(origins(&packet)),
        RCODE::NameError => OriginReply::Origins(None),
        _ => OriginReply::Refused,
    })
}

/// Whether two names are equal, case ignored (RFC 1035 section 2.3.3).
fn is_same(one: &Name<'_>, other: &Name<'_>) -> bool {
    let lower = |name: &Name<'_>| name.as_bytes().map(<[u8]>::to_ascii_lowercase).collect::<Vec<_>>();
    lower(one) == lower(other)
}

/// The systems of the records with the longest prefix, which is the route in use.
fn origins(packet: &Packet<'_>) -> Option<String> {
    let texts = packet.answers.iter().filter(|record| record.class == CLASS::IN).filter_map(|record| {
        let RData::TXT(text) = &record.rdata else { return None };
        String::try_from(text.clone()).ok()
    });
    let announced: Vec<(u8, BTreeSet<u32>)> = texts.filter_map(|text| announcement(&text)).collect();
    let longest = announced.iter().map(|(prefix_len, _)| *prefix_len).max()?;
    let systems: BTreeSet<u32> =
        announced.into_iter().filter(|(len, _)| *len == longest).flat_map(|(_, systems)| systems).collect();
    let texts: Vec<_> = systems.into_iter().take(MOST).map(|system| format!("AS{system}")).collect();
    Some(texts.join("/"))
}

/// Reads `64500 64501 | 192.0.2.0/24 | ...`: the length of the prefix and the systems that announce it, at least one.
fn announcement(text: &str) -> Option<(u8, BTreeSet<u32>)> {
    let mut fields = text.split('|').map(str::trim);
    let systems = fields.next()?.split_whitespace().map(|system| system.parse().ok());
    let systems: BTreeSet<u32> = systems.collect::<Option<_>>()?;
    let prefix_len = fields.next().and_then(|prefix| prefix.rsplit_once('/')?.1.parse().ok()).unwrap_or(0);
    (!systems.is_empty()).then_some((prefix_len, systems))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, TXT};

    use super::*;

    const NAME: &str = "1.2.0.192.origin.as.example";

    fn text(text: &str) -> RData<'_> {
        RData::TXT(TXT::new().with_string(text).unwrap())
    }

    /// A valid response with these records.
    fn answer<'a>(records: impl IntoIterator<Item = RData<'a>>) -> Packet<'a> {
        let mut packet = Packet::parse(NO_ANSWER).unwrap();
        for record in records {
            packet.answers.push(ResourceRecord::new(Name::new_unchecked(NAME), CLASS::IN, 60, record));
        }
        packet
    }

    /// The header of a response, by hand: id 7, recursion desired and available, one question.
    const NO_ANSWER: &[u8] = b"\0\x07\x81\x80\0\x01\0\0\0\0\0\0\
        \x011\x012\x010\x03192\x06origin\x02as\x07example\0\0\x10\0\x01";

    fn read_built(packet: &Packet<'_>) -> Option<OriginReply> {
        read(7, NAME, &packet.build_bytes_vec().unwrap())
    }

    fn known(systems: &str) -> Option<OriginReply> {
        Some(OriginReply::Origins(Some(systems.to_owned())))
    }

    #[test]
    fn a_query_has_the_octets_of_rfc_1035() {
        let octets = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\
            \x011\x012\x010\x03192\x06origin\x02as\x07example\0\0\x10\0\x01";
        assert_eq!(query(7, NAME).unwrap(), octets);
    }

    #[test]
    fn the_systems_of_the_longest_prefix_are_returned() {
        let one = text("64500 | 192.0.2.0/24 | ZZ | example | 2020-01-01");
        assert_eq!(read_built(&answer([one.clone()])), known("AS64500"));
        let wider = text("64511 | 192.0.0.0/16 | ZZ | example | 2020-01-01");
        assert_eq!(read_built(&answer([wider.clone(), one.clone()])), known("AS64500"));
        let another = text("4200000000 64500 | 192.0.2.0/24 | ZZ");
        assert_eq!(read_built(&answer([another, wider, one])), known("AS64500/AS4200000000"));
        let in_pieces = TXT::new().with_string("645").unwrap().with_string("00 | 192.0.2.0/24").unwrap();
        assert_eq!(read_built(&answer([RData::TXT(in_pieces)])), known("AS64500"));
        let many: String = (1..=20).map(|n| format!("{n} ")).collect();
        assert_eq!(read_built(&answer([text(&many)])), known("AS1/AS2/AS3/AS4/AS5/AS6/AS7/AS8"));
    }

    #[test]
    fn a_text_without_a_system_is_no_origin() {
        let none = Some(OriginReply::Origins(None));
        assert_eq!(read_built(&answer([])), none);
        for hostile in
            ["", "|", "NA | | ZZ", "-1 | 192.0.2.0/24", "4294967296 |", "\x1b[2J | 1", "64500, 1 |"]
        {
            assert_eq!(read_built(&answer([text(hostile)])), none, "{hostile:?}");
        }
        let binary = simple_dns::CharacterString::new(b"\xff\xfe").unwrap();
        let binary = RData::TXT(TXT::new().with_char_string(binary));
        assert_eq!(read_built(&answer([binary, text("64500")])), known("AS64500"));
        assert_eq!(read_built(&answer([RData::A(A { address: 1 })])), none);
    }

    #[test]
    fn only_the_response_to_this_query_is_read() {
        let valid = answer([text("64500 | 192.0.2.0/24")]).build_bytes_vec().unwrap();
        let changed = |at: usize, octet: u8| {
            let mut octets = valid.clone();
            octets[at] = octet;
            octets
        };
        assert_eq!(read(7, NAME, &valid), known("AS64500"));
        assert_eq!(read(7, &NAME.to_uppercase(), &valid), known("AS64500"));
        assert_eq!(read(8, NAME, &valid), None, "another id");
        assert_eq!(read(7, "2.2.0.192.origin.as.example", &valid), None, "another name");
        assert_eq!(read(7, NAME, &changed(2, 0x01)), None, "a question");
        assert_eq!(read(7, NAME, &changed(2, 0xa1)), None, "another operation");
        assert_eq!(read(7, NAME, &changed(5, 0)), None, "no question");
        let type_at = NO_ANSWER.len() - 3;
        assert_eq!(read(7, NAME, &changed(type_at, 1)), None, "another type");
        assert_eq!(read(7, NAME, &changed(type_at + 2, 3)), None, "another class");
        for len in 0..valid.len() {
            assert_eq!(read(7, NAME, &valid[..len]), None, "{len} octets of it");
        }
        assert_eq!(read(7, NAME, &changed(2, 0x83)), Some(OriginReply::Truncated));
        assert_eq!(read(7, NAME, &changed(3, 0x83)), Some(OriginReply::Origins(None)), "no such name");
        for refusal in [0x81, 0x82, 0x84, 0x85] {
            assert_eq!(read(7, NAME, &changed(3, refusal)), Some(OriginReply::Refused));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_octets_do_harm(mut message in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(7, NAME, &message);
    // After a valid header, so that records are read too.
            message.splice(..0, NO_ANSWER.iter().copied());
            message[7] = 3;
            read(7, NAME, &message);
        }

        #[test]
        fn no_change_to_a_valid_response_does_harm(
            at in any::<proptest::sample::Index>(), octet in any::<u8>(), len in any::<proptest::sample::Index>()
        ) {
            let mut message = answer([text("64500 | 192.0.2.0/24"), text("64501")]).build_bytes_vec_compressed().unwrap();
            let at = at.index(message.len());
            message[at] = octet;
            message.truncate(len.index(message.len() + 1));
            if let Some(OriginReply::Origins(Some(origins))) = read(7, NAME, &message) {
                prop_assert!(origins.split('/').all(|part| part.strip_prefix("AS").is_some_and(|n| n.parse::<u32>().is_ok())));
            }
        }
    }
}
