//! What every finding wants and why: `ckaprep author lint --explain`, and docs/authoring/findings.md, which is made of this.

use crate::content::diagnostic::Severity::{self, Error, Warning};

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its stable name.
    pub code: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What it wants, in a line.
    pub wants: &'static str,
    /// Why, and what to do: Markdown.
    pub why: &'static str,
}

const fn code(code: &'static str, severity: Severity, wants: &'static str, why: &'static str) -> Code {
    Code { code, severity, wants, why }
}

/// The rule of this name.
pub fn find(word: &str) -> Option<&'static Code> {
    ALL.iter().find(|code| code.code == word)
}

/// All there is to say about a rule, as Markdown.
pub fn explanation(code: &Code) -> String {
    format!("**{}** ({})\n\n{}.\n\n{}\n", code.code, code.severity.as_str(), code.wants, code.why)
}

/// The rules as a document: docs/authoring/findings.md.
pub fn document() -> String {
    let mut out = String::from(
        "# What the checker says\n\n\
         Every finding has a code, a place and, where it can, advice; `ckaprep author lint --explain CODE` says what stands here. Errors \
         must be mended, warnings should be. The built-in content has no finding at all.\n\n\
         This page is made from `src/content/lint/codes.rs`; `UPDATE_DOCS=1 cargo test committed_docs` writes it anew.\n",
    );
    let mut group = "";
    for code in ALL {
        let of = code.code.split('/').next().unwrap_or_default();
        if of != group {
            out.push_str(&format!("\n## {of}\n"));
            group = of;
        }
        out.push_str(&format!("\n### `{}` ({})\n\n{}. {}\n", code.code, code.severity.as_str(), code.wants, code.why));
    }
    out
}

