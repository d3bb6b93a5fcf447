//! Which program does what.

use crate::machine::Programs;
use crate::shell::{UTILITIES, run_shell, run_utility, shell_names};

/// Executables of a Debian node that are commands of the shell: path, program.
pub const DEBIAN: &[(&str, &str)] = &[
    ("/usr/bin/[", "["),
    ("/usr/bin/apt", "apt"),
    ("/usr/bin/apt-cache", "apt-cache"),
    ("/usr/bin/apt-get", "apt-get"),
    ("/usr/bin/apt-mark", "apt-mark"),
    ("/usr/bin/arch", "arch"),
    ("/usr/bin/awk", "awk"),
    ("/usr/bin/base32", "base32"),
    ("/usr/bin/base64", "base64"),
    ("/usr/bin/basename", "basename"),
    ("/usr/bin/bash", "bash"),
    ("/usr/bin/bc", "bc"),
    ("/usr/bin/cat", "cat"),
    ("/usr/bin/chgrp", "chgrp"),
    ("/usr/bin/chmod", "chmod"),
    ("/usr/bin/chown", "chown"),
    ("/usr/bin/clear", "clear"),
    ("/usr/bin/cmp", "cmp"),
    ("/usr/bin/column", "column"),
    ("/usr/bin/comm", "comm"),
    ("/usr/bin/cp", "cp"),
    ("/usr/bin/csplit", "csplit"),
    ("/usr/bin/curl", "curl"),
    ("/usr/bin/cut", "cut"),
    ("/usr/bin/date", "date"),
    ("/usr/bin/dd", "dd"),
    ("/usr/bin/df", "df"),
    ("/usr/bin/diff", "diff"),
    ("/usr/bin/dig", "dig"),
    ("/usr/bin/dirname", "dirname"),
    ("/usr/bin/dpkg", "dpkg"),
    ("/usr/bin/dpkg-query", "dpkg-query"),
    ("/usr/bin/du", "du"),
    ("/usr/bin/echo", "echo"),
    ("/usr/bin/editor", "editor"),
    ("/usr/bin/egrep", "egrep"),
    ("/usr/bin/env", "env"),
    ("/usr/bin/envsubst", "envsubst"),
    ("/usr/bin/expand", "expand"),
    ("/usr/bin/expr", "expr"),
    ("/usr/bin/factor", "factor"),
    ("/usr/bin/false", "false"),
    ("/usr/bin/fgrep", "fgrep"),
    ("/usr/bin/find", "find"),
    ("/usr/bin/findmnt", "findmnt"),
    ("/usr/bin/fold", "fold"),
    ("/usr/bin/free", "free"),
    ("/usr/bin/getent", "getent"),
    ("/usr/bin/grep", "grep"),
    ("/usr/bin/groups", "groups"),
    ("/usr/bin/gunzip", "gunzip"),
    ("/usr/bin/gzip", "gzip"),
    ("/usr/bin/head", "head"),
    ("/usr/bin/hexdump", "hexdump"),
    ("/usr/bin/host", "host"),
    ("/usr/bin/hostname", "hostname"),
    ("/usr/bin/hostnamectl", "hostnamectl"),
    ("/usr/bin/iconv", "iconv"),
    ("/usr/bin/id", "id"),
    ("/usr/bin/install", "install"),
    ("/usr/bin/join", "join"),
    ("/usr/bin/journalctl", "journalctl"),
    ("/usr/bin/jq", "jq"),
    ("/usr/bin/kill", "kill"),
    ("/usr/bin/killall", "killall"),
    ("/usr/bin/kubeadm", "kubeadm"),
    ("/usr/bin/kubectl", "kubectl"),
    ("/usr/bin/less", "less"),
    ("/usr/bin/ln", "ln"),
    ("/usr/bin/loginctl", "loginctl"),
    ("/usr/bin/logname", "logname"),
    ("/usr/bin/ls", "ls"),
    ("/usr/bin/lsblk", "lsblk"),
    ("/usr/bin/man", "man"),
    ("/usr/bin/md5sum", "md5sum"),
    ("/usr/bin/mkdir", "mkdir"),
    ("/usr/bin/mkfifo", "mkfifo"),
    ("/usr/bin/mktemp", "mktemp"),
    ("/usr/bin/more", "more"),
    ("/usr/bin/mount", "mount"),
    ("/usr/bin/mv", "mv"),
    ("/usr/bin/nano", "nano"),
    ("/usr/bin/nc", "nc"),
    ("/usr/bin/netstat", "netstat"),
    ("/usr/bin/nl", "nl"),
    ("/usr/bin/nohup", "nohup"),
    ("/usr/bin/nproc", "nproc"),
    ("/usr/bin/nslookup", "nslookup"),
    ("/usr/bin/numfmt", "numfmt"),
    ("/usr/bin/od", "od"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/bin/paste", "paste"),
    ("/usr/bin/patch", "patch"),
    ("/usr/bin/pgrep", "pgrep"),
    ("/usr/bin/pidof", "pidof"),
    ("/usr/bin/ping", "ping"),
    ("/usr/bin/pkill", "pkill"),
    ("/usr/bin/printenv", "printenv"),
    ("/usr/bin/printf", "printf"),
    ("/usr/bin/ps", "ps"),
    ("/usr/bin/pwd", "pwd"),
    ("/usr/bin/readlink", "readlink"),
    ("/usr/bin/realpath", "realpath"),
    ("/usr/bin/reset", "reset"),
    ("/usr/bin/rev", "rev"),
    ("/usr/bin/rm", "rm"),
    ("/usr/bin/rmdir", "rmdir"),
    ("/usr/bin/sed", "sed"),
    ("/usr/bin/seq", "seq"),
    ("/usr/bin/sh", "sh"),
    ("/usr/bin/sha1sum", "sha1sum"),
    ("/usr/bin/sha256sum", "sha256sum"),
    ("/usr/bin/sha512sum", "sha512sum"),
    ("/usr/bin/shuf", "shuf"),
    ("/usr/bin/sleep", "sleep"),
    ("/usr/bin/sort", "sort"),
    ("/usr/bin/split", "split"),
    ("/usr/bin/ss", "ss"),
    ("/usr/bin/ssh", "ssh"),
    ("/usr/bin/stat", "stat"),
    ("/usr/bin/strings", "strings"),
    ("/usr/bin/su", "su"),
    ("/usr/bin/sudo", "sudo"),
    ("/usr/bin/sum", "sum"),
    ("/usr/bin/sync", "sync"),
    ("/usr/bin/systemctl", "systemctl"),
    ("/usr/bin/tac", "tac"),
    ("/usr/bin/tail", "tail"),
    ("/usr/bin/tar", "tar"),
    ("/usr/bin/tee", "tee"),
    ("/usr/bin/test", "test"),
    ("/usr/bin/timedatectl", "timedatectl"),
    ("/usr/bin/timeout", "timeout"),
    ("/usr/bin/top", "top"),
    ("/usr/bin/touch", "touch"),
    ("/usr/bin/tr", "tr"),
    ("/usr/bin/true", "true"),
    ("/usr/bin/truncate", "truncate"),
    ("/usr/bin/tsort", "tsort"),
    ("/usr/bin/tty", "tty"),
    ("/usr/bin/umount", "umount"),
    ("/usr/bin/uname", "uname"),
    ("/usr/bin/unexpand", "unexpand"),
    ("/usr/bin/uniq", "uniq"),
    ("/usr/bin/uptime", "uptime"),
    ("/usr/bin/vi", "vi"),
    ("/usr/bin/vim", "vim"),
    ("/usr/bin/watch", "watch"),
    ("/usr/bin/wc", "wc"),
    ("/usr/bin/wget", "wget"),
    ("/usr/bin/which", "which"),
    ("/usr/bin/whoami", "whoami"),
    ("/usr/bin/xargs", "xargs"),
    ("/usr/bin/xxd", "xxd"),
    ("/usr/bin/yes", "yes"),
    ("/usr/bin/zcat", "zcat"),
    ("/usr/lib/systemd/systemd-modules-load", "systemd-modules-load"),
    ("/usr/lib/systemd/systemd-sysctl", "systemd-sysctl"),
    ("/usr/sbin/ip", "ip"),
    ("/usr/sbin/ip6tables", "ip6tables"),
    ("/usr/sbin/iptables", "iptables"),
    ("/usr/sbin/iptables-save", "iptables-save"),
    ("/usr/sbin/lsmod", "lsmod"),
    ("/usr/sbin/modprobe", "modprobe"),
    ("/usr/sbin/reboot", "reboot"),
    ("/usr/sbin/route", "route"),
    ("/usr/sbin/shutdown", "shutdown"),
    ("/usr/sbin/swapoff", "swapoff"),
    ("/usr/sbin/swapon", "swapon"),
    ("/usr/sbin/sysctl", "sysctl"),
];

/// Adds the shell, its utilities and all commands of this module.
pub fn register(programs: &mut Programs) {
    for name in UTILITIES {
        programs.register(*name, run_utility);
    }
    for name in shell_names() {
        programs.register(name, run_shell);
    }
    programs.register("ash", run_shell);
    for name in ["apt", "apt-cache", "apt-get", "apt-mark"] {
        programs.register(name, super::apt::run);
    }
    for name in ["vi", "vim", "nano", "editor"] {
        programs.register(name, super::edit::run);
    }
    for name in ["chown", "chgrp"] {
        programs.register(name, super::chown::run);
    }
    for name in ["less", "more"] {
        programs.register(name, super::less::run);
    }
    for name in ["ss", "netstat"] {
        programs.register(name, super::ss::run);
    }
    for name in ["ip", "ifconfig", "route"] {
        programs.register(name, super::ip::run);
    }
    for name in ["pgrep", "pkill", "pidof"] {
        programs.register(name, super::pgrep::run);
    }
    for name in ["mount", "umount", "findmnt"] {
        programs.register(name, super::mount::run);
    }
    for name in ["swapon", "swapoff"] {
        programs.register(name, super::swapon::run);
    }
    for name in ["dpkg", "dpkg-query"] {
        programs.register(name, super::dpkg::run);
    }
    for name in ["clear", "reset"] {
        programs.register(name, super::clear::run);
    }
    for name in ["tty", "groups"] {
        programs.register(name, super::tty::run);
    }
    for name in ["reboot", "shutdown"] {
        programs.register(name, super::reboot::run);
    }
    for name in [
        "iptables",
        "iptables-save",
        "ip6tables",
        "loginctl",
        "ssh",
        "perl",
        "apk",
        "traceroute",
        "telnet",
        "unzip",
        "who",
        "dmesg",
        "stty",
        "unlink",
        "time",
        "runc",
        "cni",
    ] {
        programs.register(name, super::refused::run);
    }
    for name in ["idle-daemon", "cron"] {
        programs.register(name, super::refused::daemon);
    }
    programs.register("arch", super::arch::run);
    programs.register("cat", super::cat::run);
    programs.register("chmod", super::chmod::run);
    programs.register("curl", super::curl::run);
    programs.register("date", super::date::run);
    programs.register("df", super::df::run);
    programs.register("dig", super::dig::run);
    programs.register("du", super::du::run);
    programs.register("free", super::free::run);
    programs.register("getent", super::getent::run);
    programs.register("host", super::host::run);
    programs.register("hostname", super::hostname::run);
    programs.register("hostnamectl", super::hostnamectl::run);
    programs.register("id", super::id::run);
    programs.register("journalctl", super::journalctl::run);
    programs.register("kill", super::kill::run);
    programs.register("killall", super::killall::run);
    programs.register("kubeadm", super::kubeadm::run);
    programs.register("kubectl", super::kubectl::run);
    programs.register("ls", super::ls::run);
    programs.register("lsblk", super::lsblk::run);
    programs.register("lsmod", super::lsmod::run);
    programs.register("man", super::man::run);
    programs.register("modprobe", super::modprobe::run);
    programs.register("nc", super::nc::run);
    programs.register("nohup", super::timeout::nohup);
    programs.register("nslookup", super::nslookup::run);
    programs.register("openssl", super::openssl::run);
    programs.register("ping", super::ping::run);
    programs.register("ps", super::ps::run);
    programs.register("sleep", super::sleep::run);
    programs.register("stat", super::stat::run);
    programs.register("su", super::su::run);
    programs.register("sudo", super::sudo::run);
    programs.register("sync", super::timeout::nothing);
    programs.register("sysctl", super::sysctl::run);
    programs.register("systemctl", super::systemctl::run);
    programs.register("systemd-modules-load", super::modprobe::load_at_boot);
    programs.register("systemd-sysctl", super::sysctl::apply_at_boot);
    programs.register("tail", super::tail::run);
    programs.register("tee", super::tee::run);
    programs.register("timedatectl", super::timedatectl::run);
    programs.register("timeout", super::timeout::run);
    programs.register("top", super::top::run);
    programs.register("uname", super::uname::run);
    programs.register("uptime", super::uptime::run);
    programs.register("watch", super::watch::run);
    programs.register("wget", super::wget::run);
    programs.register("whoami", super::whoami::run);
}

#[cfg(test)]
mod tests {
    use super::{DEBIAN, register};
    use crate::machine::Programs;

    #[test]
    fn every_command_of_a_node_is_a_program() {
        let mut programs = Programs::new();
        register(&mut programs);
        let missing: Vec<_> = DEBIAN.iter().filter(|name| programs.get(name.1).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
