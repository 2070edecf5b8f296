//! The login manager's checks and preparations at launch.

use std::sync::{Mutex, PoisonError};

use rocket::http::uri::Reference;
use rocket::{Build, Config, Rocket};

use crate::{LoginManager, LoginUser, PreviousSecretKeys, Settings};

/// The cookie names of all managers. Each name must be unique. Otherwise, the cookie of user 1
/// would also be valid for admin 1.
#[derive(Default)]
pub(crate) struct CookieNames(Mutex<Vec<String>>);

impl CookieNames {
    /// Adds `name`, and returns whether `name` is new.
    fn add(&self, name: &str) -> bool {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !names.iter().any(|other| other == name);
        names.push(name.to_owned());
        is_new
    }
}

impl<U: LoginUser> LoginManager<U> {
    /// Checks the app and the settings, and returns a copy of this manager for managed state.
    ///
    /// # Errors
    ///
    /// Returns the reason, for the log, if a check fails.
    pub(crate) fn ready(&self, rocket: &Rocket<Build>) -> Result<LoginManager<U>, String> {
        let mut config = self.config.clone();
        let cookie = &config.cookie.name;
        if rocket.state::<LoginManager<U>>().is_some() {
            return Err("a manager for this user type is already attached".to_owned());
        }
        if rocket.state::<U::Store>().is_none() {
            let store = std::any::type_name::<U::Store>();
            return Err(format!("no `{store}` is in managed state; call `.manage(…)` first"));
        }
        let is_new = rocket.state::<CookieNames>().is_none_or(|names| names.add(cookie));
        if !is_new || cookie.is_empty() {
            return Err(format!("the cookie name `{cookie}` is empty or already in use"));
        }
        if let Some(view) = config.views().find(|view| !is_view(view)) {
            return Err(format!(
                "the view `{view}` must be a valid path or URL without a fragment"
            ));
        }
        if let Some(path) = config.paths().find(|path| !path.starts_with('/')) {
            return Err(format!("the path `{path}` must start with a slash"));
        }
        let figment = rocket.figment();
        config.settings = match config.own_settings.take() {
            Some(mut settings) => {
                let secure = figment.extract_inner::<bool>("login.secure_cookies");
                settings.secure_cookies |= secure.unwrap_or_default();
                settings
            }
            None => {
                let app_settings: Vec<_> = config.app_settings.iter().map(String::as_str).collect();
                Settings::from_figment(figment, &app_settings).map_err(|error| error.to_string())?
            }
        };
        let tls = Config::try_from(figment).is_ok_and(|config| config.tls_enabled());
        config.cookie.previous_keys =
            rocket.state::<PreviousSecretKeys>().cloned().unwrap_or_default();
        config.cookie.secure = tls || config.settings.secure_cookies;
        if !config.cookie.secure && figment.profile() == Config::RELEASE_PROFILE {
            rocket::warn!(
                "Session cookies are not `Secure`. Behind an HTTPS proxy, set `secure_cookies`."
            );
        }
        Ok(LoginManager { config, subscribers: self.subscribers.clone() })
    }
}

/// Returns whether `view` is a path or a URL to which `next` can be added.
fn is_view(view: &str) -> bool {
    (view.starts_with('/') || view.contains("://"))
        && !view.contains('#')
        && Reference::parse(view).is_ok()
}
