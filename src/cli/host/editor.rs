//! The user's editor for `kubectl edit`.

use futures::FutureExt;
use futures::future::BoxFuture;
use kubectl::Editor;
use tokio::sync::mpsc;

use crate::tui::editor;

/// `$KUBE_EDITOR`, then as everywhere.
pub struct HostEditor;

impl Editor for HostEditor {
    fn edit<'a>(&'a self, suggested_name: &'a str, text: String) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let own = std::env::var("KUBE_EDITOR").ok().filter(|value| !value.trim().is_empty());
            let command = own.or_else(editor::command).ok_or("no editor: set KUBE_EDITOR or EDITOR, or install vi or nano")?;
            let (saved, mut versions) = mpsc::unbounded_channel();
            let status = editor::edit(&command, suggested_name, Some(text.as_bytes()), saved)
                .await
                .map_err(|error| format!("unable to launch the editor {command:?}: {error}"))?;
            let mut last = text.into_bytes();
            while let Some(version) = versions.recv().await {
                last = version;
            }
            if status != 0 {
                return Err(format!("there was a problem with the editor {command:?}"));
            }
            String::from_utf8(last).map_err(|_| "the edited file is not text".to_owned())
        }
        .boxed()
    }
}
