//! The settings, read from `Rocket.toml` and the environment and checked before launch.

use std::num::NonZeroU32;
use std::path::PathBuf;

use rocket::Config;
use rocket::config::LogLevel;
use rocket::figment::providers::Env;
use rocket::figment::value::magic::RelativePathBuf;
use rocket::figment::{self, Figment};
use serde::Deserialize;

use crate::{private_files, secret_key};

/// The default idle timeout: 2 hours (OWASP ASVS 5, 7.3.1). The compiler checks this `unwrap`.
const IDLE_TIMEOUT: NonZeroU32 = NonZeroU32::new(2 * 60 * 60).unwrap();

/// The settings of the app.
pub struct Settings {
    /// Rocket's own settings, with the secret key.
    pub figment: Figment,
    /// The secret key, followed by the previous keys, whose cookies are still accepted.
    pub secret_keys: Vec<Vec<u8>>,
    /// The settings that commands need too.
    pub data: DataSettings,
    /// The directory of the style sheet and the scripts.
    pub static_dir: PathBuf,
    /// Whether browsers use HTTPS, served by Rocket or by a proxy.
    pub https: bool,
    /// Rocket's log level, at most `normal`.
    pub log_level: LogLevel,
    /// Whether pages show the demo.
    pub demo: bool,
}

/// The settings of the database and of sessions.
pub struct DataSettings {
    /// `sqlite://` and a path, or a `postgres://` URL.
    pub database_url: String,
    /// The maximum number of connections to the database. By default, it depends on the database and the machine.
    pub database_pool: Option<NonZeroU32>,
    /// Whether to use prepared statements with PostgreSQL. By default, the app uses them unless it detects a pooler in
    /// transaction mode.
    pub prepared_statements: Option<bool>,
    /// The idle timeout of sessions that are not remembered, in seconds.
    pub idle_timeout: NonZeroU32,
}

/// Loads `.env` from the working directory. Environment variables override the file.
///
/// # Errors
///
/// Returns an error if the file can't be read. The error does not quote the file, which can contain
/// secrets.
pub fn read_env_file() -> Result<(), String> {
    match dotenvy::from_path(".env") {
        Err(dotenvy::Error::LineParse(..)) => {
            Err("a line of the file .env is not NAME=VALUE".into())
        }
        Err(error) if !error.not_found() => Err(format!("the file .env can't be read: {error}")),
        _ => Ok(()),
    }
}

/// Returns the sources of the settings: Rocket's own sources and `DATABASE_URL`.
pub fn figment() -> Figment {
    Config::figment().merge(Env::raw().only(&["DATABASE_URL"]))
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    ///
    /// Returns an error that names the setting if a setting is invalid.
    pub fn read(figment: Figment) -> Result<Settings, String> {
        let static_dir = path(&figment, "static_dir", "static")?;
        if !static_dir.is_dir() {
            let path = static_dir.display();
            return Err(format!("The setting static_dir: {path} is not a directory"));
        }
        let login = rocket_login::Settings::from_figment(&figment, &["idle_timeout"])
            .map_err(|error| invalid(*error))?;
        let data = DataSettings::read(&figment)?;
        let demo = read(&figment, "demo")?.unwrap_or(false);
        let key = secret_key::read(&figment, create_data_dir)?;
        let previous_keys = secret_key::read_previous(&figment)?;
        let figment = figment.merge(("secret_key", &key));
        let mut config = Config::try_from(&figment).map_err(invalid)?;
        // At the debug level, Rocket would log every cookie and every form field.
        if config.log_level == LogLevel::Debug {
            config.log_level = LogLevel::Normal;
        }
        Ok(Settings {
            secret_keys: [vec![key], previous_keys].concat(),
            data,
            static_dir,
            demo,
            https: login.secure_cookies || config.tls_enabled(),
            log_level: config.log_level,
            figment: figment.merge(("log_level", config.log_level)),
        })
    }
}

impl DataSettings {
    /// Reads and checks the settings that commands need. An error names the invalid setting.
    pub fn read(figment: &Figment) -> Result<DataSettings, String> {
        let database_url = match read(figment, "database_url")? {
            Some(url) => url,
            None => format!("sqlite://{}", create_data_dir(figment)?.join("app.sqlite").display()),
        };
        Ok(DataSettings {
            database_url,
            database_pool: read(figment, "database_pool")?,
            prepared_statements: read(figment, "database_prepared_statements")?,
            idle_timeout: read(figment, "login.idle_timeout")?.unwrap_or(IDLE_TIMEOUT),
        })
    }
}

/// Reads a setting, or returns `None` if it is not set. An error names the setting.
pub fn read<'a, T: Deserialize<'a>>(figment: &Figment, name: &str) -> Result<Option<T>, String> {
    match figment.extract_inner(name) {
        Err(error) if error.missing() => Ok(None),
        value => value.map(Some).map_err(invalid),
    }
}

fn path(figment: &Figment, name: &str, default: &str) -> Result<PathBuf, String> {
    let path: Option<RelativePathBuf> = read(figment, name)?;
    Ok(path.map_or_else(|| default.into(), |path| path.relative()))
}

/// Describes which setting is invalid, where it is set and why it is invalid.
fn invalid(error: figment::Error) -> String {
    let source =
        error.metadata.map_or_else(String::new, |metadata| format!(" in {}", metadata.name));
    let kind = error.kind.to_string();
    if error.path.is_empty() {
        // Only the first line, because the others quote the file, which can contain secrets.
        return format!("The settings{source}: {}", kind.lines().next().unwrap_or_default());
    }
    // Without the key that figment adds for a path.
    let keys: Vec<_> = error.path.into_iter().filter(|key| !key.starts_with("___")).collect();
    format!("The setting {}{source}: {kind}", keys.join(".").to_lowercase())
}

/// Returns the data directory, and creates it if it is missing.
fn create_data_dir(figment: &Figment) -> Result<PathBuf, String> {
    let dir = path(figment, "data_dir", "data")?;
    private_files::create_dir(&dir).map_err(|cause| private_files::unusable(&dir, &cause))?;
    Ok(dir)
}
