//! Programs of well-known images and of the cluster's own pods.

mod agnhost;
mod coredns;
mod databases;
mod entrypoint;
pub mod http;
mod httpd;
mod in_cluster;
mod kube_proxy;
mod network_policies;
mod nginx;
mod pause;
mod redis;
mod stress;

/// Adds all programs of this module to the program table.
pub fn register(programs: &mut crate::machine::Programs) {
    programs.register("pause", pause::run);
    programs.register("hello-world", pause::hello);
    programs.register("docker-entrypoint", entrypoint::run);
    programs.register("go-runner", entrypoint::run);
    programs.register("nginx", nginx::run);
    programs.register("httpd", httpd::run);
    programs.register("redis-server", redis::server);
    programs.register("redis-cli", redis::client);
    programs.register("mysqld", databases::mysqld);
    programs.register("postgres", databases::postgres);
    programs.register("memcached", databases::memcached);
    programs.register("agnhost", agnhost::run);
    programs.register("stress", stress::run);
    programs.register("coredns", coredns::run);
    programs.register("kube-proxy", kube_proxy::run);
    programs.register("kube-network-policies", network_policies::run);
}
