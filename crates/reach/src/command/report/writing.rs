//! Writing: which formats, and where to. Nothing that is no regular file is written over, and nothing is left half
//! written.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use reach_report::{
    Style,
    document::{self, pdf},
    request::{self, FormError, RequestForm, Template},
};

use super::Written;
use crate::{
    cli::{ReportArgs, ReportFormat},
    config::Output,
    exit::Exit,
    output::{complain, finish, note, shown},
};

/// Which formats, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    formats: BTreeSet<ReportFormat>,
    place: Place,
    template: Option<Template>,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Standard output.
    Screen,
    /// This file.
    File(PathBuf),
    /// Files in this directory.
    Directory(PathBuf),
}

const EVERY: [ReportFormat; 7] = [
    ReportFormat::Html,
    ReportFormat::Pdf,
    ReportFormat::Md,
    ReportFormat::Json,
    ReportFormat::Txt,
    ReportFormat::Csv,
    ReportFormat::Xlsx,
];

impl ReportFormat {
    /// What its files end with.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            ReportFormat::Html => "html",
            ReportFormat::Pdf => "pdf",
            ReportFormat::Md => "md",
            ReportFormat::Json => "json",
            ReportFormat::Txt => "txt",
            ReportFormat::Csv => "csv",
            ReportFormat::Xlsx => "xlsx",
            ReportFormat::All => "",
        }
    }

    /// What browsers are told that it is (RFC 2046).
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            ReportFormat::Html => "text/html; charset=utf-8",
            ReportFormat::Pdf => "application/pdf",
            ReportFormat::Md => "text/markdown; charset=utf-8",
            ReportFormat::Json => "application/json",
            ReportFormat::Txt | ReportFormat::All => "text/plain; charset=utf-8",
            ReportFormat::Csv => "text/csv; charset=utf-8",
            ReportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The one whose files end so.
    pub(crate) fn of_ending(ending: &str) -> Option<Self> {
        let ending = ending.to_ascii_lowercase();
        match ending.as_str() {
            "htm" => Some(ReportFormat::Html),
            "markdown" => Some(ReportFormat::Md),
            "text" => Some(ReportFormat::Txt),
            _ => EVERY.into_iter().find(|format| format.ending() == ending),
        }
    }

    const fn is_form(self) -> bool {
        matches!(self, ReportFormat::Csv | ReportFormat::Xlsx)
    }

    const fn is_text(self) -> bool {
        !matches!(self, ReportFormat::Pdf | ReportFormat::Xlsx | ReportFormat::All)
    }
}

impl Wish {
    /// Of what was typed.
    pub(super) fn understand(args: &ReportArgs, output: Option<&Output>) -> Result<Self, String> {
        let mut formats: BTreeSet<ReportFormat> = args.format.iter().copied().collect();
        if args.show.json {
            formats.insert(ReportFormat::Json);
        }
        if formats.remove(&ReportFormat::All) {
            formats.extend(EVERY);
            if args.verify {
                formats.remove(&ReportFormat::Csv);
                formats.remove(&ReportFormat::Xlsx);
            }
        }
        if args.verify && formats.iter().any(|format| format.is_form()) {
            return Err(
                "--verify asks for nothing, so that there is no request form; leave out csv and xlsx"
                    .to_owned(),
            );
        }
        let named = args.output.as_ref();
        let ending = named.and_then(|path| path.extension()).and_then(|ending| ending.to_str());
        let is_directory = named.is_some_and(|path| path.is_dir() || path.to_string_lossy().ends_with('/'));
        if formats.is_empty() {
            formats.insert(match ending.filter(|_| !is_directory).map(|ending| (ending, ReportFormat::of_ending(ending))) {
                Some((_, Some(format))) => format,
                Some((ending, None)) => {
                    return Err(format!(
                        "--output: nothing is known of files that end in `.{}`; name one of html, pdf, md, json, txt, \
                         csv, xlsx with --format",
                        shown(ending)
                    ));
                }
                None => ReportFormat::Txt,
            });
        }
        let several = formats.len() > 1 || args.sources.len() > 1;
        let place = match named {
            None if several => {
                return Err("several documents need a directory; name one with --output".to_owned());
            }
            None => Place::Screen,
            Some(path) if path == Path::new("-") && !several => Place::Screen,
            Some(path) if several || is_directory => Place::Directory(path.clone()),
            Some(path) => Place::File(path.clone()),
        };
        if let (Place::Screen, Some(format)) = (&place, formats.first().filter(|format| !format.is_text())) {
            return Err(format!("{} is no text; name a file with --output", format.ending()));
        }
        let template = args.template.as_deref().map(|path| template(path, output)).transpose()?;
        if template.is_some() && !formats.iter().any(|format| format.is_form()) {
            return Err("--template is for the request form; write it with --format xlsx or csv".to_owned());
        }
        let wish = Self { formats, place, template };
        wish.check_places()?;
        Ok(wish)
    }

