//! Options of commands that may make a kind cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::backend::kind::{ConfigFile, ExtraMount, KindOptions};
use crate::cli::error::CliError;

/// How kind clusters are made.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Kind clusters")]
pub struct KindArgs {
    /// kind's configuration, in place of the built-in one (1 control plane, 3 workers)
    #[arg(long, value_name = "FILE", env = "CKAPREP_KIND_CONFIG", hide_env_values = true)]
    kind_config: Option<PathBuf>,
    /// Node image; without it the one that belongs to your kind
    #[arg(long, value_name = "IMAGE", env = "CKAPREP_KIND_IMAGE", hide_env_values = true)]
    kind_image: Option<String>,
    /// Patch of kubeadm's configuration (repeatable)
    #[arg(long, value_name = "FILE")]
    kubeadm_patch: Vec<PathBuf>,
    /// Feature gate of Kubernetes (repeatable)
    #[arg(long, value_name = "NAME=true|false", value_parser = feature_gate)]
    feature_gate: Vec<(String, bool)>,
    /// Directory of this machine in every node (repeatable)
    #[arg(long, value_name = "/HOST:/NODE[:ro]")]
    extra_mount: Vec<ExtraMount>,
    /// Take this cluster, or make it under this name
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Leave a cluster whose creation failed, to look at it
    #[arg(long)]
    keep: bool,
}

fn feature_gate(text: &str) -> Result<(String, bool), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=true or NAME=false")?;
    Ok((name.to_owned(), value.parse().map_err(|_| format!("{value:?} is neither true nor false"))?))
}

impl KindArgs {
    /// The node image, if one was named.
    pub fn image(&self) -> Option<&str> {
        self.kind_image.as_deref()
    }

    /// The options with the files read.
    pub fn options(&self) -> Result<KindOptions, CliError> {
        let config =
            self.kind_config.as_deref().map(|path| Ok::<_, CliError>(ConfigFile { path: path.display().to_string(), text: text(path)? }));
        Ok(KindOptions {
            config: config.transpose()?,
            image: self.kind_image.clone(),
            kubeadm_patches: self.kubeadm_patch.iter().map(|path| text(path)).collect::<Result<_, _>>()?,
            feature_gates: self.feature_gate.iter().cloned().collect::<BTreeMap<_, _>>(),
            extra_mounts: self.extra_mount.clone(),
            cluster: self.cluster.clone(),
            keep: self.keep,
            ..KindOptions::default()
        })
    }
}

fn text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|e| CliError::usage(format!("cannot read {}", path.display())).because(e))
}

#[cfg(test)]
mod tests {
    use super::feature_gate;

    #[test]
    fn gates_are_on_or_off() {
        assert_eq!(feature_gate("A=true"), Ok(("A".to_owned(), true)));
        assert!(feature_gate("A").is_err() && feature_gate("A=yes").is_err());
    }
}
