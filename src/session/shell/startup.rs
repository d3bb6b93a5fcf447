//! The start-up files of the practice shell. Written by us into the session's folder; the user's files stay as they are.

use std::path::Path;

use super::find::Kind;
use crate::model::quote;

/// What a start-up file needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Session's id.
    pub session: &'a str,
    /// The kubeconfig, the only one that this shell knows.
    pub kubeconfig: &'a Path,
    /// URL of our API server, to recognise our context by.
    pub server: &'a str,
    /// Shims.
    pub bin: &'a Path,
    /// Where histories and caches of this session go.
    pub shell: &'a Path,
    /// Source the user's own start-up file first.
    pub my_shell: bool,
    /// A person sits in front of it.
    pub interactive: bool,
}

/// The text of the start-up file for a shell.
pub fn text(kind: Kind, facts: Facts<'_>) -> String {
    let mut out = String::from("# Written by ckaprep for one practice session; it goes when the session is stopped.\n");
    if facts.my_shell && facts.interactive {
        out.push_str(match kind {
            Kind::Bash => "[ -r ~/.bashrc ] && . ~/.bashrc\n",
            Kind::Zsh => "[ -r ~/.zshrc ] && . ~/.zshrc\n",
        });
    }
    out.push_str("unset BASH_ENV\n");
    out.push_str("unalias kubectl k ssh ckaprep 2>/dev/null\nunset -f kubectl k ssh ckaprep 2>/dev/null\n");
    for (name, value) in [
        ("KUBECONFIG", facts.kubeconfig.to_string_lossy()),
        ("KUBECACHEDIR", facts.shell.join("cache").to_string_lossy()),
        ("CKAPREP_SESSION", facts.session.into()),
    ] {
        out.push_str(&format!("export {name}={}\n", quote(&value)));
    }
    out.push_str(&format!("export PATH={}:\"$PATH\"\n", quote(&facts.bin.to_string_lossy())));
    if !facts.my_shell {
        // kubectl 1.34 reads aliases and default flags from ~/.kube/kuberc; not in here.
        out.push_str("export KUBERC=off\nunset KUBERNETES_MASTER POD_NAMESPACE\n");
    }
    out.push_str("hash -r\n");
    if facts.my_shell {
        out.push_str(&verify_context(facts.server));
    }
    if facts.interactive {
        out.push_str(&match kind {
            Kind::Bash => bash_comfort(facts),
            Kind::Zsh => zsh_comfort(facts),
        });
    } else if kind == Kind::Bash {
        out.push_str("shopt -s expand_aliases\n");
    }
    out.push_str("alias k=kubectl\n");
    out
}

/// Looks at the cluster through the shell as it is now, user's functions and aliases included.
fn verify_context(server: &str) -> String {
    format!(
        "if [ \"$(eval kubectl config view --minify -o \"'jsonpath={{.clusters[0].cluster.server}}'\" 2>/dev/null)\" != {} ]; then\n\
         \x20 echo 'ckaprep: this shell does not lead to the practice cluster: your start-up file redirects kubectl.' >&2\n\
         \x20 echo 'ckaprep: go on without --my-shell: ckaprep attach' >&2\n\
         \x20 exit 3\n\
         fi\n",
        quote(server)
    )
}

