//! The distributions that images are built on.

use std::sync::OnceLock;

use jiff::Timestamp;

use super::files::{self, BUILT, Item};
use crate::fs::Tree;

/// What an image is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing at all.
    Scratch,
    /// Certificates and users, no shell (`gcr.io/distroless/static`).
    Distroless,
    /// `busybox`
    Busybox,
    /// Alpine: busybox with `apk`.
    Alpine,
    /// Debian 12, slim.
    Debian,
}

/// Applets of busybox that are simulated.
const APPLETS: &[&str] = &[
    "[",
    "ash",
    "awk",
    "base64",
    "basename",
    "cat",
    "chmod",
    "chown",
    "clear",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "dmesg",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "fold",
    "free",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hexdump",
    "hostname",
    "id",
    "ifconfig",
    "ip",
    "kill",
    "killall",
    "less",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "more",
    "mount",
    "mv",
    "nc",
    "netstat",
    "nohup",
    "nproc",
    "nslookup",
    "od",
    "paste",
    "pgrep",
    "pidof",
    "ping",
    "pkill",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rev",
    "rm",
    "rmdir",
    "route",
    "sed",
    "seq",
    "sh",
    "sha1sum",
    "sha256sum",
    "shuf",
    "sleep",
    "sort",
    "stat",
    "strings",
    "sync",
    "tail",
    "tar",
    "tee",
    "telnet",
    "test",
    "time",
    "timeout",
    "top",
    "touch",
    "tr",
    "traceroute",
    "true",
    "tty",
    "umount",
    "uname",
    "uniq",
    "unzip",
    "uptime",
    "vi",
    "watch",
    "wc",
    "wget",
    "which",
    "who",
    "whoami",
    "xargs",
    "yes",
    "zcat",
];

/// Commands of a slim Debian.
const DEBIAN: &[&str] = &[
    "[",
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "clear",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "fold",
    "getent",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "join",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "more",
    "mount",
    "mv",
    "nl",
    "nohup",
    "nproc",
    "od",
    "paste",
    "perl",
    "printenv",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sha1sum",
    "sha256sum",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "stty",
    "sync",
    "tac",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "tty",
    "umount",
    "uname",
    "uniq",
    "unlink",
    "wc",
    "which",
    "whoami",
    "xargs",
    "yes",
    "zcat",
    "apt-get",
    "apt",
    "dpkg",
    "kill",
];

const BUSYBOX_USERS: &str = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nbin:x:2:2:bin:/bin:/bin/false\n\
    sys:x:3:3:sys:/dev:/bin/false\nsync:x:4:100:sync:/bin:/bin/sync\nmail:x:8:8:mail:/var/spool/mail:/bin/false\n\
    www-data:x:33:33:www-data:/var/www:/bin/false\noperator:x:37:37:Operator:/var:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n";
const BUSYBOX_GROUPS: &str = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nwheel:x:10:root\n\
    www-data:x:33:\nusers:x:100:\nnobody:x:65534:\n";
const ALPINE_USERS: &str = "root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/sbin/nologin\ndaemon:x:2:2:daemon:/sbin:/sbin/nologin\n\
    sync:x:5:0:sync:/sbin:/bin/sync\nmail:x:8:12:mail:/var/mail:/sbin/nologin\nguest:x:405:100:guest:/dev/null:/sbin/nologin\n\
    nginx:x:101:101:nginx:/var/cache/nginx:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const ALPINE_GROUPS: &str = "root:x:0:root\nbin:x:1:root,bin,daemon\ndaemon:x:2:root,bin,daemon\nsys:x:3:root,bin\nadm:x:4:root,daemon\n\
    tty:x:5:\nwheel:x:10:root\nmail:x:12:mail\nusers:x:100:\nnginx:x:101:\nnogroup:x:65533:\nnobody:x:65534:\n";
const DEBIAN_USERS: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    bin:x:2:2:bin:/bin:/usr/sbin/nologin\nsys:x:3:3:sys:/dev:/usr/sbin/nologin\nsync:x:4:65534:sync:/bin:/bin/sync\n\
    mail:x:8:8:mail:/var/mail:/usr/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n\
    _apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
    nginx:x:101:101:nginx user:/nonexistent:/bin/false\nredis:x:999:999::/home/redis:/bin/sh\npostgres:x:998:998::/var/lib/postgresql:/bin/bash\n\
    mysql:x:997:997::/var/lib/mysql:/bin/bash\n";
