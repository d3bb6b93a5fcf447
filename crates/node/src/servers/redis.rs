//! Redis: PING, ECHO, SET, GET, DEL, EXISTS, INCR, KEYS. Its data is not kept over a restart, nor in a fork.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use component::Dialer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::Owner;

type Data = Arc<Mutex<BTreeMap<String, String>>>;

pub(super) async fn server(mut context: ProcessContext) -> ExitStatus {
    let port = context.argv.iter().position(|word| word == "--port").and_then(|at| context.argv.get(at + 1)?.parse().ok()).unwrap_or(6379);
    let owner = Owner { pid: context.pid, program: "redis-server".to_owned() };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let now = |context: &ProcessContext| context.machine.clock().now().strftime("%d %b %Y %H:%M:%S.%3f").to_string();
    let mut listener = match context.machine.network().listen(&context.origin, address, owner, None) {
        Ok(listener) => listener,
        Err(_) => {
            context.stdout.write_now(format!("1:M {} # Warning: Could not create server TCP listening socket *:{port}: bind: Address already in use\n1:M {} # Failed listening on port {port} (tcp), aborting.\n", now(&context), now(&context)).as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    context.signals.handle(&[Signal::Term, Signal::Int]);
    if !context.resumed {
        let version = context.env.get("REDIS_VERSION").cloned().unwrap_or_default();
        let at = now(&context);
        context.stdout.write_now(format!("1:C {at} * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:C {at} * Redis version={version}, bits=64, commit=00000000, modified=0, pid=1, just started\n1:C {at} # Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf\n1:M {at} * monotonic clock: POSIX clock_gettime\n1:M {at} * Running mode=standalone, port={port}.\n1:M {at} * Server initialized\n1:M {at} * Ready to accept connections tcp\n").as_bytes());
    }
    let data = Data::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = context.signals.recv() => {
                context.stdout.write_now(format!("1:signal-handler Received SIGTERM scheduling shutdown...\n1:M {} # Redis is now ready to exit, bye bye...\n", now(&context)).as_bytes());
                return ExitStatus::SUCCESS;
            }
            accepted = listener.accept() => {
                let data = data.clone();
                connections.spawn(async move { converse(accepted.stream, data).await });
            }
        }
    }
}

async fn converse(stream: tokio::io::DuplexStream, data: Data) {
    let mut stream = BufReader::new(stream);
    while let Some(words) = read_command(&mut stream).await {
        let answer = answer(&words, &data);
        let quit = words.first().is_some_and(|word| word.eq_ignore_ascii_case("quit"));
        if stream.write_all(answer.as_bytes()).await.is_err() || quit {
            return;
        }
    }
}

/// A command as an array of strings (RESP) or a plain line.
async fn read_command(stream: &mut BufReader<tokio::io::DuplexStream>) -> Option<Vec<String>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let Some(count) = line.trim().strip_prefix('*').and_then(|count| count.parse::<usize>().ok()) else {
        return Some(line.split_whitespace().map(str::to_owned).collect());
    };
    let mut words = Vec::new();
    for _ in 0..count.min(1024) {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let length: usize = header.trim().strip_prefix('$')?.parse().ok()?;
        let mut bytes = vec![0; length.min(1 << 20) + 2];
        stream.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(length);
        words.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Some(words)
}

fn answer(words: &[String], data: &Data) -> String {
    let mut data = data.lock().unwrap_or_else(PoisonError::into_inner);
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let name = words.first().map(|word| word.to_uppercase()).unwrap_or_default();
    let wrong = || format!("-ERR wrong number of arguments for '{}' command\r\n", name.to_lowercase());
    match (name.as_str(), &words[1.min(words.len())..]) {
        ("", _) => String::new(),
        ("PING", []) => "+PONG\r\n".to_owned(),
        ("PING" | "ECHO", [text]) => bulk(text),
        ("SET", [key, value, ..]) => {
            data.insert(key.clone(), value.clone());
            "+OK\r\n".to_owned()
        }
        ("GET", [key]) => data.get(key).map_or_else(|| "$-1\r\n".to_owned(), |value| bulk(value)),
        ("DEL", keys) if !keys.is_empty() => format!(":{}\r\n", keys.iter().filter(|key| data.remove(*key).is_some()).count()),
        ("EXISTS", keys) if !keys.is_empty() => format!(":{}\r\n", keys.iter().filter(|key| data.contains_key(*key)).count()),
        ("INCR", [key]) => match data.get(key).map_or(Ok(0), |value| value.parse::<i64>()) {
            Ok(value) => {
                data.insert(key.clone(), (value + 1).to_string());
                format!(":{}\r\n", value + 1)
            }
            Err(_) => "-ERR value is not an integer or out of range\r\n".to_owned(),
        },
        ("KEYS", [_]) => format!("*{}\r\n{}", data.len(), data.keys().map(|key| bulk(key)).collect::<String>()),
        ("DBSIZE", []) => format!(":{}\r\n", data.len()),
        ("QUIT", _) | ("SELECT", [_]) => "+OK\r\n".to_owned(),
        ("SET" | "GET" | "DEL" | "EXISTS" | "INCR" | "KEYS" | "ECHO", _) => wrong(),
        _ => format!("-ERR unknown command '{}', with args beginning with: \r\n", words[0]),
    }
}

pub(super) async fn client(context: ProcessContext) -> ExitStatus {
    let (mut host, mut port, mut words) = ("127.0.0.1".to_owned(), 6379u16, Vec::new());
    let mut rest = context.argv.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-h" if words.is_empty() => host = rest.next().cloned().unwrap_or(host),
            "-p" if words.is_empty() => port = rest.next().and_then(|port| port.parse().ok()).unwrap_or(port),
            _ => words.push(word.clone()),
        }
    }
    let network = context.machine.network().clone();
    let connection = match network.connect(&context.origin, &host, port, None).await {
        Ok(connection) => connection,
        Err(component::DialError::Lookup { .. }) => {
            context.stderr.write_now(format!("Could not connect to Redis at {host}:{port}: Name or service not known\n").as_bytes());
            return ExitStatus::FAILURE;
        }
        Err(_) => {
            context.stderr.write_now(format!("Could not connect to Redis at {host}:{port}: Connection refused\n").as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    let mut stream = BufReader::new(connection.stream);
    let mut commands = Vec::new();
    if words.is_empty() {
        while let Some(line) = context.stdin.read_line().await {
            commands.push(String::from_utf8_lossy(&line).split_whitespace().map(str::to_owned).collect());
        }
    } else {
        commands.push(words);
    }
    for command in commands.into_iter().filter(|command: &Vec<String>| !command.is_empty()) {
        let mut message = format!("*{}\r\n", command.len());
        command.iter().for_each(|word| message.push_str(&format!("${}\r\n{word}\r\n", word.len())));
        if stream.write_all(message.as_bytes()).await.is_err() {
            return ExitStatus::FAILURE;
        }
        let Some(shown) = read_answer(&mut stream).await else { return ExitStatus::FAILURE };
        context.stdout.write_now(format!("{shown}\n").as_bytes());
    }
    ExitStatus::SUCCESS
}

async fn read_answer(stream: &mut BufReader<tokio::io::DuplexStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let line = line.trim_end().to_owned();
    let (kind, rest) = line.split_at_checked(1)?;
    Some(match kind {
        "$" => {
            let Ok(length) = rest.parse::<usize>() else { return Some(String::new()) };
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes).await.ok()?;
            bytes.truncate(length);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "*" => {
            let mut items = Vec::new();
            for _ in 0..rest.parse::<usize>().unwrap_or(0) {
                items.push(Box::pin(read_answer(stream)).await?);
            }
            items.join("\n")
        }
        "-" => format!("(error) {rest}"),
        _ => rest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Data, answer};

    #[test]
    fn commands_answer_as_redis_does() {
        let data = Data::default();
        for (line, expected) in [
            ("PING", "+PONG\r\n"),
            ("set a 1", "+OK\r\n"),
            ("INCR a", ":2\r\n"),
            ("GET a", "$1\r\n2\r\n"),
            ("GET b", "$-1\r\n"),
            ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("DEL a b", ":1\r\n"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(answer(&words, &data), expected, "{line}");
        }
    }
}
