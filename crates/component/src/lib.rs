//! What every simulated component is given, and nothing more: the time, a source of randomness that is data,
//! and a way to dial; and how it reads its command line and writes its log. Components (controllers, kubelets, kubectl in a node's shell) know the cluster only through these.

pub mod client;
pub mod clock;
pub mod decoded;
pub mod delta;
pub mod dial;
pub mod generator;
pub mod klog;
pub mod kubeconfig;
pub mod pflag;
pub mod tls;
pub mod watch;
pub mod yaml;

pub use client::{RequestError, TokenSource, client_for, client_with_tokens};
pub use clock::Clock;
pub use decoded::Decoded;
pub use delta::MapDelta;
pub use dial::{Connection, DialError, Dialer, Origin};
pub use generator::Generator;
pub use klog::Klog;
pub use kubeconfig::{KubeconfigError, Target};