const DEBIAN_GROUPS: &str = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nwww-data:x:33:\n\
    staff:x:50:\nusers:x:100:\nnginx:x:101:\nmysql:x:997:\npostgres:x:998:\nredis:x:999:\nnogroup:x:65534:\n";
const OS_RELEASE_ALPINE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.2\nPRETTY_NAME=\"Alpine Linux v3.22\"\n\
    HOME_URL=\"https://alpinelinux.org/\"\n";
const OS_RELEASE_DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n";

impl Base {
    /// The tree of this distribution, put together at the first call.
    pub(super) fn tree(self) -> &'static Tree {
        static TREES: [OnceLock<Tree>; 5] = [const { OnceLock::new() }; 5];
        TREES[self as usize].get_or_init(|| self.build())
    }

    fn build(self) -> Tree {
        let now: Timestamp = BUILT;
        let mut tree = Tree::new(now);
        files::runtime_files(&mut tree);
        let common: &[Item] =
            &[Item::Dir("/etc", 0o755), Item::File("/etc/hostname", ""), Item::File("/etc/hosts", ""), Item::File("/etc/resolv.conf", "")];
        files::add(&mut tree, common);
        if self == Self::Scratch {
            return tree;
        }
        files::add(
            &mut tree,
            &[
                Item::Dir("/tmp", 0o1777),
                Item::Dir("/root", 0o700),
                Item::Dir("/var", 0o755),
                Item::Dir("/var/log", 0o755),
                Item::Dir("/var/run", 0o755),
                Item::Dir("/home", 0o755),
                Item::Owned("/home/nonroot", 65532, 0o700),
            ],
        );
        match self {
            Self::Scratch | Self::Distroless => files::add(
                &mut tree,
                &[
                    Item::File(
                        "/etc/passwd",
                        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
                    ),
                    Item::File("/etc/group", "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n"),
                    Item::Dir("/etc/ssl/certs", 0o755),
                ],
            ),
            Self::Busybox => files::add(
                &mut tree,
                &[
                    Item::File("/etc/passwd", BUSYBOX_USERS),
                    Item::File("/etc/group", BUSYBOX_GROUPS),
                    Item::Programs("/bin", APPLETS),
                    Item::Dir("/usr/bin", 0o755),
                    Item::Link("/usr/bin/env", "../../bin/env"),
                    Item::Dir("/var/www", 0o755),
                    Item::Dir("/var/spool/mail", 0o755),
                ],
            ),
            Self::Alpine => files::add(
                &mut tree,
                &[
                    Item::File("/etc/passwd", ALPINE_USERS),
                    Item::File("/etc/group", ALPINE_GROUPS),
                    Item::File("/etc/os-release", OS_RELEASE_ALPINE),
                    Item::File("/etc/alpine-release", "3.22.2\n"),
                    Item::Programs("/bin", APPLETS),
                    Item::Programs("/sbin", &["apk"]),
                    Item::Dir("/usr/bin", 0o755),
                    Item::Link("/usr/bin/env", "../../bin/env"),
                    Item::Dir("/usr/sbin", 0o755),
                    Item::Dir("/usr/local/bin", 0o755),
                ],
            ),
            Self::Debian => files::add(
                &mut tree,
                &[
                    Item::File("/etc/passwd", DEBIAN_USERS),
                    Item::File("/etc/group", DEBIAN_GROUPS),
                    Item::File("/etc/os-release", OS_RELEASE_DEBIAN),
                    Item::File("/etc/debian_version", "12.12\n"),
                    Item::Programs("/usr/bin", DEBIAN),
                    Item::Link("/bin", "usr/bin"),
                    Item::Link("/sbin", "usr/sbin"),
                    Item::Dir("/usr/sbin", 0o755),
                    Item::Dir("/usr/local/bin", 0o755),
                    Item::Dir("/usr/local/sbin", 0o755),
                    Item::Dir("/opt", 0o755),
                    Item::Dir("/srv", 0o755),
                    Item::Dir("/var/lib", 0o755),
                    Item::Dir("/var/cache", 0o755),
                ],
            ),
        }
        tree
    }
}
