//! `apt`, `apt-get`, `apt-cache`, `apt-mark`: there is no package mirror. What is asked of the installed packages is answered.

use super::dpkg::PACKAGES;
use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

const HOLD_FILE: &str = "/var/lib/dpkg/holds";

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let command = name(&context).to_owned();
    let words: Vec<&String> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let verb = words.first().map_or("", |word| word.as_str());
    let packages = words.get(1..).unwrap_or_default();
    let known = |package: &str| PACKAGES.iter().find(|(known, ..)| *known == package.split('=').next().unwrap_or(package));
    match (command.as_str(), verb) {
        ("apt-mark", "hold" | "unhold") => {
            let files = &context.files;
            let mut held: Vec<String> = files.read_text(HOLD_FILE).unwrap_or_default().lines().map(str::to_owned).collect();
            for package in packages {
                if known(package).is_none() {
                    let _ = context.stderr.line(format!("E: Unable to locate package {package}\nE: No packages found")).await;
                    return ExitStatus::Code(100);
                }
                let was = held.contains(package);
                held.retain(|name| name != *package);
                if verb == "hold" {
                    held.push((*package).clone());
                }
                let text = match (verb, was) {
                    ("hold", true) => format!("{package} was already set on hold."),
                    ("hold", false) => format!("{package} set on hold."),
                    (_, true) => format!("Canceled hold on {package}."),
                    (_, false) => format!("{package} was already not on hold."),
                };
                let _ = context.stdout.line(text).await;
            }
            held.sort();
            let _ = files.write(HOLD_FILE, held.iter().fold(String::new(), |text, line| text + line + "\n"));
            ExitStatus::SUCCESS
        }
        ("apt-mark", "showhold") => {
            let _ = context.stdout.write(context.files.read_text(HOLD_FILE).unwrap_or_default()).await;
            ExitStatus::SUCCESS
        }
        ("apt-cache" | "apt", "policy" | "madison" | "show" | "list") => {
            for package in packages {
                if let Some((package, version, _)) = known(package) {
                    let text = match verb {
                        "madison" => format!("{package:>10} | {version} | https://pkgs.k8s.io/core:/stable:/v1.35/deb  Packages"),
                        "policy" => format!(
                            "{package}:\n  Installed: {version}\n  Candidate: {version}\n  Version table:\n *** {version} 100\n        100 /var/lib/dpkg/status"
                        ),
                        "list" => format!("{package}/now {version} amd64 [installed,local]"),
                        _ => format!("Package: {package}\nVersion: {version}\nStatus: install ok installed"),
                    };
                    let _ = context.stdout.line(text).await;
                }
            }
            ExitStatus::SUCCESS
        }
        (_, "install")
            if !packages.is_empty()
                && packages.iter().all(|package| {
                    known(package).is_some_and(|(_, version, _)| package.split_once('=').is_none_or(|(_, wanted)| version == &wanted))
                }) =>
        {
            for package in packages {
                if let Some((package, version, _)) = known(package) {
                    let _ = context.stdout.line(format!("{package} is already the newest version ({version}).")).await;
                }
            }
            let _ = context.stdout.line("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.").await;
            ExitStatus::SUCCESS
        }
        (
            _,
            "update" | "upgrade" | "dist-upgrade" | "full-upgrade" | "install" | "remove" | "purge" | "autoremove" | "download" | "search",
        ) => {
            let _ = context
                .stderr
                .line(format!("E: {command} {verb}: this machine has no package mirror: installing and removing packages is not simulated"))
                .await;
            ExitStatus::Code(100)
        }
        (_, "") => {
            let _ = context.stdout.line("apt 2.6.1 (amd64)").await;
            ExitStatus::SUCCESS
        }
        (_, verb) => {
            let _ = context.stderr.line(format!("E: Invalid operation {verb}")).await;
            ExitStatus::Code(100)
        }
    }
}
