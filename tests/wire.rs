//! The program itself, started as people start it and spoken to over TCP.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const EXAMPLE: &str = include_str!("../.env.example");

/// The program in a working directory of its own, with nothing from this test's environment.
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocket-login"));
    command
        .env_clear()
        .env("ROCKET_CONFIG", format!("{ROOT}/Rocket.toml"))
        .env("ROCKET_DATA_DIR", dir.join("data"))
        .env("ROCKET_PORT", "0")
        .env("ROCKET_CLI_COLORS", "false")
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(command: &mut Command) -> Server {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let launched = lines.find(|line| line.contains("launched from"));
    let Some(launched) = launched else {
        panic!("no launch: {:?}", child.wait_with_output());
    };
    std::thread::spawn(move || lines.for_each(drop));
    let port = launched.rsplit(':').next().unwrap().trim().parse().unwrap();
    Server { child, port }
}

fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

impl Server {
    /// Sends these bytes and reads until the server closes, or says nothing for as long as that.
    fn say(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A server that refuses early may close before it has read everything.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        self.say(request.as_bytes(), Duration::from_secs(20))
    }

    fn post(&self, path: &str, headers: &str, form: &str) -> String {
        let length = form.len();
        self.say(
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
            )
            .as_bytes(),
            Duration::from_secs(20),
        )
    }
}

/// The sign-in cookie that an answer sets, as a header that sends it back.
fn cookie(answer: &str) -> String {
    let set = answer.lines().find(|line| line.starts_with("set-cookie: login="));
    let pair = set.unwrap_or_else(|| panic!("no sign-in cookie in {answer}"));
    format!("Cookie: {}\r\n", pair["set-cookie: ".len()..].split(';').next().unwrap())
}

const ADA: &str = "username=ada&password=a+horse+that+staples+batteries";

#[test]
fn a_first_run_needs_nothing_and_a_second_one_knows_who_was_signed_in() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
    drop(server);
    let server = start(&mut program(dir.path()));
    assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
}

#[cfg(unix)]
#[test]
fn what_a_first_run_leaves_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    drop(start(&mut program(dir.path())));
    let mode = fs::metadata(dir.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_release_run_without_a_key_of_its_own_says_what_to_do() {
    let dir = TempDir::new().unwrap();
    let line = EXAMPLE.lines().find(|line| line.starts_with("ROCKET_SECRET_KEY=")).unwrap();
    let example = line.split_once('=').unwrap().1;
    for key in [None, Some(""), Some(example)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release");
        if let Some(key) = key {
            command.env("ROCKET_SECRET_KEY", key);
        }
        let sentence = refused(&mut command);
        assert!(sentence.starts_with("Error: ROCKET_SECRET_KEY is not set"), "{sentence}");
        assert!(sentence.contains("openssl rand -base64 32"), "{sentence}");
        assert_eq!(sentence.lines().count(), 1);
    }
}

#[test]
fn a_release_run_takes_a_key_of_any_length_from_256_bits() {
    let dir = TempDir::new().unwrap();
    for key in ["PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=".to_owned(), "Pia/".repeat(16)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release").env("ROCKET_SECRET_KEY", key);
        assert!(start(&mut command).get("/", "").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_key_that_can_not_be_read_is_named_and_not_printed() {
    let dir = TempDir::new().unwrap();
    let key = "a secret that somebody mistyped";
    let sentence = refused(program(dir.path()).env("ROCKET_SECRET_KEY", key));
    assert!(sentence.starts_with("Error: ROCKET_SECRET_KEY must be"), "{sentence}");
    assert!(!sentence.contains(key));
}

#[test]
fn the_env_file_of_the_working_directory_is_read_and_the_environment_wins() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "DATABASE_URL=mysql://nothing\n").unwrap();
    assert!(refused(&mut program(dir.path())).contains("DATABASE_URL"));
    let url = format!("sqlite://{}", dir.path().join("other.sqlite").display());
    let server = start(program(dir.path()).env("DATABASE_URL", url));
    assert!(server.get("/healthz", "").ends_with("ok"));
    assert!(dir.path().join("other.sqlite").exists());
}

#[test]
fn the_example_is_an_env_file_that_a_debug_run_takes() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), EXAMPLE).unwrap();
    start(&mut program(dir.path())).post("/register", "", ADA);
    assert!(dir.path().join("data/secret_key").exists(), "the public key was used");
}

#[test]
fn a_broken_env_file_stops_the_launch_without_repeating_it() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "ROCKET_SECRET_KEY 'hush'\n").unwrap();
    let sentence = refused(&mut program(dir.path()));
    assert!(sentence.contains(".env"), "{sentence}");
    assert!(!sentence.contains("hush"), "{sentence}");
}

#[test]
fn a_wrong_setting_from_the_environment_names_itself() {
    let dir = TempDir::new().unwrap();
    for (name, value, says) in [
        ("ROCKET_LOGIN", "{fresh_for = 0}", "fresh_for"),
        ("ROCKET_LOGIN", "{session_protection = \"paranoid\"}", "session_protection"),
        ("ROCKET_LOGIN", "yes", "login"),
        ("ROCKET_PORT", "eighty", "port"),
        ("DATABASE_URL", "mysql://nothing", "DATABASE_URL"),
    ] {
        let sentence = refused(program(dir.path()).env(name, value));
        assert!(sentence.contains(says), "{name}={value}: {sentence}");
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_and_no_panic() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let sentence = refused(program(dir.path()).env("ROCKET_PORT", server.port.to_string()));
    assert!(sentence.starts_with("Error: "), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");
}

#[test]
fn noise_on_the_wire_gets_no_500_and_leaves_the_site_answering() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let host = "Host: localhost\r\nConnection: close\r\n";
    for noise in [
        "\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        format!("GET /\0 HTTP/1.1\r\n{host}\r\n"),
        format!("GET /é HTTP/1.1\r\n{host}\r\n"),
        format!("GET //evil.example HTTP/1.1\r\n{host}\r\n"),
        format!("GET http://evil.example/dashboard HTTP/1.1\r\n{host}\r\n"),
        format!("GET /login?next=%ff%00&next=/&%zz HTTP/1.1\r\n{host}\r\n"),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(8_000)),
        format!("BREW /dashboard HTTP/1.1\r\n{host}\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Accept: \x7f;;,\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Accept: application/json;q=9,,/\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Cookie: login; =; ;;login=%;_flash=%ff\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}User-Agent: é{}\r\n\r\n", "é".repeat(300)),
        format!("POST /login HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        format!("POST /login HTTP/1.1\r\n{host}Content-Type: ;\r\nContent-Length: 1\r\n\r\na"),
        format!("POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ] {
        let answer = server.say(noise.as_bytes(), Duration::from_millis(500));
        assert!(!answer.starts_with("HTTP/1.1 5"), "{noise:?}: {answer}");
    }
    assert!(server.get("/", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_browser_name_longer_than_the_cookie_holds_is_still_the_same_browser() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    for name in ["é".repeat(300), "x".repeat(2_000), "\u{1}".repeat(400)] {
        let agent = format!("User-Agent: {name}\r\n");
        let form = format!("username=ada{}&password=a+horse+that+staples+batteries", name.len());
        let answer = server.post("/register", &agent, &form);
        if answer.starts_with("HTTP/1.1 400") {
            continue;
        }
        let cookie = cookie(&answer);
        assert!(cookie.len() < 4_000, "a browser drops it: {}", cookie.len());
        let page = server.get("/dashboard", &format!("{agent}{cookie}"));
        assert!(page.contains("<dt>Fresh</dt><dd>until"), "{page}");
    }
}
