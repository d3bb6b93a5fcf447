//! Whether a command line will hand the terminal to a remote process.

use crate::command::{self, Found};
use crate::flags;

/// Whether `argv` is an `exec`, `attach` or `run` with `-i` and `-t`: whoever owns the terminal then puts it into raw mode for the
/// time of the run.
pub fn wants_raw_terminal(argv: &[String]) -> bool {
    let words: Vec<String> = argv.iter().skip(1).cloned().collect();
    let Found::Command(command, rest) = command::find(&words) else { return false };
    let Ok(flags) = flags::parse(&rest, &command.all_flags()) else { return false };
    matches!(command.path, ["exec"] | ["attach"] | ["run"]) && flags.on("stdin") && flags.on("tty")
}

#[cfg(test)]
mod tests {
    use super::wants_raw_terminal;

    #[test]
    fn only_interactive_commands() {
        for (line, want) in [
            ("kubectl exec -it web -- sh", true),
            ("kubectl -n a exec web -ti -- sh", true),
            ("kubectl exec web -- sh -it", false),
            ("kubectl exec -i web -- sh", false),
            ("kubectl run x --image=b -it --rm", true),
            ("kubectl get pods", false),
        ] {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(wants_raw_terminal(&argv), want, "{line}");
        }
    }
}
