//! Filter files in the format of ClassBench, a rule a line:
//! `@10.0.0.0/8 192.0.2.1/32 0 : 65535 443 : 443 0x06/0xFF 0x0000/0x0000`. The column of flags is optional and ignored.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use causeway::table::access_list::five_tuple::{FiveTupleRule, MaskedProtocol};

use super::BadLine;

/// The rules of a file, in order.
pub(crate) fn read(text: &str) -> Result<Vec<FiveTupleRule>, BadLine> {
    super::each_line(text, rule)
}

/// Writes rules so that [`read`] gives the same ones.
///
/// # Errors
/// The writer's, and `InvalidInput` for addresses that are no prefix: the format has no way to say them.
pub(crate) fn write(rules: &[FiveTupleRule], out: &mut impl Write) -> io::Result<()> {
    for rule in rules {
        let (sources, destinations) = (written_prefix(&rule.sources)?, written_prefix(&rule.destinations)?);
        let (source_ports, destination_ports) = (written_ports(&rule.source_ports), written_ports(&rule.destination_ports));
        let MaskedProtocol { value, mask } = rule.protocol;
        writeln!(out, "@{sources}\t{destinations}\t{source_ports}\t{destination_ports}\t0x{value:02x}/0x{mask:02X}\t0x0000/0x0000\t")?;
    }
    Ok(())
}

/// The addresses under a prefix; bits behind its length are ignored.
pub(crate) fn prefix(address: u32, length: u32) -> RangeInclusive<u32> {
    let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
    address & !hosts..=address | hosts
}

fn written_prefix(range: &RangeInclusive<u32>) -> io::Result<String> {
    let (first, last) = (*range.start(), *range.end());
    let length = (first ^ last).leading_zeros();
    if prefix(first, length) != *range {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a range of addresses that is no prefix"));
    }
    Ok(format!("{}/{length}", Ipv4Addr::from(first)))
}

fn written_ports(range: &RangeInclusive<u16>) -> String {
    format!("{} : {}", range.start(), range.end())
}

fn rule(line: &str) -> Result<FiveTupleRule, String> {
    let spaced = line.trim_start_matches('@').replace('/', " / ").replace(':', " : ");
    let mut words = Words(spaced.split_whitespace());
    Ok(FiveTupleRule {
        sources: addresses(&mut words, "source address")?,
        destinations: addresses(&mut words, "destination address")?,
        source_ports: ports(&mut words, "source port")?,
        destination_ports: ports(&mut words, "destination port")?,
        protocol: protocol(&mut words)?,
    })
}

fn addresses(words: &mut Words<'_>, field: &str) -> Result<RangeInclusive<u32>, String> {
    let address: Ipv4Addr = words.number(field)?;
    words.mark("/", field)?;
    let length: u32 = words.number(&format!("{field}'s prefix length"))?;
    if length > 32 {
        return Err(format!("{field}: a prefix length of {length} is more than 32"));
    }
    Ok(prefix(address.to_bits(), length))
}

fn ports(words: &mut Words<'_>, field: &str) -> Result<RangeInclusive<u16>, String> {
    let first: u16 = words.number(field)?;
    words.mark(":", field)?;
    let last: u16 = words.number(field)?;
    if first > last {
        return Err(format!("{field}: {first} : {last} runs backwards"));
    }
    Ok(first..=last)
}

fn protocol(words: &mut Words<'_>) -> Result<MaskedProtocol, String> {
    let value = byte(words.next("protocol")?)?;
    words.mark("/", "protocol")?;
    Ok(MaskedProtocol { value, mask: byte(words.next("protocol's mask")?)? })
}

/// Hexadecimal after `0x`, otherwise decimal.
fn byte(word: &str) -> Result<u8, String> {
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let parsed = hexadecimal.map_or_else(|| word.parse(), |digits| u8::from_str_radix(digits, 16));
    parsed.map_err(|_| format!("protocol: '{word}' is no number from 0 to 255 (0xFF)"))
}

/// The words and marks of a line, one after another.
struct Words<'a>(std::str::SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self, field: &str) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| format!("the line ends before the {field}"))
    }

    fn number<T: FromStr>(&mut self, field: &str) -> Result<T, String> {
        let word = self.next(field)?;
        word.parse().map_err(|_| format!("{field}: '{word}' is none"))
    }

    fn mark(&mut self, mark: &str, field: &str) -> Result<(), String> {
        let word = self.next(field)?;
        if word == mark { Ok(()) } else { Err(format!("{field}: '{mark}' expected before '{word}'")) }
    }
}
