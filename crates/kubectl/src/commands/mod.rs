//! One file for each command; [`all`] is the table.

use crate::command::Command;

pub mod annotate;
pub mod api_resources;
pub mod api_versions;
pub mod apply;
pub mod attach;
pub mod auth;
pub mod autoscale;
pub mod certificate;
pub mod cluster_info;
pub mod completion;
pub mod config;
pub mod cordon;
pub mod create;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod drain;
pub mod edit;
pub mod events;
pub mod exec;
pub mod explain;
pub mod expose;
pub mod get;
pub mod label;
pub mod logs;
pub mod patch;
pub mod refused;
pub mod replace;
pub mod rollout;
pub mod run;
pub mod scale;
pub mod set;
pub mod taint;
pub mod top;
pub mod version;
pub mod wait;

/// All commands, parents before their subcommands.
pub fn all() -> &'static [&'static Command] {
    ALL
}

const ALL: &[&Command] = &[
    &annotate::COMMAND,
    &api_resources::COMMAND,
    &api_versions::COMMAND,
    &apply::COMMAND,
    &apply::view_last_applied::COMMAND,
    &attach::COMMAND,
    &auth::COMMAND,
    &auth::can_i::COMMAND,
    &auth::whoami::COMMAND,
    &autoscale::COMMAND,
    &certificate::COMMAND,
    &certificate::APPROVE,
    &certificate::DENY,
    &cluster_info::COMMAND,
    &completion::COMMAND,
    &config::COMMAND,
    &config::view::COMMAND,
    &config::contexts::CURRENT,
    &config::contexts::GET,
    &config::contexts::USE,
    &config::contexts::RENAME,
    &config::contexts::DELETE,
    &config::entries::GET_CLUSTERS,
    &config::entries::GET_USERS,
    &config::entries::DELETE_CLUSTER,
    &config::entries::DELETE_USER,
    &config::entries::SET_CLUSTER,
    &config::entries::SET_CONTEXT,
    &config::entries::SET_CREDENTIALS,
    &config::set::SET,
    &config::set::UNSET,
    &cordon::CORDON,
    &cordon::UNCORDON,
    &create::COMMAND,
    &create::configmap::COMMAND,
    &create::cronjob::COMMAND,
    &create::deployment::COMMAND,
    &create::ingress::COMMAND,
    &create::job::COMMAND,
    &create::namespace::COMMAND,
    &create::poddisruptionbudget::COMMAND,
    &create::priorityclass::COMMAND,
    &create::quota::COMMAND,
    &create::role::ROLE,
    &create::role::CLUSTER_ROLE,
    &create::rolebinding::ROLE_BINDING,
    &create::rolebinding::CLUSTER_ROLE_BINDING,
    &create::secret::COMMAND,
    &create::secret::GENERIC,
    &create::secret::TLS,
    &create::secret::DOCKER_REGISTRY,
    &create::service::COMMAND,
    &create::service::CLUSTER_IP,
    &create::service::NODE_PORT,
    &create::service::LOAD_BALANCER,
    &create::service::EXTERNAL_NAME,
    &create::serviceaccount::COMMAND,
    &create::token::COMMAND,
    &delete::COMMAND,
    &describe::COMMAND,
    &diff::COMMAND,
    &drain::COMMAND,
    &edit::COMMAND,
    &events::COMMAND,
    &exec::COMMAND,
    &explain::COMMAND,
    &expose::COMMAND,
    &get::COMMAND,
    &label::COMMAND,
    &logs::COMMAND,
    &patch::COMMAND,
    &refused::PORT_FORWARD,
    &refused::PROXY,
    &refused::CP,
    &refused::DEBUG,
    &refused::KUSTOMIZE,
    &refused::PLUGIN,
    &replace::COMMAND,
    &rollout::COMMAND,
    &rollout::history::COMMAND,
    &rollout::pause::PAUSE,
    &rollout::pause::RESUME,
    &rollout::restart::COMMAND,
    &rollout::status::COMMAND,
    &rollout::undo::COMMAND,
    &run::COMMAND,
    &scale::COMMAND,
    &set::COMMAND,
    &set::env::COMMAND,
    &set::image::COMMAND,
    &set::resources::COMMAND,
    &set::selector::COMMAND,
    &set::serviceaccount::COMMAND,
    &set::subject::COMMAND,
    &taint::COMMAND,
    &top::COMMAND,
    &top::NODE,
    &top::POD,
    &version::COMMAND,
    &wait::COMMAND,
];
