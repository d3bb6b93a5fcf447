//! `rest.InClusterConfig`: the API server by its Service, the service account's token and authority from files.

use component::tls::ClientTls;
use component::{Target, client_for};

use crate::kubelet::api::ApiClient;
use crate::machine::ProcessContext;

const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A client with the pod's service account. Errors are client-go's.
pub(super) fn client(context: &ProcessContext) -> Result<ApiClient, String> {
    let variable = |name: &str| context.env.get(name).cloned().unwrap_or_default();
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
    if host.is_empty() || port.is_empty() {
        return Err(
            "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined".to_owned()
        );
    }
    let token = format!("{DIRECTORY}/token");
    context.files.read(&token).map_err(|errno| format!("open {token}: {}", errno.go()))?;
    let ca_pem = context.files.read(&format!("{DIRECTORY}/ca.crt")).map(|bytes| bytes.to_vec()).unwrap_or_default();
    let target = Target {
        server: format!("https://{host}:{port}"),
        tls: ClientTls { ca_pem, ..ClientTls::default() },
        namespace: "default".to_owned(),
        ..Target::default()
    };
    let client = client_for(context.machine.network().clone(), context.origin.clone(), target);
    let files = context.files.clone();
    Ok(ApiClient::with_token(client, context.machine.network().decoded().clone(), move || {
        files.read_text(&token).ok().map(|text| text.trim().to_owned())
    }))
}
