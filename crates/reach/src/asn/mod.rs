//! Who announces an address: tables that the user points to, read whole and asked offline.
//!
//! The format is told from the content: text of iptoasn (`start⇥end⇥asn⇥country⇥owner`), of CAIDA's pfx2as
//! (`prefix⇥length⇥asn`), GeoLite2 CSV (`network,autonomous_system_number,autonomous_system_organization`), each
//! also compressed by gzip, and MaxMind databases (`.mmdb`).

mod ranges;
mod text;

use std::{io::Read, net::IpAddr};

use flate2::read::MultiGzDecoder;
use reach_report::trace::Origin;

use self::ranges::Ranges;
use crate::output::shown;

/// Nobody's table is larger; what unpacks to more is no table.
const LARGEST: u64 = 1 << 30;

/// A table of autonomous systems.
#[derive(Debug)]
pub struct Table {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Ranges(Ranges),
    Database(Box<maxminddb::Reader<Vec<u8>>>),
}

/// Why bytes are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no entry in it.
    #[error(
        "no entry in it; a table has lines like `192.0.2.0⇥192.0.2.255⇥64500⇥KR⇥Example` (iptoasn), \
         `192.0.2.0⇥24⇥64500` (CAIDA pfx2as) or `192.0.2.0/24,64500,\"Example\"` (GeoLite2), or is an .mmdb"
    )]
    Empty,
    /// A line that cannot be understood.
    #[error("line {line}: {why}")]
    BadLine {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// It is compressed, and damaged or too large.
    #[error("it cannot be unpacked: {0}")]
    Packed(String),
    /// A database that cannot be read.
    #[error("it is no sound MaxMind database: {0}")]
    Database(String),
    /// A database of something else.
    #[error("it is a database of type `{0}`; one of autonomous systems is needed, like GeoLite2-ASN")]
    OtherDatabase(String),
}

impl Table {
    /// Reads a table. Takes anything.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            let read = MultiGzDecoder::new(bytes).take(LARGEST + 1).read_to_end(&mut unpacked);
            read.map_err(|error| TableError::Packed(shown(&error.to_string())))?;
            if unpacked.len() as u64 > LARGEST {
                return Err(TableError::Packed("it is larger than 1 GiB".to_owned()));
            }
            return Self::plain(unpacked.into());
        }
        Self::plain(bytes.into())
    }

    fn plain(bytes: std::borrow::Cow<'_, [u8]>) -> Result<Self, TableError> {
        let kind = if is_database(&bytes) {
            Kind::Database(Box::new(database(bytes.into_owned())?))
        } else {
            Kind::Ranges(text::read(&bytes)?)
        };
        Ok(Self { kind })
    }

    /// Who announces an address, if the table knows.
    pub fn origin(&self, address: IpAddr) -> Option<Origin> {
        match &self.kind {
            Kind::Ranges(ranges) => ranges.origin(address),
            Kind::Database(database) => {
                let entry: maxminddb::geoip2::Asn<'_> = database.lookup(address).ok()?.decode().ok()??;
                Some(Origin {
                    asn: entry.autonomous_system_number.filter(|&asn| asn != 0)?,
                    owner: entry.autonomous_system_organization.unwrap_or_default().to_owned(),
                })
            }
        }
    }
}

/// The mark before a database's metadata, which stand in its last 128 KiB (MaxMind DB File Format 2.0).
fn is_database(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
    let tail = &bytes[bytes.len().saturating_sub(128 * 1024)..];
    tail.windows(MARK.len()).any(|window| window == MARK)
}

