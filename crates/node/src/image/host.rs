//! Building a node's file system.

use std::net::IpAddr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::debian::{DAEMONS, DIRECTORIES, FILES, LINKS};
use crate::fs::{Device, Inode, Kind, Tree};

/// A file that the installer of the cluster puts on the machine.
pub struct HostFile {
    /// Where.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// What is in it.
    pub content: String,
}

/// A machine to be.
pub struct HostSpec<'a> {
    /// Host name.
    pub name: &'a str,
    /// Its address.
    pub address: IpAddr,
    /// Names and addresses of all machines, for `/etc/hosts`.
    pub hosts: &'a [(String, IpAddr)],
    /// When the system was installed.
    pub now: Timestamp,
    /// What is installed beyond the distribution.
    pub files: Vec<HostFile>,
    /// Further symbolic links: path, where it leads.
    pub links: Vec<(String, String)>,
}

/// The files of a node.
pub fn host_image(spec: &HostSpec<'_>) -> Tree {
    let now = spec.now;
    let mut tree = Tree::new(now);
    // Every path below is a constant whose parents can be made; a failure would show as a missing file in the tests.
    for dir in ["/usr/bin", "/usr/sbin", "/usr/lib/systemd/system"] {
        let _ = tree.make_dir(dir, now);
    }
    for (path, target) in LINKS {
        let _ = tree.put_symlink(path, target, now);
    }
    for (path, mode) in DIRECTORIES {
        let _ = tree.put(path, Inode::dir(*mode, now));
    }
    for (path, mode, content) in FILES {
        let _ = tree.put_file(path, *content, *mode, now);
    }
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/full", Device::Full),
        ("/dev/random", Device::Random),
        ("/dev/urandom", Device::Random),
        ("/dev/tty", Device::Terminal),
    ] {
        let _ = tree.put(path, Inode::new(Kind::Char(device), 0o666, now));
    }
    for (path, program) in DAEMONS.iter().chain(crate::commands::DEBIAN) {
        let _ = tree.put_program(path, program, now);
    }
    let _ = tree.put_file("/etc/hostname", format!("{}\n", spec.name), 0o644, now);
    // As systemd-machine-id-setup(1) would write it, but the same for the same name.
    let id: String = Sha256::digest(spec.name).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let _ = tree.put_file("/etc/machine-id", format!("{id}\n"), 0o444, now);
    let _ = tree.put_file("/etc/hosts", hosts(spec), 0o644, now);
    for file in &spec.files {
        let _ = tree.put_file(&file.path, file.content.clone(), file.mode, now);
    }
    for (path, target) in &spec.links {
        let _ = tree.put_symlink(path, target, now);
    }
    tree
}

fn hosts(spec: &HostSpec<'_>) -> String {
    let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (name, address) in spec.hosts {
        text.push_str(&format!("{address}\t{name}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{HostFile, HostSpec, host_image};
    use crate::image::debian::{DAEMONS, DIRECTORIES, FILES, LINKS};
    use jiff::Timestamp;

    #[test]
    fn everything_that_is_listed_is_there() {
        let spec = HostSpec {
            name: "worker-1",
            address: [172, 18, 0, 3].into(),
            hosts: &[("worker-1".to_owned(), [172, 18, 0, 3].into())],
            now: Timestamp::UNIX_EPOCH,
            files: vec![HostFile { path: "/var/lib/kubelet/config.yaml".into(), mode: 0o644, content: "kind: X\n".into() }],
            links: vec![],
        };
        let tree = host_image(&spec);
        let paths = FILES.iter().map(|f| f.0).chain(DIRECTORIES.iter().map(|d| d.0)).chain(DAEMONS.iter().map(|d| d.0));
        for path in paths.chain(crate::commands::DEBIAN.iter().map(|d| d.0)).chain(["/var/lib/kubelet/config.yaml"]) {
            assert!(tree.exists(path), "{path}");
        }
        for (path, _) in LINKS.iter().filter(|(_, target)| target.contains("/lib/systemd/")) {
            assert!(tree.exists(path), "{path} leads nowhere");
        }
        assert_eq!(tree.read_text("/bin/../../etc/hostname").as_deref(), Ok("worker-1\n"));
    }
}