/// All rules, those about the same thing together.
pub const ALL: &[Code] = &[
    code(
        "yaml/syntax",
        Error,
        "The file is YAML",
        "Nothing else can be said of a file that cannot be read. The place is where the reader gave up; the mistake often stands a line before it: an indent, an unclosed quote or bracket, a tab.",
    ),
    code(
        "yaml/kind",
        Error,
        "A document's `kind` fits the folder it stands in",
        "`scenarios/<id>/scenario.yaml` holds a Scenario, `faults/` Faults, `questions/` Questions, `curricula/` Curricula.",
    ),
    code(
        "yaml/unknown-key",
        Error,
        "Only keys that the format has",
        "A key that nobody reads is a wish that nobody hears: mostly a slip of the pen. `ckaprep author schema` makes editors complete the right ones.",
    ),
    code("yaml/missing-key", Error, "All keys that the format demands", "See docs/authoring/format.md for what each kind needs."),
    code("yaml/duplicate-key", Error, "Each key once in a map", "YAML readers disagree on which of the two counts. Remove one."),
    code(
        "yaml/wrong-type",
        Error,
        "Values of the right type",
        "Texts that look like something else need quotes: `\"True\"`, `\"0644\"`, `\"1.27\"`.",
    ),
    code("yaml/wrong-value", Error, "One of the words that the format knows there", "The message names them."),
    code(
        "yaml/one-key",
        Error,
        "A tagged value has exactly one key, its tag",
        "`expect`, a step of the setup and an action say by their one key what they are. To put two checks into one, use `all`.",
    ),
    code("yaml/decode", Error, "The document decodes", "What the schema allows and the program still cannot read. Please report it."),
    code(
        "id/format",
        Error,
        "Ids are lower-case words joined by dashes, at most 63 characters",
        "They stand in paths, on the command line and in the history. The name of a pack is put before them when it is added, so no id has a slash itself.",
    ),
    code("id/duplicate", Error, "Each id once", "The second would hide the first."),
    code("id/file", Error, "The id is the name of the file or folder", "So that both can be found by the other."),
    code(
        "file/missing",
        Error,
        "Files that are named stand beside the document",
        "Paths are relative to the document's folder and cannot leave it.",
    ),
    code(
        "text/control",
        Error,
        "No control characters",
        "Texts are printed on a terminal, where an escape sequence could hide or forge what a learner reads. Only line breaks and tabs are allowed.",
    ),
    code(
        "curriculum/weights",
        Error,
        "Weights of the domains add up to 100",
        "They are the exam's published percentages, by which everything is drawn.",
    ),
    code("placement/missing", Error, "At least one placement", "Content without a place in an exam is never drawn."),
    code("placement/unknown-exam", Error, "Exams that there are", "`ckaprep curriculum` lists them."),
    code("placement/unknown-domain", Error, "Domains of that exam", "`ckaprep curriculum EXAM` lists them."),
    code("placement/unknown-competency", Error, "Competencies of that domain", "`ckaprep curriculum EXAM` lists them."),
    code(
        "variable/source",
        Error,
        "Each variable has exactly one source of its value",
        "One of `node`, `oneOf`, `number` and `value`; lists are not empty, ranges not backwards.",
    ),
    code(
        "variable/bind",
        Error,
        "Variables can be bound",
        "On a cluster with three workers, every variable gets a value, and computed ones do not wait for each other in a circle.",
    ),
    code(
        "variable/name",
        Error,
        "Names of variables are usable in templates",
        "Letters, digits and underscores, and none of `inventory`, `captured`, `host`, `minutes`.",
    ),
    code("variable/not", Error, "`not` names other node variables", "Only a node can differ from a node."),
    code(
        "variable/hidden",
        Error,
        "Only a variable with `oneOf` is hidden",
        "The values of hidden variables are the variants: they must be countable, so that each can be proven and drawn in its turn.",
    ),
    code("variable/unused", Warning, "Variables are used", "One that no text names makes variants that are all the same."),
    code(
        "hidden/named",
        Error,
        "What learners read before the end names no hidden variable",
        "Title, task, prompt, the scenario's own hints and the titles of its checks are shown before the cause is found.",
    ),
    code(
        "hidden/value",
        Error,
        "What learners read before the end shows no value of a hidden variable",
        "The task would give away what is to be found.",
    ),
    code(
        "template/syntax",
        Error,
        "Templates that can be read",
        "`{{ name }}`, `{% if … %}`; literal braces stand in `{% raw %}…{% endraw %}`.",
    ),
    code(
        "template/unknown-name",
        Error,
        "Templates name what there is",
        "Variables, `inventory.*`, `captured.*`, `host`, `minutes`, and `node` in a fault. An undefined name is an error, never an empty text.",
    ),
    code(
        "template/literal",
        Warning,
        "Paths and node names come from the inventory",
        "Another backend calls them otherwise: write `{{ inventory.kubeletConfig }}`, `{{ node }}`.",
    ),
    code(
        "template/hard-coded",
        Warning,
        "No value of a variable stands in a text as such",
        "A variable with `oneOf: [shop, bank]` is `bank` for another seed, and the text would still say shop. Write `{{ variable }}`.",
    ),
    code(
        "manifest/yaml",
        Error,
        "Manifests are YAML with `apiVersion`, `kind` and `metadata.name`",
        "They are filled in first: the line counts in the filled-in text.",
    ),
    code("manifest/empty", Error, "A manifest has objects", "An empty one is a file that was forgotten."),
    code("check/missing", Error, "There is something to check", "A scenario is graded by the state that the learner leaves."),
    code("check/no-points", Error, "A check has points", "What must hold and is worth none is a gate."),
    code(
        "check/free-points",
        Error,
        "Nothing scores that is true from the start",
        "The absence of something, the denial of something that nobody granted, all of an empty set, or that nothing answers: all of these hold before anyone has done anything. Let the check count `after:` another that must be earned, put both into `all`, or make it a gate.",
    ),
    code(
        "check/given",
        Warning,
        "Nothing scores that the setup already gives",
        "The setup applies an object with just these fields and nothing changes it afterwards, so the check passes at hand-over.",
    ),
    code(
        "check/empty-set",
        Warning,
        "An expression over a list also says that there is something in it",
        "`objects.all(…)` is true of no objects at all. Write `size(objects) > 0 && objects.all(…)`.",
    ),
    code("check/unknown-after", Error, "`after` names other checks", "See the ids in this file."),
    code("check/circle", Error, "No check waits for itself", "Checks that wait for each other in a circle never score."),
    code(
        "check/target",
        Error,
        "A check says exactly one thing to look at",
        "`name` or `selector`, `get` or `list`: the message says which of them clash.",
    ),
    code(
        "check/expression",
        Error,
        "Expressions can be evaluated",
        "CEL over `object` or `objects`, `captured` and `vars`, within limits of length and nesting.",
    ),
    code(
        "check/pattern",
        Error,
        "Patterns are regular expressions",
        "In the syntax of Rust's regex crate: no look-around, no back-references.",
    ),
    code("check/text", Error, "Text matches can fail", "An empty `contains` matches everything."),
    code(
        "task/requirement",
        Error,
        "Every check proves a numbered requirement of the task",
        "The task text is a numbered list (`1. …`); `requirement` is the number. Nothing may be checked that the task does not name.",
    ),
    code("task/unproven", Error, "Every requirement of the task has a check", "What is asked for must be worth something."),
    code(
        "task/unnamed",
        Warning,
        "The task names what a check looks at",
        "A learner cannot know the name of an object, or the file for an answer, that stands only in the checks.",
    ),
    code("fault/unknown", Error, "Faults that exist", "`faults/<id>.yaml`, of this folder or built in."),
    code("fault/not-used", Error, "`onlyFault` and `unlessFault` name faults that the setup puts in", "Anything else never applies."),
    code("fault/nothing", Error, "A fault changes something", "Its `do` is not empty."),
    code("fault/no-undo", Error, "A fault can be taken back", "Its `undo` is not empty."),
    code("solution/source", Error, "One source of the solution", "`steps`, or `fromFault` where the setup puts a fault in."),
    code("steps/empty", Error, "Solutions and wrong fixes do something", "Steps are scripts for the candidate's shell or a node."),
    code("wrong/missing", Error, "At least one wrong fix", "A check is proven by what it refuses. Name what people really try."),
    code("wrong/few", Warning, "A scenario has two wrong fixes or more", "One mistake tries one check."),
    code("wrong/nothing-lost", Error, "A wrong fix costs something", "`loses` names checks, `gate` the gate that closes."),
    code("wrong/unknown-check", Error, "`loses` names checks", "See the ids in this file."),
    code("wrong/unknown-gate", Error, "`gate` names a gate", "See the ids in this file."),
    code("debrief/source", Error, "One root cause", "`fromFault`, `file` or `text`."),
    code("debrief/fastest", Warning, "One to three commands that find the cause", "A learner wants to know how it is done fast."),
    code("hint/missing", Warning, "Hints", "From vague to nearly plain."),
    code("link/missing", Error, "A link to documentation", "The page that would have helped."),
    code(
        "link/not-allowed",
        Error,
        "Links lead where the exam allows it",
        "kubernetes.io/docs, kubernetes.io/blog, helm.sh/docs, gateway-api.sigs.k8s.io, etcd.io/docs.",
    ),
    code("question/field", Error, "Only keys of the question's type", "See the table of types in docs/authoring/format.md."),
    code("question/answer", Error, "An answer to compare with", "What is needed depends on the type."),
    code(
        "question/options",
        Error,
        "Options of which the right number is right",
        "`single` has exactly one, `multiple` at least one, and both have at least two options.",
    ),
    code("question/why", Error, "A reason for every option", "Right or wrong: it is what the learner reads afterwards."),
    code("question/empty", Error, "Prompt and explanation say something", "Neither may be empty."),
    code(
        "pack/curriculum",
        Error,
        "A pack brings no curricula",
        "Exams are the same for everybody. Place the pack's content in those that there are.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Codes that stand in a source file as such: `"about/what"`.
    fn codes_in(text: &str) -> BTreeSet<String> {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let groups: BTreeSet<&str> = ALL.iter().filter_map(|c| c.code.split('/').next()).collect();
        let words = text.split('"').skip(1).step_by(2);
        let is_code = |word: &&str| {
            let Some((group, rest)) = word.split_once('/') else { return false };
            groups.contains(group) && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        };
        words.filter(is_code).map(str::to_owned).collect()
    }

    #[test]
    fn every_code_is_explained_and_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut used = BTreeSet::new();
        let mut open = vec![root.join("content"), root.join("pack")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else if !["codes.rs", "tests.rs"].iter().any(|name| path.ends_with(name)) {
                    used.extend(codes_in(&std::fs::read_to_string(path).expect("a source")));
                }
            }
        }
        let known: BTreeSet<String> = ALL.iter().map(|c| c.code.to_owned()).collect();
        assert_eq!(known.len(), ALL.len(), "a code stands twice");
        assert_eq!(used, known);
    }
}
