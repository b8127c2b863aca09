//! Trace files in the format of ClassBench, a header a line, decimal: source, destination, source port, destination port, protocol.
//! What follows on the line (flags, the rule that a header was drawn from) is ignored.

use std::io::{self, Write};
use std::str::{FromStr, SplitWhitespace};

use causeway::table::access_list::five_tuple::FiveTuple;

use super::BadLine;

/// The headers of a file, in order.
pub(crate) fn read(text: &str) -> Result<Vec<FiveTuple>, BadLine> {
    super::each_line(text, header)
}

/// Writes headers so that [`read`] gives the same ones.
///
/// # Errors
/// The writer's.
pub(crate) fn write(headers: &[FiveTuple], out: &mut impl Write) -> io::Result<()> {
    for header in headers {
        let FiveTuple { source, destination, source_port, destination_port, protocol } = header;
        writeln!(out, "{source}\t{destination}\t{source_port}\t{destination_port}\t{protocol}\t0\t0")?;
    }
    Ok(())
}

fn header(line: &str) -> Result<FiveTuple, String> {
    let mut words = line.split_whitespace();
    Ok(FiveTuple {
        source: number(&mut words, "source address")?,
        destination: number(&mut words, "destination address")?,
        source_port: number(&mut words, "source port")?,
        destination_port: number(&mut words, "destination port")?,
        protocol: number(&mut words, "protocol")?,
    })
}

fn number<T: FromStr>(words: &mut SplitWhitespace<'_>, field: &str) -> Result<T, String> {
    let word = words.next().ok_or_else(|| format!("the line ends before the {field}"))?;
    word.parse().map_err(|_| format!("{field}: '{word}' is no decimal number that fits"))
}
