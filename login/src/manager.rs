//! The login manager, which configures logins for an app.

use std::sync::Arc;

use rocket::Request;
use rocket::response::Responder;

use crate::cookie::CookieConfig;
use crate::unauthorized::{AuthError, UnauthorizedResponse, is_under};
use crate::{Clock, LoginUser, Remember, Settings};

/// Flask-Login's `LoginManager`. Attach it to the app, and manage the store of its users:
///
/// ```
/// # use rocket_login::{LoginManager, LoginStore, LoginUser};
/// # struct User;
/// # impl LoginUser for User {
/// #     type Store = Users;
/// #     fn id(&self) -> String { String::new() }
/// # }
/// # struct Users;
/// # impl LoginStore for Users {
/// #     type User = User;
/// #     type Error = std::convert::Infallible;
/// #     async fn load(&self, _: &str, _: i64) -> Result<Option<User>, Self::Error> { Ok(None) }
/// # }
/// # fn rocket() -> rocket::Rocket<rocket::Build> {
/// rocket::build()
///     .manage(Users)
///     .attach(LoginManager::<User>::new().login_view("/login"))
/// # }
/// ```
///
/// The manager is a fairing. It identifies the user of each request before the request is routed, and
/// registers a catcher that responds to every 401. For a different response, use
/// [`unauthorized_handler`](Self::unauthorized_handler): a second 401 catcher at the same path makes
/// the launch fail. At a path below, an app can register its own.
///
/// The launch also fails, with the reason in the log, if the store is not in managed state, a setting
/// is invalid, or two managers have the same user type or the same cookie. If a fairing manages the
/// store, attach it before the manager.
///
/// Without a [`login_view`](Self::login_view), unauthorized requests get a 401 and no redirect.
pub struct LoginManager<U: LoginUser> {
    pub(crate) config: Config,
    pub(crate) subscribers: Vec<Subscriber<U>>,
}

pub(crate) type Subscriber<U> = Arc<dyn Fn(&Event<'_, U>, &Request<'_>) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Config {
    pub settings: Settings,
    /// The settings that the app has given in place of the configuration's.
    pub own_settings: Option<Settings>,
    pub app_settings: Vec<String>,
    pub clock: Clock,
    pub cookie: CookieConfig,
    pub unauthorized: UnauthorizedResponse,
    pub needs_refresh: UnauthorizedResponse,
    pub base: String,
    pub exempt: Vec<String>,
}

