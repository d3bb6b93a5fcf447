//! JSON schemas of the documents, as they stand in `docs/schema`.

use schemars::{JsonSchema, Schema, schema_for};

use super::{document as d, learning};

/// File name and schema of every document that a command prints.
pub fn all() -> Vec<(&'static str, Schema)> {
    fn of<T: JsonSchema>(name: &'static str) -> (&'static str, Schema) {
        (name, schema_for!(T))
    }
    vec![
        of::<d::StartedDocument>("started"),
        of::<d::TaskDocument>("task"),
        of::<d::CheckDocument>("check"),
        of::<d::HintDocument>("hint"),
        of::<d::SolutionDocument>("solution"),
        of::<d::StatusDocument>("session"),
        of::<d::SessionsDocument>("status"),
        of::<d::OutcomeDocument>("outcome"),
        of::<d::DemoDocument>("demo"),
        of::<d::HistoryDocument>("history"),
        of::<d::ListDocument>("list"),
        of::<d::ShowDocument>("show"),
        of::<d::ComparisonsDocument>("comparisons"),
        of::<d::CurriculumDocument>("curriculum"),
        of::<d::CurriculaDocument>("curricula"),
        of::<d::DoctorDocument>("doctor"),
        of::<d::ClustersDocument>("clusters"),
        of::<d::DrawDocument>("draw"),
        of::<d::LintDocument>("lint"),
        of::<d::PacksDocument>("packs"),
        of::<d::ProofsDocument>("proofs"),
        of::<d::QuizDocument>("quiz"),
        of::<learning::StudyDocument>("study"),
        of::<learning::StatsDocument>("stats"),
        of::<learning::AttemptDocument>("attempt"),
        of::<learning::MergedDocument>("merged"),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// The committed schemas are those of the code. `UPDATE_SCHEMAS=1 cargo test` writes them anew.
    #[test]
    fn the_committed_schemas_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
        let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
        let mut stale = Vec::new();
        for (name, schema) in super::all() {
            let path = folder.join(format!("{name}.schema.json"));
            let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
            if update {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, text).unwrap();
            } else if std::fs::read_to_string(&path).ok() != Some(text) {
                stale.push(name);
            }
        }
        assert!(stale.is_empty(), "docs/schema is out of date for {stale:?}: run UPDATE_SCHEMAS=1 cargo test committed_schemas");
    }
}
