//! Which flags kube-apiserver and etcd have.

use component::pflag::FlagTable;

/// kube-apiserver 1.35's.
pub const KUBE_APISERVER: FlagTable = FlagTable(include_str!("../../flags/kube-apiserver.txt"));
/// etcd 3.6's.
pub const ETCD: FlagTable = FlagTable(include_str!("../../flags/etcd.txt"));
