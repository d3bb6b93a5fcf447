//! Volumes: made below `/var/lib/kubelet/pods/<uid>/volumes`, bound into containers (`pkg/volume/*`).

use component::klog::Value;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container as Spec, KeyToPath, Pod, Volume};
use serde_json::json;
use std::collections::BTreeMap;

use super::environment::{data_of, field_value, resource_value};
use super::launch::{message_path, pod_dir};
use super::pods::{full_name, name, namespace, uid as uid_of};
use super::process::Kubelet;
use super::state::PodMemory;
use super::status::spec;
use crate::fs::{Kind, Mount, MountSource, TreeId, View};

/// Time between looks at the objects behind mounted files.
const REFRESH: i64 = 60;

/// A file of a volume.
struct File {
    path: String,
    bytes: Vec<u8>,
    mode: u32,
}

/// What a volume is made of.
enum Content {
    /// A directory of its own.
    Dir { plugin: &'static str },
    /// Files that the kubelet writes.
    Files { plugin: &'static str, files: Vec<File> },
    /// A path of the host.
    Host(String),
}

impl Kubelet {
    /// Mounts all volumes of a pod, or looks whether their files are still right. The error is that of the pod's sync.
    pub(super) async fn mount(&self, uid: &str, memory: &PodMemory) -> Result<(), String> {
        let now = self.machine.clock().now();
        if memory.mounted.is_some() && memory.refresh.is_none_or(|at| now < at) {
            return Ok(());
        }
        let pod = memory.pod.clone();
        let spec = spec(&pod);
        let files = self.machine.host_files();
        let dir = pod_dir(&pod);
        files.make_dirs(&dir, 0o750).map_err(|errno| format!("mkdir {dir}: {}", errno.go()))?;
        let first = memory.mounted.is_none();
        if first {
            for volume in spec.volumes.iter().flatten() {
                let (plugin, _) = plugin_of(volume);
                let message = format!(
                    "operationExecutor.VerifyControllerAttachedVolume started for volume \"{}\" (UniqueName: \"kubernetes.io/{plugin}/{uid}-{unique}\") pod \"{}\" (UID: \"{uid}\") ",
                    volume.name,
                    name(&pod),
                    unique = volume.name
                );
                self.log.info("reconciler_common.go:251", &message, &[("pod", Value::Text(&full_name(&pod)))]);
            }
        }
        let mut refresh = None;
        for volume in spec.volumes.iter().flatten() {
            match self.content(&pod, volume).await {
                Ok(Content::Host(path)) if plugin_of(volume).0 == "persistent-claim" => {
                    // Beside the volumes it is noted where a claim lies.
                    let claims = format!("{dir}/volumes/claims");
                    files.make_dirs(&claims, 0o750).map_err(|errno| errno.go())?;
                    let _ = files.symlink(&path, &format!("{claims}/{}", volume.name)); // there already
                }
                Ok(Content::Host(_)) => {}
                Ok(Content::Dir { plugin }) => {
                    let path = format!("{dir}/volumes/kubernetes.io~{plugin}/{}", volume.name);
                    files.make_dirs(&path, 0o755).map_err(|errno| errno.go())?;
                    files.set_mode(&path, 0o777).map_err(|errno| errno.go())?;
                }
                Ok(Content::Files { plugin, files: wanted }) => {
                    refresh = Some(now + SignedDuration::from_secs(REFRESH));
                    let path = format!("{dir}/volumes/kubernetes.io~{plugin}/{}", volume.name);
                    write_atomically(&files, &path, &wanted, now)?;
                }
                Err(reason) if first => {
                    let message = format!("MountVolume.SetUp failed for volume \"{}\" : {reason}", volume.name);
                    self.recorder.record(&self.pod_subject(&pod, None), "Warning", "FailedMount", &message);
                    return Err(format!(
                        "unmounted volumes=[{}], unattached volumes=[], failed to process volumes=[]: {message}",
                        volume.name
                    ));
                }
                // What was mounted stays as it is while its object cannot be read.
                Err(_) => refresh = Some(now + SignedDuration::from_secs(REFRESH)),
            }
        }
        self.amend(uid, |memory| {
            memory.mounted = memory.mounted.or(Some(now));
            memory.refresh = refresh;
        });
        Ok(())
    }

    async fn content(&self, pod: &Pod, volume: &Volume) -> Result<Content, String> {
        if let Some(map) = &volume.config_map {
            let mode = mode(map.default_mode);
            let files = self.object_files(pod, "configmap", &map.name, map.items.as_deref(), mode, map.optional).await?;
            return Ok(Content::Files { plugin: "configmap", files });
        }
        if let Some(secret) = &volume.secret {
            let mode = mode(secret.default_mode);
            let name = secret.secret_name.clone().unwrap_or_default();
            let files = self.object_files(pod, "secret", &name, secret.items.as_deref(), mode, secret.optional).await?;
            return Ok(Content::Files { plugin: "secret", files });
        }
        if let Some(downward) = &volume.downward_api {
            let files = self.downward_files(pod, downward.items.as_deref().unwrap_or_default(), mode(downward.default_mode))?;
            return Ok(Content::Files { plugin: "downward-api", files });
        }
        if let Some(projected) = &volume.projected {
            let mode = mode(projected.default_mode);
            let mut files = Vec::new();
            for source in projected.sources.iter().flatten() {
                if let Some(map) = &source.config_map {
                    files.extend(self.object_files(pod, "configmap", &map.name, map.items.as_deref(), mode, map.optional).await?);
                }
                if let Some(secret) = &source.secret {
                    files.extend(self.object_files(pod, "secret", &secret.name, secret.items.as_deref(), mode, secret.optional).await?);
                }
                if let Some(downward) = &source.downward_api {
                    files.extend(self.downward_files(pod, downward.items.as_deref().unwrap_or_default(), mode)?);
                }
                if let Some(token) = &source.service_account_token {
                    let bytes = self.token(pod, token.audience.as_deref(), token.expiration_seconds.unwrap_or(3600)).await?;
                    files.push(File { path: token.path.clone(), bytes, mode: if mode == 0o644 { 0o644 } else { mode } });
                }
            }
            return Ok(Content::Files { plugin: "projected", files });
        }
        if let Some(host) = &volume.host_path {
            self.check_host_path(&host.path, host.type_.as_deref().unwrap_or_default())?;
            return Ok(Content::Host(host.path.clone()));
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            return self.claim(pod, &claim.claim_name).await.map(Content::Host);
        }
        if volume.ephemeral.is_some() {
            return self.claim(pod, &format!("{}-{}", name(pod), volume.name)).await.map(Content::Host);
        }
        if volume.empty_dir.is_some() {
            return Ok(Content::Dir { plugin: "empty-dir" });
        }
        Err("no volume plugin matched: this volume type is not simulated".to_owned())
    }

    async fn object_files(
        &self,
        pod: &Pod,
        kind: &str,
        object: &str,
        items: Option<&[KeyToPath]>,
        mode: u32,
        optional: Option<bool>,
    ) -> Result<Vec<File>, String> {
        let Some(found) = self.fetch(&format!("/api/v1/namespaces/{}/{kind}s/{object}", namespace(pod))).await? else {
            return if optional == Some(true) { Ok(Vec::new()) } else { Err(format!("{kind} \"{object}\" not found")) };
        };
        let data = data_of(&found);
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            return Ok(data.into_iter().map(|(path, bytes)| File { path, bytes, mode }).collect());
        };
        let mut files = Vec::new();
        for item in items {
            match data.get(&item.key) {
                Some(bytes) => files.push(File {
                    path: item.path.clone(),
                    bytes: bytes.clone(),
                    mode: item.mode.and_then(|mode| u32::try_from(mode).ok()).unwrap_or(mode),
                }),
                None if optional == Some(true) => {}
                None => {
                    return Err(format!(
                        "{kind} references non-existent {} key: {}",
                        if kind == "secret" { "secret" } else { "config" },
                        item.key
                    ));
                }
            }
        }
        Ok(files)
    }

    fn downward_files(
        &self,
        pod: &Pod,
        items: &[k8s_openapi::api::core::v1::DownwardAPIVolumeFile],
        mode: u32,
    ) -> Result<Vec<File>, String> {
        let spec = spec(pod);
        items
            .iter()
            .map(|item| {
                let text = match (&item.field_ref, &item.resource_field_ref) {
                    (Some(field), _) => field_value(self, pod, None, &field.field_path)?,
                    (None, Some(field)) => {
                        let container = spec.containers.first().ok_or("no containers")?;
                        resource_value(self, pod, container, field)?
                    }
                    (None, None) => String::new(),
                };
                let mode = item.mode.and_then(|mode| u32::try_from(mode).ok()).unwrap_or(mode);
                Ok(File { path: item.path.clone(), bytes: text.into_bytes(), mode })
            })
            .collect()
    }

    /// A token of the pod's service account. One that has most of its time before it is kept.
    async fn token(&self, pod: &Pod, audience: Option<&str>, seconds: i64) -> Result<Vec<u8>, String> {
        let Some(client) = &self.client else { return Err("no API server".to_owned()) };
        let account = spec(pod).service_account_name.clone().unwrap_or_else(|| "default".to_owned());
        let mut request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "expirationSeconds": seconds,
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name(pod), "uid": uid_of(pod)},
            },
        });
        request["spec"]["audiences"] = match audience {
            Some(audience) if !audience.is_empty() => json!([audience]),
            _ => json!([]),
        };
        let key = format!("{}/{account}/{}/{}", namespace(pod), uid_of(pod), audience.unwrap_or_default());
        let now = self.machine.clock().now();
        if let Some((token, until)) = self.kept_token(pod, &key)
            && now < until
        {
            return Ok(token);
        }
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{account}/token", namespace(pod));
        let answer = client.post(&path, &request).await.map_err(|error| format!("failed to fetch token: {}", error.message))?;
        let token = answer["status"]["token"].as_str().unwrap_or_default().as_bytes().to_vec();
        // Renewed after four fifths of its time.
        let until = now + SignedDuration::from_secs(seconds * 4 / 5);
        self.keep_token(pod, &key, until);
        Ok(token)
    }

    fn kept_token(&self, pod: &Pod, key: &str) -> Option<(Vec<u8>, Timestamp)> {
        let memory = self.memory(&uid_of(pod))?;
        let until: Timestamp = memory.containers.get(&format!("token {key}"))?.pull_backoff.map(|(_, until)| until)?;
        let files = self.machine.host_files();
        let dir = format!("{}/volumes/kubernetes.io~projected", pod_dir(pod));
        let volumes = files.read_dir(&dir).ok()?;
        volumes.iter().find_map(|(volume, _)| files.read(&format!("{dir}/{volume}/token")).ok()).map(|bytes| (bytes.to_vec(), until))
    }

    fn keep_token(&self, pod: &Pod, key: &str, until: Timestamp) {
        self.amend(&uid_of(pod), |memory| {
            memory.containers.entry(format!("token {key}")).or_default().pull_backoff = Some((0, until));
        });
    }

    fn check_host_path(&self, path: &str, kind: &str) -> Result<(), String> {
        let files = self.machine.host_files();
        let found = files.stat(path).ok();
        let failed = |what: &str| Err(format!("hostPath type check failed: {path} is not {what}"));
        match (kind, found) {
            ("DirectoryOrCreate", None) | ("", None) => files.make_dirs(path, 0o755).map_err(|errno| errno.go()),
            ("FileOrCreate", None) => files.write_mode(path, Vec::new(), 0o644).map_err(|errno| errno.go()),
            ("Directory", Some(stat)) | ("DirectoryOrCreate", Some(stat)) if !stat.is_dir() => failed("a directory"),
            ("File", Some(stat)) | ("FileOrCreate", Some(stat)) if !stat.is_file() => failed("a file"),
            ("Directory", None) => failed("a directory"),
            ("File", None) => failed("a file"),
            ("Socket", found) if found.as_ref().is_none_or(|stat| stat.letter != 's') => failed("a socket file"),
            ("CharDevice", found) if found.as_ref().is_none_or(|stat| stat.letter != 'c') => failed("a character device"),
            ("BlockDevice", _) => failed("a block device"),
            _ => Ok(()),
        }
    }

    /// Path on the host of a claim's volume: hostPath and local volumes, and provisioned ones in a directory of their own.
    async fn claim(&self, pod: &Pod, claim: &str) -> Result<String, String> {
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims/{claim}", namespace(pod));
        let found = self.fetch(&path).await?.ok_or_else(|| format!("persistentvolumeclaim \"{claim}\" not found"))?;
        let volume = found["spec"]["volumeName"].as_str().unwrap_or_default();
        if volume.is_empty() || found["status"]["phase"] != "Bound" {
            return Err(format!("PVC {}/{claim} is not bound", namespace(pod)));
        }
        let volume = self
            .fetch(&format!("/api/v1/persistentvolumes/{volume}"))
            .await?
            .ok_or_else(|| format!("persistentvolume \"{volume}\" not found"))?;
        let files = self.machine.host_files();
        if let Some(path) = volume["spec"]["hostPath"]["path"].as_str() {
            self.check_host_path(path, volume["spec"]["hostPath"]["type"].as_str().unwrap_or_default())?;
            return Ok(path.to_owned());
        }
        if let Some(path) = volume["spec"]["local"]["path"].as_str() {
            return if files.is_dir(path) { Ok(path.to_owned()) } else { Err(format!("path \"{path}\" does not exist")) };
        }
        Err("no volume plugin matched: this type of persistent volume is not simulated".to_owned())
    }

    /// Mounts of one container: volumes, `/etc/hosts`, the termination message.
    pub(super) fn container_mounts(
        &self,
        pod: &Pod,
        container: &Spec,
        attempt: u32,
        ip: Option<&str>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Vec<Mount>, String> {
        let spec = spec(pod);
        let files = self.machine.host_files();
        let dir = pod_dir(pod);
        let mut mounts = Vec::new();
        let bind = |path: String, target: &str, read_only: bool| Mount {
            target: canonical(target),
            source: MountSource::Bind { tree: TreeId::Host, path },
            read_only,
        };
        for mount in container.volume_mounts.iter().flatten() {
            let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name);
            let volume =
                volume.ok_or_else(|| format!("cannot find volume \"{}\" to mount into container \"{}\"", mount.name, container.name))?;
            let source = match plugin_of(volume) {
                ("host-path", _) => volume.host_path.as_ref().map(|host| host.path.clone()).unwrap_or_default(),
                ("persistent-claim", _) => self.memory_of_claim(pod, volume)?,
                (plugin, _) => format!("{dir}/volumes/kubernetes.io~{plugin}/{}", volume.name),
            };
            let sub_path = match (&mount.sub_path_expr, &mount.sub_path) {
                (Some(expression), _) => Some(super::environment::expand(expression, |name| variables.get(name).cloned())),
                (None, path) => path.clone(),
            };
            let source = match sub_path.filter(|path| !path.is_empty()) {
                Some(path) => {
                    let full = format!("{source}/{path}");
                    if !files.exists(&full) {
                        // A missing directory of a subPath is made.
                        files.make_dirs(&full, 0o755).map_err(|errno| {
                            format!(
                                "failed to create subPath directory for volumeMount \"{}\" of container \"{}\": {}",
                                mount.name,
                                container.name,
                                errno.go()
                            )
                        })?;
                    }
                    // The file of this moment: later changes of the object do not reach a subPath.
                    files.canonical(&full).unwrap_or(full)
                }
                None => source,
            };
            let own_read_only = mount.read_only.unwrap_or(false);
            let kind_read_only = matches!(plugin_of(volume).0, "configmap" | "secret" | "projected" | "downward-api");
            mounts.push(bind(source, &mount.mount_path, own_read_only || kind_read_only));
        }
        let has = |mounts: &[Mount], target: &str| mounts.iter().any(|mount| mount.target == target);
        if !has(&mounts, "/etc/hosts") {
            let path = if spec.host_network == Some(true) { "/etc/hosts".to_owned() } else { format!("{dir}/etc-hosts") };
            if spec.host_network != Some(true) {
                files.write_mode(&path, hosts_file(pod, ip), 0o644).map_err(|errno| errno.go())?;
            }
            mounts.push(bind(path, "/etc/hosts", false));
        }
        let message = format!("{dir}/containers/{}/{attempt}", container.name);
        files.make_dirs(&format!("{dir}/containers/{}", container.name), 0o750).map_err(|errno| errno.go())?;
        files.write_mode(&message, Vec::new(), 0o666).map_err(|errno| errno.go())?;
        mounts.push(bind(message, &message_path(container), false));
        Ok(mounts)
    }

    /// Where a claim was found when the pod's volumes were mounted: asked anew, it must be there.
    fn memory_of_claim(&self, pod: &Pod, volume: &Volume) -> Result<String, String> {
        let link = format!("{}/volumes/claims/{}", pod_dir(pod), volume.name);
        self.machine.host_files().read_link(&link).map_err(|_| format!("volume \"{}\" is not mounted", volume.name))
    }

    /// Takes the volumes of a pod down.
    pub(super) fn unmount(&self, pod: &Pod) {
        let files = self.machine.host_files();
        let dir = pod_dir(pod);
        if files.exists(&format!("{dir}/volumes")) {
            for volume in spec(pod).volumes.iter().flatten() {
                let (plugin, _) = plugin_of(volume);
                let message = format!(
                    "operationExecutor.UnmountVolume started for volume \"{}\" (UniqueName: \"kubernetes.io/{plugin}/{}-{}\") pod \"{}\" (UID: \"{}\") ",
                    volume.name,
                    uid_of(pod),
                    volume.name,
                    uid_of(pod),
                    uid_of(pod)
                );
                self.log.info("reconciler_common.go:163", &message, &[]);
            }
            let _ = files.remove_all(&format!("{dir}/volumes")); // gone already
        }
    }

    /// Removes a pod's directory and its logs.
    pub(super) fn remove_files(&self, pod: &Pod) {
        let files = self.machine.host_files();
        let logs = super::launch::log_dir(pod);
        if let Ok(links) = files.read_dir("/var/log/containers") {
            let prefix = format!("{}_{}_", name(pod), namespace(pod));
            for (link, _) in links.iter().filter(|(link, _)| link.starts_with(&prefix)) {
                let path = format!("/var/log/containers/{link}");
                if files.read_link(&path).is_ok_and(|target| target.starts_with(&logs)) {
                    let _ = files.unlink(&path); // gone already
                }
            }
        }
        for path in [pod_dir(pod), logs] {
            let _ = files.remove_all(&path); // gone already
        }
    }
}

