//! Installed clusters, kept between runs: installing one takes longer than everything else about a start.
//!
//! A cluster on the shelf is what [`kubesim::install`] makes for the same number of workers and the same day, so a start with it
//! and one without differ in speed alone. What does not fit this very executable, is damaged or cannot be read is ignored and
//! replaced. There is one file for each number of workers.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kubesim::World;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EmbeddedError;

/// Version of the file's own form; what a [`World`] looks like belongs to the executable.
const FORMAT: u32 = 1;

/// How much of the executable is read: its headers, among them the linker's build id.
const HEAD: u64 = 64 * 1024;

/// Where installed clusters are kept, or nowhere.
#[derive(Clone, Debug)]
pub struct Shelf(Option<PathBuf>);

/// Length of a hash as text.
const SUM: usize = 64;

/// First line of a file: whom it is for. A hash of the rest follows, then the cluster.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Label {
    format: u32,
    /// The executable that wrote it.
    executable: String,
    workers: u8,
    installed: Timestamp,
}

impl Shelf {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Keeps clusters in a private directory, which is made when there is something to keep.
    pub fn at(directory: PathBuf) -> Self {
        Self(Some(directory))
    }

    /// A cluster that was installed in time for `now`. A new one is put on the shelf, beside the work that goes on with it.
    pub(super) async fn installed(&self, workers: u8, now: Timestamp) -> Result<World, EmbeddedError> {
        let Some(directory) = &self.0 else { return Ok(kubesim::install(workers, now).await?) };
        let path = directory.join(format!("cluster-{workers}.world"));
        // Without knowing who we are there is no telling whether a file is ours.
        let Ok(executable) = executable() else { return Ok(kubesim::install(workers, now).await?) };
        let label = Label { format: FORMAT, executable, workers, installed: kubesim::installed_at(now) };
        match read(&path, &label) {
            Ok(world) => return Ok(world),
            Err(error) => tracing::debug!(path = %path.display(), %error, "no installed cluster on the shelf"),
        }
        let world = kubesim::install(workers, now).await?;
        let kept = world.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&path, &label, &kept) {
                tracing::debug!(path = %path.display(), %error, "an installed cluster could not be kept");
            }
        });
        Ok(world)
    }
}

/// What tells this executable from others: size and time of its file, and a hash of its beginning.
fn executable() -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    let path = std::env::current_exe()?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(format!("{}-{}.{}-{}", metadata.size(), metadata.mtime(), metadata.mtime_nsec(), hash(&head)))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path, wanted: &Label) -> io::Result<World> {
    let bytes = std::fs::read(path)?;
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| invalid("it has no label"))?;
    let (label, world) = (&bytes[..end], &bytes[end + 1..]);
    if serde_json::from_slice::<Label>(label)? != *wanted {
        return Err(invalid("it is for something else"));
    }
    let (sum, world) = world.split_at_checked(SUM).ok_or_else(|| invalid("it is cut short"))?;
    if sum != hash(world).as_bytes() {
        return Err(invalid("it is damaged"));
    }
    Ok(serde_json::from_slice(world)?)
}

/// A reader sees the old file, the new one, or none.
fn write(path: &Path, label: &Label, world: &World) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let world = serde_json::to_vec(world)?;
    // Private, as all temporary files are: the cluster's keys are in it.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer(&mut file, label)?;
    file.write_all(b"\n")?;
    file.write_all(hash(&world).as_bytes())?;
    file.write_all(&world)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;

    use super::*;
    use crate::backend::embedded::{Embedded, Spec, Time};

    fn spec(seed: u64) -> Spec {
        let now = "2026-11-24T10:00:00Z".parse().expect("a time");
        Spec { seed, workers: 1, now, time: Time::Stepped, open: false, journal: None }
    }

    /// Names, versions and uids of all objects of a cluster that starts from a shelf, once something is made on it.
    fn started(shelf: &Shelf, seed: u64) -> Vec<String> {
        // It ends when what it writes is written.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let cluster = Embedded::start_from(shelf, spec(seed)).await.expect("it starts");
            let made = cluster.run(|environment| async move {
                let map = ConfigMap {
                    metadata: kube::core::ObjectMeta { name: Some("made".into()), ..Default::default() },
                    ..Default::default()
                };
                Api::<ConfigMap>::default_namespaced(environment.client).create(&Default::default(), &map).await.map(drop)
            });
            made.await.expect("it answers").expect("it is made");
            let world = cluster.handover().await.expect("it can be handed over");
            let objects = world.world().store.objects.iter();
            objects.map(|(key, object)| format!("{key} {} {}", object.revision(), object.value()["metadata"]["uid"])).collect()
        })
    }

    #[test]
    fn a_start_from_the_shelf_is_like_one_without_and_damage_is_mended() {
        let directory = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::at(directory.path().join("kept"));
        let path = directory.path().join("kept/cluster-1.world");
        let without = started(&Shelf::none(), 7);
        assert_eq!(started(&shelf, 7), without, "nothing is kept yet");
        let kept = std::fs::read(&path).expect("now it is");
        assert_eq!(started(&shelf, 7), without, "from the shelf");
        assert_eq!(std::fs::read(&path).expect("still there"), kept, "it was used, not made anew");
        assert_ne!(started(&shelf, 8), without, "a seed still decides");
        for damage in [&b"{}"[..], &kept[..kept.len() / 2], b""] {
            std::fs::write(&path, damage).expect("written");
            assert_eq!(started(&shelf, 7), without, "damaged");
            assert!(std::fs::read(&path).expect("there again").len() > kept.len() / 2, "it was replaced");
        }
    }
}