/// What happened to a login: Flask-Login's signals.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, U> {
    /// `user_logged_in`
    LoggedIn(&'a U),
    /// `user_logged_out`, with the user unless it no longer exists. Emitted only if a session ended.
    LoggedOut(Option<&'a U>),
    /// `user_login_confirmed`
    Confirmed(&'a U),
    /// `user_loaded_from_cookie`, once per request
    LoadedFromCookie(&'a U),
    /// `user_loaded_from_request`, once per request
    LoadedFromRequest(&'a U),
    /// `user_unauthorized`
    Unauthorized,
    /// `user_needs_refresh`
    NeedsRefresh,
    /// `session_protected`: strong protection rejected a session cookie of this user, because it came
    /// with another `User-Agent`. Emitted if [`LoginStore::end_session`](crate::LoginStore) returned
    /// `true`: once for each session, if the store ends sessions
    SessionProtected(&'a U),
}

impl<U: LoginUser> LoginManager<U> {
    /// A manager with Flask-Login's messages and no views.
    pub fn new() -> LoginManager<U> {
        let config = Config {
            settings: Settings::default(),
            own_settings: None,
            app_settings: Vec::new(),
            clock: Clock::default(),
            cookie: CookieConfig { name: "login".to_owned(), secure: false },
            unauthorized: UnauthorizedResponse::new("Please log in to access this page."),
            needs_refresh: UnauthorizedResponse::new("Please reauthenticate to access this page."),
            base: "/".to_owned(),
            exempt: Vec::new(),
        };
        LoginManager { config, subscribers: Vec::new() }
    }

    /// Sets the login page, for example `"/login"` or `uri!(login)`. Anonymous users are redirected
    /// there, with `next` in the query.
    pub fn login_view(mut self, view: impl ToString) -> Self {
        self.config.unauthorized.view = Some(view.to_string());
        self
    }

    /// Sets a different login page for requests under `path`: Flask-Login's `blueprint_login_views`.
    /// If several paths match, the longest wins.
    pub fn login_view_under(mut self, path: impl ToString, view: impl ToString) -> Self {
        self.config.unauthorized.views_under.push((path.to_string(), view.to_string()));
        self
    }

    /// Sets the category and the text of the flash message that is shown on the login page. If
    /// the text is empty, no message is flashed.
    pub fn login_message(mut self, category: impl ToString, message: impl ToString) -> Self {
        self.config.unauthorized.category = category.to_string();
        self.config.unauthorized.message = message.to_string();
        self
    }

    /// Sets the page on which users enter their password again. Users whose login is not fresh are
    /// redirected there, with `next` in the query.
    pub fn refresh_view(mut self, view: impl ToString) -> Self {
        self.config.needs_refresh.view = Some(view.to_string());
        self
    }

    /// Sets the category and the text of the flash message that is shown on the
    /// [`refresh_view`](Self::refresh_view). If the text is empty, no message is flashed.
    pub fn needs_refresh_message(
        mut self,
        category: impl ToString,
        message: impl ToString,
    ) -> Self {
        self.config.needs_refresh.category = category.to_string();
        self.config.needs_refresh.message = message.to_string();
        self
    }

    /// Replaces the response for anonymous users. Use [`login_url`](crate::login_url) and
    /// [`expects_json`](crate::expects_json) for a variation of the default response.
    pub fn unauthorized_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.unauthorized.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Replaces the response for users whose login is not fresh.
    pub fn needs_refresh_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.needs_refresh.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Adds a subscriber, which is called for each [`Event`]. It must not block.
    pub fn on_event<F>(mut self, subscriber: F) -> Self
    where
        F: Fn(&Event<'_, U>, &Request<'_>) + Send + Sync + 'static,
    {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// Skips loading users for requests under `path`, such as static files. These requests are
    /// anonymous, so `RequiredUser` and `FreshUser` always fail there.
    pub fn exempt(mut self, path: impl ToString) -> Self {
        self.config.exempt.push(path.to_string());
        self
    }

    /// Limits this manager to requests under `path` and gives it its own cookie, so that one app can
    /// have several user types. With the same cookie for two types, user 1 would be admin 1.
    pub fn under(mut self, path: impl ToString, cookie_name: impl ToString) -> Self {
        self.config.base = path.to_string();
        self.cookie_name(cookie_name)
    }

    /// Sets the name of the session cookie, which is `login` by default. Over HTTPS it is prefixed
    /// with `__Host-`.
    pub fn cookie_name(mut self, name: impl ToString) -> Self {
        self.config.cookie.name = name.to_string();
        self
    }

    /// Uses these settings instead of the `login` table of the configuration, for example in a test,
    /// or for a second user type. The table can still switch [`Settings::secure_cookies`] on.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.config.own_settings = Some(settings);
        self
    }

    /// Allows a key in the `login` table that the app reads itself. Any other unknown key makes the
    /// launch fail.
    pub fn app_setting(mut self, key: impl ToString) -> Self {
        self.config.app_settings.push(key.to_string());
        self
    }

    /// Uses `clock`, for example in a test. The store receives its time too.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// The manager in managed state.
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> Option<&'r LoginManager<U>> {
        request.rocket().state()
    }

    /// How long a login lasts, in seconds.
    pub(crate) fn lifetime(&self, remember: Remember) -> i64 {
        let settings = &self.config.settings;
        let seconds = match remember {
            Remember::No => settings.session_lifetime,
            Remember::Yes => settings.remember_lifetime,
            Remember::For(seconds) => seconds,
        };
        i64::from(seconds.get())
    }

    pub(crate) fn emit(&self, event: Event<'_, U>, request: &Request<'_>) {
        for subscriber in &self.subscribers {
            subscriber(&event, request);
        }
    }

    /// Responds to a guard that failed.
    pub(crate) fn respond(
        error: AuthError,
        request: &Request<'_>,
    ) -> rocket::response::Result<'static> {
        let manager = Self::of(request).ok_or(error.status())?;
        let (event, response) = match error {
            AuthError::NeedsRefresh => (Event::NeedsRefresh, &manager.config.needs_refresh),
            _ => (Event::Unauthorized, &manager.config.unauthorized),
        };
        manager.emit(event, request);
        response.respond(error, request)
    }
}

impl Config {
    /// All views, for a check at launch.
    pub fn views(&self) -> impl Iterator<Item = &String> {
        let under = self.unauthorized.views_under.iter().map(|(_, view)| view);
        self.unauthorized.view.iter().chain(&self.needs_refresh.view).chain(under)
    }

    /// All paths, for a check at launch.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        let under = self.unauthorized.views_under.iter().map(|(path, _)| path);
        self.exempt.iter().chain([&self.base]).chain(under)
    }

    pub fn applies_to(&self, request: &Request<'_>) -> bool {
        is_under(request, &self.base) && !self.exempt.iter().any(|path| is_under(request, path))
    }
}

impl<U: LoginUser> Default for LoginManager<U> {
    fn default() -> Self {
        LoginManager::new()
    }
}
