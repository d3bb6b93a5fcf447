use std::sync::Arc;

use jiff::Timestamp;

use super::{Credentials, Errno, Kind, Mount, MountSource, Namespace, Tree, TreeId, View};
use crate::machine::Machine;
use crate::testing::{BOOT, state, wake};

/// A machine with a container whose volumes are directories of the host.
fn container() -> (Arc<Machine>, View) {
    let now: Timestamp = BOOT.parse().expect("a time");
    let mut state = state();
    let mut rootfs = Tree::new(now);
    for dir in ["/etc/pki", "/data", "/proc", "/tmp"] {
        rootfs.make_dir(dir, now).expect("made");
    }
    rootfs.put_file("/etc/hosts", "", 0o644, now).expect("written");
    state.files.put_file("/var/lib/pod/hosts", "10.0.0.1 pod\n", 0o644, now).expect("written");
    state.files.make_dir("/var/lib/pod/data", now).expect("made");
    state.rootfs.insert("c1".into(), rootfs);
    let machine = wake(state, now);
    let mut namespace = Namespace::container("c1");
    let bind = |target: &str, path: &str, read_only| Mount {
        target: target.to_owned(),
        source: MountSource::Bind { tree: TreeId::Host, path: path.to_owned() },
        read_only,
    };
    namespace.mounts.push(bind("/etc/pki", "/etc/kubernetes/pki", true));
    namespace.mounts.push(bind("/data", "/var/lib/pod/data", false));
    namespace.mounts.push(bind("/etc/hosts", "/var/lib/pod/hosts", false));
    let view = machine.view(Arc::new(namespace), Credentials::ROOT);
    (machine, view)
}

#[tokio::test(start_paused = true)]
async fn mounts_read_and_write_through_to_the_host() {
    let (machine, view) = container();
    let host = machine.host_files();
    assert_eq!(view.read_text("/etc/hosts").as_deref(), Ok("10.0.0.1 pod\n"));
    assert_eq!(view.names("/etc/pki"), ["ca.crt"]);
    view.write("/data/x", "from the container").expect("written");
    assert_eq!(host.read_text("/var/lib/pod/data/x").as_deref(), Ok("from the container"));
    host.write("/var/lib/pod/data/x", "from the host").expect("written");
    assert_eq!(view.read_text("/data/x").as_deref(), Ok("from the host"));
    assert_eq!(view.write("/etc/pki/new", "x"), Err(Errno::ReadOnly));
    assert_eq!(view.write("/etc/pki/ca.crt", "x"), Err(Errno::ReadOnly));
    assert_eq!(view.remove_dir("/data"), Err(Errno::Busy));
    assert_eq!(view.rename("/data/x", "/tmp/x"), Err(Errno::CrossDevice));
    assert!(!view.exists("/var/lib/pod"), "the host's other files are not seen");
    assert!(view.read_text("/proc/meminfo").is_ok_and(|text| text.starts_with("MemTotal:")));
}

#[tokio::test(start_paused = true)]
async fn links_permissions_and_errors() {
    let machine = wake(state(), BOOT.parse().expect("a time"));
    let root = machine.host_files();
    let user = root.with_credentials(Credentials { uid: 1000, gid: 1000 });
    root.symlink("b", "/tmp/a").expect("made");
    root.symlink("a", "/tmp/b").expect("made");
    assert_eq!(root.read("/tmp/a"), Err(Errno::Loop));
    root.write("/tmp/file", "x").expect("written");
    root.link("/tmp/file", "/tmp/hard").expect("linked");
    root.append("/tmp/hard", "y").expect("written");
    assert_eq!((root.read_text("/tmp/file").as_deref(), root.stat("/tmp/file").map(|stat| stat.links)), (Ok("xy"), Ok(2)));
    root.unlink("/tmp/file").expect("removed");
    assert_eq!(root.read_text("/tmp/hard").as_deref(), Ok("xy"));
    for (result, want) in [
        (user.read("/etc/kubernetes/kubelet.conf").map(|_| ()), Errno::PermissionDenied),
        (user.write("/etc/hosts", ""), Errno::PermissionDenied),
        (user.read_dir("/root").map(|_| ()), Errno::PermissionDenied),
        (user.unlink("/tmp/hard"), Errno::NotPermitted),
        (user.set_owner("/tmp/hard", Some(0), None, true), Errno::NotPermitted),
        (root.read("/etc").map(|_| ()), Errno::IsDirectory),
        (root.read("/etc/hosts/x").map(|_| ()), Errno::NotDirectory),
        (root.make_dir("/etc", 0o755), Errno::Exists),
        (root.remove_dir("/etc"), Errno::NotEmpty),
        (root.unlink("/nope"), Errno::NotFound),
        (root.write("/dev/full", "x"), Errno::NoSpace),
        (root.write("/proc/version", "x"), Errno::PermissionDenied),
        (root.rename("/etc", "/etc/kubernetes/etc"), Errno::Invalid),
    ] {
        assert_eq!(result, Err(want));
    }
    user.write("/tmp/mine", "x").expect("anybody writes to /tmp");
    assert_eq!(root.stat("/tmp/mine").map(|stat| (stat.uid, stat.mode)), Ok((1000, 0o644)));
    root.write("/dev/null", "gone").expect("written");
    root.make_node("/run/x.sock", Kind::Socket, 0o660).expect("made");
    assert_eq!(root.stat("/run/x.sock").map(|stat| stat.letter), Ok('s'));
    root.make_dirs("/a/b/c", 0o755).expect("made");
    root.remove_all("/a").expect("removed");
    assert!(!root.exists("/a"));
}
