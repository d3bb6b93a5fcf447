//! `lsblk`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let gigabytes = context.machine.read(|state| state.hardware.disk_kib) / 1_048_576 + 2;
    let _ = context
        .stdout
        .write(format!("NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\nvda    254:0    0  {gigabytes}G  0 disk \n└─vda1 254:1    0  {gigabytes}G  0 part /\n"))
        .await;
    ExitStatus::SUCCESS
}
