//! The types of records: their words and the fields that their values are made of.

use std::fmt;
use std::str::FromStr;

/// A field of a record's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// An IPv4 address.
    V4,
    /// An IPv6 address.
    V6,
    /// A domain name.
    Name,
    /// A number up to this.
    Number(u32),
    /// Seconds, or with units: `1h30m`.
    Time,
    /// One character-string.
    Text,
    /// One or more character-strings.
    Texts,
    /// Hexadecimal digits up to the end.
    Hex,
    /// Base64 up to the end.
    Base64,
    /// A word of letters and digits.
    Tag,
    /// The parameters of a service binding (RFC 9460).
    Params,
    /// A place on Earth (RFC 1876).
    Place,
}

const U8: Field = Field::Number(255);
const U16: Field = Field::Number(65_535);
const U32: Field = Field::Number(u32::MAX);

struct Known {
    word: &'static str,
    code: u16,
    fields: &'static [Field],
    /// How a value is written, for the hint of a refusal.
    example: &'static str,
}

macro_rules! known {
    ($($word:literal $code:literal [$($field:expr),*] $example:literal;)*) => {
        const KNOWN: &[Known] = &[$(Known { word: $word, code: $code, fields: &[$($field),*], example: $example }),*];
    };
}

use Field::{Base64, Hex, Name, Params, Place, Tag, Text, Texts, Time, V4, V6};

known! {
    "A" 1 [V4] "192.0.2.1";
    "NS" 2 [Name] "ns1.example.net.";
    "CNAME" 5 [Name] "www.example.net.";
    "SOA" 6 [Name, Name, U32, Time, Time, Time, Time] "ns1 hostmaster 2026010100 1h 10m 2w 5m";
    "PTR" 12 [Name] "host.example.net.";
    "HINFO" 13 [Text, Text] "\"CPU\" \"OS\"";
    "MX" 15 [U16, Name] "10 mail.example.net.";
    "TXT" 16 [Texts] "any text";
    "RP" 17 [Name, Name] "admin.example.net. .";
    "AFSDB" 18 [U16, Name] "1 afs.example.net.";
    "AAAA" 28 [V6] "2001:db8::1";
    "LOC" 29 [Place] "51 30 12.748 N 0 7 39.611 W 0m";
    "SRV" 33 [U16, U16, U16, Name] "10 5 5060 sip.example.net.";
    "NAPTR" 35 [U16, U16, Text, Text, Text, Name] "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" .";
    "KX" 36 [U16, Name] "10 kx.example.net.";
    "DNAME" 39 [Name] "example.net.";
    "DS" 43 [U16, U8, U8, Hex] "12345 13 2 <64 hexadecimal digits>";
    "SSHFP" 44 [U8, U8, Hex] "4 2 <64 hexadecimal digits>";
    "DHCID" 49 [Base64] "<base64>";
    "TLSA" 52 [U8, U8, U8, Hex] "3 1 1 <64 hexadecimal digits>";
    "SMIMEA" 53 [U8, U8, U8, Hex] "3 1 1 <64 hexadecimal digits>";
    "CDS" 59 [U16, U8, U8, Hex] "12345 13 2 <64 hexadecimal digits>";
    "CDNSKEY" 60 [U16, U8, U8, Base64] "257 3 13 <base64>";
    "OPENPGPKEY" 61 [Base64] "<base64>";
    "SVCB" 64 [U16, Name, Params] "1 svc.example.net. alpn=h2 port=8443";
    "HTTPS" 65 [U16, Name, Params] "1 . alpn=h2,h3";
    "URI" 256 [U16, U16, Text] "10 1 \"https://example.com/\"";
    "CAA" 257 [U8, Tag, Text] "0 issue \"letsencrypt.org\"";
    "ALIAS" 65401 [Name] "www.example.net.";
}

/// What the server makes itself of a signed zone.
pub(super) const SIGNATURES: [&str; 5] = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY"];

/// The type of a record: one that fleet knows, or any other by its number (RFC 3597).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// One of the table, by its number.
    Known(u16),
    /// Written `TYPE65280`.
    Other(u16),
}

impl RecordType {
    /// The start of authority.
    pub(super) const SOA: Self = Self::Known(6);
    /// A name server.
    pub(super) const NS: Self = Self::Known(2);
    /// An IPv4 address.
    pub(super) const A: Self = Self::Known(1);
    /// An IPv6 address.
    pub(super) const AAAA: Self = Self::Known(28);
    /// Another name for it.
    pub(super) const CNAME: Self = Self::Known(5);
    /// Another name for all below it.
    pub(super) const DNAME: Self = Self::Known(39);
    /// A mail server.
    pub(super) const MX: Self = Self::Known(15);
    /// Text.
    pub(super) const TXT: Self = Self::Known(16);
    /// A service.
    pub(super) const SRV: Self = Self::Known(33);
    /// The hash of a key of a child zone.
    pub(super) const DS: Self = Self::Known(43);
    /// The addresses of another name, looked up by the server.
    pub(super) const ALIAS: Self = Self::Known(65_401);

    fn known(self) -> Option<&'static Known> {
        match self {
            Self::Known(code) => KNOWN.iter().find(|known| known.code == code),
            Self::Other(_) => None,
        }
    }

    /// The fields of a value; `None` for a type of which only the number is known.
    pub(super) fn fields(self) -> Option<&'static [Field]> {
        self.known().map(|known| known.fields)
    }

    /// How a value is written.
    pub(super) fn example(self) -> &'static str {
        self.known().map_or("\\# 4 0a000001", |known| known.example)
    }

    /// Whether a name has at most one.
    pub(super) fn is_single(self) -> bool {
        [Self::SOA, Self::CNAME, Self::DNAME, Self::ALIAS].contains(&self)
    }

    /// The words of all types with a form of their own.
    pub(super) fn words() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.word)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.known()) {
            (_, Some(known)) => f.write_str(known.word),
            (Self::Known(code) | Self::Other(code), None) => write!(f, "TYPE{code}"),
        }
    }
}

impl FromStr for RecordType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.to_ascii_uppercase();
        if let Some(known) = KNOWN.iter().find(|known| known.word == word) {
            return Ok(Self::Known(known.code));
        }
        let digits = word
            .strip_prefix("TYPE")
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        if let Some(code) = digits.and_then(|digits| digits.parse::<u16>().ok()) {
            return match KNOWN.iter().find(|known| known.code == code) {
                Some(known) => Ok(Self::Known(known.code)),
                // Queries for all, transfers, signatures and the like are not in a zone (RFC 6895, 3.1).
                None if (128..=255).contains(&code)
                    || matches!(code, 0 | 41 | 46..=48 | 50 | 51) =>
                {
                    Err(format!("TYPE{code} cannot be in a zone"))
                }
                None => Ok(Self::Other(code)),
            };
        }
        if SIGNATURES.contains(&word.as_str()) {
            return Err(format!(
                "{word} records are made by the name server of a signed zone"
            ));
        }
        if word == "SPF" {
            return Err("SPF records are no more (RFC 7208, 3.1): use TXT".to_owned());
        }
        let shown = crate::kind::reason::shown(text);
        Err(format!(
            "`{shown}` is not a type of records that fleet knows"
        ))
    }
}
