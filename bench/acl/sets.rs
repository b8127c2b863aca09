//! The rules and headers that are measured: from files, or made from a seed.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use causeway::table::access_list::five_tuple::{FiveTuple, FiveTupleRule};

use crate::options::{Options, SIZES};
use crate::support::generate::{self, Shape};
use crate::support::{BadLine, filter_file, headers, trace_file};

/// A rule set and what is looked up in it.
pub(crate) struct Set {
    /// Its name, where it was made here.
    pub(crate) name: Option<String>,
    /// The rules, as written.
    pub(crate) rules: Vec<FiveTupleRule>,
    /// The headers.
    pub(crate) headers: Vec<FiveTuple>,
}

/// Which set: its shape and size, or none for the one of the files.
pub(crate) type Which = Option<(Shape, usize)>;

/// The sets that are asked for, small ones first.
pub(crate) fn wanted(options: &Options) -> Vec<Which> {
    if options.rules.is_some() {
        return vec![None];
    }
    let shapes = if options.generate.is_empty() { Shape::ALL.to_vec() } else { options.generate.clone() };
    let sizes = if options.size.is_empty() { SIZES.to_vec() } else { options.size.clone() };
    sizes.iter().flat_map(|&size| shapes.iter().map(move |&shape| Some((shape, size)))).collect()
}

/// Reads or makes one.
pub(crate) fn load(which: Which, options: &Options) -> Result<Set> {
    let rules = match (which, &options.rules) {
        (Some((shape, size)), _) => generate::rules(shape, size, options.seed),
        (None, Some(path)) => read(path, filter_file::read)?,
        (None, None) => Vec::new(),
    };
    let mut headers = match &options.trace {
        Some(path) => read(path, trace_file::read)?,
        None => made(&rules, options),
    };
    if options.shuffled {
        headers = headers::shuffle(&headers, options.seed);
    }
    Ok(Set { name: which.map(|(shape, size)| format!("{}_{size}", shape.name())), rules, headers })
}

/// Writes a set's rules and headers; the names of the files.
pub(crate) fn write(set: &Set, directory: &Path) -> Result<[String; 2]> {
    let name = set.name.as_deref().unwrap_or("set");
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let paths = ["rules", "trace"].map(|kind| directory.join(format!("{name}.{kind}")));
    let [rules, trace] = &paths;
    into_file(rules, |out| filter_file::write(&set.rules, out))?;
    into_file(trace, |out| trace_file::write(&set.headers, out))?;
    Ok(paths.map(|path| path.display().to_string()))
}

/// Fills a file.
pub(crate) fn into_file(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let filled = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.flush()
    });
    filled.with_context(|| path.display().to_string())
}

fn made(rules: &[FiveTupleRule], options: &Options) -> Vec<FiveTuple> {
    let length = options.headers.unwrap_or_else(|| headers::usual_length(rules.len()));
    // Another seed than the rules' own, so that headers do not follow the same choices.
    let seed = options.seed ^ 0x7472_6163_6500;
    match (options.corners, options.random) {
        (false, false) => headers::trace(rules, length, seed),
        (true, false) => headers::corners(rules, length, seed),
        (false, true) => headers::randoms(length, seed),
        (true, true) => {
            let mut both = headers::corners(rules, length.div_ceil(2), seed);
            both.extend(headers::randoms(length / 2, seed));
            headers::shuffle(&both, seed)
        }
    }
}

/// A byte that is no text spoils its line only, which is then reported with its number.
fn read<T>(path: &Path, parse: impl Fn(&str) -> Result<Vec<T>, BadLine>) -> Result<Vec<T>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    parse(&String::from_utf8_lossy(&bytes)).with_context(|| path.display().to_string())
}
