//! Programs that have the terminal to themselves for a while: an editor, a pager.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;

/// How often a program is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Waits for the program's end; it cannot be stopped meanwhile.
pub async fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = wait_a_moment(child).await {
            return status;
        }
    }
}

/// Waits for the program's end, but not for long. Ctrl-Z would stop it for good: the user's shell sees only us, and we go on, so
/// `fg` would not bring it back. A program that was stopped is therefore continued.
pub async fn wait_a_moment(child: &mut Child) -> Option<io::Result<ExitStatus>> {
    match tokio::time::timeout(LOOK, child.wait()).await {
        Ok(status) => Some(status),
        Err(_) => {
            go_on_if_stopped(child);
            None
        }
    }
}

#[cfg(target_os = "linux")]
fn go_on_if_stopped(child: &Child) {
    use nix::sys::signal::{Signal, killpg};
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    use nix::unistd::{Pid, getpgrp};

    let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
    // Without WEXITED the end is left to who waits for it.
    if let Ok(WaitStatus::Stopped(..)) = waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG) {
        // It and what it started are in our process group, which is the terminal's foreground. They may have ended just now.
        let _ = killpg(getpgrp(), Signal::SIGCONT);
    }
}

#[cfg(not(target_os = "linux"))]
fn go_on_if_stopped(_: &Child) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::process::Command;

    use super::*;

    #[tokio::test]
    async fn what_is_stopped_goes_on() {
        let mut child = Command::new("/bin/sh").args(["-c", "kill -STOP $$; exit 7"]).spawn().unwrap();
        let status = tokio::time::timeout(Duration::from_secs(20), wait(&mut child)).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(7));
    }
}
