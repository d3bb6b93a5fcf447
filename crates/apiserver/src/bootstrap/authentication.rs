//! What aggregated servers and controllers need to judge clients: `kube-system/extension-apiserver-authentication`
//! (`start-cluster-authentication-info-controller`).

use serde_json::{Value, json};

use super::write;
use crate::json::Json;
use crate::server::Core;

/// Creates the ConfigMap, or brings its data up to date.
pub(super) fn ensure(core: &Core) {
    let text = |pem: &[u8]| Value::from(String::from_utf8_lossy(pem).into_owned());
    let mut data = json!({"client-ca-file": text(&core.config.client_ca_pem)});
    if !core.config.requestheader_ca_pem.is_empty() {
        data.put("requestheader-allowed-names", r#"["front-proxy-client"]"#);
        data.put("requestheader-client-ca-file", text(&core.config.requestheader_ca_pem));
        data.put("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#);
        data.put("requestheader-group-headers", r#"["X-Remote-Group"]"#);
        data.put("requestheader-uid-headers", "[]");
        data.put("requestheader-username-headers", r#"["X-Remote-User"]"#);
    }
    let (namespace, name) = ("kube-system", "extension-apiserver-authentication");
    let map = json!({"metadata": {"name": name, "namespace": namespace}, "data": data});
    if !write::create(core, "", "configmaps", map) {
        write::change(core, "", "configmaps", namespace, name, |object| {
            let changed = object.at("data") != &data;
            object.put("data", data.clone());
            changed
        });
    }
}
