//! Standard input while something else runs: read only when there is something and somebody still wants it, so that no
//! read is left hanging that would swallow the next line.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc;

/// How long the reading thread may outlive its owner, in milliseconds. It reads nothing in that time.
const LOOK: u16 = 50;

/// Standard input, when it is a terminal.
pub struct TerminalInput {
    lines: mpsc::UnboundedReceiver<io::Result<Vec<u8>>>,
    wanted: Arc<Mutex<bool>>,
}

impl TerminalInput {
    /// Starts reading. Dropping it stops that at once.
    pub fn open() -> io::Result<Self> {
        let terminal = io::stdin().as_fd().try_clone_to_owned()?;
        let (sender, lines) = mpsc::unbounded_channel();
        let wanted = Arc::new(Mutex::new(true));
        let flag = wanted.clone();
        std::thread::Builder::new().name("stdin".into()).spawn(move || read(&terminal, &flag, &sender))?;
        Ok(Self { lines, wanted })
    }

    /// The next line as the terminal hands it over (with its newline); empty at Ctrl-D. Cancel safe.
    pub async fn line(&mut self) -> io::Result<Vec<u8>> {
        self.lines.recv().await.unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Stops reading; gives what was read and not taken.
    pub fn close(mut self) -> Vec<u8> {
        self.stop();
        let mut rest = Vec::new();
        while let Ok(Ok(line)) = self.lines.try_recv() {
            rest.extend(line);
        }
        rest
    }

    /// After this nothing is read, and all that was read is in the channel.
    fn stop(&self) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Drop for TerminalInput {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read(terminal: &OwnedFd, wanted: &Mutex<bool>, lines: &mpsc::UnboundedSender<io::Result<Vec<u8>>>) {
    loop {
        let mut fds = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::from(LOOK));
        // Looking, reading and handing on are one step: after the owner is gone nothing is read.
        let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !*wanted {
            return;
        }
        let line = match ready {
            Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
            Ok(_) => {
                // A terminal in line mode is readable only when a whole line is there: this read does not block.
                let mut buffer = vec![0; 4096];
                nix::unistd::read(terminal, &mut buffer).map_err(io::Error::from).map(|read| {
                    buffer.truncate(read);
                    buffer
                })
            }
            Err(error) => Err(error.into()),
        };
        let failed = line.is_err();
        let gone = lines.send(line).is_err();
        drop(wanted);
        if gone || failed {
            return;
        }
    }
}
