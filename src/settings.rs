//! The settings, each read once and refused before the launch where it is wrong.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use rocket::Config;
use rocket::config::LogLevel;
use rocket::figment::providers::Env;
use rocket::figment::value::magic::RelativePathBuf;
use rocket::figment::{self, Figment};
use serde::Deserialize;

/// How long a session lasts without a request, unless it is remembered: 2 hours (OWASP ASVS 5, 7.3.1).
const IDLE_TIMEOUT: NonZeroU32 = NonZeroU32::new(2 * 60 * 60).unwrap();

/// What the app is told from outside: `Rocket.toml`, and the environment, which wins.
pub struct Settings {
    /// Rocket's own, with the secret key in it.
    pub figment: Figment,
    /// `sqlite://` and a path, or `postgres://` and what follows.
    pub database_url: String,
    /// Where the style sheet and the pictures are.
    pub static_dir: PathBuf,
    /// Whether people reach the site over HTTPS, from Rocket or from a proxy.
    pub https: bool,
    /// How long a session lasts without a request, in seconds. Not for remembered ones.
    pub idle_timeout: NonZeroU32,
}

/// Those that are not Rocket's, as they are written.
#[derive(Deserialize)]
struct Ours {
    data_dir: Option<RelativePathBuf>,
    static_dir: Option<RelativePathBuf>,
    database_url: Option<String>,
    #[serde(default)]
    login: LoginTable,
}

/// What the app itself reads of the table `login`.
#[derive(Default, Deserialize)]
struct LoginTable {
    idle_timeout: Option<NonZeroU32>,
}

impl Ours {
    fn read(figment: &Figment) -> Result<Ours, String> {
        figment.extract().map_err(wrong)
    }

    fn idle_timeout(&self) -> NonZeroU32 {
        self.login.idle_timeout.unwrap_or(IDLE_TIMEOUT)
    }

    fn database_url(&self) -> Result<String, String> {
        if let Some(url) = &self.database_url {
            return Ok(url.clone());
        }
        let data_dir = relative(&self.data_dir, "data");
        make_private_dir(&data_dir)?;
        Ok(format!("sqlite://{}", data_dir.join("app.sqlite").display()))
    }
}

fn relative(path: &Option<RelativePathBuf>, default: &str) -> PathBuf {
    path.as_ref().map_or_else(|| default.into(), RelativePathBuf::relative)
}

/// Where the data is and how long an idle session lasts: all that is asked of whoever serves no pages.
///
/// # Errors
///
/// A sentence for the operator that names the setting.
pub fn of_data(figment: &Figment) -> Result<(String, NonZeroU32), String> {
    let ours = Ours::read(figment)?;
    Ok((ours.database_url()?, ours.idle_timeout()))
}

/// Puts what the working directory's `.env` says into the environment, where it is not yet said.
///
/// # Errors
///
/// A sentence for the operator, without the line that is wrong: it may hold a secret.
pub fn read_env_file() -> Result<(), String> {
    match dotenvy::from_path(".env") {
        Err(dotenvy::Error::LineParse(..)) => {
            Err("a line of the file .env is not NAME=VALUE".into())
        }
        Err(error) if !error.not_found() => Err(format!("the file .env can't be read: {error}")),
        _ => Ok(()),
    }
}

/// Where settings come from: all that Rocket reads, and `DATABASE_URL`.
pub fn figment() -> Figment {
    Config::figment().merge(Env::raw().only(&["DATABASE_URL"]))
}

impl Settings {
    /// # Errors
    ///
    /// A sentence for the operator that names the setting.
    pub fn read(figment: Figment) -> Result<Settings, String> {
        let ours = Ours::read(&figment)?;
        let data_dir = relative(&ours.data_dir, "data");
        let static_dir = relative(&ours.static_dir, "static");
        if !static_dir.is_dir() {
            let path = static_dir.display();
            return Err(format!("The setting static_dir: {path} is no directory"));
        }
        let database_url = ours.database_url()?;
        let login = rocket_login::Settings::from_figment(&figment, &["idle_timeout"])
            .map_err(|error| wrong(*error))?;
        let figment = figment.clone().merge(("secret_key", secret_key(&figment, &data_dir)?));
        let mut config = Config::try_from(&figment).map_err(wrong)?;
        // Rocket's debug log has every cookie and every field of every form in it.
        if config.log_level == LogLevel::Debug {
            config.log_level = LogLevel::Normal;
        }
        let figment = figment.merge(("log_level", config.log_level));
        Ok(Settings {
            database_url,
            static_dir,
            https: login.secure_cookies || config.tls_enabled(),
            idle_timeout: ours.idle_timeout(),
            figment,
        })
    }
}

/// Which setting is wrong, where, and why.
fn wrong(error: figment::Error) -> String {
    let setting = error.path.join(".").to_lowercase();
    let place =
        error.metadata.map_or_else(String::new, |metadata| format!(" in {}", metadata.name));
    format!("The setting {setting}{place}: {}", error.kind)
}

const NO_KEY: &str = "ROCKET_SECRET_KEY is not set: make a key with `openssl rand -base64 32` \
                      and put it into the environment or the file .env";

/// The key that seals the cookies: the one that is set, or in a debug run one that is kept in a file,
/// so that a restart signs nobody out.
///
/// Decoded here because Rocket would print a key that it can't read, and take few lengths of it.
fn secret_key(figment: &Figment, data_dir: &Path) -> Result<Vec<u8>, String> {
    let value = figment.find_value("secret_key").ok();
    // Rocket's own default is a key of zeros, and not text.
    let set = value.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
    if !set.is_empty() && set != example_key() {
        decode(set)
            .ok_or_else(|| "ROCKET_SECRET_KEY must be 256 random bits or more in base64".into())
    } else if figment.profile() == Config::DEBUG_PROFILE {
        kept_key(&data_dir.join("secret_key"))
    } else {
        Err(NO_KEY.into())
    }
}

fn kept_key(path: &Path) -> Result<Vec<u8>, String> {
    if !path.exists() {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(|cause| cause.to_string())?;
        path.parent().map_or(Ok(()), make_private_dir)?;
        fs::write(path, BASE64_STANDARD.encode(key)).map_err(|cause| unusable(path, &cause))?;
    }
    let text = fs::read_to_string(path).map_err(|cause| unusable(path, &cause))?;
    decode(text.trim()).ok_or_else(|| unusable(path, &"it holds no key, so delete it"))
}

/// For what nobody else on this machine should read.
fn make_private_dir(path: &Path) -> Result<(), String> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path).map_err(|cause| unusable(path, &cause))
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> String {
    format!("{} can't be used: {cause}", path.display())
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    let key = BASE64_STANDARD.decode(base64).ok()?;
    (key.len() >= 32 && key.iter().any(|byte| *byte != 0)).then_some(key)
}

/// Anyone can read the example, so it counts as no key at all.
fn example_key() -> String {
    let example = include_str!("../.env.example");
    dotenvy::from_read_iter(example.as_bytes())
        .flatten()
        .find_map(|(name, value)| (name == "ROCKET_SECRET_KEY").then_some(value))
        .unwrap_or_default()
}
