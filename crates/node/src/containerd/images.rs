//! The image store.

use std::sync::Arc;
use std::time::Duration;

use super::cri::{Cri, CriError};
use super::log;
use super::state::ImageRecord;
use crate::images::{Reference, catalogue};

/// Bytes per second of a pull, and what it takes before the first one.
const BANDWIDTH: u64 = 60_000_000;
const HANDSHAKE: Duration = Duration::from_millis(700);

impl Cri {
    /// `ImageStatus` of a normalised name or an id; `None` if the image is not here.
    pub fn image(&self, name: &str) -> Result<Option<Arc<ImageRecord>>, CriError> {
        self.service("ImageService")?;
        let hex = name.strip_prefix("sha256:").unwrap_or(name);
        let is_id = hex.len() >= 4 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        Ok(self.machine.read(|state| {
            state
                .containers
                .images
                .values()
                .find(|image| {
                    image.tags.iter().chain(&image.digests).any(|tag| tag == name)
                        || is_id && image.id.trim_start_matches("sha256:").starts_with(hex)
                })
                .cloned()
        }))
    }

    /// `ListImages` in the order of their first names.
    pub fn images(&self) -> Result<Vec<Arc<ImageRecord>>, CriError> {
        self.service("ImageService")?;
        let mut all: Vec<_> = self.machine.read(|state| state.containers.images.values().cloned().collect());
        all.sort_by(|a, b| a.tags.cmp(&b.tags).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    /// `PullImage`: the id of the image.
    pub async fn pull_image(&self, name: &str) -> Result<String, CriError> {
        self.service("ImageService")?;
        log::daemon(&self.machine, "info", &format!("PullImage \"{name}\""), &[]);
        let result = self.fetch(name).await;
        match &result {
            Ok(id) => log::daemon(&self.machine, "info", &format!("PullImage \"{name}\" returns image reference \"{id}\""), &[]),
            Err(error) => {
                log::daemon(&self.machine, "error", &format!("PullImage \"{name}\" failed"), &[("error", error.to_string())]);
            }
        }
        result
    }

    async fn fetch(&self, name: &str) -> Result<String, CriError> {
        let reference = Reference::parse(name).map_err(|error| CriError {
            code: "InvalidArgument",
            message: format!("failed to parse image reference \"{name}\": {error}"),
        })?;
        let full = reference.to_string();
        let failed = |code, reason: String| CriError {
            code,
            message: format!("failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {reason}"),
        };
        tokio::time::sleep(HANDSHAKE).await;
        let Some(image) = catalogue().pull(&reference) else {
            let known = catalogue().iter().any(|image| image.repository == reference.repository());
            return Err(match reference.domain.as_str() {
                _ if known => failed("NotFound", format!("{full}: not found")),
                "docker.io" => failed(
                    "Unknown",
                    "pull access denied, repository does not exist or may require authorization: server message: \
                     insufficient_scope: authorization failed"
                        .to_owned(),
                ),
                "registry.k8s.io" | "quay.io" | "gcr.io" | "ghcr.io" => failed("NotFound", format!("{full}: not found")),
                domain => {
                    let tag = reference.digest.as_ref().or(reference.tag.as_ref()).cloned().unwrap_or_default();
                    let url = format!("https://{domain}/v2/{}/manifests/{tag}", reference.path);
                    let host = domain.split(':').next().unwrap_or(domain);
                    let server = self.machine.network().resolver(&component::Origin::Node(self.machine.name())).nameservers;
                    let on = server.first().map(|ip| format!(" on {ip}:53")).unwrap_or_default();
                    failed("Unknown", format!("failed to do request: Head \"{url}\": dial tcp: lookup {host}{on}: no such host"))
                }
            });
        };
        let present = self.machine.read(|state| state.containers.images.contains_key(&image.id));
        if !present {
            tokio::time::sleep(Duration::from_millis(image.size * 1000 / BANDWIDTH)).await;
            self.service("ImageService")?;
        }
        self.machine.write(|state| add_image(&mut state.containers, image.record(&reference)));
        Ok(image.id.clone())
    }

    /// `RemoveImage`; false if it was not there. A tag alone goes if the image has others.
    pub fn remove_image(&self, name: &str) -> Result<bool, CriError> {
        let Some(image) = self.image(name)? else { return Ok(false) };
        self.machine.write(|state| state.containers.images.remove(&image.id));
        Ok(true)
    }
}

/// Puts an image into the store, or adds its names to what is there.
pub(crate) fn add_image(state: &mut super::state::ContainerdState, record: ImageRecord) {
    let mut merged = state.images.get(&record.id).map_or_else(|| record.clone(), |old| (**old).clone());
    for tag in record.tags {
        // A tag that led elsewhere leads here now.
        let others: Vec<String> =
            state.images.iter().filter(|(id, image)| **id != record.id && image.tags.contains(&tag)).map(|(id, _)| id.clone()).collect();
        for id in others {
            if let Some(image) = state.images.get_mut(&id) {
                Arc::make_mut(image).tags.retain(|other| *other != tag);
            }
        }
        if !merged.tags.contains(&tag) {
            merged.tags.push(tag);
            merged.tags.sort();
        }
    }
    state.images.insert(record.id, Arc::new(merged));
}
