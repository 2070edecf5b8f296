//! Chromium with its own profile, controlled through chromedriver.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use rocket::serde::json::{Value, json};
use rocket::tokio::runtime::Runtime;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};

use crate::server::{self, Server};
use crate::templates::copy_templates;

pub const NAME: &str = "ada-lovelace";
pub const PASSWORD: &str = "a horse that staples batteries";
pub const FORM: &str = "username=ada-lovelace&password=a+horse+that+staples+batteries";
const FLAGS: &str = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run \
                     --disable-background-networking --disable-component-update --disable-sync";
const TIMEOUT: Duration = Duration::from_secs(20);

/// A running server with its own database.
pub struct Site {
    pub server: Server,
    dir: TempDir,
}

impl Site {
    /// Starts a server, and registers `NAME`.
    pub fn start() -> Site {
        Site::start_with(&[])
    }

    /// Starts a server with settings, and registers `NAME`.
    pub fn start_with(settings: &[(&str, &str)]) -> Site {
        let dir = TempDir::new().unwrap();
        let mut program = server::program(dir.path());
        let server = server::start(program.envs(settings.iter().copied()));
        assert!(server.post("/register", "", FORM).starts_with("HTTP/1.1 303"));
        Site { server, dir }
    }

    /// Starts a server without users.
    pub fn start_empty() -> Site {
        let dir = TempDir::new().unwrap();
        Site { server: server::start(&mut server::program(dir.path())), dir }
    }

    /// Starts a server whose templates a test can remove, and whose logins are fresh for 1 second.
    /// Registers `NAME`.
    pub fn start_with_own_templates(settings: &[(&str, &str)]) -> Site {
        let dir = TempDir::new().unwrap();
        let templates = dir.path().join("templates");
        fs::create_dir(&templates).unwrap();
        copy_templates(&templates, |_| true);
        let mut program = server::program(dir.path());
        program.env("ROCKET_TEMPLATE_DIR", templates).env("ROCKET_LOGIN", "{fresh_for=1}");
        program.envs(settings.iter().copied());
        let site = Site { server: server::start(&mut program), dir };
        assert!(site.server.post("/register", "", FORM).starts_with("HTTP/1.1 303"));
        site
    }

    /// Runs `action` while a file is missing.
    pub fn without_file(&self, file: &str, action: impl FnOnce()) {
        let (file, moved) = (self.dir.path().join(file), self.dir.path().join("moved"));
        fs::rename(&file, &moved).unwrap();
        action();
        fs::rename(&moved, &file).unwrap();
    }

    pub fn deactivate_user(&self) {
        let file = self.dir.path().join("data/app.sqlite");
        let mut connection = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        diesel::sql_query("UPDATE users SET is_active = FALSE").execute(&mut connection).unwrap();
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.server.port, json!({}))
    }

    /// Starts a browser and logs `NAME` in.
    pub fn logged_in(&self) -> Browser {
        let browser = self.browser();
        browser.open("/login");
        browser.log_in();
        browser
    }

    /// Starts a browser whose connection delays each response by `latency`.
    pub fn browser_with_latency(&self, latency: Duration) -> Browser {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, site) = (listener.local_addr().unwrap().port(), self.server.port);
        spawn(move || {
            for browser in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", site)).unwrap();
                let directions =
                    [(&browser, &server, Duration::ZERO), (&server, &browser, latency)];
                for (from, to, latency) in directions {
                    let (from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    spawn(move || forward(from, &mut to, latency));
                }
            }
        });
        Browser::new(port, json!({}))
    }

    pub fn browser_without_javascript(&self) -> Browser {
        let preferences = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Browser::new(self.server.port, preferences)
    }

    /// Logs in on another device, and returns whether the login succeeded.
    pub fn try_log_in(&self, form: &str) -> bool {
        self.server.post("/login", "", form).starts_with("HTTP/1.1 303")
    }
}

