//! endpoints-controller and endpointslice-controller: where a Service's traffic goes.

mod legacy;
mod mirroring;
mod ports;
mod slices;
mod watch;

pub use legacy::run as run_endpoints;
pub use mirroring::run as run_mirroring;
pub use slices::run as run_slices;
