//! The login manager, which configures an app's logins.

use std::sync::Arc;

use rocket::Request;
use rocket::response::Responder;

use crate::cookie::CookieConfig;
use crate::unauthorized::{AuthError, UnauthorizedResponse, is_under};
use crate::{Clock, LoginUser, PreviousSecretKeys, Remember, Settings};

/// The configuration of an app's logins: Flask-Login's `LoginManager`.
///
/// Put the store into managed state, and attach the manager to the app:
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
/// The manager is a fairing, which loads the user of each request before Rocket routes the request.
/// The manager also registers a catcher that responds to every 401 under its path, which is `/` by
/// default. For a different response, use [`unauthorized_handler`](Self::unauthorized_handler),
/// because a second 401 catcher at the same path makes the launch fail. An app can register its own
/// 401 catcher at a longer path.
///
/// The launch also fails in the following cases, with the reason in the log:
///
/// - The store is not in managed state. If a fairing manages the store, attach the fairing before
///   the manager.
/// - Two managers have the same user type or the same cookie name.
/// - The cookie name is empty.
/// - A view is not a valid path or URL, or has a fragment.
/// - A path for `login_view_under`, `exempt` or `under` does not start with a slash.
/// - A setting is invalid or unknown.
///
/// Without a [`login_view`](Self::login_view), unauthorized requests get a 401 instead of a
/// redirect.
pub struct LoginManager<U: LoginUser> {
    pub(crate) config: Config,
    pub(crate) subscribers: Vec<Subscriber<U>>,
}

pub(crate) type Subscriber<U> = Arc<dyn Fn(&Event<'_, U>, &Request<'_>) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Config {
    pub settings: Settings,
    /// The app's own settings, which replace the `login` table of the configuration.
    pub own_settings: Option<Settings>,
    pub app_settings: Vec<String>,
    pub clock: Clock,
    pub cookie: CookieConfig,
    pub unauthorized: UnauthorizedResponse,
    pub needs_refresh: UnauthorizedResponse,
    pub base: String,
    pub exempt: Vec<String>,
}

