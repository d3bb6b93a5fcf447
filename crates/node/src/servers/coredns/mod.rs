//! CoreDNS: a Corefile, the kubernetes plugin over the API server, forwarding.

mod corefile;
mod kubernetes;
mod serve;

pub(super) use serve::run;