fn bash_comfort(facts: Facts<'_>) -> String {
    let history = quote(&facts.shell.join("history").to_string_lossy());
    let folder = quote(&facts.shell.to_string_lossy());
    format!(
        r#"PS1='candidate@base:\w\$ '
HISTFILE={history} HISTSIZE=10000 HISTFILESIZE=10000 HISTCONTROL=ignorespace HISTTIMEFORMAT='%T '
shopt -s histappend checkwinsize 2>/dev/null
# A session that was stopped from elsewhere takes this shell's folder with it.
__ckaprep_prompt() {{
  if [ -d {folder} ]; then history -a 2>/dev/null; else
    unset HISTFILE PROMPT_COMMAND
    echo 'ckaprep: this session is over, it was stopped from elsewhere; exit leaves.' >&2
  fi
}}
PROMPT_COMMAND=__ckaprep_prompt
# Completion is loaded by the first Tab: it costs a tenth of a second that the prompt should not wait for.
__ckaprep_kubectl() {{
  local f
  for f in /usr/share/bash-completion/bash_completion /opt/homebrew/etc/profile.d/bash_completion.sh /usr/local/etc/profile.d/bash_completion.sh; do
    [ -r "$f" ] && ! declare -F _get_comp_words_by_ref >/dev/null && . "$f"
  done
  # kubectl's completion needs this one function of the bash-completion package, which not every machine has.
  declare -F _get_comp_words_by_ref >/dev/null || _get_comp_words_by_ref() {{
    while [[ $1 == -* ]]; do shift 2; done
    words=("${{COMP_WORDS[@]}}") cword=$COMP_CWORD cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  }}
  complete -r kubectl k 2>/dev/null
  . <(command kubectl completion bash 2>/dev/null) && declare -F __start_kubectl >/dev/null && complete -o default -F __start_kubectl kubectl k
  return 124
}}
complete -F __ckaprep_kubectl kubectl k
__ckaprep_ckaprep() {{
  complete -r ckaprep 2>/dev/null
  . <(command ckaprep completions bash 2>/dev/null)
  return 124
}}
complete -F __ckaprep_ckaprep ckaprep
__ckaprep_ssh() {{ COMPREPLY=($(compgen -W "$(command ckaprep nodes 2>/dev/null)" -- "${{COMP_WORDS[COMP_CWORD]}}")); }}
complete -F __ckaprep_ssh ssh
"#
    )
}

fn zsh_comfort(facts: Facts<'_>) -> String {
    let history = quote(&facts.shell.join("history").to_string_lossy());
    let dump = quote(&facts.shell.join("zcompdump").to_string_lossy());
    format!(
        r#"PROMPT='candidate@base:%~%# '
HISTFILE={history} HISTSIZE=10000 SAVEHIST=10000
setopt EXTENDED_HISTORY INC_APPEND_HISTORY HIST_IGNORE_SPACE INTERACTIVE_COMMENTS
autoload -Uz compinit && compinit -u -d {dump}
_ckaprep_kubectl() {{ unfunction _ckaprep_kubectl; source <(command kubectl completion zsh 2>/dev/null) && compdef _kubectl kubectl k && _kubectl "$@"; }}
compdef _ckaprep_kubectl kubectl k
_ckaprep_ssh() {{ compadd -- $(command ckaprep nodes 2>/dev/null); }}
compdef _ckaprep_ssh ssh
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(my_shell: bool) -> Facts<'static> {
        Facts {
            session: "a",
            kubeconfig: Path::new("/s/it's/kubeconfig"),
            server: "https://127.0.0.1:1",
            bin: Path::new("/s/bin"),
            shell: Path::new("/s/shell"),
            my_shell,
            interactive: true,
        }
    }

    #[test]
    fn the_users_files_are_read_only_when_asked_for_and_before_ours() {
        assert!(!text(Kind::Bash, facts(false)).contains(".bashrc"));
        let own = text(Kind::Bash, facts(true));
        let at = |what: &str| own.find(what).unwrap_or_else(|| panic!("no {what} in {own}"));
        assert!(at(".bashrc") < at("export KUBECONFIG") && at("export KUBECONFIG") < at("exit 3"));
    }

    #[test]
    fn bash_accepts_what_we_write() {
        let Some(bash) = super::super::find::on_path("bash", None) else { return };
        for my_shell in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("rc");
            std::fs::write(&file, text(Kind::Bash, facts(my_shell))).unwrap();
            let out = std::process::Command::new(&bash).arg("-n").arg(&file).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
    }
}
