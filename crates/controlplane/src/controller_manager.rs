//! kube-controller-manager: becomes the leader, then runs every controller that is enabled.

use std::sync::Arc;

use component::klog::Severity;

use crate::context::{Context, Exit};
use crate::controllers;
use crate::credentials;
use crate::machinery::election::Elector;
use crate::machinery::{Informers, Kit, Rest, Spawner, events};
use crate::options::ControllerManagerOptions;
use crate::state::{Memory, Process, Shared};

/// Runs the controller manager. It ends only as upstream's does: when it loses its lease it exits with status 1 and
/// waits for its kubelet to start it again. Dropping the future stops everything at once.
pub async fn controller_manager(context: Context<ControllerManagerOptions>, shared: Shared) -> Exit {
    let memory = Memory::new(shared, Process::ControllerManager);
    let identity = memory.begin(context.resumed, &context.hostname, &context.generator);
    let log = context.log.clone();
    let client = context.client();
    let rest = Rest::new(client.clone(), "kube-controller-manager");
    let (spawner, tasks) = Spawner::new();
    let (sink, writer) = events::sink(context.clock, rest.clone(), memory.clone(), log.clone());
    spawner.spawn(writer);
    let clients = context.clients.or_else(|| {
        context
            .options
            .service_account_credentials
            .then(|| credentials::clients(context.clock, context.dialer, context.origin, context.target, &memory))
    });
    let options = Arc::new(context.options);
    let kit = Kit {
        clock: context.clock,
        rest: rest.clone(),
        informers: Arc::new(Informers::new(client, spawner.clone(), log.clone(), context.decoded.clone())),
        log: log.clone(),
        memory: memory.clone(),
        options: options.clone(),
        spawner: spawner.clone(),
        sink,
        clients,
    };
    let already_led = memory.read(|m| m.leading);
    let elector = Elector {
        clock: context.clock,
        rest,
        log: log.clone(),
        recorder: kit.recorder("kube-controller-manager"),
        options: options.leader_election.clone(),
        identity,
    };
    let lead = async {
        if options.leader_election.enabled {
            elector.acquire(already_led).await;
        }
        memory.write(|m| m.leading = true);
        controllers::start_all(&kit);
        if options.leader_election.enabled {
            elector.renew_until_lost().await;
        } else {
            std::future::pending::<()>().await;
        }
        memory.write(|m| m.leading = false);
        log.line(Severity::Error, "controllermanager.go:373", "leaderelection lost", &[]);
        Exit { code: 1 }
    };
    tokio::select! {
        biased;
        exit = lead => exit,
        () = tasks.run() => Exit { code: 1 },
    }
}
