//! A server process in the background, for the tests and the benchmark.

// Each test that includes this file uses only a part of it.
#![allow(dead_code)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the path of the app's binary. Cargo puts the binary next to the directory of this test.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name(env!("CARGO_PKG_NAME"))
}

/// Returns a command that runs the binary in `dir`, without this test's environment.
pub fn program(dir: &Path) -> Command {
    prepare(Command::new(binary()), dir)
}

/// Returns a command that runs a shell script in `dir`. In the script, `$0` is the binary.
pub fn scripted(dir: &Path, script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(binary());
    prepare(shell, dir)
}

fn prepare(mut command: Command, dir: &Path) -> Command {
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

/// A running server. Dropping the value kills the process.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The output up to the end of the launch.
    pub launch: String,
    output: Mutex<Vec<JoinHandle<String>>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Kills the process group, because a shell or `cargo run` starts the server as its child.
        #[cfg(unix)]
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.id())]).output();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command and waits until its server has launched.
pub fn start(command: &mut Command) -> Server {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut launch = String::new();
    let record = |line: &String| launch += &format!("{line}\n");
    let launched = lines.by_ref().inspect(record).find(|line| line.contains("launched from"));
    let errors = spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let Some(launched) = launched else {
        panic!("the server did not launch: {launch} {}", errors.join().unwrap())
    };
    let output = spawn(move || lines.fold(String::new(), |log, line| log + line.as_str() + "\n"));
    let port = launched.rsplit(':').next().unwrap().trim().parse().unwrap();
    Server { child, port, launch, output: Mutex::new(vec![output, errors]) }
}

/// Runs a command that must fail, and returns its standard error.
pub fn error_of(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

impl Server {
    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until the server exits, and returns the exit status.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops the server, and returns its output since the launch.
    pub fn stop(&mut self) -> String {
        // Not `kill`, because the server writes the last lines of its logs before it exits.
        #[cfg(unix)]
        self.signal("TERM");
        #[cfg(not(unix))]
        let _ = self.child.kill();
        let _ = self.child.wait();
        let threads = std::mem::take(&mut *self.output.lock().unwrap());
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }

    /// Sends bytes and returns the response. Stops reading when the server closes the connection or
    /// sends nothing for `timeout`.
    pub fn send(&self, bytes: &[u8], timeout: Duration) -> String {
        self.try_send(bytes, timeout).unwrap()
    }

    fn try_send(&self, bytes: &[u8], timeout: Duration) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(timeout))?;
        // Ignores an error, because the server might close the connection early.
        let _ = stream.write_all(bytes);
        let mut response = Vec::new();
        // Ignores an error, because the server might reset the connection.
        let _ = stream.read_to_end(&mut response);
        Ok(String::from_utf8_lossy(&response).into_owned())
    }

    pub fn get(&self, path: &str, headers: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        self.send(request.as_bytes(), Duration::from_secs(20))
    }

    pub fn post(&self, path: &str, headers: &str, form: &str) -> String {
        self.try_post(path, headers, form).unwrap()
    }

    /// Sends a form to a server that might have stopped.
    pub fn try_post(&self, path: &str, headers: &str, form: &str) -> io::Result<String> {
        let length = form.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        self.try_send(request.as_bytes(), Duration::from_secs(20))
    }
}

/// Returns the session cookie of a response, as a request header.
pub fn cookie(response: &str) -> String {
    let header = response.lines().find(|line| line.starts_with("set-cookie: login="));
    let header = header.unwrap_or_else(|| panic!("no session cookie in {response}"));
    format!("Cookie: {}\r\n", header["set-cookie: ".len()..].split(';').next().unwrap())
}

/// The form with which ada registers and logs in.
pub const ADA: &str = "username=ada&password=a+horse+that+staples+batteries";
