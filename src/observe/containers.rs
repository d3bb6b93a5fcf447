//! Logs of containers and commands in them.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams, LogParams};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::rest::{self, RestError};
use super::rounds::Readings;
use crate::backend::Environment;
use crate::grade::{Fact, Observation, PodRef};

/// How long a command or a log may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Most bytes that are kept of an output.
const MOST: u64 = 1 << 20;

/// A container's log.
pub async fn logs(environment: &Environment, pod: PodRef, previous: bool, tail: u32) -> Readings {
    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &pod.namespace);
    let parameters = LogParams { container: pod.container.clone(), previous, tail_lines: Some(i64::from(tail)), ..LogParams::default() };
    let observation = match tokio::time::timeout(TIMEOUT, pods.logs(&pod.name, &parameters)).await {
        Ok(Ok(log)) => Observation::Value(Value::String(log)),
        Ok(Err(error)) => match rest::failure(&error) {
            RestError::NotFound(_) => Observation::Absent,
            // "container … is waiting to start", "previous terminated container not found": it has said nothing.
            RestError::Refused { code: 400, .. } => Observation::Value(Value::String(String::new())),
            error => Observation::Unobservable(error.to_string()),
        },
        Err(_) => Observation::Unobservable(format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    vec![(Fact::Logs { pod, previous, tail }, observation)]
}

/// A command in a container.
pub async fn exec(environment: &Environment, pod: PodRef, command: Vec<String>) -> Readings {
    let observation = match tokio::time::timeout(TIMEOUT, run(environment, &pod, &command)).await {
        Ok(Ok(output)) => Observation::Value(output),
        Ok(Err(reason)) => gone_or(environment, &pod, reason).await,
        Err(_) => Observation::Unobservable(format!("the command did not end within {} s", TIMEOUT.as_secs())),
    };
    vec![(Fact::Exec { pod, command }, observation)]
}

async fn run(environment: &Environment, pod: &PodRef, command: &[String]) -> Result<Value, String> {
    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &pod.namespace);
    let parameters = AttachParams { container: pod.container.clone(), stdin: false, stdout: true, stderr: true, ..AttachParams::default() };
    let mut process = pods.exec(&pod.name, command.iter().map(String::as_str), &parameters).await.map_err(|e| e.to_string())?;
    let status = process.take_status();
    let (stdout, stderr) = (process.stdout(), process.stderr());
    // Both at once: a full pipe on one side would hold the other up.
    let (stdout, stderr) = futures::future::join(drain(stdout), drain(stderr)).await;
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    let code = status.map_or(Some(0), |s| exit_code(&serde_json::to_value(s).unwrap_or_default()));
    let code = code.ok_or_else(|| "the command could not be started".to_owned())?;
    Ok(json!({"status": code, "stdout": stdout, "stderr": stderr}))
}

async fn drain(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before a broken connection still counts; the status tells whether it is all.
        let _ = stream.take(MOST).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Exit code in the status that ends an exec: success, or a cause `ExitCode` (kubelet, cri/streaming/remotecommand/exec.go). Anything
/// else did not run: 126 and 127 are what a shell says for that.
fn exit_code(status: &Value) -> Option<i64> {
    if status["status"] == "Success" {
        return Some(0);
    }
    let causes = status["details"]["causes"].as_array().into_iter().flatten();
    let code = causes.filter(|c| c["reason"] == "ExitCode").find_map(|c| c["message"].as_str()?.parse().ok());
    let not_found =
        || status["message"].as_str().is_some_and(|m| m.contains("executable file not found") || m.contains("no such file or directory"));
    code.or_else(|| not_found().then_some(127))
}

/// Tells a pod that is not there from one that could not be asked.
async fn gone_or(environment: &Environment, pod: &PodRef, reason: String) -> Observation {
    match rest::get(&environment.client, &format!("/api/v1/namespaces/{}/pods/{}", pod.namespace, pod.name)).await {
        Err(RestError::NotFound(_)) => Observation::Absent,
        // What has not begun to run is known not to be there.
        Ok(pod) if pod["status"]["phase"] == "Pending" => Observation::Absent,
        _ => Observation::Unobservable(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_how_a_command_ended() {
        let failed =
            json!({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
        for (status, code) in [
            (json!({"status": "Success"}), Some(0)),
            (failed, Some(3)),
            (json!({"status": "Failure", "message": "exec: \"nope\": executable file not found in $PATH"}), Some(127)),
            (json!({"status": "Failure", "message": "container not running"}), None),
        ] {
            assert_eq!(exit_code(&status), code, "{status}");
        }
    }
}
