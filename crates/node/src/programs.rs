//! The program table of a simulation's machines; parts that live in other crates (the control plane's) are added by those.

use crate::machine::Programs;

/// All programs of this crate: the shell and its commands, containerd, the kubelet, servers in containers.
pub fn programs() -> Programs {
    let mut programs = Programs::new();
    crate::commands::register(&mut programs);
    crate::containerd::register(&mut programs);
    crate::kubelet::register(&mut programs);
    crate::servers::register(&mut programs);
    crate::kubelet::register(&mut programs);
    crate::servers::register(&mut programs);
    programs
}
