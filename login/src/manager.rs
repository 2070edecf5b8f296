//! The login manager: how an app wants its logins.

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
/// As a fairing it identifies the user of each request before it is routed, and responds to every
/// 401 of the app, or of the part that is [`under`](Self::under) its path. The launch fails, with a
/// sentence in the log, if the store is not managed, a setting is invalid, or a second manager of
/// the same user type is attached.
///
/// Without a [`login_view`](Self::login_view) an unauthorized request is a plain 401.
pub struct LoginManager<U: LoginUser> {
    pub(crate) config: Config,
    pub(crate) subscribers: Vec<Subscriber<U>>,
}

pub(crate) type Subscriber<U> = Arc<dyn Fn(Event<'_, U>, &Request<'_>) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Config {
    pub settings: Settings,
    /// Whether they are read at launch.
    pub reads_settings: bool,
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
    /// `user_logged_out`: a session ended, whose user may be gone. A logout without a session is no
    /// event.
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
    /// `session_protected`: strong protection ended a session of this user, because its cookie
    /// arrived from another browser
    SessionProtected(&'a U),
}

impl<U> Clone for Event<'_, U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U> Copy for Event<'_, U> {}

impl<U: LoginUser> LoginManager<U> {
    /// A manager with Flask-Login's messages, without views.
    pub fn new() -> LoginManager<U> {
        let config = Config {
            settings: Settings::default(),
            reads_settings: true,
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

    /// The login page, for example `"/login"` or `uri!(login)`. Anonymous users are redirected
    /// there, with `next` in the query.
    pub fn login_view(mut self, view: impl ToString) -> Self {
        self.config.unauthorized.view = Some(view.to_string());
        self
    }

    /// Another login page for the requests under `path`: Flask-Login's `blueprint_login_views`. Of
    /// several paths the longest counts.
    pub fn login_view_under(mut self, path: impl ToString, view: impl ToString) -> Self {
        self.config.unauthorized.views_under.push((path.to_string(), view.to_string()));
        self
    }

    /// The category and the message of the flash on the login page. An empty message is no flash.
    pub fn login_message(mut self, category: impl ToString, message: impl ToString) -> Self {
        self.config.unauthorized.category = category.to_string();
        self.config.unauthorized.message = message.to_string();
        self
    }

    /// The page on which users type their password again. Users whose login is not fresh are
    /// redirected there, with `next` in the query.
    pub fn refresh_view(mut self, view: impl ToString) -> Self {
        self.config.needs_refresh.view = Some(view.to_string());
        self
    }

    /// The category and the message of the flash on that page. An empty message is no flash.
    pub fn needs_refresh_message(
        mut self,
        category: impl ToString,
        message: impl ToString,
    ) -> Self {
        self.config.needs_refresh.category = category.to_string();
        self.config.needs_refresh.message = message.to_string();
        self
    }

    /// Responds to anonymous users in place of flash, redirect and JSON.
    ///
    /// [`login_url`](crate::login_url) and [`expects_json`](crate::expects_json) help to do the same
    /// with a difference.
    pub fn unauthorized_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.unauthorized.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Responds to users whose login is not fresh in place of flash, redirect and JSON.
    pub fn needs_refresh_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.config.needs_refresh.handler = Some(Arc::new(move |req| handler(req).respond_to(req)));
        self
    }

    /// Calls `subscriber` for each [`Event`], after those that were added before. It must not block.
    pub fn on_event<F>(mut self, subscriber: F) -> Self
    where
        F: Fn(Event<'_, U>, &Request<'_>) + Send + Sync + 'static,
    {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// Does not load users for requests under `path`, for example of static files. Everybody is
    /// anonymous there, error pages and guarded routes included.
    pub fn exempt(mut self, path: impl ToString) -> Self {
        self.config.exempt.push(path.to_string());
        self
    }

    /// Handles only the requests under `path`, with a cookie of this name, so that an app can have
    /// users of several types. Each type needs a cookie of its own: with one for both, user 1 would
    /// be admin 1.
    pub fn under(mut self, path: impl ToString, cookie_name: impl ToString) -> Self {
        self.config.base = path.to_string();
        self.cookie_name(cookie_name)
    }

    /// The name of the session cookie, in place of `login`. Over HTTPS it is prefixed with `__Host-`.
    pub fn cookie_name(mut self, name: impl ToString) -> Self {
        self.config.cookie.name = name.to_string();
        self
    }

    /// Uses these settings, and does not read the table `login`.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.config.settings = settings;
        self.config.reads_settings = false;
        self
    }

    /// Allows a key in the table `login` that the app reads itself. Any other unknown key makes the
    /// launch fail.
    pub fn app_setting(mut self, key: impl ToString) -> Self {
        self.config.app_settings.push(key.to_string());
        self
    }

    /// Takes the time from `clock`, for example in a test. The store is given it too.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// The manager that the launch has put into the app's state.
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
            subscriber(event, request);
        }
    }

    /// The response to a failed guard.
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
    pub fn applies_to(&self, request: &Request<'_>) -> bool {
        is_under(request, &self.base) && !self.exempt.iter().any(|path| is_under(request, path))
    }
}

impl<U: LoginUser> Default for LoginManager<U> {
    fn default() -> Self {
        LoginManager::new()
    }
}