/// Serves a page on another site, and returns the site's port.
pub fn another_site(html: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let respond = move |mut stream: TcpStream| {
        // Reads the request, because the operating system would otherwise reset the connection.
        let request = BufReader::new(&stream).lines().map_while(Result::ok);
        request.take_while(|line| !line.is_empty()).for_each(drop);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
        let _ = write!(stream, "{head}{html}");
    };
    // Starts a thread for each connection, because Chromium opens some connections in advance.
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let respond = respond.clone();
            spawn(move || respond(stream));
        }
    });
    port
}

fn forward(mut from: TcpStream, to: &mut TcpStream, latency: Duration) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        sleep(latency);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A chromedriver process. Dropping the value kills the process and its browsers.
struct Chromedriver(Child);

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let group = format!("kill -KILL -{}", self.0.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.0.wait();
    }
}

pub struct Browser {
    driver: WebDriver,
    runtime: Runtime,
    url: String,
    capabilities: ChromeCapabilities,
    pub site: String,
    pub by_keyboard: bool,
    // This order matters, because the process must be dropped before the profile.
    _chromedriver_and_profile: (Chromedriver, TempDir),
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.driver.clone().quit());
    }
}

impl Browser {
    pub fn new(port: u16, preferences: Value) -> Browser {
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", profile.path()).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("chromedriver is missing.");
        let mut chromedriver = Chromedriver(child);
        let mut lines =
            BufReader::new(chromedriver.0.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let started_line = lines.find(|line| line.contains("started successfully on port"));
        let started_line = started_line.expect("chromedriver did not print its port");
        let driver_port = started_line.trim_end_matches('.').rsplit(' ').next().unwrap();
        let url = format!("http://127.0.0.1:{driver_port}");

        let mut capabilities = ChromeCapabilities::new();
        for flag in FLAGS.split(' ') {
            capabilities.add_arg(flag).unwrap();
        }
        let user_data_dir = profile.path().join("chromium");
        capabilities.add_arg(&format!("--user-data-dir={}", user_data_dir.display())).unwrap();
        capabilities.add_experimental_option("prefs", preferences).unwrap();
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let runtime = Runtime::new().unwrap();
        let driver = runtime.block_on(WebDriver::new(&url, capabilities.clone())).unwrap();
        let site = format!("http://localhost:{port}");
        let by_keyboard = false;
        let _chromedriver_and_profile = (chromedriver, profile);
        Browser { driver, runtime, url, capabilities, site, by_keyboard, _chromedriver_and_profile }
    }

    /// Restarts the browser with the same profile.
    pub fn restart(&mut self) {
        self.run(self.driver.clone().quit());
        self.driver = self.run(WebDriver::new(&self.url, self.capabilities.clone()));
    }

    /// Opens a path on this site, or a URL on another site.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let site = if path.starts_with('/') { &self.site } else { "" };
        self.run(self.driver.goto(format!("{site}{path}")));
        // chromedriver can return before the page's scripts have run.
        self.wait_for("return document.readyState === 'complete'");
    }

    /// Opens a path repeatedly until the page contains `text`.
    #[track_caller]
    pub fn open_until(&self, path: &str, text: &str) {
        let url = format!("{}{path}", self.site);
        self.wait_until(&format!("{text:?}"), async || {
            self.driver.goto(&url).await.is_ok() && self.visible_text().await.contains(text)
        });
    }

    #[track_caller]
    pub fn back(&self) {
        self.run(self.driver.back());
    }

    /// Activates the link whose text is `link`, by mouse or by keyboard.
    #[track_caller]
    pub fn follow(&self, link: &str) {
        self.activate(&format!("//a[normalize-space()='{link}']"), Key::Enter);
    }

    /// Activates the button whose text is `button`, by mouse or by keyboard.
    #[track_caller]
    pub fn press(&self, button: &str) {
        self.activate(&format!("//button[normalize-space()='{button}']"), Key::Enter);
    }

