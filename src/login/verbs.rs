//! Logging in, confirming and logging out.

use std::num::NonZeroU32;
use std::sync::Arc;

use rocket::Request;
use rocket::form::{self, FromFormField, ValueField};

use super::current::{Known, user_agent};
use super::manager::{Event, LoginManager};
use super::settings::SessionProtection;
use super::ticket::{Ticket, browser};
use super::user::{LoginUser, NewLogin};

/// Whether a login outlives the browser.
///
/// As a form field it is a checkbox: nothing, `0`, `no`, `off` and `false` are [`No`](Remember::No), and
/// whatever else a form gives the box for a value is [`Yes`](Remember::Yes).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remember {
    /// Until the browser is closed.
    #[default]
    No,
    /// For [`Settings::remember_lifetime`](super::Settings::remember_lifetime).
    Yes,
    /// For so many seconds: the `duration` of Flask-Login's `login_user`.
    For(NonZeroU32),
}

impl<'v> FromFormField<'v> for Remember {
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        match field.value {
            "" | "0" | "no" | "off" | "false" => Ok(Remember::No),
            _ => Ok(Remember::Yes),
        }
    }

    fn default() -> Option<Self> {
        Some(Remember::No)
    }
}

/// The login of this request, and the verbs that change it. A guard that lets everybody in.
///
/// Each verb changes the store first and the cookie last, so a store that does not answer leaves
/// the visitor as they were.
pub struct Login<'r, U: LoginUser> {
    request: &'r Request<'r>,
    manager: &'r LoginManager<U>,
    store: &'r U::Store,
}

impl<'r, U: LoginUser> Login<'r, U> {
    pub(super) fn of(request: &'r Request<'_>) -> Option<Login<'r, U>> {
        let manager = LoginManager::of(request)?;
        Some(Login { request, manager, store: request.rocket().state()? })
    }

    /// Logs `user` in and says whether it did, since an inactive user is refused: Flask-Login's
    /// `login_user`. The rest of this request knows it. The login is fresh: what a user proves without
    /// a password is for [`LoginUser::load_from_request`].
    ///
    /// Always under a new ticket; whatever login the browser came with ends (session fixation).
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn log_in(&self, user: U, remember: Remember) -> Result<bool, U::Error> {
        if !user.is_active() {
            return Ok(false);
        }
        let settings = &self.manager.settings;
        let now = self.manager.clock.now();
        let lifetime = match remember {
            Remember::No => settings.session_lifetime,
            Remember::Yes => settings.remember_lifetime,
            Remember::For(seconds) => seconds,
        };
        let expires = now + i64::from(lifetime.get());
        let remembered = remember != Remember::No;
        let user_agent = user_agent(self.request);
        let id = user.id(self.store, &NewLogin { expires, remembered, user_agent }).await?;
        if let Some(old) = self.ticket() {
            U::end(self.store, &old.id).await?;
        }
        let browser = browser(user_agent);
        let ticket = Ticket { id, expires, confirmed: now, remembered, browser };
        self.manager.cookie.give(self.request.cookies(), &ticket, now);
        let user = Arc::new(user);
        *Known::of(self.request) = Known::User { user: user.clone(), ticket: Some(ticket) };
        self.manager.emit(Event::LoggedIn(&user), self.request);
        Ok(true)
    }

    /// Makes the login fresh, under a new id, because the password was typed again: Flask-Login's
    /// `confirm_login`. Does nothing where there is no login to confirm.
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn confirm(&self) -> Result<(), U::Error> {
        let (Some(user), Some(ticket)) = (self.user(), self.ticket()) else {
            return Ok(());
        };
        let Some(id) = user.renew(self.store, &ticket.id).await? else {
            return Ok(());
        };
        let confirmed = self.manager.clock.now();
        let browser = browser(user_agent(self.request));
        self.go_on(Ticket { id, confirmed, browser, ..ticket });
        self.manager.emit(Event::Confirmed(&user), self.request);
        Ok(())
    }

    /// Goes on under `id`, which the app has put in place of the old one in a transaction of its own,
    /// with a change of the password say.
    pub fn continue_as(&self, id: String) {
        if let Some(ticket) = self.ticket() {
            self.go_on(Ticket { id, ..ticket });
        }
    }

    /// Ends the login in the store and in the browser: Flask-Login's `logout_user`. Works with
    /// nobody logged in.
    ///
    /// # Errors
    ///
    /// The store's own; the visitor is then still logged in.
    pub async fn log_out(&self) -> Result<(), U::Error> {
        if let Some(ticket) = self.ticket() {
            U::end(self.store, &ticket.id).await?;
        }
        let user = self.user();
        self.manager.cookie.take_back(self.request.cookies());
        *Known::<U>::of(self.request) = Known::Nobody;
        self.manager.emit(Event::LoggedOut(user.as_deref()), self.request);
        Ok(())
    }

    /// The user, if somebody is signed in.
    pub fn user(&self) -> Option<Arc<U>> {
        match &*Known::<U>::of(self.request) {
            Known::User { user, .. } => Some(user.clone()),
            _ => None,
        }
    }

    /// Whether the password was typed a short while ago, in this browser: `login_fresh`.
    pub fn is_fresh(&self) -> bool {
        self.fresh_until().is_some_and(|end| self.manager.clock.now() <= end)
    }

    /// When the login stops or stopped to be fresh, in seconds since 1970 UTC.
    pub fn fresh_until(&self) -> Option<i64> {
        let settings = &self.manager.settings;
        let ticket = self.ticket()?;
        let moved = ticket.browser != browser(user_agent(self.request));
        (!moved || settings.session_protection == SessionProtection::None)
            .then(|| ticket.confirmed + i64::from(settings.fresh_for.get()))
    }

    /// Whether the login outlives the browser: `login_remembered`.
    pub fn is_remembered(&self) -> bool {
        self.ticket().is_some_and(|ticket| ticket.remembered)
    }

    /// When the login ends at the latest, in seconds since 1970 UTC.
    pub fn expires(&self) -> Option<i64> {
        self.ticket().map(|ticket| ticket.expires)
    }

    /// What the app called this login.
    pub fn id(&self) -> Option<String> {
        self.ticket().map(|ticket| ticket.id)
    }

    fn go_on(&self, ticket: Ticket) {
        let now = self.manager.clock.now();
        self.manager.cookie.give(self.request.cookies(), &ticket, now);
        if let Known::User { ticket: known, .. } = &mut *Known::<U>::of(self.request) {
            *known = Some(ticket);
        }
    }

    fn ticket(&self) -> Option<Ticket> {
        match &*Known::<U>::of(self.request) {
            Known::User { ticket, .. } => ticket.clone(),
            _ => None,
        }
    }
}
