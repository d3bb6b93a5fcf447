//! `ckaprep author new`: a scenario that already proves, to be changed bit by bit into the one that is wanted.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use crate::cli::catalog;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::schema::{DocumentKind, schema};
use crate::content::{Catalog, Curriculum};
use crate::model::id::is_id;

/// Make the folder of a new scenario. It lints clean and proves, so that every change shows what it broke.
///
/// On a terminal, what is not given is asked for.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    wanted: Wanted,
    /// What to start from: a workload that does not become ready, or something to find out and write to a file
    #[arg(long, value_name = "KIND", value_parser = ["workload", "answer"])]
    from: Option<String>,
    /// Where to write it; a folder of this name is made
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What may be said of a new scenario on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Wanted {
    /// Its id: lower-case words joined by dashes
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Its title, which does not tell what is to be found
    #[arg(long)]
    title: Option<String>,
    /// The exam it belongs to
    #[arg(long)]
    exam: Option<String>,
    /// The domain of the exam
    #[arg(long)]
    domain: Option<String>,
    /// The competency of the domain
    #[arg(long)]
    competency: Option<String>,
    /// easy, medium or hard
    #[arg(long, value_parser = ["easy", "medium", "hard"])]
    difficulty: Option<String>,
    /// Minutes that it should take
    #[arg(long, value_name = "N")]
    minutes: Option<u32>,
}

/// Everything that is said of a new scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Particulars {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Exam.
    pub exam: String,
    /// Domain.
    pub domain: String,
    /// Competency.
    pub competency: String,
    /// Difficulty.
    pub difficulty: String,
    /// Budget.
    pub minutes: u32,
}

/// Files of a template by path. `@id@` and the like stand for what is said of the scenario.
type Template = &'static [(&'static str, &'static str)];

const WORKLOAD: Template = &[
    ("scenario.yaml", include_str!("workload/scenario.yaml")),
    ("task.md", include_str!("workload/task.md")),
    ("setup/app.yaml", include_str!("workload/setup/app.yaml")),
];

const ANSWER: Template = &[
    ("scenario.yaml", include_str!("answer/scenario.yaml")),
    ("task.md", include_str!("answer/task.md")),
    ("setup/pods.yaml", include_str!("answer/setup/pods.yaml")),
];

/// Makes it.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let particulars = args.wanted.complete(context)?;
    let template = match args.from.as_deref() {
        Some("answer") => ANSWER,
        _ => WORKLOAD,
    };
    let folder = args.dir.unwrap_or_else(|| PathBuf::from(&particulars.id));
    let files: Vec<(String, String)> = template.iter().map(|(path, text)| ((*path).to_owned(), particulars.fill(text))).collect();
    create(&folder, &files)?;
    let shown = if folder.is_absolute() { folder.display().to_string() } else { format!("./{}", folder.display()) };
    context.print(&format!(
        "{shown} is there: a scenario that proves. Change it while this runs:\n\n  ckaprep author test {shown} --watch\n\nThen try it as a \
         learner would: ckaprep scenario {shown}\n",
    ));
    Ok(0)
}

/// Writes files into a folder that must not be there yet, and the schema beside them, by which editors complete.
pub fn create(folder: &Path, files: &[(String, String)]) -> Result<(), CliError> {
    if folder.exists() {
        return Err(CliError::usage(format!("{} is there already", folder.display())).hint("`--dir` names another folder"));
    }
    let schema = serde_json::to_string_pretty(&schema(DocumentKind::Scenario)).unwrap_or_default();
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).chain([("scenario.schema.json", schema.as_str())]);
    for (path, text) in files {
        let path = folder.join(path);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        written.map_err(|e| CliError::environment(format!("cannot write {}", path.display())).because(e))?;
    }
    Ok(())
}

impl Wanted {
    /// What was given, the rest asked for on a terminal and taken as usual elsewhere.
    pub fn complete(&self, context: &Context) -> Result<Particulars, CliError> {
        let catalog = Catalog::built_in()?;
        let ask = |what: &str, given: Option<&String>, usual: &str| -> String {
            given.cloned().unwrap_or_else(|| if context.terminal.is_interactive() { question(what, usual) } else { usual.to_owned() })
        };
        let id = ask("Id", self.id.as_ref(), "");
        if id.contains('/') || !is_id(&id) {
            return Err(
                CliError::usage(format!("{id:?} is not an id")).hint("lower-case words joined by dashes: `ckaprep author new slow-start`")
            );
        }
        let title = ask("Title", self.title.as_ref(), &title_of(&id));
        let exam = ask("Exam", self.exam.as_ref(), "cka");
        let curriculum = catalog::exam(&catalog, &exam)?;
        let usual = curriculum.domains.iter().find(|d| d.id.as_str() == "troubleshooting").or(curriculum.domains.first());
        let domain = ask(&one_of("Domain", domains(curriculum)), self.domain.as_ref(), usual.map_or("", |d| d.id.as_str()));
        let Some(of_domain) = curriculum.domain(&domain) else {
            return Err(CliError::usage(format!("the exam {exam} has no domain {domain:?}")).hint(one_of("Domains", domains(curriculum))));
        };
        let competencies: Vec<&str> = of_domain.competencies.iter().map(|c| c.id.as_str()).collect();
        let usual = competencies.first().copied().unwrap_or_default();
        let competency = ask(&one_of("Competency", competencies.clone()), self.competency.as_ref(), usual);
        if !competencies.contains(&competency.as_str()) {
            return Err(
                CliError::usage(format!("the domain {domain} has no competency {competency:?}")).hint(one_of("Competencies", competencies))
            );
        }
        let difficulty = ask("Difficulty (easy, medium, hard)", self.difficulty.as_ref(), "medium");
        let minutes = ask("Minutes", self.minutes.map(|m| m.to_string()).as_ref(), "6");
        let minutes = minutes.trim().parse().map_err(|_| CliError::usage(format!("{minutes:?} is not a number of minutes")))?;
        Ok(Particulars { id, title, exam, domain, competency, difficulty, minutes })
    }
}

impl Particulars {
    fn fill(&self, text: &str) -> String {
        let minutes = self.minutes.to_string();
        let words = [
            ("@id@", &self.id),
            ("@title@", &self.title),
            ("@exam@", &self.exam),
            ("@domain@", &self.domain),
            ("@competency@", &self.competency),
            ("@difficulty@", &self.difficulty),
            ("@minutes@", &minutes),
        ];
        words.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

fn domains(curriculum: &Curriculum) -> Vec<&str> {
    curriculum.domains.iter().map(|d| d.id.as_str()).collect()
}

fn one_of(what: &str, words: Vec<&str>) -> String {
    format!("{what} ({})", words.join(", "))
}

/// `slow-start` → `Slow start`.
fn title_of(id: &str) -> String {
    let text = id.replace('-', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn question(what: &str, usual: &str) -> String {
    let hint = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
    let mut out = std::io::stderr();
    let _ = write!(out, "{what}{hint}: ");
    let _ = out.flush();
    let mut line = String::new();
    // The end of input takes what is usual, as an empty line does.
    let _ = std::io::stdin().lock().read_line(&mut line);
    let line = line.trim();
    if line.is_empty() { usual.to_owned() } else { line.to_owned() }
}
