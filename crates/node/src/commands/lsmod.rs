//! `lsmod`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut text = "Module                  Size  Used by\n".to_owned();
    context.machine.read(|state| {
        for (name, module) in &state.kernel.modules {
            let users =
                if module.used_by.is_empty() { "0".to_owned() } else { format!("{} {}", module.used_by.len(), module.used_by.join(",")) };
            text.push_str(&format!("{name:<19} {:>8}  {users}\n", module.size));
        }
    });
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}
