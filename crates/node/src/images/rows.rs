//! The rows of the catalogue. `versions` lists, for each image, its version and the further tags that lead to it.

use super::base::Base;
use super::files::Item;

/// One repository.
pub(super) struct Row {
    pub(super) repository: &'static str,
    pub(super) versions: &'static [&'static [&'static str]],
    pub(super) base: Base,
    pub(super) size: u64,
    pub(super) entrypoint: &'static [&'static str],
    pub(super) cmd: &'static [&'static str],
    pub(super) env: &'static [(&'static str, &'static str)],
    pub(super) user: &'static str,
    pub(super) working_dir: &'static str,
    pub(super) ports: &'static [&'static str],
    pub(super) stop_signal: &'static str,
    pub(super) items: &'static [Item],
}

const NONE: Row = Row {
    repository: "",
    versions: &[],
    base: Base::Scratch,
    size: 0,
    entrypoint: &[],
    cmd: &[],
    env: &[],
    user: "",
    working_dir: "",
    ports: &[],
    stop_signal: "",
    items: &[],
};

const MB: u64 = 1_000_000;

const NGINX_CONF: &str = r#"
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;


events {
    worker_connections  1024;
}


http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}
"#;

const NGINX_DEFAULT: &str = r"server {
    listen       80;
    listen  [::]:80;
    server_name  localhost;

    #access_log  /var/log/nginx/host.access.log  main;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    #error_page  404              /404.html;

    # redirect server error pages to the static page /50x.html
    #
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
";

const NGINX_INDEX: &str = r#"<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"#;

const NGINX_50X: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<h1>An error occurred.</h1>\n\
    <p>Sorry, the page you are looking for is currently unavailable.<br/>\nPlease try again later.</p>\n</body>\n</html>\n";

const NGINX_ITEMS: &[Item] = &[
    Item::Program("/usr/sbin/nginx", "nginx"),
    Item::Program("/docker-entrypoint.sh", "docker-entrypoint"),
    Item::Dir("/docker-entrypoint.d", 0o755),
    Item::File("/etc/nginx/nginx.conf", NGINX_CONF),
    Item::File("/etc/nginx/conf.d/default.conf", NGINX_DEFAULT),
    Item::File(
        "/etc/nginx/mime.types",
        "types {\n    text/html html htm shtml;\n    text/css css;\n    text/plain txt;\n    application/json json;\n}\n",
    ),
    Item::File("/usr/share/nginx/html/index.html", NGINX_INDEX),
    Item::File("/usr/share/nginx/html/50x.html", NGINX_50X),
    Item::Dir("/var/cache/nginx", 0o755),
    Item::Link("/var/log/nginx/access.log", "/dev/stdout"),
    Item::Link("/var/log/nginx/error.log", "/dev/stderr"),
    Item::Dir("/run", 0o755),
    Item::Programs("/usr/bin", &["curl"]),
];

const HTTPD_CONF: &str = "ServerRoot \"/usr/local/apache2\"\nListen 80\nUser www-data\nGroup www-data\nServerAdmin you@example.com\n\
    DocumentRoot \"/usr/local/apache2/htdocs\"\n<Directory \"/usr/local/apache2/htdocs\">\n    Options Indexes FollowSymLinks\n    \
    AllowOverride None\n    Require all granted\n</Directory>\nErrorLog /proc/self/fd/2\nLogLevel warn\n";

const BUSYBOX: Row = Row { base: Base::Busybox, cmd: &["sh"], ..NONE };
const ALPINE: Row = Row { base: Base::Alpine, cmd: &["/bin/sh"], ..NONE };
const NETWORK_TOOLS: &[Item] = &[Item::Programs(
    "/usr/bin",
    &[
        "curl",
        "dig",
        "host",
        "nslookup",
        "nc",
        "ping",
        "ip",
        "ss",
        "netstat",
        "wget",
        "traceroute",
        "tcpdump",
        "telnet",
        "vi",
        "less",
        "ps",
        "top",
        "jq",
    ],
)];

