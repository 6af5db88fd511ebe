//! Tables as text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{TableError, ranges::Ranges};
use crate::output::shown;

/// Reads a table whose kind its first line tells.
pub(super) fn read(bytes: &[u8]) -> Result<Ranges, TableError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = lines(bytes).next().map(|(_, line)| line);
    let ranges = match first {
        Some(line) if line.starts_with(b"network,") => columns(bytes)?,
        _ => tabs(bytes)?,
    };
    if ranges.is_empty() { Err(TableError::Empty) } else { Ok(ranges.settle()) }
}

/// Lines with something in them, from 1; `#` begins a comment.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let numbered = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    numbered
        .map(|(number, line)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

fn bad(line: u64, why: impl Into<String>) -> TableError {
    TableError::BadLine { line, why: why.into() }
}

/// iptoasn and pfx2as: the second column tells which.
fn tabs(bytes: &[u8]) -> Result<Ranges, TableError> {
    let mut ranges = Ranges::default();
    for (number, line) in lines(bytes) {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split('\t').map(str::trim);
        let (Some(start), Some(second), Some(asn)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(bad(
                number,
                format!(
                    "`{}` has too few columns; they are separated by tabs: `start⇥end⇥asn⇥country⇥owner` or \
                     `prefix⇥length⇥asn`",
                    shown(&line)
                ),
            ));
        };
        let owner = fields.nth(1).unwrap_or_default();
        let start_address = address(start).ok_or_else(|| bad(number, not_an_address(start)))?;
        let is_range = start.bytes().all(|byte| byte.is_ascii_digit()) || second.contains(['.', ':']);
        let end = if is_range {
            address(second).ok_or_else(|| bad(number, not_an_address(second)))?
        } else if let Ok(length) = second.parse() {
            last(start_address, length)
                .ok_or_else(|| bad(number, format!("`{}` is no prefix length", shown(second))))?
        } else {
            return Err(bad(
                number,
                format!("`{}` is neither an address nor a prefix length", shown(second)),
            ));
        };
        add(&mut ranges, number, (start_address, end), asn, owner)?;
    }
    Ok(ranges)
}

/// GeoLite2 CSV.
fn columns(bytes: &[u8]) -> Result<Ranges, TableError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let line_of = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
    let headers = reader.byte_headers().map_err(|error| bad(line_of(&error), shown(&error.to_string())))?;
    let place = |name: &str| headers.iter().position(|header| header.trim_ascii() == name.as_bytes());
    let (Some(network), Some(asn)) = (place("network"), place("autonomous_system_number")) else {
        return Err(bad(1, "the columns `network` and `autonomous_system_number` are needed"));
    };
    let owner = place("autonomous_system_organization");
    let mut ranges = Ranges::default();
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(ranges),
            Err(error) => return Err(bad(line_of(&error), shown(&error.to_string()))),
        }
        let number = record.position().map_or(1, csv::Position::line);
        let field = |place: usize| String::from_utf8_lossy(record.get(place).unwrap_or_default());
        let text = field(network);
        let range = text
            .trim()
            .split_once('/')
            .and_then(|(start, length)| {
                let start = address(start)?;
                Some((start, last(start, length.parse().ok()?)?))
            })
            .ok_or_else(|| bad(number, format!("`{}` is no network like 192.0.2.0/24", shown(&text))))?;
        let owner = owner.map(field).unwrap_or_default();
        add(&mut ranges, number, range, field(asn).trim(), owner.trim())?;
    }
}

fn add(
    ranges: &mut Ranges,
    line: u64,
    (start, end): (IpAddr, IpAddr),
    asn: &str,
    owner: &str,
) -> Result<(), TableError> {
    if start.is_ipv4() != end.is_ipv4() {
        return Err(bad(line, "the range begins in one family of addresses and ends in the other"));
    }
    if end < start {
        return Err(bad(line, "the range ends before it begins"));
    }
    // CAIDA writes several origins as 64500_64501 and sets as 64500,64501: the first one stands for them.
    let first = asn.split(['_', ',']).next().unwrap_or_default();
    let digits = first.strip_prefix("AS").unwrap_or(first);
    let number = digits.parse().map_err(|_| bad(line, format!("`{}` is no AS number", shown(asn))))?;
    ranges.add(start, end, number, owner);
    Ok(())
}

/// An address, or the 32 bits of one as a decimal number.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse().ok().map(|bits: u32| Ipv4Addr::from(bits).into()))
}

fn not_an_address(text: &str) -> String {
    format!("`{}` is no address", shown(text))
}

/// The last address of the network of a prefix length that an address is in.
fn last(address: IpAddr, length: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) if length <= 32 => {
            let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            Some(Ipv4Addr::from(address.to_bits() | host).into())
        }
        IpAddr::V6(address) if length <= 128 => {
            let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            Some(Ipv6Addr::from(address.to_bits() | host).into())
        }
        _ => None,
    }
}
