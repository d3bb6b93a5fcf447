//! Options of commands that practise on a cluster of the user's own.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use regex::Regex;

use crate::backend::existing::{Existing, ExistingError, Options, PRODUCTION, Plan};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::serve::{engine, existing};
use crate::content::{Catalog, Exercise, Instance};

/// Which cluster, and what may be done with it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Existing clusters")]
pub struct ExistingArgs {
    /// Context of the kubeconfig. There is no default: a current context is not a choice
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Kubeconfig that has it; without it those of KUBECONFIG, else ~/.kube/config. It is read and never written
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// A context is refused if its name, cluster, user, server or namespace matches this regular expression
    #[arg(long, value_name = "REGEX", env = "CKAPREP_PRODUCTION_PATTERN", default_value = PRODUCTION, hide_default_value = true, hide_env_values = true)]
    production_pattern: String,
    /// Make what the scenario needs without asking
    #[arg(long)]
    yes: bool,
}

/// What is to be run there.
pub struct Wanted<'a> {
    /// Content.
    pub catalog: &'a Catalog,
    /// The scenario.
    pub exercise: &'a Arc<Exercise>,
    /// Its seed.
    pub seed: u64,
    /// Hidden variables, `name=value`.
    pub variant: &'a [String],
}

impl ExistingArgs {
    /// The options, with the files that the context is looked for in.
    pub fn options(&self) -> Result<Options, CliError> {
        let Some(context) = self.context.clone() else {
            return Err(CliError::usage("which cluster? --backend existing needs --context NAME")
                .hint("`kubectl config get-contexts` lists them; take one that is for practice"));
        };
        Regex::new(&self.production_pattern).map_err(ExistingError::from)?;
        let files = match &self.kubeconfig {
            Some(file) => {
                vec![std::path::absolute(file).map_err(|e| CliError::environment("cannot find the working directory").because(e))?]
            }
            None => usual_files()?,
        };
        Ok(Options { production: self.production_pattern.clone(), ..Options::new(files, context) })
    }

    /// Shows what the scenario would make, and asks.
    pub async fn agree(&self, options: &Options, wanted: &Wanted<'_>, context: &Context) -> Result<(), CliError> {
        let cluster = Existing::connect(options, "unnamed", context.wall()).await?;
        cluster.rights().await?;
        let given = engine::bindings(wanted.exercise, wanted.variant)?;
        let instance = Instance::bind(wanted.catalog, wanted.exercise, cluster.inventory(), wanted.seed, &given)?;
        let plan = existing::plan(&cluster, &instance).await?;
        context.note(&shown(&plan, &options.context, cluster.server()));
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(CliError::usage("nothing is made on an existing cluster without consent").hint("add --yes"));
        }
        if confirmed().map_err(|e| CliError::environment("cannot ask").because(e))? {
            return Ok(());
        }
        Err(CliError::usage("nothing was made"))
    }
}

fn usual_files() -> Result<Vec<PathBuf>, CliError> {
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        // As kubectl: files of the list that are not there are left out.
        return Ok(std::env::split_paths(&list).filter(|path| path.exists()).collect());
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| CliError::usage("there is neither KUBECONFIG nor HOME").hint("name the file: --kubeconfig FILE"))?;
    Ok(vec![PathBuf::from(home).join(".kube/config")])
}

fn shown(plan: &Plan, context: &str, server: &str) -> String {
    let mut text = format!("On the cluster of the context {context} ({server}) this will make:\n");
    for (namespace, objects) in &plan.namespaces {
        text.push_str(&format!("  Namespace {namespace}\n"));
        for object in objects {
            text.push_str(&format!("    {object}\n"));
        }
    }
    text.push_str("`ckaprep stop` removes these namespaces with everything in them, and nothing else is touched.");
    text
}

fn confirmed() -> std::io::Result<bool> {
    let mut err = std::io::stderr();
    write!(err, "Go on? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_will_be_made_is_listed_by_namespace() {
        let plan = Plan { namespaces: BTreeMap::from([("ckaprep-shop".to_owned(), vec!["Service web".to_owned()])]) };
        let text = shown(&plan, "lab", "https://192.0.2.1:6443");
        assert!(
            text.contains("context lab (https://192.0.2.1:6443)") && text.contains("  Namespace ckaprep-shop\n    Service web\n"),
            "{text}"
        );
    }

    #[test]
    fn a_context_must_be_named() {
        let error =
            ExistingArgs { production_pattern: PRODUCTION.to_owned(), ..ExistingArgs::default() }.options().expect_err("no context");
        assert!(error.to_string().contains("--context"), "{error}");
    }
}