fn mode(mode: Option<i32>) -> u32 {
    mode.and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o644)
}

/// Directory name of a volume's plugin, and the name in it.
fn plugin_of(volume: &Volume) -> (&'static str, &str) {
    let plugin = if volume.config_map.is_some() {
        "configmap"
    } else if volume.secret.is_some() {
        "secret"
    } else if volume.projected.is_some() {
        "projected"
    } else if volume.downward_api.is_some() {
        "downward-api"
    } else if volume.host_path.is_some() {
        "host-path"
    } else if volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some() {
        "persistent-claim"
    } else {
        "empty-dir"
    };
    (plugin, &volume.name)
}

fn canonical(path: &str) -> String {
    format!("/{}", path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/"))
}

/// The kubelet's `/etc/hosts` (`managedHostsFileContent`).
fn hosts_file(pod: &Pod, ip: Option<&str>) -> String {
    let spec = spec(pod);
    let hostname = spec.hostname.clone().unwrap_or_else(|| name(pod).to_owned());
    let mut text = String::from(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n",
    );
    if let Some(ip) = ip {
        match &spec.subdomain {
            Some(subdomain) => text.push_str(&format!("{ip}\t{hostname}.{subdomain}.{}.svc.cluster.local\t{hostname}\n", namespace(pod))),
            None => text.push_str(&format!("{ip}\t{hostname}\n")),
        }
    }
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    if !aliases.is_empty() {
        text.push_str("\n# Entries added by HostAliases.\n");
        for alias in aliases {
            text.push_str(&format!("{}\t{}\n", alias.ip, alias.hostnames.clone().unwrap_or_default().join("\t")));
        }
    }
    text
}

/// The atomic writer: files in a directory with a time in its name, `..data` leading to it, links to `..data` outside.
fn write_atomically(files: &View, dir: &str, wanted: &[File], now: Timestamp) -> Result<(), String> {
    let fail = |errno: crate::fs::Errno| errno.go();
    files.make_dirs(dir, 0o755).map_err(fail)?;
    let data = format!("{dir}/..data");
    let same =
        wanted.iter().all(|file| files.read(&format!("{data}/{}", file.path)).is_ok_and(|old| old.as_ref() == file.bytes.as_slice()));
    let names = files.read_dir(dir).map_err(fail)?;
    let shown = |name: &str| !name.starts_with("..");
    let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let extra = names.iter().any(|(name, _)| shown(name) && !wanted.iter().any(|file| first(&file.path) == *name));
    if same && !extra && files.exists(&data) {
        return Ok(());
    }
    let stamp = format!("..{}", now.strftime("%Y_%m_%d_%H_%M_%S.%9f"));
    let fresh = format!("{dir}/{stamp}");
    files.make_dirs(&fresh, 0o755).map_err(fail)?;
    for file in wanted {
        let path = format!("{fresh}/{}", file.path);
        if let Some((parent, _)) = path.rsplit_once('/') {
            files.make_dirs(parent, 0o755).map_err(fail)?;
        }
        files.write_mode(&path, file.bytes.clone(), file.mode).map_err(fail)?;
    }
    let old = files.read_link(&data).ok();
    let _ = files.unlink(&data); // the first time there is none
    files.make_node(&data, Kind::Symlink(stamp.as_str().into()), 0o777).map_err(fail)?;
    for file in wanted {
        let top = first(&file.path);
        if files.lstat(&format!("{dir}/{top}")).is_err() {
            files.symlink(&format!("..data/{top}"), &format!("{dir}/{top}")).map_err(fail)?;
        }
    }
    for (name, _) in names {
        if shown(&name) && !wanted.iter().any(|file| first(&file.path) == name) {
            files.unlink(&format!("{dir}/{name}")).map_err(fail)?;
        }
    }
    if let Some(old) = old.filter(|old| *old != stamp) {
        let _ = files.remove_all(&format!("{dir}/{old}")); // gone already
    }
    Ok(())
}
