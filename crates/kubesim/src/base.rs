//! The candidate's own machine without a simulated cluster around it: for clusters that are elsewhere.

use std::sync::Arc;

use component::{Clock, Dialer, Generator};
use jiff::Timestamp;
use node::image::{HostFile, HostSpec, host_image};
use node::machine::{Machine, MachineEnv, MachineState};
use node::network::Network;

/// Its name.
const NAME: &str = "base";

/// Where its kubeconfig is.
const KUBECONFIG: &str = "/etc/kubernetes/admin.conf";

/// A server outside that the machine can reach, as its kubeconfig names it.
pub struct Outside {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Opens the connection.
    pub dialer: Arc<dyn Dialer>,
}

/// Brings up a machine with the usual tools, this kubeconfig, and a way to its server. Nothing else is in reach, and nothing of the
/// host. Must be called on the runtime that it is used on.
pub fn base_machine(kubeconfig: &str, outside: Outside, now: Timestamp) -> Arc<Machine> {
    let address = [192, 0, 2, 2].into();
    let files = vec![HostFile { path: KUBECONFIG.to_owned(), mode: 0o600, content: kubeconfig.to_owned() }];
    let hosts = [(NAME.to_owned(), address)];
    let tree = host_image(&HostSpec { name: NAME, address, hosts: &hosts, now, files, links: Vec::new() });
    let clock = Clock::starting_at(now);
    let network = Network::new(clock);
    network.open_outside(&outside.host, outside.port, outside.dialer);
    let state = MachineState::new(NAME, address, tree, Generator::for_part(0, NAME), now);
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
            let (status, _, err) = shell.run("KUBECONFIG=/etc/kubernetes/admin.conf kubectl get pods").await;
            assert_eq!(status.code(), 1);
            said.push(err.contains("outside") || err.contains("The connection to the server 127.0.0.1:40989 was refused"));
            let (status, out, _) = shell.run("ls /root; cat /etc/hostname; echo x > /tmp/x && cat /tmp/x").await;
            assert_eq!((status.code(), out.as_str()), (0, "base\nx\n"));
        }
        assert_eq!(said, [true, false]);
    }
}