fn database(bytes: Vec<u8>) -> Result<maxminddb::Reader<Vec<u8>>, TableError> {
    let reader = maxminddb::Reader::from_source(bytes)
        .map_err(|error| TableError::Database(shown(&error.to_string())))?;
    let kind = &reader.metadata().database_type;
    if !kind.to_ascii_lowercase().contains("asn") {
        return Err(TableError::OtherDatabase(shown(kind)));
    }
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn origin(table: &Table, address: &str) -> Option<(u32, String)> {
        let origin = table.origin(address.parse().expect("an address"))?;
        Some((origin.asn, origin.owner))
    }

    fn known(asn: u32, owner: &str) -> Option<(u32, String)> {
        Some((asn, owner.to_owned()))
    }

    const IPTOASN: &str = "192.0.2.0\t192.0.2.127\t64500\tKR\tEXAMPLE - Example Networks\n\
                           192.0.2.128\t192.0.2.255\t0\tNone\tNot routed\n\
                           2001:db8::\t2001:db8::ffff\t64501\tUS\tSIX\n";

    #[test]
    fn tables_of_iptoasn_are_read() {
        let table = Table::read(IPTOASN.as_bytes()).expect("a table");
        assert_eq!(origin(&table, "192.0.2.0"), known(64_500, "EXAMPLE - Example Networks"));
        assert_eq!(origin(&table, "192.0.2.127"), known(64_500, "EXAMPLE - Example Networks"));
        assert_eq!(origin(&table, "192.0.2.128"), None);
        assert_eq!(origin(&table, "192.0.1.255"), None);
        assert_eq!(origin(&table, "2001:db8::1"), known(64_501, "SIX"));
    }

    #[test]
    fn what_is_compressed_is_unpacked() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(IPTOASN.as_bytes()).expect("memory");
        let packed = encoder.finish().expect("memory");
        let table = Table::read(&packed).expect("a table");
        assert_eq!(origin(&table, "2001:db8::1"), known(64_501, "SIX"));
        let error = Table::read(&packed[..packed.len() / 2]).expect_err("cut");
        assert!(matches!(error, TableError::Packed(_)), "{error}");
    }

    #[test]
    fn the_longest_prefix_of_caidas_table_wins() {
        let table = Table::read(
            b"198.51.100.0\t24\t64501\n198.51.100.128\t25\t64502_64503\n198.51.100.192\t26\t64504,64505\n0.0.0.0\t0\t1\n",
        )
        .expect("a table");
        assert_eq!(origin(&table, "198.51.100.1"), known(64_501, ""));
        assert_eq!(origin(&table, "198.51.100.129"), known(64_502, ""));
        assert_eq!(origin(&table, "198.51.100.255"), known(64_504, ""));
        assert_eq!(origin(&table, "255.255.255.255"), known(1, ""));
    }

    #[test]
    fn geolite_tables_may_have_commas_in_names() {
        let table = Table::read(
            b"network,autonomous_system_number,autonomous_system_organization\n\
              192.0.2.0/24,64500,\"Example, Inc.\"\n2001:db8::/32,64501,Six\n",
        )
        .expect("a table");
        assert_eq!(origin(&table, "192.0.2.9"), known(64_500, "Example, Inc."));
        assert_eq!(origin(&table, "2001:db8:1::"), known(64_501, "Six"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, part) in [
            ("", "no entry in it"),
            ("# only a comment\n\n", "no entry in it"),
            ("hello world\n", "line 1"),
            ("192.0.2.0\t192.0.2.255\t64500\tKR\tX\n192.0.2.0\tx\t1\tKR\tY\n", "line 2: `x`"),
            ("192.0.2.0\t192.0.2.255\tAS-X\tKR\tX\n", "line 1: `AS-X` is no AS number"),
            ("192.0.2.9\t192.0.2.1\t64500\tKR\tX\n", "line 1: the range ends before it begins"),
            ("192.0.2.0\t2001:db8::\t64500\tKR\tX\n", "line 1: the range begins in one family"),
            ("192.0.2.0\t33\t64500\n", "line 1: `33` is no prefix length"),
            ("network,autonomous_system_number\n192.0.2.0,1\n", "line 2: `192.0.2.0` is no network"),
            ("network,country\n192.0.2.0/24,KR\n", "line 1: the columns"),
        ] {
            let error = Table::read(text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    /// A database with one entry for 0.0.0.0/1 (MaxMind DB File Format 2.0).
    pub(crate) fn mmdb(kind: &str) -> Vec<u8> {
        fn string(text: &str) -> Vec<u8> {
            let mut bytes = vec![0x40 | text.len() as u8];
            bytes.extend(text.bytes());
            bytes
        }
        let short = |mut text: Vec<u8>, length: usize| {
            // Strings of 29 bytes and more have their length in a byte of its own.
            if length >= 29 {
                text.splice(0..1, [0x40 | 29, (length - 29) as u8]);
            }
            text
        };
        let key = |text: &str| short(string(text), text.len());
        let mut bytes = vec![0, 0, 17, 0, 0, 1];
        bytes.extend([0; 16]);
        bytes.push(0xe2);
        bytes.extend(key("autonomous_system_number"));
        bytes.extend([0xc2, 0xfb, 0xf4]);
        bytes.extend(key("autonomous_system_organization"));
        bytes.extend(string("Example"));
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        bytes.push(0xe9);
        for (name, value) in [
            ("binary_format_major_version", vec![0xa1, 2]),
            ("binary_format_minor_version", vec![0xa0]),
            ("build_epoch", vec![0x01, 0x02, 1]),
            ("database_type", string(kind)),
            ("description", vec![0xe0]),
            ("ip_version", vec![0xa1, 4]),
            ("languages", vec![0x00, 0x04]),
            ("node_count", vec![0xc1, 1]),
            ("record_size", vec![0xa1, 24]),
        ] {
            bytes.extend(key(name));
            bytes.extend(value);
        }
        bytes
    }

    #[test]
    fn databases_of_autonomous_systems_are_read() {
        let table = Table::read(&mmdb("GeoLite2-ASN")).expect("a database");
        assert_eq!(origin(&table, "10.0.0.1"), known(64_500, "Example"));
        assert_eq!(origin(&table, "203.0.113.1"), None);
        assert_eq!(origin(&table, "2001:db8::1"), None);
        let error = Table::read(&mmdb("GeoLite2-City")).expect_err("another kind").to_string();
        assert!(error.contains("`GeoLite2-City`"), "{error}");
        let cut = &mmdb("GeoLite2-ASN")[40..];
        assert!(matches!(Table::read(cut), Err(TableError::Database(_)) | Ok(_)));
    }

    #[test]
    fn half_a_million_lines_are_soon_read() {
        use std::fmt::Write;
        let mut text = String::new();
        for n in 0..500_000_u32 {
            let start = std::net::Ipv4Addr::from(n << 12);
            let end = std::net::Ipv4Addr::from((n << 12) | 0xfff);
            writeln!(text, "{start}\t{end}\t{}\tKR\tOwner {}", n % 60_000 + 1, n % 60_000).expect("memory");
        }
        let table = Table::read(text.as_bytes()).expect("a table");
        assert_eq!(origin(&table, "0.0.16.1"), known(2, "Owner 1"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400), address: [u8; 16]) {
            if let Ok(table) = Table::read(&bytes) {
                table.origin(IpAddr::from(address));
            }
        }

        #[test]
        fn any_damage_to_a_database_is_taken(at in 0_usize..400, byte: u8) {
            let mut bytes = mmdb("GeoLite2-ASN");
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(table) = Table::read(&bytes) {
                table.origin(IpAddr::from([10, 0, 0, 1]));
                table.origin(IpAddr::from([0x20; 16]));
            }
        }
    }
}