/// A login event, similar to Flask-Login's signals.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, U> {
    /// A user logged in: `user_logged_in`.
    LoggedIn(&'a U),
    /// A user logged out and a session ended: `user_logged_out`. The user is `None` if they have
    /// been deleted or deactivated.
    LoggedOut(Option<&'a U>),
    /// A user reauthenticated: `user_login_confirmed`.
    Confirmed(&'a U),
    /// The session cookie identified the user of a request: `user_loaded_from_cookie`.
    LoadedFromCookie(&'a U),
    /// [`load_from_request`](crate::LoginStore::load_from_request) identified the user of a
    /// request: `user_loaded_from_request`.
    LoadedFromRequest(&'a U),
    /// An anonymous user was rejected: `user_unauthorized`.
    Unauthorized,
    /// A user whose login is not fresh was rejected: `user_needs_refresh`.
    NeedsRefresh,
    /// Strong session protection rejected this user's session cookie, because the `User-Agent`
    /// differs from the `User-Agent` at login or reauthentication: `session_protected`.
    ///
    /// This event is emitted only if [`end_session`](crate::LoginStore::end_session) returned
    /// `true`. With server-side sessions, the event therefore occurs once per session.
    SessionProtected(&'a U),
}

impl<U: LoginUser> LoginManager<U> {
    /// Creates a manager with Flask-Login's messages and no views.
    pub fn new() -> LoginManager<U> {
        let config = Config {
            settings: Settings::default(),
            own_settings: None,
            app_settings: Vec::new(),
            clock: Clock::default(),
            cookie: CookieConfig {
                name: "login".to_owned(),
                secure: false,
                previous_keys: PreviousSecretKeys::default(),
            },
            unauthorized: UnauthorizedResponse::new("Please log in to access this page."),
            needs_refresh: UnauthorizedResponse::new("Please reauthenticate to access this page."),
            base: "/".to_owned(),
            exempt: Vec::new(),
        };
        LoginManager { config, subscribers: Vec::new() }
    }

    /// Sets the login page, for example `"/login"` or `uri!(login)`. Unauthorized requests of
    /// anonymous users are redirected to the login page, with `next` in the query string.
    pub fn login_view(mut self, view: impl ToString) -> Self {
        self.config.unauthorized.view = Some(view.to_string());
        self
    }

    /// Sets a different login page for requests under `path`: Flask-Login's
    /// `blueprint_login_views`. If several paths match, the longest path wins.
    pub fn login_view_under(mut self, path: impl ToString, view: impl ToString) -> Self {
        self.config.unauthorized.views_under.push((path.to_string(), view.to_string()));
        self
    }

    /// Sets the category and the text of the flash message for the login page. If the text is
    /// empty, no flash message is set.
    pub fn login_message(mut self, category: impl ToString, message: impl ToString) -> Self {
        self.config.unauthorized.category = category.to_string();
        self.config.unauthorized.message = message.to_string();
        self
    }

    /// Sets the page on which users reauthenticate. If a guard requires a fresh login and the login
    /// is not fresh, the user is redirected to this page, with `next` in the query string.
    pub fn refresh_view(mut self, view: impl ToString) -> Self {
        self.config.needs_refresh.view = Some(view.to_string());
        self
    }

    /// Sets the category and the text of the flash message for the
    /// [`refresh_view`](Self::refresh_view). If the text is empty, no flash message is set.
    pub fn needs_refresh_message(
        mut self,
        category: impl ToString,
        message: impl ToString,
    ) -> Self {
        self.config.needs_refresh.category = category.to_string();
        self.config.needs_refresh.message = message.to_string();
        self
    }

    /// Replaces the response to unauthorized requests of anonymous users. To vary the default
    /// response, use [`login_url`](crate::login_url) and [`expects_json`](crate::expects_json).
    pub fn unauthorized_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.unauthorized.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Replaces the response if a guard requires a fresh login and the login is not fresh.
    pub fn needs_refresh_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.needs_refresh.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Adds a subscriber, which is called for each [`Event`]. The subscriber must not block.
    pub fn on_event<F>(mut self, subscriber: F) -> Self
    where
        F: Fn(&Event<'_, U>, &Request<'_>) + Send + Sync + 'static,
    {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// Disables the loading of users for requests under `path`, such as static files. These
    /// requests are anonymous, so the guards `RequiredUser` and `FreshUser` fail.
    pub fn exempt(mut self, path: impl ToString) -> Self {
        self.config.exempt.push(path.to_string());
        self
    }

    /// Limits this manager to requests under `path` and sets the cookie name, so that an app can
    /// have several user types. The cookie names must differ. Otherwise, the cookie of user 1 would
    /// also be valid for admin 1.
    pub fn under(mut self, path: impl ToString, cookie_name: impl ToString) -> Self {
        self.config.base = path.to_string();
        self.cookie_name(cookie_name)
    }

    /// Sets the name of the session cookie, which is `login` by default. Over HTTPS, the name gets
    /// the prefix `__Host-`.
    pub fn cookie_name(mut self, name: impl ToString) -> Self {
        self.config.cookie.name = name.to_string();
        self
    }

    /// Uses `settings` instead of the `login` table of the configuration, for example in a test or
    /// for a second user type. The table can still enable [`Settings::secure_cookies`].
    pub fn settings(mut self, settings: Settings) -> Self {
        self.config.own_settings = Some(settings);
        self
    }

    /// Allows an additional key in the `login` table, which the app reads itself. Any other unknown
    /// key makes the launch fail.
    pub fn app_setting(mut self, key: impl ToString) -> Self {
        self.config.app_settings.push(key.to_string());
        self
    }

    /// Replaces the system clock with `clock`, for example in a test. The store also receives the
    /// time of `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// Returns the manager from managed state.
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> Option<&'r LoginManager<U>> {
        request.rocket().state()
    }

    /// Returns the lifetime of a login in seconds.
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

    /// Emits the event for `error` and returns the response.
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
    /// Returns all views, for the checks at launch.
    pub fn views(&self) -> impl Iterator<Item = &String> {
        let under = self.unauthorized.views_under.iter().map(|(_, view)| view);
        self.unauthorized.view.iter().chain(&self.needs_refresh.view).chain(under)
    }

    /// Returns all paths except the views, for the checks at launch.
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
