//! How this app wants its logins: Flask-Login's `LoginManager`.

use rocket::http::Cookie;
use rocket::response::Responder;
use rocket::{Orbit, Request, Rocket};

use super::clock::Clock;
use super::refusal::{Refusal, Refused};
use super::settings::Settings;
use super::ticket::{Ticket, TicketCookie, browser};
use super::user::LoginUser;

/// Who is let in and what the others are told. Attach it with [`fairing`](Self::fairing).
///
/// Without a view to send people to, a refusal is a plain 401.
pub struct LoginManager<U: LoginUser> {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) cookie: TicketCookie,
    pub(super) unauthorized: Refused,
    pub(super) needs_refresh: Refused,
    pub(super) base: &'static str,
    pub(super) exempt: Vec<&'static str>,
    on_event: Hook<U>,
}

type Hook<U> = Box<dyn Fn(Event<'_, U>, &Request<'_>) + Send + Sync>;

/// What happened to a login: Flask-Login's signals.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, U> {
    /// `user_logged_in`
    LoggedIn(&'a U),
    /// `user_logged_out`; nobody, if nobody was logged in
    LoggedOut(Option<&'a U>),
    /// `user_login_confirmed`
    Confirmed(&'a U),
    /// `user_unauthorized` and `user_needs_refresh`
    Refused(Refusal),
    /// `session_protected`: strong protection ended a session that another browser came with
    OtherBrowser,
}

impl<U: LoginUser> LoginManager<U> {
    /// A manager with Flask-Login's messages and no views.
    pub fn new(settings: Settings) -> LoginManager<U> {
        LoginManager {
            cookie: TicketCookie { name: "login", secure: settings.secure_cookies },
            settings,
            clock: Clock::default(),
            unauthorized: Refused::new("Please log in to access this page."),
            needs_refresh: Refused::new("Please reauthenticate to access this page."),
            base: "/",
            exempt: Vec::new(),
            on_event: Box::new(|_, _| {}),
        }
    }

    /// Where strangers are sent, with `next` in the query.
    pub fn login_view(mut self, path: &'static str) -> Self {
        self.unauthorized.view = Some(path);
        self
    }

    /// The flash that strangers see there, and its category.
    pub fn login_message(mut self, category: &'static str, message: &'static str) -> Self {
        self.unauthorized.flash = (category, message);
        self
    }

    /// Where users are sent whose login is not fresh, with `next` in the query.
    pub fn refresh_view(mut self, path: &'static str) -> Self {
        self.needs_refresh.view = Some(path);
        self
    }

    /// The flash that they see there, and its category.
    pub fn needs_refresh_message(mut self, category: &'static str, message: &'static str) -> Self {
        self.needs_refresh.flash = (category, message);
        self
    }

    /// Answers strangers in place of flash, redirect and JSON.
    pub fn unauthorized_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.unauthorized.handler =
            Some(Box::new(move |request| handler(request).respond_to(request)));
        self
    }

    /// Answers users whose login is not fresh in place of flash, redirect and JSON.
    pub fn needs_refresh_handler<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(&Request<'_>) -> R + Send + Sync + 'static,
        R: for<'r> Responder<'r, 'static>,
    {
        self.needs_refresh.handler =
            Some(Box::new(move |request| handler(request).respond_to(request)));
        self
    }

    /// Is told whatever happens to a login, as it happens. Must not block.
    pub fn on_event<F>(mut self, hook: F) -> Self
    where
        F: Fn(Event<'_, U>, &Request<'_>) + Send + Sync + 'static,
    {
        self.on_event = Box::new(hook);
        self
    }

    /// Requests under `path`, of pictures say, don't load the user: everybody is a stranger there, error
    /// pages and guarded routes included.
    pub fn exempt(mut self, path: &'static str) -> Self {
        self.exempt.push(path);
        self
    }

    /// Minds the requests under `path` alone, with a cookie of that name, so that users of another kind
    /// can have a manager of their own there. With one cookie for both, user 1 would be admin 1.
    pub fn under(mut self, path: &'static str, cookie_name: &'static str) -> Self {
        self.base = path;
        self.cookie_name(cookie_name)
    }

    /// Names the cookie, in place of `login`. Over HTTPS `__Host-` comes before it.
    pub fn cookie_name(mut self, name: &'static str) -> Self {
        self.cookie.name = name;
        self
    }

    /// Takes the time from `clock`, in a test say.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A fresh login under `id` for a test, to be sent with `LocalRequest::private_cookie`: Flask-Login's
    /// `FlaskLoginClient`. Nothing if no manager of `U` is attached.
    ///
    /// It is for a browser that sends no `User-Agent`, as Rocket's local client does not.
    pub fn test_cookie(rocket: &Rocket<Orbit>, id: &str) -> Option<Cookie<'static>> {
        let manager = rocket.state::<LoginManager<U>>()?;
        let now = manager.clock.now();
        Some(manager.cookie.holding(&Ticket {
            id: id.to_owned(),
            expires: now + i64::from(manager.settings.session_lifetime.get()),
            confirmed: now,
            remembered: false,
            browser: browser(""),
        }))
    }

    /// The manager of this app, where its fairing is attached.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> Option<&'r LoginManager<U>> {
        request.rocket().state()
    }

    pub(super) fn emit(&self, event: Event<'_, U>, request: &Request<'_>) {
        (self.on_event)(event, request);
    }
}