    /// Double-clicks the button whose text is `button`.
    #[track_caller]
    pub fn double_click(&self, button: &str) {
        let click = format!(
            "const button = [...document.querySelectorAll('button')].find(
                 (button) => button.textContent === '{button}');
             button.click();
             setTimeout(() => button.click(), 150);"
        );
        self.script(&click);
    }

    #[track_caller]
    pub fn select_checkbox(&self, field: &str) {
        self.activate(&format!("//input[@name='{field}']"), " ");
    }

    #[track_caller]
    pub fn type_into(&self, field: &str, text: &str) {
        self.click_or_focus(&format!("//input[@name='{field}']"));
        self.keys(text);
    }

    #[track_caller]
    pub fn log_in(&self) {
        self.type_into("username", NAME);
        self.type_into("password", PASSWORD);
        self.press("Log in");
        self.assert_contains("Login successful.");
    }

    #[track_caller]
    fn activate(&self, xpath: &str, key: impl Into<TypingData>) {
        self.click_or_focus(xpath);
        if self.by_keyboard {
            self.keys(key);
        }
    }

    /// Clicks an element, or presses Tab until the element has focus.
    #[track_caller]
    fn click_or_focus(&self, xpath: &str) {
        let mut element = None;
        self.wait_until(&format!("{xpath} to appear"), async || {
            element = self.driver.find(By::XPath(xpath)).await.ok();
            element.is_some()
        });
        let element = element.unwrap();
        if !self.by_keyboard {
            return self.run(element.click());
        }
        for _ in 0..40 {
            if self.run(self.driver.active_element()) == element {
                return;
            }
            self.keys(Key::Tab);
        }
        panic!("Tab does not reach {xpath}");
    }

    #[track_caller]
    fn keys(&self, keys: impl Into<TypingData>) {
        self.run(self.driver.action_chain().send_keys(keys).perform());
    }

    /// Waits until the page contains `text`.
    #[track_caller]
    pub fn assert_contains(&self, text: &str) {
        self.wait_until(&format!("{text:?}"), async || self.visible_text().await.contains(text));
    }

    /// Waits until a script returns `true`.
    #[track_caller]
    pub fn wait_for(&self, script: &str) {
        self.wait_until(script, async || {
            let result = self.driver.execute(script, vec![]).await;
            result.is_ok_and(|result| *result.json() == json!(true))
        });
    }

    /// Returns the text of the first time on the page.
    pub fn visible_time(&self) -> String {
        self.run(async { self.driver.find(By::Tag("time")).await?.text().await })
    }

    /// Waits until the browser's URL is `path` on this site.
    #[track_caller]
    pub fn assert_url(&self, path: &str) {
        let url = format!("{}{path}", self.site);
        self.wait_until(&url, async || {
            self.driver.current_url().await.is_ok_and(|current| current.as_str() == url)
        });
    }

    #[track_caller]
    pub fn assert_lacks(&self, text: &str) {
        let page = self.run(self.driver.source());
        assert!(!page.contains(text), "{text:?} is in this page:\n{page}");
    }

    async fn visible_text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    #[track_caller]
    fn wait_until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !self.runtime.block_on(condition()) {
            if started.elapsed() > TIMEOUT {
                let page = self.runtime.block_on(self.visible_text());
                panic!("timed out waiting for {what} on this page:\n{page}");
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Runs a script, and returns the result. The page's Content-Security-Policy does not block the
    /// script.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.run(self.driver.execute(script, vec![])).json().clone()
    }

    #[track_caller]
    pub fn devtools(&self, method: &str, parameters: Value) {
        self.run(self.driver.cdp().send_raw(method, parameters));
    }

    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        self.run(self.driver.screenshot(path));
    }

    /// Returns the console messages since the last call.
    #[track_caller]
    pub fn console(&self) -> Vec<String> {
        let log = self.run(self.driver.browser_log());
        log.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect()
    }

    #[track_caller]
    fn run<T>(&self, step: impl Future<Output = WebDriverResult<T>>) -> T {
        self.runtime.block_on(step).unwrap_or_else(|error| panic!("{error}"))
    }
}
