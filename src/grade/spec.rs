//! Checks as authors write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::{
    absent::Absent, access::AccessMatrix, cel::Cel, certificate::Certificate, claim::Claim, component::Component, condition::Condition,
    daemon_set_pod::DaemonSetPod, dns::Dns, endpoint_share::EndpointShare, exec::Exec, file::File, file_answer::FileAnswer, http::Http,
    kubeconfig::Kubeconfig, logs::Logs, node::Node, pod_placement::PodPlacement, pods_ready::PodsReady, rbac::Rbac, resource::Resource,
    service_endpoints::ServiceEndpoints, static_pod::StaticPod, traffic::Traffic, units::Units, workload::Workload,
};
use crate::model::{CheckId, FaultId, Points};

pub use super::target::{ListQuery, ObjectQuery};

/// A check: what must hold, and what it is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// Unique in its scenario or question.
    pub id: CheckId,
    /// Number of the requirement in the task text that it proves.
    #[serde(default = "Check::first_requirement")]
    pub requirement: u32,
    /// What it is worth.
    pub points: Points,
    /// What it asserts, in a line.
    pub title: String,
    /// Checks that must pass for this one to score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<CheckId>,
    /// How long it must stay true.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hold_seconds: u32,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Faults for which it counts; all unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_fault: Vec<FaultId>,
    /// Faults for which it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless_fault: Vec<FaultId>,
    /// What must hold.
    pub expect: Expect,
}

impl Check {
    fn first_requirement() -> u32 {
        1
    }

    /// Whether it counts in a variant with these faults.
    pub fn applies_to(&self, faults: &[FaultId]) -> bool {
        let named = |list: &[FaultId]| faults.iter().any(|fault| list.iter().any(|word| fault.is_named(word)));
        (self.only_fault.is_empty() || named(&self.only_fault)) && !named(&self.unless_fault)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Something that must hold for the scenario to score at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Unique among checks and gates.
    pub id: CheckId,
    /// What it asserts, in a line.
    pub title: String,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What must hold.
    pub expect: Expect,
}

/// What must hold: exactly one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Expect {
    /// Conditions, taints, labels of a node.
    Node(Node),
    /// systemd units of a node.
    Units(Units),
    /// A Deployment, StatefulSet, DaemonSet or ReplicaSet is rolled out.
    Workload(Workload),
    /// A DaemonSet's pod on one node.
    DaemonSetPod(DaemonSetPod),
    /// Where pods run.
    PodPlacement(PodPlacement),
    /// Fields of objects.
    Resource(Resource),
    /// No such object.
    Absent(Absent),
    /// A condition of an object.
    Condition(Condition),
    /// An expression over objects.
    Cel(Cel),
    /// What a container logged.
    Logs(Logs),
    /// What a command in a container says.
    Exec(Exec),
    /// A file on a node.
    File(File),
    /// An answer that the candidate wrote to a file.
    FileAnswer(FileAnswer),
    /// Who may do what.
    Access(AccessMatrix),
    /// What stands behind a Service.
    ServiceEndpoints(ServiceEndpoints),
    /// An HTTP request.
    Http(Http),
    /// Who reaches whom.
    Traffic(Traffic),
    /// Pods are Ready, and stay so without starting anew.
    PodsReady(PodsReady),
    /// Which part of a Service's traffic goes where.
    EndpointShare(EndpointShare),
    /// A PersistentVolumeClaim is bound.
    Claim(Claim),
    /// Exactly these rights.
    Rbac(Rbac),
    /// A kubeconfig file works.
    Kubeconfig(Kubeconfig),
    /// Subject and dates of a certificate.
    Certificate(Certificate),
    /// A static pod runs.
    StaticPod(StaticPod),
    /// A control-plane component is healthy.
    Component(Component),
    /// A name resolves.
    Dns(Dns),
    /// Every one of these.
    All(Vec<Expect>),
    /// At least one of these.
    Any(Vec<Expect>),
    /// Not this.
    Not(Box<Expect>),
}
