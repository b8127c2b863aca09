//! From options to figures.

use std::io::Write;

use anyhow::{Result, bail};
use causeway::table::access_list::AccessList;

use crate::options::Options;
use crate::report::{self, Report};
use crate::sets::{self, Set};
use crate::support::scan;
use crate::{latency, measure};

/// Does what is asked; how many answers differed from the ordered scan.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> Result<usize> {
    let wanted = sets::wanted(options);
    if options.results.is_some() && wanted.len() > 1 {
        bail!("--results takes one rule set: name one with --rules, or with --generate and --size");
    }
    let mut mismatches = 0;
    for (number, which) in wanted.into_iter().enumerate() {
        let set = sets::load(which, options)?;
        if let Some(directory) = &options.write {
            let [rules, trace] = sets::write(&set, directory)?;
            writeln!(out, "{rules}\n{trace}")?;
            continue;
        }
        if number == 0 && !options.json {
            report::print_head(out)?;
        }
        let report = figures(set, options)?;
        report.print(options.json, out)?;
        mismatches += report.mismatches;
    }
    Ok(mismatches)
}

fn figures(set: Set, options: &Options) -> Result<Report> {
    let batch = options.batch as usize;
    let (list, build_seconds) = measure::build(&set.rules, options.budget)?;
    let answers = measure::answers(&list, &set.headers, batch);
    if let Some(path) = &options.results {
        sets::into_file(path, |out| write_answers(&answers, out))?;
    }
    let right = scan::first_matches(&set.rules, &set.headers);
    let rates = measure::lookups_per_second(&list, &set.headers, batch, options.rounds);
    Ok(Report {
        set: set.name,
        rules: set.rules.len(),
        lookups_per_second: rates.median.round() as u64,
        build_seconds: (build_seconds * 1e9).round() / 1e9,
        table_bytes: list.memory(),
        mismatches: answers.iter().zip(&right).filter(|(answer, right)| answer != right).count(),
        latency: if options.latency { latency::measure(&list, &set.headers) } else { None },
        rates,
        headers: set.headers.len(),
    })
}

fn write_answers(answers: &[u32], out: &mut impl Write) -> std::io::Result<()> {
    for &answer in answers {
        if answer == AccessList::NO_MATCH { writeln!(out, "none")? } else { writeln!(out, "{answer}")? }
    }
    Ok(())
}
