//! `getent`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let (Some(database), keys) = (context.argv.get(1), context.argv.get(2..).unwrap_or_default()) else {
        let _ = context.stderr.line("Usage: getent [OPTION...] database [key ...]").await;
        return ExitStatus::FAILURE;
    };
    let file = match database.as_str() {
        "passwd" => "/etc/passwd",
        "group" => "/etc/group",
        "hosts" | "ahosts" | "ahostsv4" => {
            let mut status = ExitStatus::SUCCESS;
            for key in keys {
                match context.machine.network().resolve(&context.origin, key).await {
                    Ok(resolved) => {
                        for address in &resolved.addresses {
                            let _ = context.stdout.line(format!("{:<15} {}", address.to_string(), resolved.name)).await;
                        }
                    }
                    Err(_) => status = ExitStatus::Code(2),
                }
            }
            return status;
        }
        other => {
            let _ = context
                .stderr
                .line(format!("Unknown database: {other}\nTry `getent --help' or `getent --usage' for more information."))
                .await;
            return ExitStatus::FAILURE;
        }
    };
    let text = context.files.read_text(file).unwrap_or_default();
    let mut status = ExitStatus::SUCCESS;
    if keys.is_empty() {
        let _ = context.stdout.write(text).await;
        return status;
    }
    for key in keys {
        let found = text.lines().find(|line| line.split(':').next() == Some(key) || line.split(':').nth(2) == Some(key));
        match found {
            Some(line) => {
                let _ = context.stdout.line(line).await;
            }
            None => status = ExitStatus::Code(2),
        }
    }
    status
}
