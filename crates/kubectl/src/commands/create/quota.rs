//! `kubectl create quota`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[flag("hard", Kind::Text, "", "Limits: pods=3,cpu=1."), flag("scopes", Kind::Text, "", "Scopes, comma-separated.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "quota"],
    aliases: &["resourcequota"],
    usage: "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]",
    short: "Create a quota with the specified name",
    long: "",
    examples: "kubectl create quota small --hard=pods=10,requests.cpu=2,requests.memory=4Gi",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("", "v1", "resourcequotas", "ResourceQuota", true);
    let mut object = create::object(&resource, &name);
    object["spec"] = json!({});
    if let Some(hard) = cx.flags.given("hard") {
        object["spec"]["hard"] = quantities(hard)?;
    }
    if let Some(scopes) = cx.flags.given("scopes") {
        object["spec"]["scopes"] = json!(scopes.split(',').collect::<Vec<_>>());
    }
    object["status"] = json!({});
    create::submit(cx, &resource, object, "quota").await
}

/// `cpu=1,memory=1Gi` as a map of canonical quantities.
pub fn quantities(text: &str) -> Result<Value, Error> {
    let mut out = serde_json::Map::new();
    for part in text.split(',') {
        let (key, value) =
            part.split_once('=').ok_or_else(|| Error::message(format!("Invalid argument syntax {part}, expected <resource>=<value>")))?;
        let quantity = values::Quantity::parse(value)
            .map_err(|_| Error::message("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"))?;
        out.insert(key.to_owned(), quantity.to_string().into());
    }
    Ok(Value::Object(out))
}
