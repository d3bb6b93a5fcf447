//! A machine's state behind its lock, and the news that it changed.

use std::sync::{Mutex, PoisonError};

use component::Clock;
use component::watch;

use super::state::MachineState;

/// State, clock and the version that counts changes.
pub struct Shared {
    state: Mutex<MachineState>,
    version: watch::Sender<u64>,
    pub(crate) clock: Clock,
}

impl Shared {
    pub(crate) fn new(state: MachineState, clock: Clock) -> Self {
        Self { state: Mutex::new(state), version: watch::Sender::new(0), clock }
    }

    /// A look at the state. Not to be nested in itself or in a write: the lock is not reentrant.
    pub fn read<T>(&self, look: impl FnOnce(&MachineState) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A change of the state; wakes those who wait for one.
    pub fn write<T>(&self, change: impl FnOnce(&mut MachineState) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// As [`Shared::write`]; an error means that nothing was changed, and wakes nobody.
    pub fn try_write<T, E>(&self, change: impl FnOnce(&mut MachineState) -> Result<T, E>) -> Result<T, E> {
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if result.is_ok() {
            self.version.send_modify(|version| *version += 1);
        }
        result
    }

    /// Follows the count of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}
