//! What the manager does at launch, before each request is routed, and for each 401.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rocket::catcher::{BoxFuture, Catcher};
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::futures::FutureExt;
use rocket::http::Status;
use rocket::http::uri::Reference;
use rocket::response::Responder;
use rocket::{Build, Config, Data, Request, Response, Rocket};

use crate::cookie::user_agent_hash;
use crate::manager::{Event, LoginManager};
use crate::session::unavailable;
use crate::state::{AuthState, Shared, user_agent};
use crate::unauthorized::{LastError, expects_json, json_error};
use crate::{AuthError, LoginStore, LoginUser, SessionProtection, Settings};

#[rocket::async_trait]
impl<U: LoginUser> Fairing for LoginManager<U> {
    fn info(&self) -> Info {
        Info { name: "Login", kind: Kind::Ignite | Kind::Request | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        match self.ready_for(&rocket) {
            Ok(manager) => {
                let (base, cookie) = (manager.config.base.clone(), &manager.config.cookie.name);
                let rocket = match rocket.state::<CookieNames>() {
                    Some(_) => rocket,
                    None => rocket.manage(CookieNames::default()),
                };
                if let Some(CookieNames(names)) = rocket.state() {
                    names.lock().unwrap_or_else(PoisonError::into_inner).push(cookie.clone());
                }
                Ok(rocket.register(base, vec![catcher::<U>()]).manage(manager))
            }
            Err(sentence) => {
                rocket::error!("{sentence}");
                Err(rocket)
            }
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let Some(manager) = LoginManager::<U>::of(request) else { return };
        if manager.config.applies_to(request) {
            // A panic in a fairing would drop the connection without a response.
            let identified = AssertUnwindSafe(manager.identify(request)).catch_unwind();
            if identified.await.is_err() {
                rocket::error!("Loading the user of a request panicked.");
                Shared::<U>::of(request).set(AuthState::Unavailable);
            }
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if Shared::<U>::of(request).logged_out.load(Ordering::Relaxed) {
            if let Some(manager) = LoginManager::<U>::of(request) {
                manager.config.cookie.remove_in(response);
            }
        }
    }
}

/// The cookies of all managers: with the same one for two user types, user 1 would be admin 1.
#[derive(Default)]
struct CookieNames(Mutex<Vec<String>>);

impl CookieNames {
    fn contain(&self, name: &String) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}

impl<U: LoginUser> LoginManager<U> {
    /// Returns this manager with its settings, for managed state.
    ///
    /// # Errors
    ///
    /// If the app or a setting is wrong: a sentence for the log.
    fn ready_for(&self, rocket: &Rocket<Build>) -> Result<LoginManager<U>, String> {
        let user = std::any::type_name::<U>();
        if rocket.state::<LoginManager<U>>().is_some() {
            return Err(format!(
                "`LoginManager<{user}>` is attached more than once. Attach it once."
            ));
        }
        if rocket.state::<U::Store>().is_none() {
            let store = std::any::type_name::<U::Store>();
            return Err(format!(
                "`LoginManager<{user}>` needs a `{store}` in managed state: call `.manage(…)`."
            ));
        }
        let mut config = self.config.clone();
        let cookie = &config.cookie.name;
        if rocket.state::<CookieNames>().is_some_and(|names| names.contain(cookie)) {
            return Err(format!(
                "`LoginManager<{user}>` needs its own cookie, not `{cookie}` again."
            ));
        }
        if let Some(view) = config.views().find(|view| !is_view(view)) {
            return Err(format!(
                "The view `{view}` of `LoginManager<{user}>` is not a path or URL."
            ));
        }
        if let Some(path) = config.paths().find(|path| !path.starts_with('/')) {
            return Err(format!(
                "The path `{path}` of `LoginManager<{user}>` lacks its first slash."
            ));
        }
        if config.cookie.name.is_empty() {
            return Err(format!("The cookie of `LoginManager<{user}>` has no name."));
        }
        let figment = rocket.figment();
        config.settings = match config.own_settings.take() {
            Some(mut settings) => {
                settings.secure_cookies |=
                    figment.extract_inner::<bool>("login.secure_cookies").unwrap_or_default();
                settings
            }
            None => {
                let app_settings: Vec<_> = config.app_settings.iter().map(String::as_str).collect();
                Settings::from_figment(figment, &app_settings).map_err(|error| error.to_string())?
            }
        };
        let tls = Config::try_from(figment).is_ok_and(|config| config.tls_enabled());
        config.cookie.secure = tls || config.settings.secure_cookies;
        if !config.cookie.secure && rocket.figment().profile() == Config::RELEASE_PROFILE {
            rocket::warn!(
                "Session cookies are not `Secure`: set `login.secure_cookies` for HTTPS."
            );
        }
        Ok(LoginManager { config, subscribers: self.subscribers.clone() })
    }

    async fn identify(&self, request: &Request<'_>) {
        let state = self.load(request).await.unwrap_or(AuthState::Unavailable);
        let loaded = match &state {
            AuthState::LoggedIn { user, session } => Some((user.clone(), session.is_some())),
            _ => None,
        };
        Shared::of(request).set(state);
        match loaded {
            Some((user, true)) => self.emit(Event::LoadedFromCookie(&user), request),
            Some((user, false)) => self.emit(Event::LoadedFromRequest(&user), request),
            None => {}
        }
    }

    async fn load(&self, request: &Request<'_>) -> Result<AuthState<U>, AuthError> {
        let Some(store) = request.rocket().state::<U::Store>() else {
            return Ok(AuthState::Anonymous);
        };
        let now = self.config.clock.now();
        if let Some(session) = self.config.cookie.open(request.cookies(), now) {
            if let Some(user) =
                active(store.load(&session.session_id, now).await.map_err(unavailable)?)
            {
                let moved = session.user_agent_hash != user_agent_hash(user_agent(request));
                if !moved || self.config.settings.session_protection != SessionProtection::Strong {
                    return Ok(AuthState::LoggedIn { user, session: Some(session) });
                }
                if store.end_session(&session.session_id).await.map_err(unavailable)? {
                    self.emit(Event::SessionProtected(&user), request);
                }
            }
        }
        let user = active(store.load_from_request(request).await.map_err(unavailable)?);
        Ok(user.map_or(AuthState::Anonymous, |user| AuthState::LoggedIn { user, session: None }))
    }
}

/// Whether `next` can be added to `view`.
fn is_view(view: &str) -> bool {
    (view.starts_with('/') || view.contains("://"))
        && !view.contains('#')
        && Reference::parse(view).is_ok()
}

fn active<U: LoginUser>(user: Option<U>) -> Option<Arc<U>> {
    user.filter(U::is_active).map(Arc::new)
}

fn catcher<U: LoginUser>() -> Catcher {
    let mut catcher = Catcher::new(Status::Unauthorized.code, respond::<U>);
    catcher.name = Some("unauthorized".into());
    catcher
}

fn respond<'r, U: LoginUser>(_: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
    Box::pin(async move {
        let last = LastError::of(request).take();
        match last {
            Some((error, respond)) => respond.unwrap_or(LoginManager::<U>::respond)(error, request),
            // A handler's own 401, or that of another crate.
            None if expects_json(request) => json_error(AuthError::Unauthorized, request),
            None => (Status::Unauthorized, "401 Unauthorized").respond_to(request),
        }
    })
}