/// All rows.
pub(super) const ROWS: &[Row] = &[
    Row {
        repository: "registry.k8s.io/pause",
        versions: &[&["3.10.1"], &["3.10"], &["3.9"], &["3.8"]],
        size: 320_448,
        entrypoint: &["/pause"],
        user: "65535:65535",
        working_dir: "/",
        items: &[Item::Program("/pause", "pause")],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/kube-apiserver",
        versions: &[&["v1.35.4"]],
        base: Base::Distroless,
        size: 27_700_000,
        entrypoint: &["/go-runner"],
        working_dir: "/",
        items: &[Item::Program("/usr/local/bin/kube-apiserver", "kube-apiserver"), Item::Program("/go-runner", "go-runner")],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/kube-controller-manager",
        versions: &[&["v1.35.4"]],
        base: Base::Distroless,
        size: 23_100_000,
        entrypoint: &["/go-runner"],
        working_dir: "/",
        items: &[
            Item::Program("/usr/local/bin/kube-controller-manager", "kube-controller-manager"),
            Item::Program("/go-runner", "go-runner"),
        ],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/kube-scheduler",
        versions: &[&["v1.35.4"]],
        base: Base::Distroless,
        size: 17_200_000,
        entrypoint: &["/go-runner"],
        working_dir: "/",
        items: &[Item::Program("/usr/local/bin/kube-scheduler", "kube-scheduler"), Item::Program("/go-runner", "go-runner")],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/kube-proxy",
        versions: &[&["v1.35.4"]],
        base: Base::Distroless,
        size: 25_800_000,
        entrypoint: &["/go-runner"],
        working_dir: "/",
        items: &[
            Item::Program("/usr/local/bin/kube-proxy", "kube-proxy"),
            Item::Program("/go-runner", "go-runner"),
            Item::Programs("/usr/sbin", &["iptables", "iptables-save"]),
        ],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/networking/kube-network-policies",
        versions: &[&["v1.0.0"]],
        base: Base::Distroless,
        size: 22_400_000,
        entrypoint: &["/bin/netpol"],
        working_dir: "/",
        items: &[Item::Program("/bin/netpol", "kube-network-policies")],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/etcd",
        versions: &[&["3.6.6-0"]],
        base: Base::Distroless,
        size: 23_600_000,
        entrypoint: &["etcd"],
        working_dir: "/",
        ports: &["2379/tcp", "2380/tcp"],
        items: &[
            Item::Program("/usr/local/bin/etcd", "etcd"),
            Item::Program("/usr/local/bin/etcdctl", "etcdctl"),
            Item::Program("/usr/local/bin/etcdutl", "etcdutl"),
            Item::Dir("/var/lib/etcd", 0o700),
        ],
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/coredns/coredns",
        versions: &[&["v1.13.1"]],
        base: Base::Distroless,
        size: 23_600_000,
        entrypoint: &["/coredns"],
        user: "65532:65532",
        ports: &["53/tcp", "53/udp"],
        items: &[Item::Program("/coredns", "coredns")],
        ..NONE
    },
    Row {
        repository: "docker.io/library/nginx",
        versions: &[
            &["1.29", "latest", "stable", "mainline", "1.29.4", "1"],
            &["1.28", "1.28.1"],
            &["1.27", "1.27.5"],
            &["1.26", "1.26.3"],
            &["1.25", "1.25.5"],
            &["1.24", "1.24.0"],
            &["1.23"],
            &["1.22"],
            &["1.21", "1.21.6"],
            &["1.20", "1.20.2"],
            &["1.19", "1.19.10"],
            &["1.18"],
            &["1.17"],
            &["1.16", "1.16.1"],
            &["1.15"],
            &["1.14", "1.14.2"],
        ],
        base: Base::Debian,
        size: 72_400_000,
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", "{version}"), ("NJS_VERSION", "0.9.4"), ("PKG_RELEASE", "1~bookworm")],
        ports: &["80/tcp"],
        stop_signal: "SIGQUIT",
        items: NGINX_ITEMS,
        ..NONE
    },
    Row {
        repository: "docker.io/library/nginx",
        versions: &[
            &["1.29-alpine", "alpine", "mainline-alpine", "stable-alpine", "1-alpine"],
            &["1.28-alpine"],
            &["1.27-alpine"],
            &["1.26-alpine"],
            &["1.25-alpine"],
        ],
        base: Base::Alpine,
        size: 22_600_000,
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", "{version}"), ("NJS_VERSION", "0.9.4"), ("PKG_RELEASE", "1")],
        ports: &["80/tcp"],
        stop_signal: "SIGQUIT",
        items: NGINX_ITEMS,
        ..NONE
    },
    Row {
        repository: "docker.io/nginxinc/nginx-unprivileged",
        versions: &[&["1.29", "latest", "stable"], &["1.27"]],
        base: Base::Debian,
        size: 72_400_000,
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        env: &[("NGINX_VERSION", "{version}")],
        user: "101",
        ports: &["8080/tcp"],
        stop_signal: "SIGQUIT",
        items: &[
            Item::Program("/usr/sbin/nginx", "nginx"),
            Item::Program("/docker-entrypoint.sh", "docker-entrypoint"),
            Item::File("/etc/nginx/nginx.conf", NGINX_CONF),
            Item::File(
                "/etc/nginx/conf.d/default.conf",
                "server {\n    listen       8080;\n    server_name  localhost;\n    location / {\n        root   /usr/share/nginx/html;\n        index  index.html index.htm;\n    }\n}\n",
            ),
            Item::File("/usr/share/nginx/html/index.html", NGINX_INDEX),
            Item::Programs("/usr/bin", &["curl"]),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/httpd",
        versions: &[&["2.4", "latest", "2.4.66", "2"], &["2.4-alpine", "alpine"]],
        base: Base::Debian,
        size: 45_200_000,
        cmd: &["httpd-foreground"],
        env: &[("HTTPD_PREFIX", "/usr/local/apache2"), ("HTTPD_VERSION", "2.4.66")],
        working_dir: "/usr/local/apache2",
        ports: &["80/tcp"],
        stop_signal: "SIGWINCH",
        items: &[
            Item::Program("/usr/local/bin/httpd-foreground", "httpd"),
            Item::Program("/usr/local/apache2/bin/httpd", "httpd"),
            Item::File("/usr/local/apache2/conf/httpd.conf", HTTPD_CONF),
            Item::File("/usr/local/apache2/htdocs/index.html", "<html><body><h1>It works!</h1></body></html>\n"),
            Item::Dir("/usr/local/apache2/logs", 0o755),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/redis",
        versions: &[
            &["8", "latest", "8.4", "8.4.0"],
            &["7", "7.4", "7.2", "7.0"],
            &["6", "6.2"],
            &["5", "5.0"],
            &["8-alpine", "alpine"],
            &["7-alpine"],
            &["6-alpine"],
        ],
        base: Base::Debian,
        size: 51_900_000,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["redis-server"],
        env: &[("REDIS_VERSION", "{version}")],
        working_dir: "/data",
        ports: &["6379/tcp"],
        items: &[
            Item::Program("/usr/local/bin/redis-server", "redis-server"),
            Item::Program("/usr/local/bin/redis-cli", "redis-cli"),
            Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint"),
            Item::Owned("/data", 999, 0o755),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/busybox",
        versions: &[
            &["1.37", "latest", "stable", "1.37.0", "1"],
            &["1.36", "1.36.1"],
            &["1.35", "1.35.0"],
            &["1.34"],
            &["1.33"],
            &["1.32"],
            &["1.31"],
            &["1.30"],
            &["1.29"],
            &["1.28", "1.28.4"],
        ],
        size: 2_220_000,
        ..BUSYBOX
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/busybox",
        versions: &[&["1.37.0-1"], &["1.36.1-1"], &["1.29-4"]],
        size: 2_220_000,
        ..BUSYBOX
    },
    Row {
        repository: "docker.io/library/alpine",
        versions: &[&["3.22", "latest", "3", "3.22.2"], &["3.21"], &["3.20"], &["3.19"], &["3.18"]],
        size: 3_800_000,
        ..ALPINE
    },
    Row {
        repository: "docker.io/library/bash",
        versions: &[&["5.3", "latest", "5"], &["5.2"]],
        size: 6_700_000,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["bash"],
        items: &[Item::Program("/usr/local/bin/bash", "bash"), Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint")],
        ..ALPINE
    },
    Row {
        repository: "docker.io/library/debian",
        versions: &[&["12", "latest", "bookworm", "bookworm-slim", "stable", "stable-slim"]],
        base: Base::Debian,
        size: 48_500_000,
        cmd: &["bash"],
        ..NONE
    },
    Row {
        repository: "docker.io/library/ubuntu",
        versions: &[&["24.04", "latest", "noble"], &["22.04", "jammy"]],
        base: Base::Debian,
        size: 29_700_000,
        cmd: &["/bin/bash"],
        ..NONE
    },
    Row {
        repository: "docker.io/library/perl",
        versions: &[&["5.42", "latest", "5"], &["5.34", "5.34.0"]],
        base: Base::Debian,
        size: 336 * MB,
        cmd: &["perl5", "-de0"],
        working_dir: "/usr/src/app",
        items: &[
            Item::Program("/usr/local/bin/perl", "perl"),
            Item::Program("/usr/local/bin/perl5", "perl"),
            Item::Dir("/usr/src/app", 0o755),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/curlimages/curl",
        versions: &[&["8.17.0", "latest"], &["8.11.0"], &["8.10.1"]],
        size: 9_400_000,
        entrypoint: &["/entrypoint.sh"],
        cmd: &["curl"],
        user: "100:101",
        working_dir: "/home/curl_user",
        items: &[
            Item::Program("/entrypoint.sh", "docker-entrypoint"),
            Item::Programs("/usr/bin", &["curl"]),
            Item::Owned("/home/curl_user", 100, 0o755),
        ],
        ..ALPINE
    },
    Row {
        repository: "docker.io/nicolaka/netshoot",
        versions: &[&["v0.14", "latest"], &["v0.13"]],
        size: 208 * MB,
        cmd: &["zsh"],
        working_dir: "/root",
        items: &[
            Item::Program("/bin/zsh", "bash"),
            Item::Program("/bin/bash", "bash"),
            Item::Programs("/usr/bin", &["curl", "dig", "host", "nslookup", "nc", "ip", "ss", "netstat", "traceroute", "tcpdump", "jq"]),
        ],
        ..ALPINE
    },
    Row {
        repository: "docker.io/wbitt/network-multitool",
        versions: &[&["latest", "alpine-extra"]],
        size: 31 * MB,
        cmd: &["/bin/sh"],
        items: NETWORK_TOOLS,
        ..ALPINE
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/jessie-dnsutils",
        versions: &[&["1.7"], &["1.3"]],
        base: Base::Debian,
        size: 112 * MB,
        cmd: &["sleep", "infinity"],
        items: NETWORK_TOOLS,
        ..NONE
    },
    Row {
        repository: "registry.k8s.io/e2e-test-images/agnhost",
        versions: &[&["2.59"], &["2.55"], &["2.53"], &["2.47"], &["2.45"], &["2.40"], &["2.39"]],
        base: Base::Alpine,
        size: 54 * MB,
        entrypoint: &["/agnhost"],
        cmd: &["pause"],
        ports: &["80/tcp", "8080/tcp", "8081/tcp", "9376/tcp", "5000/tcp"],
        items: &[Item::Program("/agnhost", "agnhost"), Item::Programs("/usr/bin", &["curl", "dig"])],
        ..NONE
    },
    Row {
        repository: "docker.io/library/hello-world",
        versions: &[&["latest", "linux"]],
        size: 10_072,
        cmd: &["/hello"],
        working_dir: "/",
        items: &[Item::Program("/hello", "hello-world")],
        ..NONE
    },
    Row {
        repository: "docker.io/library/mysql",
        versions: &[&["9", "latest", "9.5"], &["8", "8.4", "8.0"], &["5.7", "5"]],
        base: Base::Debian,
        size: 263 * MB,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["mysqld"],
        env: &[("MYSQL_MAJOR", "{version}")],
        ports: &["3306/tcp", "33060/tcp"],
        items: &[
            Item::Program("/usr/sbin/mysqld", "mysqld"),
            Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint"),
            Item::Owned("/var/lib/mysql", 997, 0o755),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/mariadb",
        versions: &[&["12", "latest"], &["11", "11.8"], &["10", "10.6"]],
        base: Base::Debian,
        size: 105 * MB,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["mariadbd"],
        ports: &["3306/tcp"],
        items: &[
            Item::Program("/usr/sbin/mariadbd", "mysqld"),
            Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint"),
            Item::Owned("/var/lib/mysql", 997, 0o755),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/postgres",
        versions: &[&["18", "latest"], &["17"], &["16"], &["15"], &["14"], &["17-alpine", "alpine"], &["16-alpine"]],
        base: Base::Debian,
        size: 157 * MB,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["postgres"],
        env: &[("PG_MAJOR", "{version}"), ("PGDATA", "/var/lib/postgresql/data")],
        ports: &["5432/tcp"],
        stop_signal: "SIGINT",
        items: &[
            Item::Program("/usr/local/bin/postgres", "postgres"),
            Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint"),
            Item::Owned("/var/lib/postgresql/data", 998, 0o1777),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/library/memcached",
        versions: &[&["1.6", "latest", "1"]],
        base: Base::Debian,
        size: 33 * MB,
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["memcached"],
        ports: &["11211/tcp"],
        items: &[
            Item::Program("/usr/local/bin/memcached", "memcached"),
            Item::Program("/usr/local/bin/docker-entrypoint.sh", "docker-entrypoint"),
        ],
        ..NONE
    },
    Row {
        repository: "docker.io/polinux/stress",
        versions: &[&["latest", "1.0.4"]],
        size: 4_000_000,
        cmd: &["stress"],
        items: &[Item::Program("/usr/local/bin/stress", "stress")],
        ..ALPINE
    },
];
