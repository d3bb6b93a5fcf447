//! Images' entrypoint scripts: they prepare, then become the command (`exec "$@"`).

use std::sync::Arc;

use crate::fs::Executable;
use crate::machine::{ExitStatus, ProcessContext};

/// Becomes another program: same process, new arguments.
pub(super) async fn exec(mut context: ProcessContext, argv: Vec<String>) -> ExitStatus {
    let Some(first) = argv.first().cloned() else { return ExitStatus::SUCCESS };
    let path = if first.contains('/') {
        Some(context.path(&first))
    } else {
        let path = context.env.get("PATH").cloned().unwrap_or_default();
        context.files.which(&first, &path)
    };
    let executable = path.as_ref().map(|path| context.files.executable(path));
    let (program, argv) = match (executable, path.clone()) {
        (Some(Ok(Executable::Program(name))), _) => (name, argv),
        (Some(Ok(Executable::Script(text))), Some(path)) => {
            let line = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
            let interpreter = line.strip_prefix("#!").map_or("sh", |rest| rest.trim().rsplit('/').next().unwrap_or("sh"));
            let name = interpreter.split_whitespace().next().unwrap_or("sh").to_owned();
            let mut with = vec![name.clone(), path];
            with.extend(argv.into_iter().skip(1));
            (Arc::from(name.as_str()), with)
        }
        (Some(Err(errno)), _) => {
            context.stderr.write_now(format!("{}: exec: {first}: {}\n", context.argv[0], errno.go()).as_bytes());
            return ExitStatus::Code(126);
        }
        _ => {
            context.stderr.write_now(format!("{}: line 47: exec: {first}: not found\n", context.argv[0]).as_bytes());
            return ExitStatus::Code(127);
        }
    };
    let Some(run) = context.machine.programs().get(&program) else {
        context.stderr.write_now(format!("{}: exec: {first}: exec format error\n", context.argv[0]).as_bytes());
        return ExitStatus::Code(126);
    };
    let pid = context.pid;
    context.machine.write(|state| {
        if let Some(process) = state.processes.get_mut(&pid) {
            let process = Arc::make_mut(process);
            process.argv.clone_from(&argv);
            process.usage = crate::machine::Usage::typical(&program);
            process.program = program.clone();
            if let Some(path) = path {
                process.exe = path;
            }
        }
    });
    context.argv = argv;
    run.run(context).await
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut argv: Vec<String> = context.argv[1..].to_vec();
    let say = |line: &str| context.stdout.write_now(format!("{line}\n").as_bytes());
    let fail = |lines: &[&str]| {
        for line in lines {
            context.stderr.write_now(format!("{line}\n").as_bytes());
        }
        ExitStatus::FAILURE
    };
    let path = context.env.get("PATH").cloned().unwrap_or_default();
    let has = |command: &str| context.files.which(command, &path).is_some();
    let first = argv.first().cloned().unwrap_or_default();
    let option = first.starts_with('-');
    if has("redis-server") {
        if option || first.ends_with(".conf") {
            argv.insert(0, "redis-server".to_owned());
        }
    } else if has("curl") && !context.files.exists("/usr/sbin/nginx") {
        if option || !has(&first) {
            argv.insert(0, "curl".to_owned());
        }
    } else if context.files.exists("/usr/sbin/nginx") {
        if first == "nginx" || first == "nginx-debug" {
            for line in [
                "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
                "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/",
                "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh",
                "10-listen-on-ipv6-by-default.sh: info: IPv6 listen already enabled",
                "/docker-entrypoint.sh: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh",
                "/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh",
                "/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh",
                "/docker-entrypoint.sh: Configuration complete; ready for start up",
            ] {
                say(line);
            }
        }
    } else if has("mysqld") || has("mariadbd") {
        let maria = has("mariadbd");
        let names = ["ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD", "RANDOM_ROOT_PASSWORD"];
        let given = names.iter().any(|name| {
            context.env.contains_key(&format!("MYSQL_{name}")) || maria && context.env.contains_key(&format!("MARIADB_{name}"))
        });
        if !given && first.ends_with('d') {
            let now = context.machine.clock().now().strftime("%Y-%m-%d %H:%M:%S+00:00");
            let (line, prefix) = (
                format!("{now} [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified"),
                if maria { "MARIADB" } else { "MYSQL" },
            );
            return fail(&[
                &line,
                "    You need to specify one of the following as an environment variable:",
                &format!("    - {prefix}_ROOT_PASSWORD"),
                &format!("    - {prefix}_ALLOW_EMPTY_PASSWORD"),
                &format!("    - {prefix}_RANDOM_ROOT_PASSWORD"),
            ]);
        }
    } else if has("postgres") && first == "postgres" {
        let trusted = context.env.get("POSTGRES_HOST_AUTH_METHOD").is_some_and(|method| method == "trust");
        if !trusted && context.env.get("POSTGRES_PASSWORD").is_none_or(String::is_empty) {
            return fail(&[
                "Error: Database is uninitialized and superuser password is not specified.",
                "       You must specify POSTGRES_PASSWORD to a non-empty value for the",
                "       superuser. For example, \"-e POSTGRES_PASSWORD=password\" on \"docker run\".",
                "",
                "       You may also use \"POSTGRES_HOST_AUTH_METHOD=trust\" to allow all",
                "       connections without a password. This is *not* recommended.",
                "",
                "       See PostgreSQL documentation about \"trust\":",
                "       https://www.postgresql.org/docs/current/auth-trust.html",
            ]);
        }
    }
    exec(context, argv).await
}
