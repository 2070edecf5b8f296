//! How this app wants its logins: Flask-Login's `LoginManager`.

use std::sync::Arc;

use rocket::fairing::{AdHoc, Fairing};
use rocket::response::Responder;
use rocket::{Build, Config, Request, Rocket};

use super::clock::Clock;
use super::current::Known;
use super::refusal::{self, Refusal, Refused};
use super::settings::Settings;
use super::ticket::TicketCookie;
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
    cookie_name: &'static str,
    exempt: Vec<&'static str>,
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
            cookie: TicketCookie::new("login", settings.secure_cookies),
            settings,
            clock: Clock::default(),
            unauthorized: Refused::new("Please log in to access this page."),
            needs_refresh: Refused::new("Please reauthenticate to access this page."),
            cookie_name: "login",
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

    /// Does not ask who wants what is under `path`, pictures say.
    pub fn exempt(mut self, path: &'static str) -> Self {
        self.exempt.push(path);
        self
    }

    /// Names the cookie; over HTTPS `__Host-` comes before it. `login` if not said.
    pub fn cookie_name(mut self, name: &'static str) -> Self {
        self.cookie_name = name;
        self
    }

    /// Takes the time from `clock`, in a test say.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Finds the user of each request before it is routed, and answers every 401.
    ///
    /// The launch stops if the app does not manage the user's [`LoginUser::Store`].
    pub fn fairing(mut self) -> impl Fairing {
        AdHoc::try_on_ignite("Login", |rocket: Rocket<Build>| async move {
            if rocket.state::<U::Store>().is_none() {
                let store = std::any::type_name::<U::Store>();
                rocket::error!("Logins need `.manage(…)` with the store of users, a `{store}`.");
                return Err(rocket);
            }
            let tls = Config::try_from(rocket.figment()).is_ok_and(|config| config.tls_enabled());
            let secure = self.settings.secure_cookies || tls;
            self.cookie = TicketCookie::new(self.cookie_name, secure);
            let manager = Arc::new(self);
            Ok(rocket.manage(manager.clone()).register("/", vec![refusal::catcher::<U>()]).attach(
                AdHoc::on_request("Login", move |request, _| {
                    let manager = manager.clone();
                    Box::pin(async move {
                        if !manager.is_exempt(request) {
                            Known::identify(request, &manager).await;
                        }
                    })
                }),
            ))
        })
    }

    fn is_exempt(&self, request: &Request<'_>) -> bool {
        let path = request.uri().path();
        self.exempt.iter().any(|exempt| {
            path.strip_prefix(exempt).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The manager of this app, where its fairing is attached.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> Option<&'r LoginManager<U>> {
        request.rocket().state::<Arc<LoginManager<U>>>().map(Arc::as_ref)
    }

    pub(super) fn emit(&self, event: Event<'_, U>, request: &Request<'_>) {
        (self.on_event)(event, request);
    }
}
