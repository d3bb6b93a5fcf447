//! Commands of the machines' shells, one file each. They behave like Debian 12's for the options that people use; an option that
//! is not known is refused as the real one refuses it.

mod options;
mod report;

mod apt;
mod arch;
mod cat;
mod chmod;
mod chown;
mod clear;
mod curl;
mod date;
mod df;
mod dig;
mod dpkg;
mod du;
mod edit;
mod free;
mod getent;
mod host;
mod hostname;
mod hostnamectl;
mod http;
mod id;
mod ip;
mod journalctl;
mod kill;
mod killall;
mod kubeadm;
pub(crate) mod kubectl;
mod less;
mod ls;
mod lsblk;
mod lsmod;
mod man;
mod modprobe;
mod mount;
mod nc;
mod nslookup;
mod openssl;

mod pgrep;
mod ping;
mod ps;
mod reboot;
mod refused;
mod sleep;
mod ss;
mod stat;
mod su;
mod sudo;
mod swapon;
pub(crate) mod sysctl;
mod systemctl;
mod tail;
mod tee;
mod timedatectl;
mod timeout;
mod top;
mod tty;
mod uname;
mod uptime;
mod watch;
mod wget;
mod whoami;

mod table;

pub use table::{DEBIAN, register};
