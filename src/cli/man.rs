//! `causeway man`.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::{Exit, Output, output};

const EXAMPLE: &str = "\
Examples:
  causeway man run | man -l -
  causeway man --dir /usr/local/share/man/man1";

/// Arguments of `causeway man`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The command to describe, such as `run` or `lab up`; without it, causeway itself.
    #[arg(value_name = "COMMAND", num_args = 0.., conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write the page of every command into this directory, which is made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints a page, or writes all of them. It is roff whatever `-o` says.
#[must_use]
pub fn run(arguments: &Arguments, _: Output) -> Exit {
    let pages = pages();
    let result = match &arguments.dir {
        Some(directory) => write_all(&pages, directory),
        None => return print(&pages, &arguments.command),
    };
    match result {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::complain(&error.to_string());
            Exit::Failure
        }
    }
}

fn print(pages: &[Command], words: &[String]) -> Exit {
    let name = std::iter::once("causeway").chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    let Some(page) = pages.iter().find(|page| self::name(page) == name) else {
        output::complain(&format!("there is no command `{}`", words.join(" ")));
        return Exit::Usage;
    };
    match roff(page) {
        Ok(text) => output::write_out(&text, Exit::Success),
        Err(error) => {
            output::complain(&error.to_string());
            Exit::Failure
        }
    }
}

fn write_all(pages: &[Command], directory: &Path) -> io::Result<()> {
    let told = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| told(directory, error))?;
    for page in pages {
        let path = directory.join(format!("{}.1", name(page)));
        std::fs::write(&path, roff(page)?).map_err(|error| told(&path, error))?;
    }
    Ok(())
}

fn roff(page: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(page.clone()).source(concat!("causeway ", env!("CARGO_PKG_VERSION"))).manual("causeway").render(&mut text)?;
    Ok(text)
}

/// Every visible command. Building gives each its page's name (`causeway-lab-up`) and the one that people type
/// (`causeway lab up`).
fn pages() -> Vec<Command> {
    let mut root = super::arguments::Arguments::command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, &mut pages);
    pages
}

fn collect(command: &Command, pages: &mut Vec<Command>) {
    pages.push(command.clone());
    for child in command.get_subcommands().filter(|child| !child.is_hide_set() && child.get_name() != "help") {
        collect(child, pages);
    }
}

/// What a command's page is called, without the section.
fn name(page: &Command) -> &str {
    page.get_display_name().unwrap_or_else(|| page.get_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_names_it() {
        let pages = pages();
        assert!(pages.iter().any(|page| name(page) == "causeway-completions"));
        for page in &pages {
            let text = String::from_utf8(roff(page).unwrap()).unwrap();
            assert!(text.contains(&name(page).replace('-', "\\-")), "{}: {text}", name(page));
        }
    }

    #[test]
    fn all_pages_are_written_under_their_names() {
        let directory = tempfile::tempdir().unwrap();
        write_all(&pages(), &directory.path().join("man1")).unwrap();
        assert!(directory.path().join("man1/causeway.1").exists());
        assert!(directory.path().join("man1/causeway-man.1").exists());
    }
}
