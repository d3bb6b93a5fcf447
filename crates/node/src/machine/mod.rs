//! A machine: its data ([`MachineState`]) and what brings the data to life ([`Machine`]).

mod child;
mod command;
mod delta;
mod kernel;
mod process;
pub(crate) mod procfs;
mod program;
mod resources;
#[path = "machine.rs"]
mod running;
mod shared;
mod signal;
mod state;
mod stdio;
mod task;
mod users;

pub use child::{Child, ExecError, ExitStatus};
pub use command::{Command, DEFAULT_PATH};
pub use delta::MachineDelta;
pub use kernel::{Kernel, Module};
pub use process::{Pid, Process, RunState, StdioSpec};
pub(crate) use procfs::inner_pid;
pub use program::{ProcessContext, Program, Programs};
pub use resources::{Hardware, Memory, Usage, load};
pub use running::{Machine, MachineEnv};
pub use shared::Shared;
pub use signal::{Signal, Signals};
pub use state::MachineState;
pub use stdio::{BrokenPipe, EditRequest, Editor, Input, InputWriter, Output, Pager, Terminal};
pub use users::{User, Users};
