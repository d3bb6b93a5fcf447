//! kube-controller-manager and kube-scheduler as ordinary clients of an API server: they are given a way to dial, a
//! kubeconfig's target and their flags, and know nothing else. See ARCHITECTURE.md.

mod context;
mod controller_manager;
pub mod controllers;
mod credentials;
pub mod machinery;
pub mod options;
pub mod scheduler;
mod state;

pub use context::{ClientFactory, Context, Exit};
pub use controller_manager::controller_manager;
pub use credentials::AccountToken;
pub use options::{ControllerManagerOptions, OptionsError, SchedulerOptions};
pub use scheduler::scheduler;
pub use state::{ComponentMemory, Memory, Shared, State};
