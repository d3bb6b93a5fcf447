//! The candidate's own machine, which is no node: beside a simulated cluster, or alone for a cluster that is elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use component::{Clock, Dialer, Generator};
use jiff::Timestamp;
use node::image::{HostFile, HostSpec, host_image};
use node::machine::{Machine, MachineEnv, MachineState};
use node::network::Network;

/// Its name.
pub const BASE: &str = "base";

/// Where its kubeconfig is: where kubectl looks for one.
const KUBECONFIG: &str = "/root/.kube/config";

/// The machine as data: an administrator's workstation with the usual tools and this kubeconfig. It reaches the machines in `hosts`, and
/// pods and Services only through them.
pub(crate) fn base_state(
    kubeconfig: String,
    address: IpAddr,
    hosts: &[(String, IpAddr)],
    generator: Generator,
    now: Timestamp,
) -> MachineState {
    let hosts: Vec<_> = std::iter::once((BASE.to_owned(), address)).chain(hosts.iter().cloned()).collect();
    let files = vec![HostFile { path: KUBECONFIG.to_owned(), mode: 0o600, content: kubeconfig }];
    let tree = host_image(&HostSpec { name: BASE, address, hosts: &hosts, now, files, links: Vec::new() });
    let mut state = MachineState::new(BASE, address, tree, generator, now);
    state.network.routes_pods = false;
    state
}

/// A server outside that the machine can reach, as its kubeconfig names it.
pub struct Outside {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Opens the connection.
    pub dialer: Arc<dyn Dialer>,
}

/// Brings up the machine alone with a way to the kubeconfig's server. Nothing else is in reach, and nothing of the host. Must be called on the runtime that it is used on.
pub fn base_machine(kubeconfig: &str, outside: Outside, now: Timestamp) -> Arc<Machine> {
    let state = base_state(kubeconfig.to_owned(), [192, 0, 2, 2].into(), &[], Generator::for_part(0, BASE), now);
    let clock = Clock::starting_at(now);
    let network = Network::new(clock);
    network.open_outside(&outside.host, outside.port, outside.dialer);
    // It is never booted: nobody needs its units.
    Machine::start(state, MachineEnv { clock, network, programs: Arc::new(node::programs()) })
}

#[cfg(test)]
mod tests {
    use component::tls::ClientTls;
    use component::{Connection, DialError, Origin};
    use futures::future::BoxFuture;
    use node::machine::Input;

    use super::*;

    /// Says who was dialled by refusing.
    struct Refuses;

    impl Dialer for Refuses {
        fn connect<'a>(
            &'a self,
            _: &'a Origin,
            host: &'a str,
            port: u16,
            _: Option<&'a ClientTls>,
        ) -> BoxFuture<'a, Result<Connection, DialError>> {
            Box::pin(async move { Err(DialError::Refused { address: format!("outside {host}:{port}") }) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_one_server_is_reached() {
        let kubeconfig = |server: &str| {
            format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'http://{server}'}}}}]\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
            )
        };
        let mut said = Vec::new();
        for server in ["127.0.0.1:40989", "127.0.0.1:22"] {
            let outside = Outside { host: "127.0.0.1".into(), port: 40989, dialer: Arc::new(Refuses) };
            let machine = base_machine(&kubeconfig(server), outside, Timestamp::UNIX_EPOCH);
            let mut shell = machine.open_shell("root", Input::empty(), None).await.expect("a shell");
            let (status, _, err) = shell.run("kubectl get pods").await;
            assert_eq!(status.code(), 1);
            said.push(err.contains("outside") || err.contains("The connection to the server 127.0.0.1:40989 was refused"));
            let (status, out, _) = shell.run("ls /root; cat /etc/hostname; echo x > /tmp/x && cat /tmp/x").await;
            assert_eq!((status.code(), out.as_str()), (0, "base\nx\n"));
        }
        assert_eq!(said, [true, false]);
    }
}