    /// Tells before any work whether the place can be written to.
    fn check_places(&self) -> Result<(), String> {
        match &self.place {
            Place::Screen => Ok(()),
            Place::File(path) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                match parent.filter(|parent| !parent.is_dir()) {
                    Some(parent) => {
                        Err(format!("--output `{}`: there is no directory `{}`", name(path), name(parent)))
                    }
                    None => free(path),
                }
            }
            Place::Directory(path) => match fs::metadata(path) {
                Ok(metadata) if !metadata.is_dir() => {
                    Err(format!("--output `{}` is no directory, which several documents need", name(path)))
                }
                _ => Ok(()),
            },
        }
    }

    /// Writes all of it; `exit` is how the command ends where that goes well.
    pub(super) fn write(&self, written: &[Written], output: &Output, exit: Exit) -> Exit {
        match &self.place {
            Place::Screen => {
                let mut text = String::new();
                for one in written {
                    for format in &self.formats {
                        match one.bytes(*format, self.template.as_ref(), &output.style) {
                            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                            Err(problem) => return complain(&[problem]),
                        }
                    }
                }
                finish(&text, exit)
            }
            Place::File(path) => self.files(written, output, exit, |_, _| path.clone()),
            Place::Directory(directory) => {
                if let Err(error) = fs::create_dir_all(directory) {
                    return complain(&[format!("--output `{}` cannot be made: {error}", name(directory))]);
                }
                self.files(written, output, exit, |one, format| {
                    directory.join(format!("{}.{}", one.name, format.ending()))
                })
            }
        }
    }

    fn files(
        &self,
        written: &[Written],
        output: &Output,
        exit: Exit,
        path: impl Fn(&Written, ReportFormat) -> PathBuf,
    ) -> Exit {
        let mut taken = BTreeSet::new();
        for one in written {
            for format in &self.formats {
                let mut path = path(one, *format);
                // Two recordings of one target are two files.
                let mut number = 2;
                while !taken.insert(path.clone()) {
                    path.set_file_name(format!("{}-{number}.{}", one.name, format.ending()));
                    number += 1;
                }
                let bytes = match one.bytes(*format, self.template.as_ref(), &output.style) {
                    Ok(bytes) => bytes,
                    // Where everything is wanted, what there is none of is left out.
                    Err(problem) if self.formats.len() > 1 => {
                        note(&problem);
                        continue;
                    }
                    Err(problem) => return complain(&[problem]),
                };
                if let Err(problem) = free(&path) {
                    return complain(&[problem]);
                }
                if let Err(error) = put(&path, &bytes) {
                    note(&format!("`{}` could not be written: {error}", name(&path)));
                    return Exit::CouldNotTell;
                }
                note(&format!("written: {}", name(&path)));
            }
            if let Place::Directory(directory) = &self.place {
                let needs = self
                    .formats
                    .iter()
                    .any(|format| matches!(format, ReportFormat::Md | ReportFormat::Txt | ReportFormat::Pdf));
                for attached in one.document.attachments.iter().filter(|_| needs) {
                    let path = directory.join(format!("{}-{}", one.name, tame(&attached.name)));
                    let done =
                        free(&path).map_err(io::Error::other).and_then(|()| put(&path, &attached.bytes));
                    if let Err(error) = done {
                        note(&format!("`{}` could not be written: {error}", name(&path)));
                        return Exit::CouldNotTell;
                    }
                    note(&format!("written: {}", name(&path)));
                }
            }
        }
        exit
    }
}

impl Written {
    /// It in this way of writing it down.
    ///
    /// # Errors
    ///
    /// Where there is nothing to write in that way, or it cannot be.
    pub(crate) fn bytes(
        &self,
        format: ReportFormat,
        template: Option<&Template>,
        style: &Style,
    ) -> Result<Vec<u8>, String> {
        Ok(match format {
            ReportFormat::Html => document::html(&self.document).into_bytes(),
            ReportFormat::Md => document::markdown(&self.document).into_bytes(),
            ReportFormat::Json => format!("{:#}\n", self.json).into_bytes(),
            ReportFormat::Txt => document::text(&self.document, style).into_bytes(),
            ReportFormat::Csv => form(self, |form| request::csv(form, template, true))?,
            ReportFormat::Xlsx => form(self, |form| request::xlsx(form, template))?,
            ReportFormat::Pdf => pdf::pdf(&self.document, Some(self.made))
                .map_err(|error| format!("the PDF cannot be written: {}", error.text(style.lang)))?,
            ReportFormat::All => Vec::new(),
        })
    }
}

fn form(
    one: &Written,
    write: impl FnOnce(&RequestForm) -> Result<Vec<u8>, FormError>,
) -> Result<Vec<u8>, String> {
    let Some(form) = &one.form else {
        return Err("there is no request form: no rule of a firewall would mend what was found".to_owned());
    };
    write(form).map_err(|error| format!("the request form cannot be written: {error}"))
}

/// A house's own form.
fn template(path: &Path, output: Option<&Output>) -> Result<Template, String> {
    let shown = name(path);
    let bytes = fs::read(path).map_err(|error| format!("--template `{shown}` cannot be read: {error}"))?;
    let lang = output.map(|output| output.style.lang).unwrap_or_default();
    Template::read(&bytes).map_err(|error| format!("--template `{shown}`: {}", error.text(lang)))
}

/// Whether a file can be written there: there is none, or a regular one.
fn free(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(format!(
            "--output `{}` is no regular file, and is not written over; name another, or leave --output away for \
             standard output",
            name(path)
        )),
        _ => Ok(()),
    }
}

/// Writes a file whole, or not at all.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.file_name().unwrap_or_default().to_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Whatever is there of it is of no use.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn tame(name: &str) -> String {
    let tame: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(120)
        .collect();
    tame.trim_start_matches('.').to_owned()
}

fn name(path: &Path) -> String {
    shown(&path.to_string_lossy())
}
