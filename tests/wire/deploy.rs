//! The app as installed by `deploy/`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::*;
use crate::tls::{Certificate, assert_secure_cookie_and_hsts};

const KEY: &str = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";

/// Installs the app below `dir`, and returns the command of its systemd unit. Installs the app
/// twice, because an update repeats the installation.
fn install(dir: &Path) -> Command {
    for _ in 0..2 {
        let mut script = Command::new("sh");
        script.arg(format!("{ROOT}/deploy/install.sh")).arg(binary()).env("DESTDIR", dir);
        assert!(script.status().unwrap().success());
    }
    let unit = fs::read_to_string(dir.join("etc/systemd/system/app.service")).unwrap();
    let setting = |name: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        dir.join(line.trim_start_matches(['=', '/']))
    };
    let mut command = Command::new(setting("ExecStart"));
    command.env_clear().current_dir(setting("WorkingDirectory"));
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
        let (name, value) = line.trim_matches('"').split_once('=').unwrap();
        command.env(name, value);
    }
    command.env("ROCKET_SECRET_KEY", KEY).env("ROCKET_PORT", "0");
    command.env("ROCKET_DATA_DIR", dir.join("var/lib/app"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_installed_app_runs_with_the_settings_in_its_unit() {
    let dir = TempDir::new().unwrap();
    let mut server = start(&mut install(dir.path()));
    assert!(server.get("/dashboard", "").contains("location: /login?next=/dashboard"));
    assert!(server.get("/login", "").contains("Remember me on this device"));
    assert!(server.get("/static/style.css", "").starts_with("HTTP/1.1 200"));
    assert_secure_cookie_and_hsts(&server.post("/register", "X-Real-IP: 203.0.113.9\r\n", ADA));
    let output = server.stop();
    assert!(output.contains(r#""address":"203.0.113.9","event":"registered""#), "{output}");
    assert!(dir.path().join("var/lib/app/app.sqlite").exists());
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_unit() {
    let dir = TempDir::new().unwrap();
    install(dir.path());
    let unit = dir.path().join("etc/systemd/system/app.service");
    let opt = dir.path().join("opt");
    let text = fs::read_to_string(&unit).unwrap().replace("/opt", opt.to_str().unwrap());
    fs::write(&unit, text).unwrap();
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output();
    let output = verify.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Starts nginx with `deploy/nginx.conf` in front of `server`, and returns the process and the HTTPS port.
fn start_nginx(dir: &Path, server: &Server, certificate: &Certificate) -> (Nginx, u16) {
    // Avoids the ephemeral ports, because other tests might receive those ports.
    let free_port = |mut ports: Range<u16>| {
        ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
    };
    let first = 20_000 + (server.port % 100) * 50;
    let (http, https) = (free_port(first..25_000), free_port(first + 5_000..30_000));
    let site = fs::read_to_string(format!("{ROOT}/deploy/nginx.conf")).unwrap();
    let mut config = format!("error_log stderr;\npid {}/pid;\nevents {{}}\n", dir.display());
    config += "http { access_log off;\n";
    config += &site
        .replace("listen 80;", &format!("listen 127.0.0.1:{http};"))
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{https} ssl;"))
        .replace("/etc/ssl/site.example.pem", certificate.certs.to_str().unwrap())
        .replace("/etc/ssl/site.example.key", certificate.key.to_str().unwrap())
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{}", server.port));
    config += "}\n";
    let file = dir.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.args(["-g", "daemon off;", "-c"]).arg(&file).arg("-p").arg(dir);
    let nginx = Nginx(nginx.spawn().unwrap());
    let is_up = |_: &u32| {
        sleep(Duration::from_millis(50));
        TcpStream::connect(("127.0.0.1", https)).is_ok()
    };
    assert!((0..100).find(is_up).is_some(), "nginx did not start");
    (nginx, https)
}

#[test]
#[ignore = "needs nginx"]
fn serves_https_behind_nginx_and_logs_client_addresses() {
    let dir = TempDir::new().unwrap();
    let mut server = start(&mut install(dir.path()));
    let certificate = Certificate::new(dir.path());
    let (_nginx, https) = start_nginx(dir.path(), &server, &certificate);
    // The client's header has no effect, because nginx overwrites `X-Real-IP`.
    assert_secure_cookie_and_hsts(&certificate.register(https, "X-Real-IP: 203.0.113.9\r\n"));
    let output = server.stop();
    assert!(output.contains(r#""address":"127.0.0.1","event":"registered""#), "{output}");
}

#[test]
#[ignore = "needs nginx"]
fn nginx_closes_connections_that_send_only_part_of_a_request() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut install(dir.path()));
    let certificate = Certificate::new(dir.path());
    let (_nginx, https) = start_nginx(dir.path(), &server, &certificate);
    let form = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nusername=";
    let started = Instant::now();
    std::thread::scope(|scope| {
        for start in ["", "GET / HTTP/1.1\r\nHost: local", form] {
            let connect = || certificate.send(https, start);
            scope.spawn(connect);
        }
    });
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
